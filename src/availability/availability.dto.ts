import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMinSize, IsIn } from 'class-validator';
import { IsQuantity, isPositiveQuantity } from '../catalog/quantity.dto.js';
import { IsCode, IsListOf, IsSku, IsText, isCode, isSku, Optional } from '../problems/fields.dto.js';
import { hasPlainly, type PlainFields } from '../problems/plainly.js';
import { isText } from '../problems/text.js';
import type { AvailabilityStatus } from './quote.js';
import { AVAILABILITY_STATUSES } from './quote.js';

const MOST_LINES = 2_000;

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

  @ApiProperty({ type: [QueryAvailabilityLine], minItems: 1, maxItems: MOST_LINES })
  @ArrayMinSize(1)
  @IsListOf(() => QueryAvailabilityLine, MOST_LINES)
  lines: QueryAvailabilityLine[];

  /** The body of nearly every call: right, and with nothing in it that the validators would have to turn (`HotDto`). */
  static isPlain(body: unknown): body is QueryAvailability {
    return hasPlainly(body, PLAIN_FIELDS, 'lines');
  }
}

const PLAIN_FIELDS: PlainFields = new Map<string, (value: unknown) => boolean>([
  ['channel', isCode],
  [
    'lines',
    (value) => Array.isArray(value) && 1 <= value.length && value.length <= MOST_LINES && value.every(isPlainLine),
  ],
]);

const PLAIN_LINE_FIELDS: PlainFields = new Map<string, (value: unknown) => boolean>([
  ['sku', isSku],
  ['quantity', isPositiveQuantity],
  ['uom', (value) => isText(value, 8)],
]);

function isPlainLine(line: unknown): boolean {
  return hasPlainly(line, PLAIN_LINE_FIELDS, 'sku');
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
