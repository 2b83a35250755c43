import { IDENTIFIER_TYPES } from '../catalog/item.js';
import { LOCATION_TYPES } from '../catalog/location.js';
import { MOST, ONE } from '../catalog/quantity.js';
import { CODE, SKU } from '../problems/text.js';
import { CONDITIONS } from '../stock/position.js';
import { EVENT_TYPES, type EventType, QUANTITY_BASES, SUPPLY_KINDS } from './canonical-event.js';
import { LOCATION_LENGTH, MOST_LINES, MOST_ROWS, REFERENCE_LENGTH } from './canonical-reader.js';

/** JSON Schema 2020-12, of which only keywords are used that draft 07 has too: AsyncAPI and older validators read them. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** What `parseCanonical` also asks for, and a schema cannot say or not readably: each stands in the description it concerns. */
export const BEYOND_SCHEMA = {
  lengths: 'Lengths are counted in UTF-16 units: most emoji are two.',
  calendar: 'A time is a day of the calendar, and not before 1970 in UTC.',
  names: 'A member that is one of ours but for case, `_` or `-`, such as `order_ref`, is refused.',
  digits: 'A quantity has at most four fraction digits.',
  differ: '`from` and `to` differ.',
  gln: 'The last digit of a GLN is its check digit.',
  timezone: 'A time zone is one of the IANA database.',
} as const;
export type BeyondSchema = keyof typeof BEYOND_SCHEMA;

/** Where the service gives a schema; as `$id` it is resolved against the service that gave it. */
export function schemaId(type: string): string {
  return `/schemas/${type}.json`;
}

/** Of one line, neither empty nor blank: see `isText`. */
const LINE = '^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]*$';
const NOT_BLANK = '\\S';
/** RFC 3339 with a blank for the T, and 24:00:00 for the end of a day. */
const TIME =
  '^(?:1969-12-31|(?:19[7-9]\\d|[2-9]\\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01]))[Tt ]' +
  '(?:(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d+)?|24:00:00(?:\\.(?:0{1,2}|000\\d*))?)' +
  '(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)$';

const text = (most: number, description: string): JsonSchema => ({
  type: 'string',
  maxLength: most,
  pattern: LINE,
  allOf: [{ pattern: NOT_BLANK }],
  description,
});
const time = (description: string): JsonSchema => ({ type: 'string', format: 'date-time', pattern: TIME, description });
const choice = (of: readonly unknown[], description: string): JsonSchema => ({ enum: of, description });
const list = (most: number, items: JsonSchema, description: string, least = 0): JsonSchema => ({
  type: 'array',
  ...(least > 0 ? { minItems: least } : {}),
  maxItems: most,
  items,
  description,
});
const BOOLEAN = (description: string): JsonSchema => ({ type: 'boolean', description });

/** Null is as good as left out. */
function optional(schema: JsonSchema): JsonSchema {
  const { type, enum: of } = schema as { type?: string; enum?: readonly unknown[] };
  return {
    ...schema,
    ...(type && type !== 'null' ? { type: [type, 'null'] } : {}),
    ...(of ? { enum: [...of, null] } : {}),
  };
}

type Members = Readonly<Record<string, JsonSchema>>;

function object(members: Members, required: readonly string[] = [], choices: readonly JsonSchema[] = []): JsonSchema {
  const properties = Object.fromEntries(
    Object.entries(members).map(([name, schema]) => [name, required.includes(name) ? schema : optional(schema)]),
  );
  return {
    type: 'object',
    ...(required.length > 0 ? { required } : {}),
    properties,
    ...(choices.length > 0 ? { allOf: choices } : {}),
  };
}

/** The member is there: if it is null, it is not. */
const given = (name: string, schema: JsonSchema = { not: { type: 'null' } }): JsonSchema => ({
  required: [name],
  properties: { [name]: schema },
});
const oneOf = (...alternatives: JsonSchema[]): JsonSchema => ({ anyOf: alternatives });

const most = MOST / ONE;
const ABOVE_0: JsonSchema = { type: 'number', exclusiveMinimum: 0, maximum: most, description: 'Above 0, of `uom`.' };
const FROM_0: JsonSchema = { type: 'number', minimum: 0, maximum: most, description: 'From 0, of `uom`.' };
const DIFFERENCE: JsonSchema = { type: 'number', minimum: -most, maximum: most, not: { const: 0 } };

const SKU_TEXT: JsonSchema = {
  type: 'string',
  pattern: SKU.source,
  description: '1 to 64 printable characters of any script, neither starting nor ending in a space.',
};
const CODE_TEXT: JsonSchema = { type: 'string', pattern: CODE.source };
const PARTY = text(64, 'Whose number it is.');
const IDENTIFIER: JsonSchema = object(
  { type: choice(IDENTIFIER_TYPES, 'What number it is.'), value: text(80, 'The number.'), party: PARTY },
  ['type', 'value'],
  [
    oneOf(
      { properties: { type: { enum: IDENTIFIER_TYPES.filter((one) => one !== 'partner') } } },
      given('party', PARTY),
    ),
  ],
);
/** Not looked at beside the member that goes before it. */
const passedOver = (description: string): JsonSchema => ({ description });

const NAME: Members = {
  sku: SKU_TEXT,
  identifier: passedOver('Names the item by a number that the catalogue knows, where `sku` is left out.'),
};
const NAMED = [given('sku'), given('identifier', IDENTIFIER)];
const AMOUNT: Members = {
  ...NAME,
  quantity: ABOVE_0,
  uom: text(8, "Unit of `quantity`; left out: the item's base unit."),
};
const place = (description = 'Code of the location, or its GLN.') => text(LOCATION_LENGTH, description);
const reference = (description: string) => text(REFERENCE_LENGTH, description);
const STOCKED: Members = { ...AMOUNT, location: place() };
const NOTED: Members = { lot: reference('Lot or batch.'), reference: reference("The sender's document.") };
const WAY: Members = { from: place('Where from: code or GLN.'), to: place('Where to: code or GLN.') };
const ORDER: Members = {
  orderRef: reference('The order that our reservation bears.'),
  reservationId: reference('Our reservation itself.'),
};
const MEANING: Members = {
  basis: choice(QUANTITY_BASES, 'What the figure says; left out: what the source was set up with.'),
  nettedUpTo: time('For `available`: up to when our commitments are in the figure already.'),
};
const REASON: Members = { reason: reference('Why.') };
const CONDITION: Members = { condition: choice(CONDITIONS, 'How it lies there; left out: `sellable`.') };
const EXPECTED: Members = { expectedAt: time('When it should be here.') };

const LINE_ITEM = object(AMOUNT, ['quantity'], [oneOf(...NAMED)]);
const LINES = list(MOST_LINES, LINE_ITEM, 'What of which items.', 1);
const ROW = object({ ...STOCKED, quantity: FROM_0 }, ['quantity', 'location'], [oneOf(...NAMED)]);
const UNIT: JsonSchema = { type: 'string', pattern: '^[A-Z0-9]{1,8}$', description: 'Code of UN/ECE Rec 20 or 21.' };

interface Meaning {
  readonly title: string;
  readonly data: JsonSchema;
  /** A `data` that is taken. */
  readonly example: object;
  readonly beyond: readonly BeyondSchema[];
}

const EVENTS: Readonly<Record<EventType, Meaning>> = {
  'stock.received.v1': {
    title: 'Stock has arrived',
    data: object({ ...STOCKED, ...NOTED, ...CONDITION }, ['quantity', 'location'], [oneOf(...NAMED)]),
    example: { sku: 'CABLE/2M', location: 'HAM', quantity: 120, reference: 'PO-4711' },
    beyond: ['digits'],
  },
  'stock.adjusted.v1': {
    title: 'Stock is more or less than was known',
    data: object(
      {
        ...STOCKED,
        ...NOTED,
        ...CONDITION,
        ...REASON,
        delta: { ...DIFFERENCE, description: 'The difference, below 0 for less.' },
        quantity: passedOver('The difference, where `delta` is left out.'),
      },
      ['location'],
      [oneOf(...NAMED), oneOf(given('delta'), given('quantity', DIFFERENCE))],
    ),
    example: { sku: 'CABLE/2M', location: 'HAM', delta: -2, reason: 'damage' },
    beyond: ['digits'],
  },
  'stock.counted.v1': {
    title: 'So much of an item is there',
    data: object({ ...STOCKED, quantity: FROM_0, ...NOTED, ...MEANING }, ['quantity', 'location'], [oneOf(...NAMED)]),
    example: { sku: 'CABLE/2M', location: 'HAM', quantity: 118, basis: 'on_hand' },
    beyond: ['digits'],
  },
  'stock.snapshot.v1': {
    title: 'So much of many items is there',
    data: object(
      {
        complete: BOOLEAN('What it omits is 0, at the locations it names. Left out: false.'),
        locations: list(MOST_ROWS, place(), 'Left out: the locations of its rows.'),
        rows: list(MOST_ROWS, ROW, 'A row that cannot be read is an exception of its own, and stops no other.'),
        ...MEANING,
      },
      ['rows'],
      [
        oneOf({ properties: { complete: { enum: [false, null] } } }, given('locations'), {
          properties: { rows: { minItems: 1 } },
        }),
      ],
    ),
    example: { complete: true, locations: ['HAM'], rows: [{ sku: 'CABLE/2M', location: 'HAM', quantity: 118 }] },
    beyond: ['digits'],
  },
  'stock.condition_changed.v1': {
    title: 'Stock lies there in another condition',
    data: object(
      { ...STOCKED, ...NOTED, ...REASON, from: choice(CONDITIONS, 'As it was.'), to: choice(CONDITIONS, 'As it is.') },
      ['quantity', 'location', 'from', 'to'],
      [oneOf(...NAMED)],
    ),
    example: { sku: 'CABLE/2M', location: 'HAM', quantity: 3, from: 'sellable', to: 'damaged' },
    beyond: ['digits'],
  },
  'stock.transferred.v1': {
    title: 'Stock has gone from one location to another, in one step',
    data: object({ ...AMOUNT, ...NOTED, ...WAY }, ['quantity', 'from', 'to'], [oneOf(...NAMED)]),
    example: { sku: 'CABLE/2M', quantity: 10, from: 'HAM', to: 'MUC' },
    beyond: ['digits', 'differ'],
  },
  'transfer.shipped.v1': {
    title: 'Stock is under way to another location',
    data: object({ ...AMOUNT, ...NOTED, ...WAY, ...EXPECTED }, ['quantity', 'from', 'to'], [oneOf(...NAMED)]),
    example: { sku: 'CABLE/2M', quantity: 10, from: 'HAM', to: 'MUC', reference: 'TO-12' },
    beyond: ['digits', 'differ'],
  },
  'transfer.received.v1': {
    title: 'Stock that was under way has arrived',
    data: object(
      { ...AMOUNT, ...NOTED, ...WAY, ...CONDITION, location: passedOver('The same as `to`, where that is left out.') },
      ['quantity'],
      [oneOf(...NAMED), oneOf(given('to'), given('location', place()))],
    ),
    example: { sku: 'CABLE/2M', quantity: 10, to: 'MUC', reference: 'TO-12' },
    beyond: ['digits'],
  },
  'shipment.confirmed.v1': {
    title: 'An order has left',
    data: object({ ...ORDER, shipmentRef: reference("The sender's shipment."), location: place(), lines: LINES }, [
      'shipmentRef',
      'location',
      'lines',
    ]),
    example: { orderRef: 'SO-1', shipmentRef: 'DN-1', location: 'HAM', lines: [{ sku: 'CABLE/2M', quantity: 3 }] },
    beyond: ['digits'],
  },
  'shipment.cancelled.v1': {
    title: 'A shipment that was confirmed has not left',
    data: object({ ...ORDER, shipmentRef: reference("The sender's shipment."), location: place(), lines: LINES }, [
      'shipmentRef',
    ]),
    example: { shipmentRef: 'DN-1' },
    beyond: ['digits'],
  },
  'return.received.v1': {
    title: 'A customer has sent goods back',
    data: object(
      {
        ...STOCKED,
        ...NOTED,
        ...CONDITION,
        orderRef: reference('The order it comes from.'),
        restock: BOOLEAN('It goes back to stock. Left out: true, unless `condition` says otherwise.'),
      },
      ['quantity', 'location'],
      [
        oneOf(...NAMED),
        oneOf(
          { properties: { restock: { type: 'null' } } },
          { properties: { restock: { const: true }, condition: { enum: ['sellable', null] } } },
          { properties: { restock: { const: false }, condition: { not: { const: 'sellable' } } } },
        ),
      ],
    ),
    example: { sku: 'CABLE/2M', location: 'HAM', quantity: 1, condition: 'inspection', orderRef: 'SO-1' },
    beyond: ['digits'],
  },
  'supply.expected.v1': {
    title: 'Supply is announced',
    data: object(
      {
        ...STOCKED,
        ...NOTED,
        ...EXPECTED,
        quantity: FROM_0,
        kind: choice(SUPPLY_KINDS, 'What announces it; left out: `purchase`.'),
      },
      ['quantity', 'location', 'reference'],
      [oneOf(...NAMED)],
    ),
    example: {
      sku: 'CABLE/2M',
      location: 'HAM',
      quantity: 500,
      reference: 'PO-4711',
      expectedAt: '2026-03-09T00:00:00Z',
    },
    beyond: ['digits'],
  },
  'supply.cancelled.v1': {
    title: 'Announced supply will not come',
    data: object(
      {
        ...NAME,
        kind: choice(SUPPLY_KINDS, 'Left out: any.'),
        reference: reference('What announced it.'),
        location: place('Left out: all of them.'),
      },
      ['reference'],
      [oneOf(...NAMED, { properties: { identifier: { type: 'null' } } })],
    ),
    example: { reference: 'PO-4711' },
    beyond: [],
  },
  'order.cancelled.v1': {
    title: 'An order will not be shipped, or not all of it',
    data: object({ ...ORDER, ...REASON, lines: LINES }, [], [oneOf(given('orderRef'), given('reservationId'))]),
    example: { orderRef: 'SO-1' },
    beyond: ['digits'],
  },
  'item.updated.v1': {
    title: 'What is known of an item has changed',
    data: object(
      {
        sku: SKU_TEXT,
        identifier: { type: 'null', description: 'Does not name an item here.' },
        name: text(200, 'Needed for an item that is new.'),
        baseUom: { ...UNIT, description: 'Needed for an item that is new. Code of UN/ECE Rec 20 or 21.' },
        fractionDigits: choice([0, 1, 2, 3, 4], 'Of quantities in the base unit.'),
        tracked: BOOLEAN('Its stock is counted.'),
        active: BOOLEAN('It may be sold.'),
        uoms: list(50, object({ code: UNIT, factor: ABOVE_0 }, ['code', 'factor']), 'Units beside the base unit.'),
        identifiers: list(100, IDENTIFIER, 'All numbers under which it is known.'),
        attributes: { type: 'object', description: 'Whatever else is known of it.' },
      },
      ['sku'],
    ),
    example: { sku: 'CABLE/2M', name: 'Cable, 2 m', baseUom: 'EA' },
    beyond: ['digits'],
  },
  'location.updated.v1': {
    title: 'What is known of a location has changed',
    data: object(
      {
        code: { ...CODE_TEXT, description: 'Of the location.' },
        location: passedOver('The same, where `code` is left out.'),
        name: text(200, 'Needed for a location that is new.'),
        type: choice(LOCATION_TYPES, 'Needed for a location that is new.'),
        enabled: BOOLEAN('Its stock may be promised.'),
        gln: { type: 'string', pattern: '^\\d{13}$', description: 'Global Location Number.' },
        timezone: { type: 'string', pattern: '^[A-Za-z][\\w+\\/\\-]{1,63}$', description: 'Such as `Europe/Berlin`.' },
      },
      [],
      [oneOf(given('code'), given('location', CODE_TEXT))],
    ),
    example: { code: 'HAM', name: 'Hamburg', type: 'warehouse', timezone: 'Europe/Berlin' },
    beyond: ['gln', 'timezone'],
  },
  'source.heartbeat.v1': {
    title: 'Nothing has happened, and the source lives',
    data: object({}),
    example: {},
    beyond: [],
  },
};

/**
 * What an event of each type looks like on the wire: the envelope of CloudEvents 1.0 and its `data`. Says what
 * `parseCanonical` takes, apart from what BEYOND_SCHEMA lists; a snapshot also has no faulty row.
 */
export const EVENT_SCHEMAS: Readonly<Record<EventType, JsonSchema>> = Object.fromEntries(
  EVENT_TYPES.map((type) => [type, eventSchema(type, EVENTS[type])]),
) as Record<EventType, JsonSchema>;

function eventSchema(type: EventType, { title, data, example, beyond }: Meaning): JsonSchema {
  const rules = (['lengths', 'calendar', 'names', ...beyond] as const).map((rule) => BEYOND_SCHEMA[rule]);
  const isHeartbeat = type === 'source.heartbeat.v1';
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: schemaId(type),
    title,
    description: `${title}. Members that are not named here are passed over. Also holds: ${rules.join(' ')}`,
    ...object(
      {
        specversion: choice(['1.0'], 'Of CloudEvents.'),
        id: text(255, "The sender's: the same again is a duplicate."),
        source: passedOver('As CloudEvents wants it. Whose event it is, the path of the request says.'),
        type: { const: type },
        time: time('When it was so; left out: when it is received.'),
        sequence: {
          anyOf: [
            { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
            { type: 'string', pattern: '^\\d{1,64}$' },
            { type: 'null' },
          ],
          description: 'What the sender counts; as text if it is large.',
        },
        data: { ...data, title: `Data of ${type}` },
      },
      isHeartbeat ? ['id', 'type'] : ['id', 'type', 'data'],
    ),
    examples: [
      {
        specversion: '1.0',
        id: 'evt-4711',
        source: 'wms-north',
        type,
        time: '2026-03-01T08:30:00Z',
        ...(isHeartbeat ? {} : { data: example }),
      },
    ],
  };
}
