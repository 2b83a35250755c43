import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, Validate, ValidatorConstraint, type ValidatorConstraintInterface } from 'class-validator';
import { PageQuery } from '../access/page.dto.js';
import { IsCode, IsInstant, IsNote, IsText } from '../problems/fields.dto.js';
import type { ExceptionRow, ExceptionStatus } from './exceptions.repository.js';

export const EXCEPTION_STATUSES = ['open', 'resolved', 'discarded'] as const;

export class ExceptionsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: EXCEPTION_STATUSES })
  @IsOptional()
  @IsIn(EXCEPTION_STATUSES)
  status?: ExceptionStatus;

  @ApiPropertyOptional({ example: 'unknown_item', maxLength: 64 })
  @IsOptional()
  @IsText(64)
  kind?: string;

  @ApiPropertyOptional({ example: 'CABLE/2M', description: 'As the source calls the item.', maxLength: 200 })
  @IsOptional()
  @IsText(200)
  sku?: string;

  @ApiPropertyOptional({ example: 'HAM', maxLength: 128 })
  @IsOptional()
  @IsText(128)
  location?: string;

  @ApiPropertyOptional({ example: 'receipt-4711', description: "The sender's own id, or ours.", maxLength: 300 })
  @IsOptional()
  @IsText(300)
  eventId?: string;

  @ApiPropertyOptional({ example: 'wms-east' })
  @IsOptional()
  @IsCode()
  source?: string;
}

export class NoteView {
  @ApiProperty({ format: 'date-time', example: '2026-03-01T09:00:00.000Z' })
  at: string;
  @ApiProperty({ example: 'key_01jqb6sgw6f5ktk3h5n1v0h8yz', description: 'The key that asked; holdfast: by itself.' })
  actor: string;
  @ApiProperty({ enum: ['retry', 'resolve', 'discard', 'applied'], example: 'retry' })
  action: string;
  @ApiProperty({
    type: 'string',
    nullable: true,
    example: 'Item created, sent again.',
    description:
      'Of a `retry` by holdfast why it was not applied that time, and what was wrong before where that is something else.',
  })
  note: string | null;
  @ApiPropertyOptional({
    type: 'string',
    example: '{"specversion":"1.0","id":"receipt-4711"}',
    description: 'Of a retry with a corrected payload: what was applied in the place of what was sent.',
  })
  payload?: string;
}

export class ExceptionView {
  @ApiProperty({ example: 'exc_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  id: string;
  @ApiProperty({
    example: 'unknown_item',
    description:
      'Not applied: `unknown_item`, `unknown_location`, `unknown_uom`, `unknown_shipment`, `invalid_quantity`, ' +
      '`sanity_limit`, `not_owner`, `blocked`, `atomic`, `mapping_failed`, `conflicting_duplicate`, `poisoned`. ' +
      'Applied, and to be looked at: `shortfall`, `late_shipment`, `overshipped`, `negative_on_hand`, `condition_shortage`.',
  })
  kind: string;
  @ApiProperty({ enum: EXCEPTION_STATUSES, example: 'open' })
  status: ExceptionStatus;
  @ApiProperty({ example: 'wms-east' })
  source: string;
  @ApiProperty({
    type: 'string',
    nullable: true,
    example: 'evt_01jqb6sgw6f5ktk3h5n1v0h8yz',
    description: 'The event, at /v1/events.',
  })
  event: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'receipt-4711', description: "The sender's own id of it." })
  eventId: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'CABLE/2M' })
  sku: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'HAM' })
  location: string | null;
  @ApiProperty({ example: 'There is no item CABLE/2M. It is applied as soon as there is one.' })
  detail: string;
  @ApiProperty({
    nullable: true,
    description: 'Of a shortfall the lines that it uncovers: `[{ reservation, line, orderRef, channel, quantity }]`.',
    example: null,
  })
  affected: unknown;
  @ApiProperty({
    nullable: true,
    description: 'The row it is about, where the rest of its event was applied.',
    example: null,
  })
  row: unknown;
  @ApiProperty({ example: false, description: 'It is being tried again.' })
  retrying: boolean;
  @ApiProperty({
    type: 'string',
    nullable: true,
    example: 'The warehouse is asked which item it means.',
    description: 'What somebody wrote beside it last. Who, and what stood there before, is in the audit trail.',
  })
  note: string | null;
  @ApiProperty({ type: [NoteView], description: 'What was done about it, oldest first.' })
  notes: readonly NoteView[];
  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  createdAt: string;
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: null })
  resolvedAt: string | null;
}

export class ExceptionPage {
  @ApiProperty({ type: [ExceptionView] })
  data: ExceptionView[];
  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

@ValidatorConstraint()
class IsPayload implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null);
  }
  defaultMessage(): string {
    return '$property takes the corrected payload: JSON, or text as the source sends it';
  }
}

export class RetryException {
  @ApiPropertyOptional({
    description:
      'What is applied in the place of what was sent: JSON, or text as the source sends it. What was sent is kept.',
    oneOf: [
      { type: 'object', additionalProperties: true },
      { type: 'string', maxLength: 1_048_576 },
    ],
    example: null,
    nullable: true,
  })
  @IsOptional()
  @Validate(IsPayload)
  payload?: unknown;

  @ApiPropertyOptional({ example: 'Item created.', maxLength: 2000 })
  @IsOptional()
  @IsNote(2000)
  note?: string;
}

export class NoteOnException {
  @ApiProperty({ example: 'The warehouse is asked which item it means.', maxLength: 2000 })
  @IsNote(2000)
  note: string;
}

export class CloseException {
  @ApiProperty({
    example: 'Counted by hand: 20 are there.',
    maxLength: 2000,
    description: 'What was done, for whoever asks later.',
  })
  @IsNote(2000)
  note: string;
}

export class ReplaySource {
  @ApiProperty({ format: 'date-time', example: '2026-03-01T00:00:00Z', description: 'Events received since then.' })
  @IsInstant()
  since: string;
}

export class ReplayedEventView {
  @ApiProperty({ example: 'evt_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  id: string;
  @ApiProperty({
    enum: ['received', 'applied', 'duplicate'],
    example: 'received',
    description: '`received`: it is applied again.',
  })
  status: string;
}

export class ReplayedSourceView {
  @ApiProperty({ type: 'integer', example: 12, description: 'Events that are tried again.' })
  events: number;
}

export function viewException(row: ExceptionRow): ExceptionView {
  const { id, kind, status, source, eventId, sku, location, detail, affected, retrying, note, notes } = row;
  return {
    ...{ id, kind, status, source, event: row.inboxId, eventId, sku, location, detail, affected, row: row.fact },
    ...{
      retrying,
      note,
      notes,
      createdAt: row.createdAt.toISOString(),
      resolvedAt: row.resolvedAt?.toISOString() ?? null,
    },
  };
}
