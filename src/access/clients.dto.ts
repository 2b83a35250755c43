import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsObject,
  IsOptional,
  ValidateBy,
  ValidateNested,
  type ValidationOptions,
} from 'class-validator';
import { IsCode, IsText } from '../problems/fields.dto.js';
import { isAddressRange } from './addresses.js';
import type { Client, ClientSettings } from './client.js';
import { RateLimitDto } from './rate-limit.dto.js';
import { TIER_NAMES, TIERS, type Tier } from './tier.js';

export class PutClient {
  @ApiProperty({ example: 'Web shop, checkout', maxLength: 200 })
  @IsText(200)
  name: string;

  @ApiPropertyOptional({
    example: 'web',
    description:
      'Binds its keys to a channel: they need not name it, and see nothing of the others. It stays as it is.',
  })
  @IsOptional()
  @IsCode()
  channel?: string;

  @ApiPropertyOptional({
    enum: TIER_NAMES,
    default: 'unlimited',
    example: 'standard',
    description: `The rate limit of a client that has none of its own. ${describeTiers()}`,
  })
  @IsOptional()
  @IsIn(TIER_NAMES, { message: `$property takes one of ${TIER_NAMES.join(', ')}` })
  tier?: Tier;

  @ApiPropertyOptional({ type: RateLimitDto })
  @IsOptional()
  @IsObject() // which a list is not; ValidateNested alone would take an empty one
  @ValidateNested()
  @Type(() => RateLimitDto)
  rateLimit?: RateLimitDto;

  @ApiPropertyOptional({
    type: [String],
    maxItems: 100,
    example: ['203.0.113.0/24', '2001:db8::17'],
    description: 'Addresses and CIDR ranges its keys may be used from. Left out or empty: from everywhere.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsAddressRange({ each: true })
  allowedAddresses?: string[];
}

export class PostClient extends PutClient {
  @ApiProperty({ example: 'webshop', maxLength: 64 })
  @IsCode()
  code: string;
}

export class ClientView extends PostClient {
  @ApiProperty({ enum: TIER_NAMES, example: 'standard' })
  declare tier: Tier;

  @ApiProperty({ type: 'integer', example: 1 })
  version: number;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  createdAt: string;
}

export class ClientPage {
  @ApiProperty({ type: [ClientView] })
  data: ClientView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

/** What the body says of a client, with what it leaves out. */
export function readSettings({ name, tier, rateLimit, allowedAddresses }: PutClient): ClientSettings {
  return {
    name,
    tier: tier ?? 'unlimited',
    rateLimit: rateLimit ?? null,
    allowedAddresses: allowedAddresses ?? [],
  };
}

export function viewClient(client: Client): ClientView {
  const { code, name, channel, tier, rateLimit, allowedAddresses, version, createdAt } = client;
  return {
    code,
    name,
    ...(channel === null ? {} : { channel }),
    tier,
    ...(rateLimit === null ? {} : { rateLimit }),
    ...(allowedAddresses.length === 0 ? {} : { allowedAddresses: [...allowedAddresses] }),
    version,
    createdAt: createdAt.toISOString(),
  };
}

function describeTiers(): string {
  return Object.entries(TIERS)
    .map(([tier, limit]) => `\`${tier}\`: ${limit ? `${limit.requestsPerMinute} a minute` : 'none'}`)
    .join('; ');
}

function IsAddressRange(options: ValidationOptions): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isAddressRange',
      validator: {
        validate: (value) => typeof value === 'string' && isAddressRange(value),
        defaultMessage: () => 'each of $property takes an address or a range, such as 203.0.113.0/24',
      },
    },
    options,
  );
}
