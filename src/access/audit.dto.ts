import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsOptional, IsRFC3339 } from 'class-validator';
import { IsCode, IsText } from '../problems/fields.dto.js';
import type { AuditEntry } from './audit-entry.js';
import { PageQuery } from './page.dto.js';

const TIME_MESSAGE = '$property takes a time of RFC 3339, such as 2026-03-01T08:30:00Z';
const OUTCOMES = ['done', 'refused'] as const;

export class AuditQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'webshop', description: 'The code of the client that did it.' })
  @IsOptional()
  @IsCode()
  client?: string;

  @ApiPropertyOptional({ example: 'key_01jqb6sgw6f5ktk3h5n1v0h8yz', maxLength: 128 })
  @IsOptional()
  @IsText(128)
  key?: string;

  @ApiPropertyOptional({ example: 'adjustStock', maxLength: 64, description: 'The operation id of this document.' })
  @IsOptional()
  @IsText(64)
  action?: string;

  @ApiPropertyOptional({
    example: 'stock/CABLE%2F2M',
    maxLength: 512,
    description: 'The path of what was changed, and of what lies below it, without `/v1/`.',
  })
  @IsOptional()
  @IsText(512)
  resource?: string;

  @ApiPropertyOptional({ enum: OUTCOMES })
  @IsOptional()
  @IsIn(OUTCOMES, { message: `$property takes one of ${OUTCOMES.join(', ')}` })
  outcome?: (typeof OUTCOMES)[number];

  @ApiPropertyOptional({ format: 'date-time', example: '2026-03-01T08:30:00Z', description: 'From this time on.' })
  @IsOptional()
  @IsRFC3339({ message: TIME_MESSAGE })
  @IsISO8601({ strict: true }, { message: TIME_MESSAGE })
  since?: string;

  @ApiPropertyOptional({ format: 'date-time', example: '2026-03-02T08:30:00Z', description: 'Before this time.' })
  @IsOptional()
  @IsRFC3339({ message: TIME_MESSAGE })
  @IsISO8601({ strict: true }, { message: TIME_MESSAGE })
  until?: string;
}

const CHANGED = { type: 'object', additionalProperties: true, nullable: true } as const;

export class AuditEntryView {
  @ApiProperty({ example: 'aud_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  id: string;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  at: string;

  @ApiProperty({ example: 'back-office', description: 'The code of the client.' })
  client: string;

  @ApiProperty({
    example: 'key_01jqb6sgw6f5ktk3h5n1v0h8yz',
    description: 'The id of the key, or `jwt:` and the subject of a token; `holdfast`: the service itself.',
  })
  key: string;

  @ApiProperty({ example: 'putClient', description: 'The operation id of this document.' })
  action: string;

  @ApiProperty({ example: 'clients/webshop', description: 'The path of what was changed, without `/v1/`.' })
  resource: string;

  @ApiProperty({ enum: OUTCOMES, example: 'done' })
  outcome: 'done' | 'refused';

  @ApiProperty({ type: 'string', nullable: true, example: null, description: 'Of a refusal: the code of its problem.' })
  reason: string | null;

  @ApiProperty({ type: 'integer', example: 1, description: 'How often the same was refused within the second.' })
  times: number;

  @ApiProperty({
    ...CHANGED,
    example: { tier: 'trial' },
    description: 'The members that changed, as they were; null: it was not there. Secrets are in neither.',
  })
  before: object | null;

  @ApiProperty({
    ...CHANGED,
    example: { tier: 'standard' },
    description: 'The same members as they are; null: it is not there any more.',
  })
  after: object | null;

  @ApiProperty({ type: 'string', nullable: true, example: '7f4cf4e4-1f5c-4c0e-9a53-0e6f2e1c9b6a' })
  requestId: string | null;

  @ApiProperty({ type: 'string', nullable: true, example: '203.0.113.7', description: 'From where it was asked.' })
  address: string | null;
}

export class AuditPage {
  @ApiProperty({ type: [AuditEntryView] })
  data: AuditEntryView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export function viewAuditEntry(entry: AuditEntry): AuditEntryView {
  const { id, at, clientCode, keyId, action, resource, outcome, reason, times, before, after } = entry;
  return {
    ...{ id, at: at.toISOString(), client: clientCode, key: keyId, action, resource, outcome, reason, times },
    ...{ before, after, requestId: entry.requestId, address: entry.address },
  };
}
