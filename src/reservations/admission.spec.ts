import fc from 'fast-check';
import { ONE } from '../catalog/quantity.js';
import { Configuration, type DirectoryChannel, type DirectoryItem } from '../channels/directory.js';
import { Problem } from '../problems/problem.js';
import { Ledger } from '../stock/ledger.js';
import type { Position } from '../stock/position.js';
import { admit, differences, positionsFor, RequestedLine, refuseShort, resolveLines, sameLines } from './admission.js';
import type { Reservation, ReservationLine } from './reservation.js';

const item = (id: number, overrides: Partial<DirectoryItem> = {}): DirectoryItem => ({
  id,
  sku: `SKU-${id}`,
  baseUom: 'EA',
  fractionDigits: 0,
  tracked: true,
  active: true,
  uoms: [{ code: 'XCS', factor: 4 * ONE }],
  rules: new Map(),
  revision: 1,
  updatedAt: 0,
  ...overrides,
});
const locations = [1, 2].map((id) => ({ id, code: `L${id}`, enabled: true }));
const channel = (overrides: Partial<DirectoryChannel> = {}): DirectoryChannel => ({
  id: 1,
  code: 'web',
  sourcing: 'listed_order',
  priority: 0,
  buffer: 0,
  backorderLimit: 0,
  holdTtlSeconds: 900,
  maxHoldTtlSeconds: 86_400,
  stalePolicy: 'serve',
  staleBuffer: 0,
  maxOpenHolds: null,
  maxHeldQuantity: null,
  locations,
  ...overrides,
});
const position = (itemId: number, locationId: number, onHand: number, reserved = 0): Position => ({
  itemId,
  locationId,
  onHand: onHand * ONE,
  unsellable: { damaged: 0, expired: 0, recalled: 0, quarantined: 0, inspection: 0 },
  reserved: reserved * ONE,
  incoming: 0,
  safetyStock: 0,
  version: 1,
  nextExpiry: null,
  asOf: 0,
});
const catalogue = (...items: DirectoryItem[]) => ({
  configuration: new Configuration(1, locations, []),
  item: (sku: string) => items.find((each) => each.sku === sku),
});
const resolve = (lines: RequestedLine[], by = channel(), ...items: DirectoryItem[]) =>
  resolveLines(lines, by, catalogue(...(items.length > 0 ? items : [item(1), item(2)])));
const held = (lines: readonly ReservationLine[]): Reservation => ({
  id: 'res_1',
  channelId: 1,
  clientId: 'shop',
  orderRef: null,
  status: 'held',
  expiresAt: 1,
  createdAt: 0,
  version: 1,
  lines,
});
/** `location:quantity`, with `+n` for what was admitted beyond stock. */
const standing = (line: ReservationLine | undefined) =>
  (line?.allocations ?? []).map(
    ({ locationId, quantity, backordered }) =>
      `${locationId}:${quantity / ONE}${backordered ? `+${backordered / ONE}` : ''}`,
  );
const problemOf = (work: () => unknown): Problem => {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('the lines of a request', () => {
  it('are found with their unit, in the base unit, numbered from 1', () => {
    const lines = resolve([
      { sku: 'SKU-1', quantity: 3, uom: 'XCS', location: 'L2', lineRef: 'a' },
      { sku: 'SKU-2', quantity: 1 },
    ]);
    expect(lines).toMatchObject([
      { line: 1, lineRef: 'a', item: { id: 1 }, unit: { code: 'XCS' }, locationId: 2, quantity: 12 * ONE },
      { line: 2, lineRef: null, item: { id: 2 }, unit: { code: 'EA' }, locationId: null, quantity: ONE },
    ]);
  });

  it.each<[string, RequestedLine, string, string]>([
    ['an item that is not there', { sku: 'X', quantity: 1 }, 'unknown_sku', '/lines/1/sku'],
    ['a unit the item has not', { sku: 'SKU-1', quantity: 1, uom: 'KGM' }, 'unknown_uom', '/lines/1/uom'],
    [
      'a location the channel does not sell from',
      { sku: 'SKU-1', quantity: 1, location: 'L9' },
      'unknown_location',
      '/lines/1/location',
    ],
    ['half a piece', { sku: 'SKU-1', quantity: 0.5 }, 'validation_failed', '/lines/1/quantity'],
    ['half a case', { sku: 'SKU-1', quantity: 0.5, uom: 'XCS' }, 'validation_failed', '/lines/1/quantity'],
  ])('are refused for %s, with the pointer', (_, line, code, pointer) => {
    const problem = problemOf(() => resolve([{ sku: 'SKU-1', quantity: 1 }, line]));
    expect(problem.code).toBe(code);
    expect(problem.more.errors?.[0]?.pointer).toBe(pointer);
  });

  it('are decided on every position of the channel, once each, and on none of an untracked item', () => {
    const lines = resolve(
      [
        { sku: 'SKU-1', quantity: 1 },
        { sku: 'SKU-1', quantity: 1, location: 'L2' },
        { sku: 'SKU-2', quantity: 1 },
      ],
      channel(),
      item(1),
      item(2, { tracked: false }),
    );
    expect(positionsFor(lines, channel())).toEqual([
      { itemId: 1, locationId: 1 },
      { itemId: 1, locationId: 2 },
    ]);
  });
});

describe('an admission', () => {
  it('says of every short line what was left for it, in its unit (semantics.md 15)', () => {
    const lines = resolve([
      { sku: 'SKU-1', quantity: 2, uom: 'XCS' },
      { sku: 'SKU-1', quantity: 4 },
      { sku: 'SKU-2', quantity: 1 },
    ]);
    const admitted = admit(lines, channel(), new Ledger(0, [position(1, 1, 7)]));
    expect(admitted.shortages).toEqual([
      { line: 1, sku: 'SKU-1', requested: 2, available: 1, reason: 'insufficient' },
      { line: 2, sku: 'SKU-1', requested: 4, available: 3, reason: 'insufficient' },
      { line: 3, sku: 'SKU-2', requested: 1, available: 0, reason: 'not_carried' },
    ]);
  });

  it('refuses a short request whole, unless it asked for what there is and there is something (semantics.md 15)', () => {
    const ledger = () => new Ledger(0, [position(1, 1, 3)]);
    const short = admit(resolve([{ sku: 'SKU-1', quantity: 5 }]), channel(), ledger());
    expect(problemOf(() => refuseShort(short, false)).more.extra).toEqual({ shortages: short.shortages });
    expect(() => refuseShort(short, true)).not.toThrow();
    expect(short.lines[0]).toMatchObject({ requested: 5 * ONE, reserved: 3 * ONE });
    const nothing = admit(resolve([{ sku: 'SKU-2', quantity: 5 }]), channel(), ledger());
    expect(problemOf(() => refuseShort(nothing, true)).code).toBe('insufficient_stock');
  });

  it('always has what is untracked, unless it was taken off sale (semantics.md 8)', () => {
    const service = item(1, { tracked: false });
    const lines = (of: DirectoryItem) => resolve([{ sku: 'SKU-1', quantity: 1e6 }], channel(), of);
    const admitted = admit(lines(service), channel(), new Ledger(0, []));
    expect(admitted).toMatchObject({
      shortages: [],
      lines: [{ tracked: false, reserved: 1e6 * ONE, allocations: [] }],
    });
    const gone = admit(lines({ ...service, active: false }), channel(), new Ledger(0, []));
    expect(gone.shortages).toMatchObject([{ available: 0, reason: 'not_carried' }]);
    const kept = admit(lines({ ...service, active: false }), channel(), new Ledger(0, []), held(admitted.lines));
    expect(kept.shortages).toEqual([]);
  });

  it('carries nowhere what was taken off sale, whatever still stands there', () => {
    const lines = resolve([{ sku: 'SKU-1', quantity: 1 }], channel(), item(1, { active: false }));
    expect(admit(lines, channel(), new Ledger(0, [position(1, 1, 9)])).shortages).toMatchObject([
      { reason: 'not_carried' },
    ]);
  });
});

describe('an edit (semantics.md 17)', () => {
  const unlimited = channel({ backorderLimit: null });
  const edit = (before: readonly ReservationLine[], lines: RequestedLine[], ledger: Ledger, by = channel()) =>
    admit(resolve(lines, by), by, ledger, held(before));
  const eight = () =>
    admit(resolve([{ sku: 'SKU-1', quantity: 8 }], unlimited), unlimited, new Ledger(0, [position(1, 1, 5)])).lines;
  const afterwards = () => new Ledger(0, [position(1, 1, 5, 8)]);

  it('is not stopped by its own stock', () => {
    const before = admit(resolve([{ sku: 'SKU-1', quantity: 5 }]), channel(), new Ledger(0, [position(1, 1, 5)])).lines;
    const ledger = new Ledger(0, [position(1, 1, 5, 5)]);
    expect(edit(before, [{ sku: 'SKU-1', quantity: 5, lineRef: 'x' }], ledger).shortages).toEqual([]);
    expect(edit(before, [{ sku: 'SKU-1', quantity: 6 }], ledger).shortages).toMatchObject([{ available: 5 }]);
  });

  it('keeps what was admitted beyond stock, and adds to it', () => {
    expect(standing(eight()[0])).toEqual(['1:8+3']);
    expect(standing(edit(eight(), [{ sku: 'SKU-1', quantity: 10 }], afterwards(), unlimited).lines[0])).toEqual([
      '1:10+5',
    ]);
  });

  it('keeps it once, however many lines it is split into', () => {
    const { lines } = edit(
      eight(),
      [
        { sku: 'SKU-1', quantity: 4 },
        { sku: 'SKU-1', quantity: 4 },
      ],
      afterwards(),
    );
    expect(lines.map(standing)).toEqual([['1:4+3'], ['1:4']]);
  });

  it('gives it up first when it asks for less', () => {
    expect(standing(edit(eight(), [{ sku: 'SKU-1', quantity: 6 }], afterwards()).lines[0])).toEqual(['1:6+1']);
    expect(standing(edit(eight(), [{ sku: 'SKU-1', quantity: 4 }], afterwards()).lines[0])).toEqual(['1:4']);
  });

  it('for the same lines is no edit', () => {
    const asked: RequestedLine[] = [
      { sku: 'SKU-1', quantity: 2, uom: 'XCS', lineRef: 'a' },
      { sku: 'SKU-2', quantity: 1, location: 'L2' },
    ];
    const ledger = new Ledger(0, [position(1, 1, 9), position(2, 2, 9)]);
    const reservation = held(admit(resolve(asked), channel(), ledger).lines);
    const [first, second] = asked as [RequestedLine, RequestedLine];
    expect(sameLines(reservation, resolve(asked))).toBe(true);
    for (const other of [
      [first],
      [second, first],
      [{ ...first, quantity: 1 }, second],
      [{ ...first, quantity: 8, uom: 'EA' }, second],
      [{ ...first, lineRef: 'b' }, second],
      [first, { ...second, location: 'L1' }],
      [first, { ...second, location: undefined }],
      [first, second, second],
    ]) {
      expect(sameLines(reservation, resolve(other))).toBe(false);
    }
    const partly = held(reservation.lines.map((line) => ({ ...line, reserved: line.reserved - ONE })));
    expect(sameLines(partly, resolve(asked))).toBe(false);
  });

  it('posts the differences by position, and nothing where there is none', () => {
    const before = admit(
      resolve([{ sku: 'SKU-1', quantity: 7 }]),
      channel(),
      new Ledger(0, [position(1, 1, 5), position(1, 2, 5)]),
    ).lines;
    expect(before.map(standing)).toEqual([['1:5', '2:2']]);
    const { lines } = edit(
      before,
      [
        { sku: 'SKU-1', quantity: 5 },
        { sku: 'SKU-2', quantity: 1 },
      ],
      new Ledger(0, [position(1, 1, 5, 5), position(1, 2, 5, 2), position(2, 1, 1)]),
    );
    const postings = differences('res_1', before, lines, 'edit');
    expect(postings).toEqual([
      { itemId: 1, locationId: 2, change: { kind: 'edit', reserved: -2 * ONE, reservationId: 'res_1' } },
      { itemId: 2, locationId: 1, change: { kind: 'edit', reserved: ONE, reservationId: 'res_1' } },
    ]);
    expect(differences('res_1', before, before, 'edit')).toEqual([]);
  });

  const asked = fc.array(
    fc.record({
      sku: fc.constantFrom('SKU-1', 'SKU-2'),
      quantity: fc.integer({ min: 1, max: 12 }),
      uom: fc.constantFrom('EA', 'EA', 'XCS'),
    }),
    { minLength: 1, maxLength: 4 },
  );

  it('posts what brings every position from the lines before to the lines after, and never past what there is', () => {
    fc.assert(
      fc.property(
        fc.array(asked, { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 0, max: 10 }),
        (edits, onHand, limit) => {
          const by = channel({ backorderLimit: limit * ONE });
          const ledger = new Ledger(0, [
            position(1, 1, onHand[0] as number),
            position(1, 2, onHand[1] as number),
            position(2, 1, onHand[2] as number),
            position(2, 2, onHand[3] as number),
          ]);
          let reservation = held([]);
          for (const lines of edits) {
            const admitted = admit(resolve(lines, by), by, ledger, reservation);
            if (admitted.shortages.length > 0) continue;
            for (const { change, ...key } of differences('res_1', reservation.lines, admitted.lines, 'edit'))
              ledger.post(key, change, 'key');
            reservation = held(admitted.lines);
            for (const here of ledger.locked()) {
              const stands = reservation.lines
                .filter(({ itemId }) => itemId === here.itemId)
                .flatMap(({ allocations }) => allocations.filter(({ locationId }) => locationId === here.locationId));
              expect(here.reserved).toBe(stands.reduce((sum, { quantity }) => sum + quantity, 0));
              const uncovered = Math.max(0, here.reserved - here.onHand);
              // What is uncovered without a physical change was admitted so: none of it is a shortfall.
              expect(stands.reduce((sum, { backordered }) => sum + backordered, 0)).toBeGreaterThanOrEqual(uncovered);
              expect(uncovered).toBeLessThanOrEqual(limit * ONE);
            }
          }
        },
      ),
    );
  });
});
