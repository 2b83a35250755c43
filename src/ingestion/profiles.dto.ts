import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsDefined, IsIn, IsInt, IsObject, Matches, Max, Min, ValidateBy } from 'class-validator';
import { IsCode, IsListOf, IsNote, IsText, Optional } from '../problems/fields.dto.js';
import { QUANTITY_BASES, type QuantityBasis } from './canonical-event.js';
import type { DescribedProfile, ProfileContent } from './profile-content.js';
import { type Headers, type IdentifyRule, PROFILE_FORMATS, type ProfileFormat } from './profiles.js';

const LONGEST_EXPRESSION = 65_536;
/** As much as a JSON body holds. */
const MOST_PAYLOAD = 1_048_576;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;

/** One of the three. */
export class IdentifyRuleDto {
  @ApiPropertyOptional({ example: 'x-shop-event-id', maxLength: 64, description: 'A header of the request.' })
  @Optional()
  @Matches(/^(?:x|ce|webhook)-[!#$%&'*+.^_`|~0-9A-Za-z-]{1,60}$/i, {
    message: '$property takes the name of a header that is kept: one that begins with x-, ce- or webhook-',
  })
  header?: string;

  // No example: beside that of header it would make a rule that is refused.
  @ApiPropertyOptional({ description: 'Into the payload, as in RFC 6901: `/id`.' })
  @Optional()
  @Matches(/^(\/[^/]{1,100}){1,16}$/, { message: '$property takes a JSON pointer such as /id' })
  pointer?: string;

  @ApiPropertyOptional({
    description:
      'Into the payload: what is only there in one of absolute figures without a time, such as `/level`. Without an id ' +
      'such an event is known by its content and when it was received, so that the same figure sent later is a new report. ' +
      'Not for differences: one that is sent again would count twice.',
  })
  @Optional()
  @Matches(/^(\/[^/]{1,100}){1,16}$/, { message: '$property takes a JSON pointer such as /level' })
  received?: string;
}

/** The whole of a profile: what is left out is as in `base`, or takes its default. */
export class PutProfile {
  @ApiProperty({ example: 'Stock of our web shop', maxLength: 200 })
  @IsText(200)
  title: string;

  @ApiPropertyOptional({ example: 'Shopware', maxLength: 100 })
  @Optional()
  @IsText(100)
  vendor?: string;

  @ApiPropertyOptional({
    example: 'shopify',
    description:
      'A shipped profile to stand on, for instance to give it constants. What it says counts where you say nothing.',
  })
  @Optional()
  @IsCode()
  base?: string;

  @ApiPropertyOptional({
    enum: PROFILE_FORMATS,
    example: 'json',
    description: 'What payloads are written in. Needed without base.',
  })
  @Optional()
  @IsIn(PROFILE_FORMATS)
  format?: ProfileFormat;

  @ApiPropertyOptional({
    type: [IdentifyRuleDto],
    description:
      'Where an event says which one it is: the first that says anything counts. Without an id an event is known by its ' +
      'content, or by that and its receipt (`received`). EDI is known by sender, receiver and control number.',
  })
  @Optional()
  @IsListOf(() => IdentifyRuleDto, 8)
  identify?: IdentifyRuleDto[];

  @ApiPropertyOptional({
    maxLength: LONGEST_EXPRESSION,
    example:
      '{ "type": "stock.counted.v1", "data": { "sku": sku, "location": $location(warehouse), "quantity": $decimal(stock) } }',
    description:
      'JSONata, from the payload to a canonical event, a list of them, or nothing. Needed without base. Beside its own ' +
      'functions there are `$constants`, `$headers`, `$source`, `$receivedAt`; `$location(id)`, `$item(ids)`, `$partner(id)`, ' +
      '`$gtin(id)`, `$unit(code)`, `$decimal(text)`, `$time(text)`, `$epc(id)`, `$gln(id)`; for EDI `$place(parties, qualifiers)`, ' +
      '`$at(day, clock)`, `$dtm(dates, qualifiers)`.',
  })
  @Optional()
  @IsNote(LONGEST_EXPRESSION)
  expression?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    default: {},
    example: { locations: { '487838322': 'HAM' }, utcOffset: '+01:00' },
    description:
      'What the payloads lack: `location` for those that name none, `locations`, `items` and `units` from their codes to ' +
      'ours, `party` (whose item numbers they are, default: the source), `utcOffset` of their clocks, and what the profile asks for.',
  })
  @Optional()
  @IsObject()
  constants?: Record<string, unknown>;

  @ApiPropertyOptional({ enum: QUANTITY_BASES, description: 'What its figures usually mean.' })
  @Optional()
  @IsIn(QUANTITY_BASES)
  quantityBasis?: QuantityBasis;
}

export class ProfileSummary {
  @ApiProperty({ example: 'shopify' })
  name: string;

  @ApiProperty({ type: 'integer', example: 1, description: 'Raised by every change; the ETag.' })
  version: number;

  @ApiProperty({ example: 'Shopify: inventory levels and fulfilments' })
  title: string;

  @ApiProperty({ example: 'Shopify' })
  vendor: string;

  @ApiProperty({
    example: true,
    description: 'Comes with Holdfast, and cannot be replaced: stand a profile of your own on it.',
  })
  shipped: boolean;

  @ApiProperty({ type: 'string', nullable: true, example: null, description: 'The shipped profile beneath it.' })
  base: string | null;

  @ApiProperty({ enum: PROFILE_FORMATS, example: 'json' })
  format: ProfileFormat;

  @ApiProperty({ enum: QUANTITY_BASES, example: 'available' })
  quantityBasis: QuantityBasis;
}

export class ProfileView extends ProfileSummary {
  @ApiProperty({ type: [IdentifyRuleDto] })
  identify: IdentifyRuleDto[];

  @ApiProperty({
    type: 'string',
    nullable: true,
    example: null,
    description: 'JSONata; null: payloads are canonical events already.',
  })
  expression: string | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: {},
    description: 'Its own, and those of base beneath them.',
  })
  constants: Record<string, unknown>;

  @ApiProperty({
    type: 'string',
    nullable: true,
    example: 'hmac_sha256 in x-shopify-hmac-sha256, base64.',
    description: 'How the vendor signs, in words.',
  })
  signature: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    example: null,
    description: 'How its events are told apart beyond what `identify` says, in words.',
  })
  identity: string | null;
}

export class ProfilePage {
  @ApiProperty({ type: [ProfileSummary] })
  data: ProfileSummary[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export class ProfileQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'An earlier version of a profile of your own; default: the newest.',
  })
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  version?: number;
}

export class TryProfile {
  @ApiProperty({
    oneOf: [
      { type: 'string', maxLength: MOST_PAYLOAD },
      { type: 'object', additionalProperties: true },
      { type: 'array', items: {}, maxItems: MOST_PAYLOAD / 2 },
    ],
    example: { inventory_item_id: 39072856, location_id: 487838322, available: 27, updated_at: '2026-03-01T08:30:00Z' },
    description: 'As text exactly what would be sent, which EDI needs, and numbers beyond 2^53; or as JSON.',
  })
  @IsDefined({ message: '$property takes what would be sent' })
  payload: unknown;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string', maxLength: 16_384 },
    example: { 'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043' },
  })
  @Optional()
  @ValidateBy({
    name: 'isHeaders',
    validator: {
      validate: (value) =>
        typeof value === 'object' &&
        value !== null &&
        Object.entries(value).every(([name, text]) => HEADER_NAME.test(name) && typeof text === 'string'),
      defaultMessage: () => '$property takes an object of headers, each a text',
    },
  })
  headers?: Record<string, string>;

  @ApiPropertyOptional({
    example: 'shop',
    description: 'The source to take it as from. Default: the name of the profile.',
  })
  @Optional()
  @IsCode()
  source?: string;
}

export class TriedView {
  @ApiProperty({ example: 'shopify' })
  profile: string;

  @ApiProperty({ type: 'integer', example: 1 })
  version: number;

  @ApiProperty({
    type: 'string',
    nullable: true,
    example: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
    description: 'What it is known by; null: by its content, or that and when it is received.',
  })
  eventId: string | null;

  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    example: [
      {
        specversion: '1.0',
        id: '1',
        type: 'stock.counted.v1',
        data: { sku: 'CABLE/2M', location: 'HAM', quantity: 27 },
      },
    ],
    description: 'The canonical events; none where the payload says nothing of stock.',
  })
  events: Record<string, unknown>[];
}

export function readProfile(body: PutProfile): ProfileContent {
  const { title, vendor = '', base = null, format = null, identify, expression = null, constants = {} } = body;
  const rules = identify?.map(({ header, pointer, received }) => ({
    ...(header === undefined ? {} : { header: header.toLowerCase() }),
    ...(pointer === undefined ? {} : { pointer }),
    ...(received === undefined ? {} : { received }),
  })) as IdentifyRule[] | undefined;
  const { quantityBasis = null } = body;
  return { title, vendor, base, format, identify: rules ?? null, expression, constants, quantityBasis };
}

/** By their names in lower case, as requests have them. */
export function readHeaders({ headers = {} }: TryProfile): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

export function summariseProfile(profile: DescribedProfile): ProfileSummary {
  const { name, version, title, vendor, shipped, base, format, quantityBasis } = profile;
  return { name, version, title, vendor, shipped, base, format, quantityBasis };
}

export function viewProfile(profile: DescribedProfile): ProfileView {
  const { identify, expression, constants, signature, identity = null } = profile;
  return {
    ...summariseProfile(profile),
    identify: identify.map((rule) => ({ ...rule })),
    expression,
    constants: { ...constants },
    signature,
    identity,
  };
}
