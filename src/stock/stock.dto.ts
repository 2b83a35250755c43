import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { PageQuery } from '../access/page.dto.js';
import { IsQuantity } from '../catalog/quantity.dto.js';
import { IsCode, IsSku, IsText } from '../problems/fields.dto.js';
import type { Reason } from './adjustment.js';
import { REASONS } from './adjustment.js';
import type { Condition } from './position.js';
import { CONDITIONS } from './position.js';

export class AdjustmentDto {
  @ApiProperty({ example: 'FUR-BO-10001798' })
  @IsSku()
  sku: string;

  @ApiProperty({ example: 'east' })
  @IsCode()
  location: string;

  @ApiPropertyOptional({ example: -2, description: 'By how much on hand changes. Either this or onHand.' })
  @IsOptional()
  @IsQuantity({ negative: true })
  delta?: number;

  // No example: beside that of delta it would make a request that is refused.
  @ApiPropertyOptional({ description: 'What on hand is. Either this or delta.' })
  @IsOptional()
  @IsQuantity({ zero: true })
  onHand?: number;

  @ApiPropertyOptional({ example: 'EA' })
  @IsOptional()
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
  @IsOptional()
  @IsText(1000)
  note?: string;

  @ApiPropertyOptional({ example: 'CC-2026-117' })
  @IsOptional()
  @IsText(128)
  reference?: string;
}

export class ConditionChangeDto {
  @ApiProperty({ example: 'FUR-BO-10001798' })
  @IsSku()
  sku: string;

  @ApiProperty({ example: 'east' })
  @IsCode()
  location: string;

  @ApiProperty({ example: 2 })
  @IsQuantity()
  quantity: number;

  @ApiPropertyOptional({ example: 'EA' })
  @IsOptional()
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
  @IsOptional()
  @IsText(128)
  reference?: string;
}

export class TransferDto {
  @ApiProperty({ example: 'FUR-BO-10001798' })
  @IsSku()
  sku: string;

  @ApiProperty({ example: 'east' })
  @IsCode()
  from: string;

  @ApiProperty({ example: 'west' })
  @IsCode()
  to: string;

  @ApiProperty({ example: 10 })
  @IsQuantity()
  quantity: number;

  @ApiPropertyOptional({ example: 'EA' })
  @IsOptional()
  @IsText(8)
  uom?: string;

  @ApiPropertyOptional({ example: 'TO-5512' })
  @IsOptional()
  @IsText(128)
  reference?: string;
}

export class StockPolicyDto {
  @ApiProperty({ example: 5, description: 'Kept back from every promise, in the base unit.' })
  @IsQuantity({ zero: true })
  safetyStock: number;
}

export class PositionsQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'FUR-BO-10001798' })
  @IsOptional()
  @IsSku()
  sku?: string;

  @ApiPropertyOptional({ example: 'east' })
  @IsOptional()
  @IsCode()
  location?: string;
}

export class MovementsQuery extends PositionsQuery {
  @ApiPropertyOptional({ type: 'integer', example: 0, description: 'Only movements behind this version.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  since?: number;
}

export class UnsellableResponse {
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

export class PositionResponse {
  @ApiProperty({ example: 'FUR-BO-10001798' })
  sku: string;
  @ApiProperty({ example: 'east' })
  location: string;
  @ApiProperty({ example: 120, description: 'Physically there.' })
  onHand: number;
  @ApiProperty({ type: UnsellableResponse, description: 'On hand but not to be sold, by condition.' })
  unsellable: UnsellableResponse;
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

export class MovementResponse {
  @ApiProperty({ example: 'FUR-BO-10001798' })
  sku: string;
  @ApiProperty({ example: 'east' })
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
  @ApiProperty({ type: 'string', nullable: true, example: null })
  reservationId: string | null;
  @ApiProperty({ example: 'key_01jdb7q0e8f2v9k3m4n5p6q7r8' })
  actor: string;
  @ApiProperty({ format: 'date-time', example: '2026-11-23T18:00:00.000Z' })
  at: string;
}

export class AdjustmentResponse {
  @ApiProperty({ type: MovementResponse, nullable: true, description: 'null: nothing changed.' })
  movement: MovementResponse | null;
  @ApiProperty({ type: PositionResponse })
  position: PositionResponse;
}

export class ConditionChangeResponse {
  @ApiProperty({ type: [MovementResponse] })
  movements: MovementResponse[];
  @ApiProperty({ type: PositionResponse })
  position: PositionResponse;
}

export class TransferResponse {
  @ApiProperty({ type: [MovementResponse] })
  movements: MovementResponse[];
  @ApiProperty({ type: PositionResponse })
  from: PositionResponse;
  @ApiProperty({ type: PositionResponse })
  to: PositionResponse;
}

export class PositionPage {
  @ApiProperty({ type: [PositionResponse] })
  data: PositionResponse[];
  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export class MovementPage {
  @ApiProperty({ type: [MovementResponse] })
  data: MovementResponse[];
  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export class FindingResponse {
  @ApiProperty({ example: 'on hand is the sum of its movements' })
  rule: string;
  @ApiProperty({ example: 'FUR-BO-10001798' })
  sku: string;
  @ApiProperty({ example: 'east' })
  location: string;
  @ApiProperty({ example: 120 })
  expected: number;
  @ApiProperty({ example: 119 })
  actual: number;
}

export class AuditResponse {
  @ApiProperty({ example: 7448, description: 'Positions looked at.' })
  checked: number;
  @ApiProperty({ type: [FindingResponse], description: 'Empty when every invariant holds.' })
  findings: FindingResponse[];
}

export class RepairResponse extends AuditResponse {
  @ApiProperty({ example: 0, description: 'Positions made to follow from their ledger again.' })
  repaired: number;
}
