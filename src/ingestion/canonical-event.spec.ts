import fc from 'fast-check';
import { CONDITIONS } from '../stock/position.js';
import { EVENT_TYPES } from './canonical-event.js';
import { parseCanonical } from './canonical-reader.js';
import { canonicalJson } from './canonical-writer.js';
import { MappingFailed, parseTime } from './event-fields.js';

const envelope = { specversion: '1.0', id: 'evt-1', source: 'wms', time: '2026-03-01T08:30:00Z' };
const event = (type: string, data: unknown, more: object = {}) => ({ ...envelope, type, data, ...more });

function refusal(json: unknown): MappingFailed {
  try {
    parseCanonical(json);
  } catch (error) {
    if (error instanceof MappingFailed) return error;
    throw error;
  }
  throw new Error('It was taken.');
}

const faultsOf = (json: unknown) => refusal(json).errors.map(({ pointer, code }) => `${pointer} ${code}`);

const piece = { sku: 'CABLE/2M', identifier: null, quantity: 30_000, uom: null };
const unnoted = { lot: null, reference: null };

describe('A canonical event', () => {
  test.each([
    [
      'stock.received.v1',
      { sku: 'CABLE/2M', location: 'east', quantity: 3 },
      { ...piece, location: 'east', ...unnoted, condition: 'sellable' },
    ],
    [
      'stock.adjusted.v1',
      { sku: 'CABLE/2M', location: 'east', quantity: -0.5, uom: 'KGM', reason: 'damage' },
      { ...piece, quantity: -5_000, uom: 'KGM', location: 'east', ...unnoted, condition: 'sellable', reason: 'damage' },
    ],
    [
      'stock.adjusted.v1',
      { sku: 'CABLE/2M', location: 'east', delta: 3 },
      { ...piece, location: 'east', ...unnoted, condition: 'sellable', reason: null },
    ],
    [
      'stock.counted.v1',
      { sku: 'CABLE/2M', location: 'east', quantity: 0, basis: 'available', nettedUpTo: '2026-03-01T08:00:00+01:00' },
      {
        ...piece,
        quantity: 0,
        location: 'east',
        ...unnoted,
        basis: 'available',
        nettedUpTo: Date.parse('2026-03-01T07:00:00Z'),
      },
    ],
    [
      'stock.condition_changed.v1',
      { sku: 'CABLE/2M', location: 'east', quantity: 3, from: 'sellable', to: 'damaged', lot: 'L1' },
      { ...piece, location: 'east', lot: 'L1', reference: null, from: 'sellable', to: 'damaged', reason: null },
    ],
    [
      'stock.transferred.v1',
      { sku: 'CABLE/2M', quantity: 3, from: 'east', to: 'west' },
      { ...piece, ...unnoted, from: 'east', to: 'west' },
    ],
    [
      'transfer.shipped.v1',
      { sku: 'CABLE/2M', quantity: 3, from: 'east', to: 'west', reference: 'T1' },
      { ...piece, lot: null, reference: 'T1', from: 'east', to: 'west', expectedAt: null },
    ],
    [
      'transfer.received.v1',
      { sku: 'CABLE/2M', quantity: 3, location: 'west' },
      { ...piece, ...unnoted, from: null, to: 'west', condition: 'sellable' },
    ],
    [
      'shipment.confirmed.v1',
      { orderRef: 'SO-1', shipmentRef: 'DN-1', location: 'east', lines: [{ sku: 'CABLE/2M', quantity: 3 }] },
      { orderRef: 'SO-1', reservationId: null, shipmentRef: 'DN-1', location: 'east', lines: [piece] },
    ],
    [
      'shipment.cancelled.v1',
      { shipmentRef: 'DN-1' },
      { orderRef: null, reservationId: null, shipmentRef: 'DN-1', location: null, lines: null },
    ],
    [
      'return.received.v1',
      { sku: 'CABLE/2M', location: 'east', quantity: 3 },
      { ...piece, location: 'east', ...unnoted, condition: 'sellable', orderRef: null },
    ],
    [
      'return.received.v1',
      { sku: 'CABLE/2M', location: 'east', quantity: 3, restock: false },
      { ...piece, location: 'east', ...unnoted, condition: 'inspection', orderRef: null },
    ],
    [
      'return.received.v1',
      { sku: 'CABLE/2M', location: 'east', quantity: 3, condition: 'damaged' },
      { ...piece, location: 'east', ...unnoted, condition: 'damaged', orderRef: null },
    ],
    [
      'supply.expected.v1',
      { sku: 'CABLE/2M', location: 'east', quantity: 3, reference: 'PO-1', expectedAt: '2026-03-09T00:00:00Z' },
      {
        ...piece,
        location: 'east',
        kind: 'purchase',
        lot: null,
        reference: 'PO-1',
        expectedAt: Date.parse('2026-03-09T00:00:00Z'),
      },
    ],
    ['supply.cancelled.v1', { reference: 'PO-1' }, { kind: null, reference: 'PO-1', item: null, location: null }],
    ['order.cancelled.v1', { orderRef: 'SO-1' }, { orderRef: 'SO-1', reservationId: null, lines: null, reason: null }],
    [
      'item.updated.v1',
      { sku: 'CABLE/2M', name: 'Cable', uoms: [{ code: 'XCS', factor: 4 }] },
      { sku: 'CABLE/2M', changes: { name: 'Cable', uoms: [{ code: 'XCS', factor: 40_000 }] } },
    ],
    ['location.updated.v1', { code: 'east', enabled: false }, { location: 'east', changes: { enabled: false } }],
    ['source.heartbeat.v1', undefined, {}],
  ])('%s is read: %j', (type, data, expected) => {
    const read = parseCanonical(event(type, data));
    expect(read).toEqual({ type, id: 'evt-1', time: Date.parse(envelope.time), sequence: null, data: expected });
  });

  test('names an item by SKU, or by a number of the catalogue with GTINs of 14 digits', () => {
    const named = (row: object) =>
      parseCanonical(event('stock.counted.v1', { location: 'east', quantity: 1, ...row })).data;
    expect(named({ identifier: { type: 'gtin', value: '4006381333931' } })).toMatchObject({
      sku: null,
      identifier: { type: 'gtin', value: '04006381333931', party: '' },
    });
    expect(named({ identifier: { type: 'partner', value: 'R-1', party: 'ACME' } })).toMatchObject({
      identifier: { type: 'partner', value: 'R-1', party: 'ACME' },
    });
    expect(named({ sku: 'A', identifier: { type: 'gtin', value: '4006381333931' } })).toMatchObject({
      sku: 'A',
      identifier: null,
    });
  });

  test.each([
    [7, '7'],
    ['007', '7'],
    ['271878346596884015000', '271878346596884015000'],
    ['0', '0'],
  ])('has a sequence of any length: %j', (sequence, expected) => {
    expect(parseCanonical(event('source.heartbeat.v1', {}, { sequence })).sequence).toBe(expected);
  });

  test.each([
    ['an event that is none', 7, [' invalid_type', '/type required', '/id required']],
    ['an unknown type', event('stock.lost.v1', {}), ['/type invalid_value']],
    ['no id', { ...event('source.heartbeat.v1', {}), id: undefined }, ['/id required']],
    [
      'another version of CloudEvents',
      { ...event('source.heartbeat.v1', {}), specversion: '0.3' },
      ['/specversion invalid_value'],
    ],
    [
      'a time without a zone',
      event('source.heartbeat.v1', {}, { time: '2026-03-01T08:30:00' }),
      ['/time invalid_time'],
    ],
    [
      'a sequence beyond what a number counts',
      event('source.heartbeat.v1', {}, { sequence: 2 ** 53 }),
      ['/sequence invalid_sequence'],
    ],
    [
      'no data',
      event('stock.received.v1', undefined),
      ['/data required', '/data/sku required', '/data/quantity required', '/data/location required'],
    ],
    [
      'a quantity as text',
      event('stock.counted.v1', { sku: 'A', location: 'e', quantity: '3' }),
      ['/data/quantity not_a_number'],
    ],
    [
      'a quantity of 0 received',
      event('stock.received.v1', { sku: 'A', location: 'e', quantity: 0 }),
      ['/data/quantity zero'],
    ],
    [
      'a count below 0',
      event('stock.counted.v1', { sku: 'A', location: 'e', quantity: -1 }),
      ['/data/quantity negative'],
    ],
    [
      'five fraction digits',
      event('stock.counted.v1', { sku: 'A', location: 'e', quantity: 0.00001 }),
      ['/data/quantity too_precise'],
    ],
    [
      'more than there can be',
      event('stock.counted.v1', { sku: 'A', location: 'e', quantity: 1e12 }),
      ['/data/quantity too_large'],
    ],
    [
      'a misspelt field',
      event('shipment.cancelled.v1', { shipmentRef: 'D', order_ref: 'SO-1' }),
      ['/data/order_ref unknown_field'],
    ],
    [
      'a misspelt field of a line',
      event('shipment.cancelled.v1', { shipmentRef: 'D', lines: [{ sku: 'A', quantity: 1, UOM: 'XCS' }] }),
      ['/data/lines/0/UOM unknown_field'],
    ],
    [
      'a transfer to where it is',
      event('stock.transferred.v1', { sku: 'A', quantity: 1, from: 'e', to: 'e' }),
      ['/data/to same_location'],
    ],
    [
      'a shipment of nothing',
      event('shipment.confirmed.v1', { shipmentRef: 'D', location: 'e', lines: [] }),
      ['/data/lines required'],
    ],
    [
      'a bad line',
      event('shipment.confirmed.v1', { shipmentRef: 'D', location: 'e', lines: [{ sku: 'A', quantity: 1 }, 7] }),
      ['/data/lines/1 invalid_type', '/data/lines/1/sku required', '/data/lines/1/quantity required'],
    ],
    ['a cancelled order of no name', event('order.cancelled.v1', {}), ['/data/orderRef required']],
    [
      'a restocked return that is damaged',
      event('return.received.v1', { sku: 'A', location: 'e', quantity: 1, restock: true, condition: 'damaged' }),
      ['/data/condition contradiction'],
    ],
    [
      'a partner number of nobody',
      event('stock.counted.v1', { identifier: { type: 'partner', value: 'R' }, location: 'e', quantity: 1 }),
      ['/data/identifier/party required'],
    ],
    [
      'a complete snapshot of nothing anywhere',
      event('stock.snapshot.v1', { complete: true, rows: [] }),
      ['/data/locations required'],
    ],
    ['a location code with a space', event('location.updated.v1', { code: 'the east' }), ['/data/code invalid_code']],
  ])('is refused for %s, with pointers', (_, json, expected) => {
    expect(faultsOf(json)).toEqual(expected);
  });

  test('says what is wrong in one line', () => {
    expect(refusal(event('stock.counted.v1', { sku: 'A', location: 'e', quantity: '3' })).detail).toBe(
      '/data/quantity: takes a number with at most 4 fraction digits, not the text "3"',
    );
  });

  test('a snapshot keeps its good rows beside the bad, which say what they name', () => {
    const rows = [
      { sku: 'A', location: 'east', quantity: 1 },
      { sku: 'B', location: 'east', quantity: 'many' },
      { sku: 7, location: 'east', quantity: 1 },
      null,
      { sku: 'C', quantity: 1 },
      { identifier: { type: 'gtin', value: '4006381333931' }, location: 'west', quantity: 2 },
    ];
    const { data } = parseCanonical(event('stock.snapshot.v1', { complete: true, locations: ['east', 'west'], rows }));
    expect(data).toMatchObject({
      complete: true,
      locations: ['east', 'west'],
      basis: null,
      rows: [
        { sku: 'A', location: 'east', quantity: 10_000 },
        { sku: null, location: 'west', quantity: 20_000 },
      ],
      faults: [
        { row: 1, item: { sku: 'B' }, location: 'east' },
        { row: 2, item: null, location: 'east' },
        { row: 3, item: null, location: null },
        { row: 4, item: { sku: 'C' }, location: null },
      ],
    });
  });

  test('whatever JSON arrives is read or refused, and nothing else', () => {
    const data = fc.dictionary(
      fc.constantFrom(
        'sku',
        'location',
        'quantity',
        'from',
        'to',
        'lines',
        'rows',
        'identifier',
        'complete',
        'shipmentRef',
        'constructor',
        '__proto__',
      ),
      fc.oneof(fc.jsonValue(), fc.constantFrom('A', 'east', 3, [{ sku: 'A', quantity: 1 }])),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...EVENT_TYPES),
        fc.oneof(data, fc.jsonValue()),
        fc.jsonValue(),
        (type, body, more) => {
          for (const json of [event(type, body), more, { ...envelope, type, id: more, data: body }]) {
            try {
              parseCanonical(json);
            } catch (error) {
              expect(error).toBeInstanceOf(MappingFailed);
              expect((error as MappingFailed).errors.length).toBeGreaterThan(0);
            }
          }
        },
      ),
    );
  });

  test('written and read again it is the same event', () => {
    const name = fc.oneof(
      fc.record({ sku: fc.constantFrom('A', 'Kabel 2 m', '漢字') }),
      fc.record({
        identifier: fc.constantFrom(
          { type: 'gtin', value: '4006381333931' },
          { type: 'partner', value: 'R', party: 'P' },
        ),
      }),
    );
    const quantity = fc.integer({ min: 1, max: 1e15 }).map((n) => n / 10_000);
    const row = fc
      .tuple(name, quantity, fc.constantFrom('east', 'west'))
      .map(([of, n, location]) => ({ ...of, quantity: n, location }));
    const rows = fc.array(row, { minLength: 1, maxLength: 4 });
    const data = fc
      .record({
        row,
        rows,
        to: fc.constantFrom('north', 'south'),
        condition: fc.constantFrom(...CONDITIONS),
        at: fc.integer({ min: 0, max: 4e12 }),
      })
      .map(({ row: one, rows: lines, to, condition, at }) => ({
        ...one,
        rows: lines,
        lines,
        from: 'here',
        to,
        condition,
        shipmentRef: 'S',
        orderRef: 'O',
        reference: 'R',
        expectedAt: new Date(at).toISOString(),
        nettedUpTo: new Date(at).toISOString(),
      }));
    fc.assert(
      fc.property(
        fc.constantFrom(...EVENT_TYPES),
        data,
        fc.bigInt({ min: 0n, max: 10n ** 30n }),
        (type, body, sequence) => {
          const fitting = type === 'stock.condition_changed.v1' ? { ...body, from: 'sellable', to: 'damaged' } : body;
          const named = /^(item|location)\./.test(type) ? { sku: 'A', code: 'east', name: 'N' } : fitting;
          const read = parseCanonical(event(type, named, { sequence: String(sequence) }));
          expect(parseCanonical(JSON.parse(JSON.stringify(canonicalJson(read))))).toEqual(read);
        },
      ),
    );
  });
});

describe('A time', () => {
  test.each([
    ['2026-03-01T08:30:00Z', '2026-03-01T08:30:00.000Z'],
    ['2026-03-01t08:30:00.1239876z', '2026-03-01T08:30:00.123Z'],
    ['2005-04-03T20:33:31.116000-06:00', '2005-04-04T02:33:31.116Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(parseTime(text) as number).toISOString()).toBe(expected);
  });

  test.each([
    '2026-02-30T00:00:00Z',
    '2026-03-01',
    '2026-03-01T08:30:00',
    '2026-03-01T25:00:00Z',
    '0001-01-01T00:00:00Z',
    'now',
  ])('%s is none', (text) => expect(parseTime(text)).toBeUndefined());
});
