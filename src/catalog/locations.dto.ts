import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, ValidateBy } from 'class-validator';
import { IsText } from '../problems/fields.dto.js';
import { isGln } from './gs1.js';
import { isTimezone, LOCATION_TYPES, Location, LocationContent, type LocationType } from './location.js';

/** The whole of a location: what is left out takes its default. */
export class PutLocation {
  @ApiProperty({ example: 'Distribution centre Hamburg', maxLength: 200 })
  @IsText(200)
  name: string;

  @ApiProperty({ enum: LOCATION_TYPES, example: 'warehouse' })
  @IsIn(LOCATION_TYPES)
  type: LocationType;

  @ApiPropertyOptional({
    default: true,
    description: 'false: its stock is in no promise; holds on it stay valid and can be shipped.',
  })
  @IsBoolean()
  enabled: boolean = true;

  @ApiPropertyOptional({
    example: '4012345000009',
    pattern: '^\\d{13}$',
    description: 'Its GS1 Global Location Number, with its right check digit.',
  })
  @IsOptional()
  @ValidateBy({
    name: 'isGln',
    validator: {
      validate: isGln,
      defaultMessage: () => '$property takes a GLN of 13 digits with its right check digit',
    },
  })
  gln?: string;

  @ApiPropertyOptional({ example: 'Europe/Berlin', maxLength: 64, description: 'Of the IANA time zone database.' })
  @IsOptional()
  @ValidateBy({
    name: 'isTimezone',
    validator: {
      validate: isTimezone,
      defaultMessage: () => '$property takes an IANA time zone such as Europe/Berlin',
    },
  })
  timezone?: string;
}

export class LocationView extends PutLocation {
  @ApiProperty({ example: 'HAM' })
  code: string;

  @ApiProperty({ type: 'integer', example: 3, description: 'Raised by every change; the ETag.' })
  version: number;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  createdAt: string;

  @ApiProperty({ format: 'date-time', example: '2026-03-02T09:00:00.000Z' })
  updatedAt: string;
}

export class LocationPage {
  @ApiProperty({ type: [LocationView] })
  data: LocationView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export function readLocation({ name, type, enabled, gln, timezone }: PutLocation): LocationContent {
  return { name, type, enabled, gln: gln ?? null, timezone: timezone ?? null };
}

export function viewLocation(location: Location): LocationView {
  const { code, name, type, enabled, gln, timezone, version, createdAt, updatedAt } = location;
  return {
    code,
    name,
    type,
    enabled,
    ...(gln === null ? {} : { gln }),
    ...(timezone === null ? {} : { timezone }),
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
