import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import { PageQuery } from '../access/page.dto.js';
import { IsQuantity } from '../catalog/quantity.dto.js';
import { IsCode, IsNote, IsSku, IsText, Optional } from '../problems/fields.dto.js';
import type { Reason } from './adjustment.js';
import { REASONS } from './adjustment.js';
import type { Condition } from './position.js';
import { CONDITIONS } from './position.js';

export class AdjustStock {
  @ApiProperty({ example: 'CABLE/2M' })
  @IsSku()
  sku: string;

  @ApiProperty({ example: 'HAM' })
  @IsCode()
  location: string;

  @ApiPropertyOptional({ example: -2, description: 'By how much on hand changes. Either this or onHand.' })
  @Optional()
  @IsQuantity({ negative: true })
  delta?: number;

  // No example: beside that of delta it would make a request that is refused.
  @ApiPropertyOptional({ description: 'What on hand is. Either this or delta.' })
  @Optional()
  @IsQuantity({ zero: true })
  onHand?: number;

  @ApiPropertyOptional({ example: 'EA' })
  @Optional()
  @IsText(8)
  uom?: string;

  @ApiPropertyOptional({
    enum: CONDITIONS,
    default: 'sellable',
    description: 'The condition of the units added or removed.',
  })
  @IsIn(CONDITIONS)
  condition: Condition = 'sellable';

  @ApiProperty({ enum: REASONS, example: 'correction' })
  @IsIn(REASONS)
  reason: Reason;

  @ApiPropertyOptional({ example: 'Found behind rack 12.' })
  @Optional()
  @IsNote(1000)
  note?: string;

  @ApiPropertyOptional({ example: 'CC-2026-117' })
  @Optional()
  @IsText(128)
  reference?: string;
}

export class ChangeCondition {
  @ApiProperty({ example: 'CABLE/2M' })
  @IsSku()
  sku: string;

  @ApiProperty({ example: 'HAM' })
  @IsCode()
  location: string;

  @ApiProperty({ example: 2 })
  @IsQuantity()
  quantity: number;

  @ApiPropertyOptional({ example: 'EA' })
  @Optional()
  @IsText(8)
  uom?: string;

  @ApiProperty({ enum: CONDITIONS, example: 'sellable' })
  @IsIn(CONDITIONS)
  from: Condition;

  @ApiProperty({ enum: CONDITIONS, example: 'damaged' })
  @IsIn(CONDITIONS)
  to: Condition;

  @ApiProperty({ example: 'dropped from the fork lift' })
  @IsText(128)
  reason: string;

  @ApiPropertyOptional({ example: 'QC-88' })
  @Optional()
  @IsText(128)
  reference?: string;
}

export class TransferStock {
  @ApiProperty({ example: 'CABLE/2M' })
  @IsSku()
  sku: string;

  @ApiProperty({ example: 'HAM' })
  @IsCode()
  from: string;

  @ApiProperty({ example: 'MUC' })
  @IsCode()
  to: string;

  @ApiProperty({ example: 10 })
  @IsQuantity()
  quantity: number;

  @ApiPropertyOptional({ example: 'EA' })
  @Optional()
  @IsText(8)
  uom?: string;

  @ApiPropertyOptional({ example: 'TO-5512' })
  @Optional()
  @IsText(128)
  reference?: string;
}

export class PutStockPolicy {
  @ApiProperty({ example: 5, description: 'Kept back from every promise, in the base unit.' })
  @IsQuantity({ zero: true })
  safetyStock: number;
}

export class PositionsQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'CABLE/2M' })
  @Optional()
  @IsSku()
  sku?: string;

  @ApiPropertyOptional({ example: 'HAM' })
  @Optional()
  @IsCode()
  location?: string;
}

export class MovementsQuery extends PositionsQuery {
  @ApiPropertyOptional({ type: 'integer', example: 0, description: 'Only movements behind this version.' })
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  since?: number;
}

export class UnsellableView {
  @ApiProperty({ example: 0 })
  damaged: number;
  @ApiProperty({ example: 0 })
  expired: number;
  @ApiProperty({ example: 0 })
  recalled: number;
  @ApiProperty({ example: 0 })
  quarantined: number;
  @ApiProperty({ example: 0 })
  inspection: number;
}

export class PositionView {
  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;
  @ApiProperty({ example: 'HAM' })
  location: string;
  @ApiProperty({ example: 120, description: 'Physically there.' })
  onHand: number;
  @ApiProperty({ type: UnsellableView, description: 'On hand but not to be sold, by condition.' })
  unsellable: UnsellableView;
  @ApiProperty({ example: 3, description: 'Under live holds or open commitments, backorders included.' })
  reserved: number;
  @ApiProperty({ example: 0, description: 'Announced, not here; never sellable.' })
  incoming: number;
  @ApiProperty({ example: 5 })
  safetyStock: number;
  @ApiProperty({ example: 112, description: 'onHand − unsellable − reserved − safetyStock, never below 0.' })
  available: number;
  @ApiProperty({ example: 0, description: 'Reserved beyond what is there because a physical fact took it away.' })
  shortfall: number;
  @ApiProperty({ example: 2, description: 'How many movements the position has.' })
  version: number;
  @ApiProperty({ format: 'date-time', example: '2026-11-23T18:00:00.000Z' })
  asOf: string;
}

export class MovementView {
  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;
  @ApiProperty({ example: 'HAM' })
  location: string;
  @ApiProperty({ example: 1, description: 'Counts the movements of the position from 1 without gap.' })
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
  @ApiProperty({ type: 'string', nullable: true, example: 'receipt' })
  reason: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: null })
  note: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'PO-2026-17' })
  reference: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: null })
  source: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: null })
  eventId: string | null;
  @ApiProperty({
    type: 'string',
    nullable: true,
    example: null,
    description:
      'The event that moved it, at /v1/events. null: none did, it is kept no more, or other bodies came under its ' +
      'eventId, too: GET /v1/events?eventId= lists them.',
  })
  event: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: null })
  reservationId: string | null;
  @ApiProperty({ example: 'key_01jdb7q0e8f2v9k3m4n5p6q7r8' })
  actor: string;
  @ApiProperty({ format: 'date-time', example: '2026-11-23T18:00:00.000Z' })
  at: string;
}

export class AdjustmentView {
  @ApiProperty({ type: MovementView, nullable: true, description: 'null: nothing changed.' })
  movement: MovementView | null;
  @ApiProperty({ type: PositionView })
  position: PositionView;
}

export class ConditionChangeView {
  @ApiProperty({ type: [MovementView] })
  movements: MovementView[];
  @ApiProperty({ type: PositionView })
  position: PositionView;
}

export class TransferView {
  @ApiProperty({ type: [MovementView] })
  movements: MovementView[];
  @ApiProperty({ type: PositionView })
  from: PositionView;
  @ApiProperty({ type: PositionView })
  to: PositionView;
}

export class PositionPage {
  @ApiProperty({ type: [PositionView] })
  data: PositionView[];
  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export class MovementPage {
  @ApiProperty({ type: [MovementView] })
  data: MovementView[];
  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export class FindingView {
  @ApiProperty({ example: 'on hand is the sum of its movements' })
  rule: string;
  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;
  @ApiProperty({ example: 'HAM' })
  location: string;
  @ApiProperty({ example: 120 })
  expected: number;
  @ApiProperty({ example: 119 })
  actual: number;
}

export class AuditView {
  @ApiProperty({ example: 7448, description: 'Positions looked at.' })
  checked: number;
  @ApiProperty({ type: [FindingView], description: 'Empty when every invariant holds.' })
  findings: FindingView[];
}

export class RepairView extends AuditView {
  @ApiProperty({ example: 0, description: 'Positions made to follow from their ledger again.' })
  repaired: number;
}
