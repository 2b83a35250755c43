import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { CONDITIONS } from '../stock/position.js';
import { EVENT_TYPES, type EventType, type StockSnapshot } from './canonical-event.js';
import { parseCanonical } from './canonical-reader.js';
import { MappingFailed } from './event-fields.js';
import { BEYOND_SCHEMA, type BeyondSchema, EVENT_SCHEMAS } from './event-schemas.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Members = { [name: string]: Json };

const ajv = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allowUnionTypes: true,
  formats: { 'date-time': true },
});
const validators = Object.fromEntries(
  EVENT_TYPES.map((type) => [type, ajv.compile(EVENT_SCHEMAS[type])]),
) as unknown as Record<EventType, ValidateFunction>;

/** Why the reader refuses an event, or a row of one: `pointer code` with what stands there, and what it says. */
interface Refusal {
  readonly code: string;
  readonly value: Json | undefined;
  readonly detail: string;
}

function refusals(event: Json): Refusal[] {
  try {
    const { type, data } = parseCanonical(event);
    if (type !== 'stock.snapshot.v1') return [];
    const rows = ((event as Members).data as Members).rows as Json[];
    // A row is read as a count is: that says what is wrong with it.
    return (data as StockSnapshot).faults.flatMap(({ row }) => {
      const counted = structuredClone(rows[row] ?? null);
      for (const name of ['basis', 'nettedUpTo', 'lot', 'reference']) delete (counted as Members | null)?.[name];
      return refusals({ id: 'x', type: 'stock.counted.v1', data: counted });
    });
  } catch (error) {
    if (!(error instanceof MappingFailed)) throw error;
    return error.errors.map(({ pointer = '', code, detail }) => ({ code, detail, value: at(event, pointer) }));
  }
}

function at(json: Json, pointer: string): Json | undefined {
  let value: Json | undefined = json;
  for (const part of pointer.split('/').slice(1)) value = (value as Members | undefined)?.[part];
  return value;
}

/** By what a refusal is told to be one that no schema of ours can say. */
const isBeyond: Readonly<Record<BeyondSchema, (refusal: Refusal) => boolean>> = {
  // A party that is too long is none, so that a partner's number also lacks it.
  lengths: ({ code, value }) =>
    /^(invalid_text|required)$/.test(code) && typeof value === 'string' && /[\u{10000}-\u{10ffff}]/u.test(value),
  calendar: ({ code, value }) =>
    code === 'invalid_time' && /^(1969|1970-01-01|\d{4}-\d\d-(29|30|31))/.test(value as string),
  names: ({ code }) => code === 'unknown_field',
  digits: ({ code }) => code === 'too_precise',
  differ: ({ code }) => code === 'same_location',
  gln: ({ code, value }) => code === 'invalid_gln' && /^\d{13}$/.test(value as string),
  timezone: ({ code, value }) => code === 'invalid_timezone' && /^[A-Za-z][\w+/-]{1,63}$/.test(value as string),
};

const RULES = Object.keys(isBeyond) as BeyondSchema[];

/** Every member that a type knows, each with what is good for it. */
const FULL: Readonly<Record<EventType, Members>> = (() => {
  const named = { sku: 'CABLE/2M' };
  const amount = { ...named, quantity: 3, uom: 'XCS' };
  const stocked = { ...amount, location: 'HAM' };
  const noted = { lot: 'L1', reference: 'R-1' };
  const at = '2026-03-01T08:30:00Z';
  const lines = [amount, { identifier: { type: 'partner', value: 'R', party: 'P' }, quantity: 1.5 }];
  const order = { orderRef: 'SO-1', reservationId: 'res_1' };
  const way = { from: 'HAM', to: 'MUC' };
  const meaning = { basis: 'available', nettedUpTo: at };
  return {
    'stock.received.v1': { ...stocked, ...noted, condition: 'damaged' },
    'stock.adjusted.v1': { ...stocked, ...noted, delta: -2, condition: 'sellable', reason: 'damage' },
    'stock.counted.v1': { ...stocked, ...noted, ...meaning, identifier: { type: 'gtin', value: '4006381333931' } },
    'stock.snapshot.v1': { complete: true, locations: ['HAM', 'MUC'], rows: [stocked, stocked], ...meaning },
    'stock.condition_changed.v1': { ...stocked, ...noted, from: 'sellable', to: 'damaged', reason: 'fell' },
    'stock.transferred.v1': { ...amount, ...noted, ...way },
    'transfer.shipped.v1': { ...amount, ...noted, ...way, expectedAt: at },
    'transfer.received.v1': { ...stocked, ...noted, ...way, condition: 'sellable' },
    'shipment.confirmed.v1': { ...order, shipmentRef: 'DN-1', location: 'HAM', lines },
    'shipment.cancelled.v1': { ...order, shipmentRef: 'DN-1', location: 'HAM', lines },
    'return.received.v1': { ...stocked, ...noted, condition: 'inspection', restock: false, orderRef: 'SO-1' },
    'supply.expected.v1': { ...stocked, ...noted, kind: 'asn', expectedAt: at },
    'supply.cancelled.v1': { ...named, kind: 'asn', reference: 'R-1', location: 'HAM' },
    'order.cancelled.v1': { ...order, lines, reason: 'customer' },
    'item.updated.v1': {
      ...named,
      name: 'Cable',
      baseUom: 'EA',
      fractionDigits: 2,
      tracked: true,
      active: false,
      uoms: [{ code: 'XCS', factor: 12 }],
      identifiers: [{ type: 'mpn', value: 'M', party: 'ACME' }],
      attributes: { colour: 'red' },
    },
    'location.updated.v1': {
      code: 'HAM',
      location: 'HAM',
      name: 'Hamburg',
      type: 'store',
      enabled: true,
      gln: '4012345000009',
      timezone: 'Europe/Berlin',
    },
    'source.heartbeat.v1': {},
  };
})();

const around = (length: number) => [length, length + 1].map((n) => 'x'.repeat(n));
const POOL: readonly Json[] = [
  ...[8, 64, 80, 128, 200, 255].flatMap(around),
  ...['', ' ', '\t', '\u2028', '\u2028x', ' A', 'A ', 'A\u0000', 'A\nB', '\ud800', '\u0085', '漢字', '😀'.repeat(40)],
  ...[0, -0, 1, -1, 0.5, 0.0001, 0.00001, 1e11, 1e11 + 1, -1e11, -1e12, 12_345_678_901.1234, 2 ** 53 - 1, 2 ** 53],
  ...['1', '007', '9'.repeat(64), '9'.repeat(65), '1.0', '0.3', 'HAM', 'MUC', 'EA', 'ea', 'Europe/Berlin', 'Mars/Base'],
  ...['4012345000009', '4012345000001', '401234500000', '+01:00'],
  ...['2026-03-01T08:30:00Z', '2026-02-30T00:00:00Z', '2026-03-01 24:00:00.0009+01:00', '2026-03-01T24:00:00.05Z'],
  ...['1970-01-01T00:00:00+01:00', '1969-12-31T23:30:00-01:00', '0001-01-01T00:00:00Z', '2026-03-01T08:30:00'],
  ...['2026-03-01t08:30:00.1239876z', '2026-03-01T23:59:60Z', '2026-13-01T00:00:00Z', '2026-03-01T08:30:00+24:00'],
  ...CONDITIONS,
  ...['on_hand', 'available', 'purchase', 'asn', 'gtin', 'mpn', 'partner', 'warehouse', 'lost'],
  ...[null, true, false],
  ...[[], {}, [null], [7], ['HAM'], ['A\u0000'], [{ sku: 'A', quantity: 1, location: 'HAM' }]],
  { type: 'gtin', value: '1' },
  { type: 'partner', value: 'R' },
  { type: 'partner', value: 'R', party: 'P' },
];
const VALUES = fc.oneof(
  fc.constantFrom(...POOL),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: 0, max: 1e6 }).map((n) => n / 10_000),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.jsonValue() as fc.Arbitrary<Json>,
);
const NAMES = fc.constantFrom(
  ...new Set(Object.values(FULL).flatMap((data) => Object.keys(data))),
  ...['specversion', 'source', 'time', 'sequence', 'order_ref', 'SKU', 'constructor', 'colour'],
);

type Change = { where: number; name: string; how: 'set' | 'remove' | 'null'; value: Json };
const CHANGE: fc.Arbitrary<Change> = fc.record({
  where: fc.nat(),
  name: NAMES,
  how: fc.constantFrom('set', 'set', 'remove', 'null'),
  value: VALUES,
});

/** The objects and lists in an event, itself first. */
function holders(json: Json): (Members | Json[])[] {
  if (typeof json !== 'object' || json === null) return [];
  return [json as Members, ...Object.values(json).flatMap((value) => holders(value as Json))];
}

/** Changes a member that is there, or adds one of that name. */
function changed(event: Json, { where, name, how, value }: Change): Json {
  const copy = structuredClone(event);
  const all = holders(copy);
  const holder = all[where % all.length] as Members;
  const names = Object.keys(holder);
  const place = where % 2 === 0 && !Array.isArray(holder) ? name : (names[where % Math.max(names.length, 1)] ?? name);
  if (how === 'remove') delete holder[place];
  else holder[place] = how === 'null' ? null : value;
  return Array.isArray(holder) ? JSON.parse(JSON.stringify(copy)) : copy;
}

const EVENT = fc
  .record({
    type: fc.constantFrom(...EVENT_TYPES),
    without: fc.array(fc.nat({ max: 12 }), { maxLength: 6 }),
    changes: fc.array(CHANGE, { maxLength: 3 }),
  })
  .map(({ type, without, changes }) => {
    const data = Object.fromEntries(Object.entries(FULL[type]).filter((_, i) => !without.includes(i)));
    const event: Json = { specversion: '1.0', id: 'evt-1', source: 'wms', time: '2026-03-01T08:30:00Z', type, data };
    return { type, event: changes.reduce(changed, event) };
  });

describe('The schema of an event', () => {
  it.each(EVENT_TYPES)('%s takes its example and everything the reader knows of it', (type) => {
    const [example] = EVENT_SCHEMAS[type].examples as Json[];
    const full = { id: 'evt-1', type, data: FULL[type] };
    for (const event of [example as Json, full]) {
      expect(refusals(event)).toEqual([]);
      expect(validators[type](event) || validators[type].errors).toBe(true);
    }
    const { data } = EVENT_SCHEMAS[type].properties ?? {};
    expect(Object.keys(FULL[type]).filter((name) => !Object.hasOwn(data?.properties ?? {}, name))).toEqual([]);
  });

  /** What came of it. Throws if the two disagree for a reason that no rule names. */
  function compare(type: EventType, event: Json): 'fits' | 'does not fit' | 'beyond' {
    const fits = validators[type](event);
    const refused = refusals(event);
    if (!fits) {
      expect({ event, refused: refused.length > 0, why: validators[type].errors }).toMatchObject({ refused: true });
      return 'does not fit';
    }
    for (const refusal of refused) {
      const rule = RULES.find((one) => isBeyond[one](refusal));
      expect({ rule, refusal, event }).toEqual({ rule: expect.any(String), refusal, event });
      expect(EVENT_SCHEMAS[type].description).toContain(BEYOND_SCHEMA[rule as BeyondSchema]);
    }
    return refused.length === 0 ? 'fits' : 'beyond';
  }

  it.each(EVENT_TYPES)('%s takes what the reader takes, with each member gone or set to each odd value', (type) => {
    const event: Json = {
      specversion: '1.0',
      id: 'evt-1',
      source: 'wms',
      sequence: 7,
      time: '2026-03-01T08:30:00Z',
      type,
    };
    const whole = { ...event, data: FULL[type] };
    holders(whole).forEach((holder, i) => {
      for (const name of Object.keys(holder)) {
        for (const value of [undefined, ...POOL]) {
          const copy = structuredClone(whole);
          const place = holders(copy)[i] as Members;
          if (value === undefined && Array.isArray(place)) continue;
          if (value === undefined) delete place[name];
          else place[name] = value;
          compare(type, copy);
        }
      }
    });
  });

  it('takes what the reader takes, and refuses what it refuses, but for what it says it cannot', () => {
    const seen = { fits: 0, 'does not fit': 0, beyond: 0 };
    fc.assert(
      fc.property(EVENT, ({ type, event }) => {
        seen[compare(type, event)]++;
      }),
      { numRuns: 20_000 },
    );
    // It has happened often enough to say something: about 8,000 and 11,000 times.
    expect(seen.fits).toBeGreaterThan(1_000);
    expect(seen['does not fit']).toBeGreaterThan(1_000);
  });

  it.each<[BeyondSchema, EventType, Members]>([
    ['lengths', 'stock.received.v1', { lot: '😀'.repeat(65) }],
    ['calendar', 'transfer.shipped.v1', { expectedAt: '2026-02-30T00:00:00Z' }],
    ['calendar', 'transfer.shipped.v1', { expectedAt: '1970-01-01T00:00:00+01:00' }],
    ['names', 'shipment.cancelled.v1', { order_ref: 'SO-1' }],
    ['digits', 'stock.received.v1', { quantity: 0.00001 }],
    ['differ', 'stock.transferred.v1', { from: 'HAM', to: 'HAM' }],
    ['gln', 'location.updated.v1', { gln: '4012345000001' }],
    ['timezone', 'location.updated.v1', { timezone: 'Mars/Base' }],
  ])('cannot say of %s what the reader says: %s %j', (rule, type, members) => {
    const event = { id: 'evt-1', type, data: { ...FULL[type], ...members } };
    expect(validators[type](event)).toBe(true);
    const refused = refusals(event);
    expect(refused).toHaveLength(1);
    expect(isBeyond[rule](refused[0] as Refusal)).toBe(true);
    expect(EVENT_SCHEMAS[type].description).toContain(BEYOND_SCHEMA[rule]);
  });

  it.each<[EventType, Members]>([
    ['transfer.shipped.v1', { expectedAt: '2026-03-01 24:00:00.0009+01:00' }],
    ['transfer.shipped.v1', { expectedAt: '1969-12-31T23:30:00-01:00' }],
    ['stock.counted.v1', { quantity: 99_999_999_999.9999 }],
    ['stock.counted.v1', { identifier: 7 }],
    ['stock.received.v1', { lot: '\u2028x' }],
    ['supply.cancelled.v1', { sku: null, location: null }],
  ])('takes what looks odd and is read: %s %j', (type, members) => {
    const event = { id: 'evt-1', type, data: { ...FULL[type], ...members } };
    expect(refusals(event)).toEqual([]);
    expect(validators[type](event)).toBe(true);
  });

  it('uses no keyword that draft 07 lacks, and refers to nothing', () => {
    const text = JSON.stringify(EVENT_SCHEMAS);
    expect(text).not.toMatch(/"(\$ref|\$defs|prefixItems|dependent\w+|unevaluated\w+|minContains|maxContains)"/);
  });

  it('has an id under which the service gives it', () => {
    expect(EVENT_SCHEMAS['stock.received.v1'].$id).toBe('/schemas/stock.received.v1.json');
  });
});

describe('The locations of a snapshot', () => {
  it.each(['A\u0000', 'A\nB', ' ', '\ud800'])('are text that can be kept: not %j', (location) => {
    const data = { complete: true, locations: [location], rows: [] };
    expect(refusals({ id: 'x', type: 'stock.snapshot.v1', data })).toMatchObject([{ code: 'invalid_text' }]);
  });
});
