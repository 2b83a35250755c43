import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  IsRFC3339,
  Max,
  Min,
} from 'class-validator';
import { IsText } from '../problems/fields.dto.js';
import type { ApiKey } from './client.js';
import { PageQuery } from './page.dto.js';
import type { Scope } from './principal.js';
import { SCOPES } from './principal.js';

/** 30 days: who needs longer makes a second key. */
const LONGEST_OVERLAP_SECONDS = 2_592_000;
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

export class RotateKey {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: LONGEST_OVERLAP_SECONDS,
    default: 86_400,
    example: 86_400,
    description: 'Seconds for which the old key stays good beside its successor. 0: it ends now.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(LONGEST_OVERLAP_SECONDS)
  overlapSeconds?: number;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2027-03-01T08:30:00Z',
    description: 'Of the successor. In the future, at most ten years ahead. Default: in 365 days.',
  })
  @IsOptional()
  @IsRFC3339({ message: TIME_MESSAGE })
  @IsISO8601({ strict: true }, { message: TIME_MESSAGE })
  expiresAt?: string;
}

export class KeysQuery extends PageQuery {
  @ApiPropertyOptional({
    example: 'hf_0aB3dE5fG',
    maxLength: 64,
    description: 'Only keys that start so. Enough of a key that was found somewhere to learn whose it is.',
  })
  @IsOptional()
  @IsText(64)
  prefix?: string;
}

export class KeyView {
  @ApiProperty({ example: 'key_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  id: string;

  @ApiProperty({ example: 'webshop', description: 'The code of the client it belongs to.' })
  client: string;

  @ApiProperty({ example: 'checkout, production' })
  name: string;

  @ApiProperty({ example: 'hf_0aB3dE5fG', description: 'What the key starts with; empty for ADMIN_API_KEY.' })
  prefix: string;

  @ApiProperty({ example: 'x7Qa' })
  lastFour: string;

  @ApiProperty({
    type: 'array',
    items: { type: 'string', 'x-extensible-enum': SCOPES } as object,
    example: ['availability:read', 'reservations:write'],
    description: 'The list of scopes grows.',
  })
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

  @ApiProperty({
    type: 'string',
    nullable: true,
    example: null,
    description: 'The key that a rotation made in its place.',
  })
  successor: string | null;
}

export class NewKeyView extends KeyView {
  @ApiProperty({
    example: 'hf_0aB3dE5fG_4cXkQ9mW2nRt7yUv1zAb5cDe8fGh3jKl6qP0sV2mNx7Qa',
    description: 'The key itself. It is shown here and never again.',
  })
  key: string;
}

export class SuccessorView extends KeyView {
  @ApiProperty({
    type: 'string',
    nullable: true,
    example: 'hf_0aB3dE5fG_4cXkQ9mW2nRt7yUv1zAb5cDe8fGh3jKl6qP0sV2mNx7Qa',
    description: 'The key itself. It is shown here and never again: null where the answer is repeated.',
  })
  key: string | null;

  @ApiProperty({ example: 'key_01jqb6sgw6f5ktk3h5n1v0h8yy', description: 'The key it takes the place of.' })
  predecessor: string;

  @ApiProperty({
    format: 'date-time',
    example: '2026-03-02T08:30:00.000Z',
    description: 'When the old key ends.',
  })
  predecessorExpiresAt: string;
}

export class KeyPage {
  @ApiProperty({ type: [KeyView] })
  data: KeyView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export function viewKey(key: ApiKey): KeyView {
  const { id, client, name, prefix, lastFour, scopes, createdAt, expiresAt, lastUsedAt, successorId } = key;
  return {
    id,
    client,
    name,
    prefix,
    lastFour,
    scopes: [...scopes],
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    successor: successorId,
  };
}
