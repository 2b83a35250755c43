import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMinSize, IsBoolean, IsIn, IsInt, Max, Min } from 'class-validator';
import { PageQuery } from '../access/page.dto.js';
import { IsQuantity, isPositiveQuantity } from '../catalog/quantity.dto.js';
import { IsCode, IsListOf, IsSku, IsText, isCode, isSku, Optional } from '../problems/fields.dto.js';
import { hasPlainly, type PlainFields } from '../problems/plainly.js';
import { isText } from '../problems/text.js';
import type { Status } from './reservation.js';
import { STATUSES } from './reservation.js';

/** A year: no channel may allow more (channels check their own maximum). */
const MOST_SECONDS = 31_536_000;
const MOST_LINES = 500;

export class PlaceReservationLine {
  @ApiProperty({ example: 'CABLE/2M', description: '1 to 64 printable characters.' })
  @IsSku()
  sku: string;

  @ApiProperty({ example: 3, description: 'In `uom`; at most 4 fraction digits, above 0.' })
  @IsQuantity()
  quantity: number;

  @ApiPropertyOptional({ example: 'EA', description: 'A unit of the item. Default: its base unit.' })
  @Optional()
  @IsText(8)
  uom?: string;

  @ApiPropertyOptional({ example: 'HAM', description: 'Only from this location of the channel.' })
  @Optional()
  @IsCode()
  location?: string;

  @ApiPropertyOptional({ example: 'PO-4711-1', description: 'Your own name for the line.' })
  @Optional()
  @IsText(128)
  lineRef?: string;
}

export class PlaceReservation {
  @ApiPropertyOptional({ example: 'web', description: 'May be left out by a key that is bound to a channel.' })
  @Optional()
  @IsCode()
  channel?: string;

  @ApiPropertyOptional({ example: 'SO-2026-000481' })
  @Optional()
  @IsText(128)
  orderRef?: string;

  @ApiPropertyOptional({ example: 900, description: "Seconds until it expires. Default and maximum: the channel's." })
  @Optional()
  @IsInt()
  @Min(1)
  @Max(MOST_SECONDS)
  ttlSeconds?: number;

  @ApiPropertyOptional({ enum: ['all_or_nothing', 'partial'], default: 'all_or_nothing' })
  @IsIn(['all_or_nothing', 'partial'])
  mode: 'all_or_nothing' | 'partial' = 'all_or_nothing';

  @ApiPropertyOptional({ default: false, description: 'Commit in the same step: the reservation never expires.' })
  @IsBoolean()
  commit: boolean = false;

  @ApiProperty({ type: [PlaceReservationLine], minItems: 1, maxItems: MOST_LINES })
  @ArrayMinSize(1)
  @IsListOf(() => PlaceReservationLine, MOST_LINES)
  lines: PlaceReservationLine[];

  /** The body of nearly every call: right, and with nothing in it that the validators would have to turn (`HotDto`). */
  static isPlain(body: unknown): body is PlaceReservation {
    return hasPlainly(body, PLAIN_FIELDS, 'lines');
  }
}

const PLAIN_FIELDS: PlainFields = new Map<string, (value: unknown) => boolean>([
  ['channel', isCode],
  ['orderRef', (value) => isText(value, 128)],
  ['ttlSeconds', (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST_SECONDS],
  ['mode', (value) => value === 'all_or_nothing' || value === 'partial'],
  ['commit', (value) => typeof value === 'boolean'],
  [
    'lines',
    (value) => Array.isArray(value) && 1 <= value.length && value.length <= MOST_LINES && value.every(isPlainLine),
  ],
]);

const PLAIN_LINE_FIELDS: PlainFields = new Map<string, (value: unknown) => boolean>([
  ['sku', isSku],
  ['quantity', isPositiveQuantity],
  ['uom', (value) => isText(value, 8)],
  ['location', isCode],
  ['lineRef', (value) => isText(value, 128)],
]);

function isPlainLine(line: unknown): boolean {
  return hasPlainly(line, PLAIN_LINE_FIELDS, 'sku', 'quantity');
}

export class PlaceReservations {
  @ApiProperty({ type: [PlaceReservation], minItems: 1, maxItems: 100 })
  @ArrayMinSize(1)
  @IsListOf(() => PlaceReservation, 100)
  reservations: PlaceReservation[];
}

export class ReplaceLines {
  @ApiProperty({ type: [PlaceReservationLine], minItems: 1, maxItems: MOST_LINES })
  @ArrayMinSize(1)
  @IsListOf(() => PlaceReservationLine, MOST_LINES)
  lines: PlaceReservationLine[];
}

export class ExtendReservation {
  @ApiProperty({ example: 600, description: 'Seconds from now; may end earlier than before.' })
  @IsInt()
  @Min(1)
  @Max(MOST_SECONDS)
  ttlSeconds: number;
}

export class LinePart {
  @ApiProperty({ example: 1, description: 'The line, counted from 1.' })
  @IsInt()
  @Min(1)
  @Max(MOST_LINES)
  line: number;

  @ApiProperty({ example: 2, description: "In the line's unit." })
  @IsQuantity()
  quantity: number;
}

export class CommitReservation {
  @ApiPropertyOptional({ example: 'SO-2026-000481' })
  @Optional()
  @IsText(128)
  orderRef?: string;

  @ApiPropertyOptional({ type: [LinePart], description: 'Of which lines how much. Without it: all that is held.' })
  @Optional()
  @ArrayMinSize(1)
  @IsListOf(() => LinePart, MOST_LINES)
  lines?: LinePart[];
}

export class CancelReservation {
  @ApiPropertyOptional({ type: [LinePart], description: 'Of which lines how much. Without it: all that is open.' })
  @Optional()
  @ArrayMinSize(1)
  @IsListOf(() => LinePart, MOST_LINES)
  lines?: LinePart[];
}

export class ShipmentPart extends LinePart {
  @ApiPropertyOptional({ example: 'MUC', description: 'Where it leaves from. Default: where it is reserved.' })
  @Optional()
  @IsCode()
  location?: string;
}

export class ShipReservation {
  @ApiProperty({ example: 'DN-88213', description: 'Counts once, however often it is sent.' })
  @IsText(128)
  shipmentRef: string;

  @ApiPropertyOptional({ type: [ShipmentPart], description: 'Without it: all that is open.' })
  @Optional()
  @ArrayMinSize(1)
  @IsListOf(() => ShipmentPart, MOST_LINES)
  lines?: ShipmentPart[];
}

export class UnshipReservation {
  @ApiProperty({ example: 'DN-88213' })
  @IsText(128)
  shipmentRef: string;
}

export class ReservationsQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'SO-2026-000481' })
  @Optional()
  @IsText(128)
  orderRef?: string;

  @ApiPropertyOptional({ enum: STATUSES })
  @Optional()
  @IsIn(STATUSES)
  status?: Status;

  @ApiPropertyOptional({ example: 'web' })
  @Optional()
  @IsCode()
  channel?: string;

  @ApiPropertyOptional({ example: 'CABLE/2M' })
  @Optional()
  @IsSku()
  sku?: string;
}

export class AllocationView {
  @ApiProperty({ example: 'HAM' })
  location: string;

  @ApiProperty({ example: 3 })
  quantity: number;
}

export class ReservationLineView {
  @ApiProperty({ example: 1 })
  line: number;

  @ApiProperty({ type: 'string', nullable: true, example: 'PO-4711-1' })
  lineRef: string | null;

  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;

  @ApiProperty({ example: 'EA', description: 'The unit of every quantity of the line.' })
  uom: string;

  @ApiProperty({ example: 3 })
  requested: number;

  @ApiProperty({ example: 3, description: 'Still reserved, backordered included; falls on ship, cancel, release.' })
  reserved: number;

  @ApiProperty({ example: 0, description: 'How much of `reserved` is not covered by what is on hand now.' })
  backordered: number;

  @ApiProperty({ example: 0, description: 'What was committed less what was cancelled.' })
  committed: number;

  @ApiProperty({ example: 0 })
  shipped: number;

  @ApiProperty({ type: [AllocationView], description: 'What is still reserved, by location.' })
  allocations: AllocationView[];
}

export class ReservationView {
  @ApiProperty({ example: 'res_01jdb7q0e8f2v9k3m4n5p6q7r8' })
  id: string;

  @ApiProperty({ example: 'web' })
  channel: string;

  @ApiProperty({ type: 'string', nullable: true, example: 'SO-2026-000481' })
  orderRef: string | null;

  @ApiProperty({ enum: STATUSES, example: 'held' })
  status: Status;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: '2026-11-23T18:15:00.000Z' })
  expiresAt: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T18:00:00.000Z' })
  createdAt: string;

  @ApiProperty({ example: 1, description: 'Raised by every step; also the ETag.' })
  version: number;

  @ApiProperty({ type: [ReservationLineView] })
  lines: ReservationLineView[];
}

export class BatchResultView {
  @ApiProperty({ example: 201, description: 'The status the single call would have answered.' })
  status: number;

  @ApiPropertyOptional({ type: ReservationView })
  reservation?: ReservationView;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'A problem document.' })
  problem?: Record<string, unknown>;
}

export class BatchView {
  @ApiProperty({ type: [BatchResultView], description: 'In the order of the request.' })
  results: BatchResultView[];
}

export class ReservationPage {
  @ApiProperty({ type: [ReservationView] })
  data: ReservationView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export class StepLineView {
  @ApiProperty({ example: 1 })
  line: number;

  @ApiProperty({ example: 3 })
  quantity: number;

  @ApiPropertyOptional({ example: 'HAM' })
  location?: string;
}

export class StepView {
  @ApiProperty({ example: 1, description: 'The version of the reservation after it.' })
  step: number;

  @ApiProperty({
    enum: ['hold', 'edit', 'extend', 'commit', 'release', 'expire', 'cancel', 'ship', 'unship'],
    example: 'hold',
  })
  action: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T18:00:00.000Z' })
  at: string;

  @ApiProperty({ example: 'key_01jdb7q0e8f2v9k3m4n5p6q7r8', description: 'The key, or `holdfast` for the clock.' })
  actor: string;

  @ApiProperty({ type: 'string', nullable: true, example: null, description: 'The shipment reference.' })
  reference: string | null;

  @ApiProperty({ type: [StepLineView] })
  lines: StepLineView[];
}

export class HistoryPage {
  @ApiProperty({ type: [StepView] })
  data: StepView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}
