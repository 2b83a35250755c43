import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMinSize, IsIn } from 'class-validator';
import { IsQuantity } from '../catalog/quantity.dto.js';
import { IsCode, IsListOf, IsSku, IsText, Optional } from '../problems/fields.dto.js';
import type { AvailabilityStatus } from './quote.js';
import { AVAILABILITY_STATUSES } from './quote.js';

export class AvailabilityOneQuery {
  @ApiPropertyOptional({ example: 'web', description: 'May be left out by a key that is bound to a channel.' })
  @Optional()
  @IsCode()
  channel?: string;

  @ApiPropertyOptional({ example: 'EA', description: 'A unit of the item. Default: its base unit.' })
  @Optional()
  @IsText(8)
  uom?: string;

  @ApiPropertyOptional({ enum: ['locations'] })
  @Optional()
  @IsIn(['locations'])
  expand?: 'locations';
}

export class QueryAvailabilityLine {
  @ApiProperty({ example: 'CABLE/2M' })
  @IsSku()
  sku: string;

  @ApiPropertyOptional({ example: 3, description: 'Without it the line only asks what there is.' })
  @Optional()
  @IsQuantity()
  quantity?: number;

  @ApiPropertyOptional({ example: 'EA' })
  @Optional()
  @IsText(8)
  uom?: string;
}

export class QueryAvailability {
  @ApiPropertyOptional({ example: 'web', description: 'May be left out by a key that is bound to a channel.' })
  @Optional()
  @IsCode()
  channel?: string;

  @ApiProperty({ type: [QueryAvailabilityLine], minItems: 1, maxItems: 2000 })
  @ArrayMinSize(1)
  @IsListOf(() => QueryAvailabilityLine, 2_000)
  lines: QueryAvailabilityLine[];
}

export class LocationAvailabilityView {
  @ApiProperty({ example: 'HAM' })
  location: string;
  @ApiProperty({ example: 112 })
  available: number;
  @ApiProperty({ example: false })
  stale: boolean;
  @ApiProperty({ format: 'date-time', example: '2026-11-23T18:00:00.000Z' })
  asOf: string;
}

export class AvailabilityView {
  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;
  @ApiProperty({ example: 'web' })
  channel: string;
  @ApiProperty({ example: 'EA' })
  uom: string;
  @ApiProperty({ example: 112, description: 'What the channel may promise now, in whole units of `uom`.' })
  available: number;
  @ApiProperty({ type: 'number', nullable: true, example: 0, description: 'Beyond it, as backorder; null: unlimited.' })
  backorderable: number | null;
  @ApiProperty({ enum: AVAILABILITY_STATUSES, example: 'in_stock' })
  status: AvailabilityStatus;
  @ApiProperty({ example: false, description: 'Whether a source behind it has been silent for too long.' })
  stale: boolean;
  @ApiProperty({ format: 'date-time', example: '2026-11-23T18:00:00.000Z', description: 'When it last changed.' })
  asOf: string;
  @ApiProperty({ example: 2, description: 'Rises with every movement behind it.' })
  version: number;
  @ApiPropertyOptional({ type: [LocationAvailabilityView], description: 'With expand=locations.' })
  locations?: LocationAvailabilityView[];
}

export class PlanView {
  @ApiProperty({ example: 'HAM' })
  location: string;
  @ApiProperty({ example: 3 })
  quantity: number;
}

export class LineProblemView {
  @ApiProperty({ example: 'unknown_sku' })
  code: string;
  @ApiProperty({ example: 'There is no item X-1.' })
  detail: string;
}

export class AvailabilityLineView {
  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;
  @ApiProperty({ example: 'web' })
  channel: string;
  @ApiProperty({ type: 'string', nullable: true, example: 'EA' })
  uom: string | null;
  @ApiProperty({ example: 112 })
  available: number;
  @ApiProperty({ type: 'number', nullable: true, example: 0 })
  backorderable: number | null;
  @ApiProperty({ enum: AVAILABILITY_STATUSES, example: 'in_stock' })
  status: AvailabilityStatus;
  @ApiProperty({ example: false })
  stale: boolean;
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: '2026-11-23T18:00:00.000Z' })
  asOf: string | null;
  @ApiProperty({ example: 2 })
  version: number;
  @ApiPropertyOptional({ example: 3 })
  quantity?: number;
  @ApiPropertyOptional({ example: true, description: 'Whether a reservation of these lines would get this one whole.' })
  fulfillable?: boolean;
  @ApiPropertyOptional({ type: [PlanView], description: 'What can be sourced from where, also when short.' })
  plan?: PlanView[];
  @ApiPropertyOptional({ type: LineProblemView, description: 'Why the line could not be answered.' })
  problem?: LineProblemView;
}

export class AvailabilityQueryView {
  @ApiProperty({ type: [AvailabilityLineView], description: 'In the order of the request.' })
  lines: AvailabilityLineView[];
  @ApiProperty({ example: true, description: 'Whether every line with a quantity is fulfillable.' })
  fulfillable: boolean;
}
