import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Max, Min } from 'class-validator';
import { PageQuery } from '../access/page.dto.js';
import { IsListOf, IsText } from '../problems/fields.dto.js';
import { IDENTIFIER_TYPES, type IdentifierType, Item, ItemContent } from './item.js';
import { IsQuantity } from './quantity.dto.js';
import { parseQuantity, Quantity, toNumber } from './quantity.js';

const UOM = /^[A-Z0-9]{1,8}$/;
const UOM_MESSAGE = '$property takes a code of UN/ECE Rec 20 or, with an X before it, Rec 21, such as EA, KGM or XCS';

export class UomDto {
  @ApiProperty({ example: 'XCS', pattern: UOM.source, description: 'UN/ECE Rec 20; packages are Rec 21 with an X.' })
  @Matches(UOM, { message: UOM_MESSAGE })
  code: string;

  @ApiProperty({ example: 12, description: 'How many of the base unit one of this unit holds.' })
  @IsQuantity()
  factor: number;
}

export class IdentifierDto {
  @ApiProperty({ enum: IDENTIFIER_TYPES, example: 'gtin' })
  @IsIn(IDENTIFIER_TYPES)
  type: IdentifierType;

  @ApiProperty({
    example: '04012345678901',
    maxLength: 80,
    description: 'A GTIN of 8, 12, 13 or 14 digits is kept and answered as 14.',
  })
  @IsText(80)
  value: string;

  @ApiPropertyOptional({
    maxLength: 64,
    description: 'Whose number it is: needed for `partner`, the manufacturer for `mpn`, not taken for `gtin`.',
  })
  @IsOptional()
  @IsText(64)
  party?: string;
}

/** The whole of an item: what is left out takes its default. */
export class PutItem {
  @ApiProperty({ example: 'Patch cable, 2 m, grey', maxLength: 200 })
  @IsText(200)
  name: string;

  @ApiProperty({ example: 'EA', pattern: UOM.source, description: 'Every quantity is kept in this unit.' })
  @Matches(UOM, { message: UOM_MESSAGE })
  baseUom: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: 4,
    default: 0,
    example: 0,
    description: 'Digits after the point that a quantity of the base unit may have; 0: whole units only.',
  })
  @IsInt()
  @Min(0)
  @Max(4)
  fractionDigits: number = 0;

  @ApiPropertyOptional({
    default: true,
    description: 'false: always to be had, such as a service; reserving it changes no figure.',
  })
  @IsBoolean()
  tracked: boolean = true;

  @ApiPropertyOptional({
    default: true,
    description: 'False: taken off sale, in no channel carried; what is reserved of it stays valid and shippable.',
  })
  @IsBoolean()
  active: boolean = true;

  @ApiPropertyOptional({ type: [UomDto], default: [], description: 'Units beside the base unit.' })
  @IsListOf(() => UomDto, 50)
  uoms: UomDto[] = [];

  @ApiPropertyOptional({ type: [IdentifierDto], default: [], description: 'Each belongs to one item only.' })
  @IsListOf(() => IdentifierDto, 100)
  identifiers: IdentifierDto[] = [];

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    default: {},
    example: { colour: 'grey' },
    description: 'Whatever else you keep of it, up to 16,384 characters of JSON.',
  })
  @IsOptional()
  @IsObject()
  attributes?: Record<string, unknown>;
}

export class ItemView extends PutItem {
  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;

  @ApiProperty({ type: 'integer', example: 3, description: 'Raised by every change; the ETag.' })
  version: number;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  createdAt: string;

  @ApiProperty({ format: 'date-time', example: '2026-03-02T09:00:00.000Z' })
  updatedAt: string;
}

export class ItemPage {
  @ApiProperty({ type: [ItemView] })
  data: ItemView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export class ItemsQuery extends PageQuery {
  @ApiPropertyOptional({
    example: '4012345678901',
    description: 'Only the items with this identifier; a GTIN in any of its lengths.',
  })
  @IsOptional()
  @IsText(80)
  identifier?: string;
}

/** The body as content. Its quantities have passed validation. */
export function readItem(body: PutItem): ItemContent {
  const { name, baseUom, fractionDigits, tracked, active, attributes = {} } = body;
  return {
    name,
    baseUom,
    fractionDigits,
    tracked,
    active,
    uoms: body.uoms.map(({ code, factor }) => ({ code, factor: parseQuantity(factor) as Quantity })),
    identifiers: body.identifiers.map(({ type, value, party }) => ({ type, value, party: party ?? '' })),
    attributes: attributes ?? {},
  };
}

export function viewItem(item: Item): ItemView {
  const { sku, name, baseUom, fractionDigits, tracked, active, attributes, version } = item;
  return {
    sku,
    name,
    baseUom,
    fractionDigits,
    tracked,
    active,
    uoms: item.uoms.map(({ code, factor }) => ({ code, factor: toNumber(factor) })),
    identifiers: item.identifiers.map(({ type, value, party }) => ({ type, value, ...(party ? { party } : {}) })),
    attributes,
    version,
    createdAt: item.createdAt.toISOString(),
    updatedAt: item.updatedAt.toISOString(),
  };
}
