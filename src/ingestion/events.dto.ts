import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PageQuery } from '../access/page.dto.js';
import { toNumber } from '../catalog/quantity.js';
import { IsCode, IsSku, IsText } from '../problems/fields.dto.js';
import type { AttemptRow, EventDetailRow, EventRow, ExceptionOfEvent, MovementOfEvent } from './events.repository.js';
import { NoteView } from './exceptions.dto.js';
import { EVENT_STATUSES, type EventStatus } from './inbox-event.js';

export class EventsQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'wms-east' })
  @IsOptional()
  @IsCode()
  source?: string;

  @ApiPropertyOptional({ enum: EVENT_STATUSES })
  @IsOptional()
  @IsIn(EVENT_STATUSES)
  status?: EventStatus;

  @ApiPropertyOptional({ example: 'CABLE/2M', description: 'What it is about, once it is mapped.' })
  @IsOptional()
  @IsSku()
  sku?: string;

  @ApiPropertyOptional({
    example: 'receipt-4711',
    description: "The sender's, as a movement names it. More than one event where other bodies came under it.",
    maxLength: 300,
  })
  @IsOptional()
  @IsText(300)
  eventId?: string;
}

class EventProblem {
  @ApiProperty({ example: 'mapping_failed' })
  code: string;
  @ApiProperty({ example: 'An event is an object, not null.' })
  detail: string;
}

export class EventSummary {
  @ApiProperty({ example: 'evt_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  id: string;
  @ApiProperty({ example: 'wms-east' })
  source: string;
  @ApiProperty({
    example: 'receipt-4711',
    description:
      "The sender's; without one, `sha256:` and the hash of its bytes, and of levels without a time behind an `@` when they came.",
  })
  eventId: string;
  @ApiProperty({
    enum: EVENT_STATUSES,
    example: 'applied',
    description:
      '`received`: waits to be applied. `parked` and `exception` have an exception that says why; the others are final.',
  })
  status: EventStatus;
  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  receivedAt: string;
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: '2026-03-01T08:30:00.020Z' })
  finishedAt: string | null;
  @ApiProperty({ type: 'integer', example: 1 })
  attempts: number;
  @ApiProperty({ type: [String], example: ['CABLE/2M'] })
  skus: string[];
  @ApiProperty({ type: EventProblem, nullable: true, example: null })
  problem: Record<string, unknown> | null;
}

export class EventPage {
  @ApiProperty({ type: [EventSummary] })
  data: EventSummary[];
  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

class EventSignature {
  @ApiProperty({ example: 'standard_webhooks', description: '`key`: sent with an API key, in a file.' })
  scheme: string;
  @ApiPropertyOptional({ example: 'sec_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  secretId?: string;
  @ApiPropertyOptional({ example: 'key_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  keyId?: string;
  @ApiPropertyOptional({ format: 'date-time', example: '2026-03-01T08:29:58.000Z' })
  timestamp?: string;
}

class EventAttempt {
  @ApiProperty({ type: 'integer', example: 1 })
  attempt: number;
  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.020Z' })
  at: string;
  @ApiProperty({ example: 'parked' })
  outcome: string;
  @ApiProperty({ type: 'string', nullable: true, example: null })
  detail: string | null;
}

class EventException {
  @ApiProperty({ example: 'exc_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  id: string;
  @ApiProperty({ example: 'unknown_item' })
  kind: string;
  @ApiProperty({ example: 'open' })
  status: string;
  @ApiProperty({ type: 'string', nullable: true, example: 'CABLE/2M' })
  sku: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'HAM' })
  location: string | null;
  @ApiProperty({ example: 'There is no item CABLE/2M. It is applied as soon as there is one.' })
  detail: string;
  @ApiProperty({
    type: [NoteView],
    description:
      'Oldest first: also what came of trying a row of it again, and what was put in the place of what was sent.',
  })
  notes: readonly NoteView[];
}

class EventProfile {
  @ApiProperty({ example: 'shopify' })
  name: string;
  @ApiProperty({ type: 'integer', example: 1, description: 'GET /v1/profiles/{name}?version= shows it.' })
  version: number;
}

class EventMovement {
  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;
  @ApiProperty({ example: 'HAM' })
  location: string;
  @ApiProperty({ type: 'integer', example: 12, description: 'Of the position: GET /v1/stock/movements.' })
  version: number;
  @ApiProperty({ example: 'receipt' })
  kind: string;
  @ApiProperty({ example: 120 })
  onHandDelta: number;
  @ApiProperty({ example: 0 })
  reservedDelta: number;
  @ApiProperty({ example: 0 })
  unsellableDelta: number;
  @ApiProperty({ type: 'string', nullable: true, example: null })
  condition: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: null })
  reservationId: string | null;
  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.020Z' })
  at: string;
}

export class EventView extends EventSummary {
  @ApiProperty({ example: '{"specversion":"1.0","id":"receipt-4711"}', description: 'As it was sent, byte for byte.' })
  payload: string;
  @ApiProperty({ enum: ['text', 'base64'], example: 'text', description: '`base64`: the bytes are no UTF-8 text.' })
  payloadEncoding: 'text' | 'base64';
  @ApiProperty({ example: 'application/json' })
  contentType: string;
  @ApiProperty({ example: '4ba5709918b11711f4f8e03e98349d8b5cafe79676649714f32dc230fbfa48cd' })
  sha256: string;
  @ApiProperty({ type: Object, example: { 'x-shopify-topic': 'inventory_levels/update' } })
  headers: Record<string, string>;
  @ApiProperty({ type: EventSignature, description: 'How it was proved to be from its source.' })
  signature: Record<string, unknown>;
  @ApiProperty({ type: 'integer', example: 1, description: 'How often it came.' })
  deliveries: number;
  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    nullable: true,
    example: null,
    description: 'What the profile made of it; null: not mapped, or canonical as it came.',
  })
  canonical: unknown;
  @ApiProperty({
    type: EventProfile,
    nullable: true,
    example: null,
    description: 'What mapped it, as it stood then; null: not mapped, or canonical as it came.',
  })
  profile: EventProfile | null;
  @ApiProperty({ type: 'string', nullable: true, example: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
  traceparent: string | null;
  @ApiProperty({ example: '5b0c3f1e-2f0f-4a57-9a54-1c0f4f4f7d43' })
  requestId: string;
  @ApiProperty({ type: 'string', nullable: true, example: null, description: 'The file that it came in.' })
  importId: string | null;
  @ApiProperty({
    type: [EventAttempt],
    description: 'Every attempt at it. A row that is tried again by itself has its own under `exceptions`.',
  })
  tries: EventAttempt[];
  @ApiProperty({ type: [EventException] })
  exceptions: EventException[];
  @ApiProperty({ type: [EventMovement], description: 'What it changed; the first 1,000.' })
  movements: EventMovement[];
}

export function viewEvent(row: EventRow): EventSummary {
  const { id, source, eventId, status, receivedAt, finishedAt, attempts, skus, problem } = row;
  return {
    ...{ id, source, eventId, status },
    receivedAt: new Date(receivedAt).toISOString(),
    finishedAt: finishedAt === null ? null : new Date(finishedAt).toISOString(),
    ...{ attempts, skus: skus ?? [], problem },
  };
}

export function viewEventDetail(
  row: EventDetailRow,
  attempts: readonly AttemptRow[],
  exceptions: readonly ExceptionOfEvent[],
  movements: readonly MovementOfEvent[],
): EventView {
  const { payload, payloadBase64, contentType, hash, headers, signature, deliveries, canonical, profile, ...rest } =
    row;
  return {
    ...viewEvent(row),
    ...{ payload, payloadEncoding: payloadBase64 ? 'base64' : 'text', contentType, sha256: hash },
    ...{ headers: headers ?? {}, signature, deliveries, canonical },
    profile: profile === null ? null : profileIn(profile),
    ...{ traceparent: rest.traceparent, requestId: rest.requestId, importId: rest.importId },
    tries: triesOf(row, attempts, exceptions),
    exceptions: [...exceptions],
    movements: movements.map(({ onHand, reserved, unsellable, at, ...movement }) => ({
      ...movement,
      onHandDelta: toNumber(onHand),
      reservedDelta: toNumber(reserved),
      unsellableDelta: toNumber(unsellable),
      at: at.toISOString(),
    })),
  };
}

function profileIn(text: string): EventProfile {
  const slash = text.lastIndexOf('/');
  return { name: text.slice(0, slash), version: Number(text.slice(slash + 1)) };
}

/** What was applied at once, or refused when it came, has no row of its first attempt: its outcome says as much. */
function triesOf(
  { id, status, receivedAt, finishedAt }: EventRow,
  attempts: readonly AttemptRow[],
  exceptions: readonly ExceptionOfEvent[],
): EventAttempt[] {
  const tries = attempts.map(({ attempt, at, outcome, detail }) => ({
    attempt,
    at: at.toISOString(),
    outcome,
    detail,
  }));
  if (finishedAt === null || tries[0]?.attempt === 1) return tries;
  if (tries.length === 0 && status === 'applied') {
    return [{ attempt: 1, at: new Date(finishedAt).toISOString(), outcome: 'applied', detail: null }];
  }
  const refused = exceptions.find((exception) => exception.id === exceptionIdOf(id));
  // Of one that has failed since, its history says what was wrong at first.
  const isFirst = refused?.notes.every(({ action, actor }) => action === 'applied' || actor !== 'holdfast');
  const detail = refused && isFirst ? `${refused.kind}: ${refused.detail}` : null;
  return [{ attempt: 1, at: new Date(receivedAt).toISOString(), outcome: 'exception', detail }, ...tries];
}

/** What is refused when it comes has an exception whose id is made of its own. */
function exceptionIdOf(id: string): string {
  return id.replace('evt_', 'exc_');
}
