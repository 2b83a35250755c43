import fc from 'fast-check';
import { Problem } from '../problems/problem.js';
import type { Allocation, Reservation, ReservationLine, Status } from './reservation.js';
import {
  cancel,
  commit,
  expire,
  extend,
  mustBeHeld,
  Posting,
  release,
  ShippedLine,
  Step,
  ship,
  unship,
} from './transitions.js';

const NOW = 10_000;
const at = (locationId: number, quantity: number, backordered = 0): Allocation => ({
  locationId,
  quantity,
  backordered,
});
const line = (number: number, allocations: Allocation[], overrides: Partial<ReservationLine> = {}): ReservationLine => {
  const reserved = allocations.reduce((sum, { quantity }) => sum + quantity, 0);
  return {
    line: number,
    lineRef: null,
    itemId: number,
    sku: `SKU-${number}`,
    uom: 'EA',
    factor: 1,
    tracked: true,
    locationId: null,
    requested: reserved,
    committed: 0,
    shipped: 0,
    reserved,
    allocations,
    ...overrides,
  };
};
const untracked = (number: number, reserved: number): ReservationLine =>
  line(number, [], { tracked: false, requested: reserved, reserved });
const hold = (lines: ReservationLine[], overrides: Partial<Reservation> = {}): Reservation => ({
  id: 'res_1',
  channelId: 1,
  clientId: 'shop',
  orderRef: null,
  status: 'held',
  expiresAt: NOW + 60_000,
  createdAt: NOW - 1_000,
  version: 1,
  lines,
  ...overrides,
});
const plenty = () => 1_000_000;
const committed = (lines: ReservationLine[]) => commit(hold(lines), undefined, undefined, NOW).reservation;
const posted = (step: Step | undefined) =>
  (step?.postings ?? []).map(({ locationId, change }) => [
    locationId,
    change.kind,
    change.onHand ?? 0,
    change.reserved ?? 0,
  ]);
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Problem).code;
  }
  return 'granted';
};

describe('a commit', () => {
  it('takes all that is held and moves nothing (semantics.md 14)', () => {
    const step = commit(hold([line(1, [at(1, 6)]), line(2, [at(1, 2)])]), undefined, 'SO-1', NOW);
    expect(step.postings).toEqual([]);
    expect(step.reservation).toMatchObject({ status: 'committed', expiresAt: null, orderRef: 'SO-1', version: 2 });
    expect(step.lines).toEqual([
      { line: 1, quantity: 6 },
      { line: 2, quantity: 2 },
    ]);
  });

  it('takes of the lines named the quantity named, and frees the rest in the same step (semantics.md 18)', () => {
    const held = hold([line(1, [at(1, 4), at(2, 4, 4)]), line(2, [at(1, 2)])], { orderRef: 'SO-1' });
    const step = commit(held, [{ line: 1, quantity: 5 }], undefined, NOW);
    expect(step.reservation.orderRef).toBe('SO-1');
    expect(step.reservation.lines).toMatchObject([
      { committed: 5, reserved: 5, allocations: [at(1, 4), at(2, 1, 1)] },
      { committed: 0, reserved: 0, allocations: [] },
    ]);
    expect(posted(step)).toEqual([
      [2, 'commit', 0, -3],
      [1, 'commit', 0, -2],
    ]);
  });

  it('adds up what it names of one line twice, and does not take more than is held (semantics.md 18)', () => {
    const held = hold([line(1, [at(1, 5)])]);
    const twice = (quantity: number) => () =>
      commit(
        held,
        [
          { line: 1, quantity: 3 },
          { line: 1, quantity },
        ],
        undefined,
        NOW,
      );
    expect(twice(2)().reservation.lines[0]?.committed).toBe(5);
    expect(codeOf(twice(3))).toBe('exceeds_hold');
    expect(codeOf(() => commit(held, [{ line: 9, quantity: 1 }], undefined, NOW))).toBe('exceeds_hold');
  });
});

describe('a shipment', () => {
  it('lowers on hand and reserved together (semantics.md 19)', () => {
    const { step, shipped } = ship(
      committed([line(1, [at(1, 4), at(2, 4)])]),
      [{ line: 1, quantity: 6, locationId: null }],
      'S1',
      plenty,
      NOW,
    );
    expect(posted(step)).toEqual([
      [1, 'ship', -4, -4],
      [2, 'ship', -2, -2],
    ]);
    expect(step).toMatchObject({ reference: 'S1', reservation: { status: 'partially_shipped' } });
    expect(shipped).toEqual([
      { line: 1, locationId: 1, quantity: 4 },
      { line: 1, locationId: 2, quantity: 2 },
    ]);
  });

  it('from another location lowers reserved where it stood and on hand where it leaves (semantics.md 19)', () => {
    const { step } = ship(
      committed([line(1, [at(1, 4)])]),
      [{ line: 1, quantity: 3, locationId: 2 }],
      'S1',
      plenty,
      NOW,
    );
    expect(posted(step)).toEqual([
      [1, 'ship', 0, -3],
      [2, 'ship', -3, 0],
    ]);
    expect(step.reservation.lines[0]).toMatchObject({ reserved: 1, shipped: 3, allocations: [at(1, 1)] });
  });

  it('takes what is on hand, where it stands, before what is not', () => {
    const onHand = (_: number, locationId: number) => (locationId === 2 ? 5 : 0);
    const { step } = ship(
      committed([line(1, [at(1, 3, 3), at(2, 5)])]),
      [{ line: 1, quantity: 5, locationId: null }],
      'S1',
      onHand,
      NOW,
    );
    expect(posted(step)).toEqual([[2, 'ship', -5, -5]]);
    expect(step.reservation.lines[0]?.allocations).toEqual([at(1, 3, 3)]);
  });

  it('is refused past what is on hand, which lines of one item share (semantics.md 7)', () => {
    const reservation = committed([line(1, [at(1, 4)]), line(2, [at(1, 4)], { itemId: 1 })]);
    expect(codeOf(() => ship(reservation, undefined, 'S1', () => 7, NOW))).toBe('insufficient_stock');
    expect(codeOf(() => ship(reservation, undefined, 'S1', () => 8, NOW))).toBe('granted');
    expect(codeOf(() => ship(reservation, undefined, 'S1', () => undefined, NOW))).toBe('insufficient_stock');
  });

  it('is refused past what is open (semantics.md 18)', () => {
    const reservation = committed([line(1, [at(1, 4)])]);
    const parts = [
      { line: 1, quantity: 3, locationId: null },
      { line: 1, quantity: 2, locationId: 2 },
    ];
    expect(codeOf(() => ship(reservation, parts, 'S1', plenty, NOW))).toBe('exceeds_commitment');
  });

  it('of an untracked line moves nothing (semantics.md 8)', () => {
    const { step, shipped } = ship(committed([untracked(1, 5)]), undefined, 'S1', () => undefined, NOW);
    expect(step.postings).toEqual([]);
    expect(step.reservation).toMatchObject({ status: 'shipped', lines: [{ shipped: 5, reserved: 0 }] });
    expect(unship(step.reservation, 'S1', shipped).reservation.lines[0]).toMatchObject({ shipped: 0, reserved: 5 });
  });

  it('taken back puts the units where they left from, and reserves them there again (semantics.md 19)', () => {
    const { step, shipped } = ship(
      committed([line(1, [at(1, 4)])]),
      [{ line: 1, quantity: 4, locationId: 2 }],
      'S1',
      plenty,
      NOW,
    );
    expect(step.reservation.status).toBe('shipped');
    const back = unship(step.reservation, 'S1', shipped);
    expect(posted(back)).toEqual([[2, 'unship', 4, 4]]);
    expect(back.reservation).toMatchObject({
      status: 'committed',
      lines: [{ shipped: 0, reserved: 4, allocations: [at(2, 4)] }],
    });
  });
});

describe('a cancellation', () => {
  it('takes back what it names, what stands beyond stock first', () => {
    const step = cancel(committed([line(1, [at(1, 4), at(2, 4, 2)])]), [{ line: 1, quantity: 3 }], NOW);
    expect(posted(step)).toEqual([[2, 'cancel', 0, -3]]);
    expect(step?.reservation).toMatchObject({ status: 'committed', lines: [{ committed: 5, reserved: 5 }] });
  });

  it('of what a partial shipment left ends as shipped', () => {
    const { step } = ship(
      committed([line(1, [at(1, 4)])]),
      [{ line: 1, quantity: 1, locationId: null }],
      'S1',
      plenty,
      NOW,
    );
    expect(cancel(step.reservation, undefined, NOW)?.reservation).toMatchObject({
      status: 'shipped',
      lines: [{ committed: 1, shipped: 1 }],
    });
  });

  it('of more than is open is refused, and never clamped (semantics.md 18)', () => {
    expect(codeOf(() => cancel(committed([line(1, [at(1, 4)])]), [{ line: 1, quantity: 5 }], NOW))).toBe(
      'exceeds_commitment',
    );
  });
});

describe('an extension', () => {
  const held = hold([line(1, [at(1, 1)])]);
  it('counts from now, also to less', () => {
    expect(extend(held, 5, 86_400, NOW).reservation).toMatchObject({ expiresAt: NOW + 5_000, version: 2 });
  });

  it('ends where the channel allows no older hold', () => {
    expect(codeOf(() => extend(held, 9, 10, NOW))).toBe('granted');
    expect(codeOf(() => extend(held, 10, 10, NOW))).toBe('hold_limit_reached');
  });
});

describe('a second attempt', () => {
  const lines = [line(1, [at(1, 4)])];
  const states: Record<string, Reservation> = {
    held: hold(lines),
    'past its time': hold(lines, { expiresAt: NOW }),
    expired: expire(hold(lines)).reservation,
    released: release(hold(lines), NOW)?.reservation as Reservation,
    committed: committed(lines),
    'partially shipped': ship(committed(lines), [{ line: 1, quantity: 1, locationId: null }], 'S1', plenty, NOW).step
      .reservation,
    shipped: ship(committed(lines), undefined, 'S1', plenty, NOW).step.reservation,
    cancelled: cancel(committed(lines), undefined, NOW)?.reservation as Reservation,
  };
  const attempts: Record<string, (reservation: Reservation) => Step | undefined> = {
    commit: (reservation) => commit(reservation, undefined, undefined, NOW),
    extend: (reservation) => extend(reservation, 10, 86_400, NOW),
    edit: (reservation) => {
      mustBeHeld(reservation, NOW);
      return undefined;
    },
    release: (reservation) => release(reservation, NOW),
    cancel: (reservation) => cancel(reservation, undefined, NOW),
    ship: (reservation) => ship(reservation, undefined, 'S2', plenty, NOW).step,
  };
  const granted = 'granted';
  const hasExpired = Object.fromEntries(Object.keys(attempts).map((attempt) => [attempt, 'hold_expired']));
  const ofHold = (code: string) => ({ commit: code, extend: code, edit: code });
  const answers: Record<string, Record<string, string>> = {
    held: { ...ofHold(granted), release: granted, cancel: 'not_committed', ship: 'not_committed' },
    'past its time': hasExpired,
    expired: hasExpired,
    released: { ...ofHold('already_released'), release: granted, cancel: 'already_released', ship: 'already_released' },
    committed: { ...ofHold('already_committed'), release: 'already_committed', cancel: granted, ship: granted },
    'partially shipped': { ...ofHold('already_shipped'), release: 'already_shipped', cancel: granted, ship: granted },
    shipped: {
      ...ofHold('already_shipped'),
      release: 'already_shipped',
      cancel: 'already_shipped',
      ship: 'already_shipped',
    },
    cancelled: {
      ...ofHold('already_cancelled'),
      release: 'already_cancelled',
      cancel: granted,
      ship: 'already_cancelled',
    },
  };
  const table = Object.entries(answers).flatMap(([state, row]) =>
    Object.entries(row).map(([attempt, code]) => [attempt, state, code] as const),
  );

  it.each(table)('to %s what is %s is answered %s (semantics.md 14)', (attempt, state, code) => {
    expect(codeOf(() => attempts[attempt]?.(states[state] as Reservation))).toBe(code);
  });

  it('to release or to cancel changes nothing (semantics.md 14)', () => {
    expect(release(states.released as Reservation, NOW)).toBeUndefined();
    expect(cancel(states.cancelled as Reservation, undefined, NOW)).toBeUndefined();
  });
});

describe('any sequence of steps', () => {
  interface World {
    reservation: Reservation;
    readonly onHand: Map<string, number>;
    readonly reserved: Map<string, number>;
    readonly shipments: Map<string, readonly ShippedLine[]>;
    now: number;
  }
  type Attempt = (world: World) => Step | undefined;

  const part = fc.record({ line: fc.integer({ min: 1, max: 3 }), quantity: fc.integer({ min: 1, max: 12 }) });
  const parts = fc.option(fc.array(part, { minLength: 1, maxLength: 3 }), { nil: undefined });
  const reference = fc.constantFrom('S1', 'S2', 'S3');
  const place = fc.option(fc.integer({ min: 1, max: 3 }));
  const attempt: fc.Arbitrary<Attempt> = fc.oneof(
    parts.map(
      (some): Attempt =>
        ({ reservation, now }) =>
          commit(reservation, some, 'SO', now),
    ),
    fc.constant<Attempt>(({ reservation, now }) => release(reservation, now)),
    fc.constant<Attempt>(({ reservation, now }) =>
      reservation.status === 'held' && (reservation.expiresAt as number) <= now ? expire(reservation) : undefined,
    ),
    fc.integer({ min: 1, max: 200 }).map(
      (seconds): Attempt =>
        ({ reservation, now }) =>
          extend(reservation, seconds, 300, now),
    ),
    parts.map(
      (some): Attempt =>
        ({ reservation, now }) =>
          cancel(reservation, some, now),
    ),
    fc.tuple(parts, reference, place).map(
      ([some, name, locationId]): Attempt =>
        (world) => {
          if (world.shipments.has(name)) return undefined;
          const onHand = (itemId: number, at: number) => world.onHand.get(`${itemId} ${at}`);
          const leaving = some?.map((each) => ({ ...each, locationId }));
          const { step, shipped } = ship(world.reservation, leaving, name, onHand, world.now);
          world.shipments.set(name, shipped);
          return step;
        },
    ),
    reference.map(
      (name): Attempt =>
        (world) => {
          const shipped = world.shipments.get(name);
          world.shipments.delete(name);
          return shipped && unship(world.reservation, name, shipped);
        },
    ),
    fc.integer({ min: 1, max: 90_000 }).map(
      (ms): Attempt =>
        (world) => {
          world.now += ms;
          return undefined;
        },
    ),
  );
  const allocation = fc.record({
    locationId: fc.integer({ min: 1, max: 3 }),
    quantity: fc.integer({ min: 1, max: 10 }),
    beyond: fc.boolean(),
  });
  const lines = fc.array(
    fc.tuple(fc.uniqueArray(allocation, { selector: ({ locationId }) => locationId, minLength: 1 }), fc.boolean()),
    { minLength: 1, maxLength: 3 },
  );

  const apply = (world: World, postings: readonly Posting[]) => {
    for (const { itemId, locationId, change } of postings) {
      const key = `${itemId} ${locationId}`;
      world.onHand.set(key, (world.onHand.get(key) ?? 0) + (change.onHand ?? 0));
      world.reserved.set(key, (world.reserved.get(key) ?? 0) + (change.reserved ?? 0));
    }
  };
  const allowed: Partial<Record<Status, Status[]>> = {
    held: ['held', 'committed', 'released', 'expired'],
    committed: ['committed', 'partially_shipped', 'shipped', 'cancelled'],
    partially_shipped: ['committed', 'partially_shipped', 'shipped'],
    // What was shipped can be taken back, and is then reserved again.
    shipped: ['committed', 'partially_shipped', 'shipped'],
  };

  it('keeps reserved the sum of the allocations, on hand what was not shipped, and ends for good (semantics.md, Invariants)', () => {
    fc.assert(
      fc.property(
        lines,
        fc.array(attempt, { maxLength: 25 }),
        fc.integer({ min: 0, max: 3 }),
        (sketch, attempts, extra) => {
          const items = sketch.map(([all, tracked], i) =>
            tracked
              ? line(
                  i + 1,
                  all.map(({ locationId, quantity, beyond }) => at(locationId, quantity, beyond ? quantity : 0)),
                )
              : untracked(i + 1, 7),
          );
          const world: World = {
            reservation: hold(items),
            onHand: new Map(),
            reserved: new Map(),
            shipments: new Map(),
            now: NOW,
          };
          let there = 0;
          for (const { itemId, allocations } of items) {
            for (const { locationId, quantity, backordered } of allocations) {
              world.onHand.set(`${itemId} ${locationId}`, quantity - backordered + extra);
              world.reserved.set(`${itemId} ${locationId}`, quantity);
              there += quantity - backordered + extra;
            }
          }
          for (const take of attempts) {
            const before = world.reservation;
            let step: Step | undefined;
            try {
              step = take(world);
            } catch (error) {
              expect(error).toBeInstanceOf(Problem);
            }
            if (!step) continue;
            apply(world, step.postings);
            world.reservation = step.reservation;
            const now = world.reservation;
            expect(now.version).toBe(before.version + 1);
            expect(allowed[before.status]).toContain(now.status);
            const standing = new Map<string, number>();
            let gone = 0;
            for (const each of now.lines) {
              const stands = each.allocations.reduce((sum, { quantity }) => sum + quantity, 0);
              if (each.tracked) expect(each.reserved).toBe(stands);
              if (each.tracked) gone += each.shipped;
              expect(Math.min(each.reserved, each.shipped, each.committed)).toBeGreaterThanOrEqual(0);
              const open = ['committed', 'partially_shipped', 'shipped', 'cancelled'].includes(now.status);
              if (open) expect(each.committed).toBe(each.reserved + each.shipped);
              for (const { locationId, quantity } of each.allocations) {
                const key = `${each.itemId} ${locationId}`;
                standing.set(key, (standing.get(key) ?? 0) + quantity);
              }
            }
            for (const [key, reserved] of world.reserved) expect(reserved).toBe(standing.get(key) ?? 0);
            for (const onHand of world.onHand.values()) expect(onHand).toBeGreaterThanOrEqual(0);
            expect([...world.onHand.values()].reduce((a, b) => a + b, 0)).toBe(there - gone);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
