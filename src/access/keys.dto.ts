import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayNotEmpty, ArrayUnique, IsArray, IsIn, IsISO8601, IsOptional, IsRFC3339 } from 'class-validator';
import { IsText } from '../problems/fields.dto.js';
import type { ApiKey } from './client.js';
import type { Scope } from './principal.js';
import { SCOPES } from './principal.js';

const TIME_MESSAGE = '$property takes a time of RFC 3339, such as 2027-03-01T08:30:00Z';

export class PostKey {
  @ApiProperty({ example: 'checkout, production', maxLength: 200 })
  @IsText(200)
  name: string;

  @ApiProperty({ enum: SCOPES, isArray: true, example: ['availability:read', 'reservations:write'] })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(SCOPES, { each: true, message: `each of $property takes one of ${SCOPES.join(', ')}` })
  scopes: Scope[];

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2027-03-01T08:30:00Z',
    description: 'In the future, at most ten years ahead. Default: in 365 days.',
  })
  @IsOptional()
  @IsRFC3339({ message: TIME_MESSAGE })
  @IsISO8601({ strict: true }, { message: TIME_MESSAGE }) // knows that there is no 31st of February
  expiresAt?: string;
}

export class KeyView {
  @ApiProperty({ example: 'key_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  id: string;

  @ApiProperty({ example: 'checkout, production' })
  name: string;

  @ApiProperty({ example: 'hf_0aB3dE5fG', description: 'What the key starts with; empty for ADMIN_API_KEY.' })
  prefix: string;

  @ApiProperty({ example: 'x7Qa' })
  lastFour: string;

  @ApiProperty({ enum: SCOPES, isArray: true, example: ['availability:read', 'reservations:write'] })
  scopes: Scope[];

  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  createdAt: string;

  @ApiProperty({
    type: 'string',
    format: 'date-time',
    nullable: true,
    example: '2027-03-01T08:30:00.000Z',
    description: 'null: never, which only ADMIN_API_KEY has.',
  })
  expiresAt: string | null;

  @ApiProperty({
    type: 'string',
    format: 'date-time',
    nullable: true,
    example: '2026-03-02T09:00:00.000Z',
    description: 'To within five minutes.',
  })
  lastUsedAt: string | null;
}

export class NewKeyView extends KeyView {
  @ApiProperty({
    example: 'hf_0aB3dE5fG_4cXkQ9mW2nRt7yUv1zAb5cDe8fGh3jKl6qP0sV2mNx7Qa',
    description: 'The key itself. It is shown here and never again.',
  })
  key: string;
}

export class KeyPage {
  @ApiProperty({ type: [KeyView] })
  data: KeyView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export function viewKey(key: ApiKey): KeyView {
  const { id, name, prefix, lastFour, scopes, createdAt, expiresAt, lastUsedAt } = key;
  return {
    id,
    name,
    prefix,
    lastFour,
    scopes: [...scopes],
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
