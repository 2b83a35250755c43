import fc from 'fast-check';
import type { Sourcing } from '../channels/directory.js';
import type { Promisable } from './available-to-promise.js';
import { Plan, plan, Want } from './sourcing.js';

const promise = (free: number[], { buffer = 0, backorderable = 0 as number | null, room = 1e9 } = {}): Promisable => ({
  sources: free.map((each, i) => ({ locationId: i + 1, free: each })),
  available: Math.max(0, free.reduce((a, b) => a + b, 0) - buffer),
  backorderable,
  room,
  backorderAt: free.length > 0 ? 1 : undefined,
});
const want = (quantity: number, { step = 1, locationId = null as number | null } = {}): Want => ({
  quantity,
  step,
  locationId,
});
/** `location:quantity`, with `+n` for what is beyond stock. */
const shares = (planned: Plan | undefined) =>
  (planned?.shares ?? []).map(
    (each) => `${each.locationId}:${each.quantity}${each.backordered ? `+${each.backordered}` : ''}`,
  );

describe('a plan', () => {
  it.each<[string, Sourcing, number[], number, string[]]>([
    ['takes listed locations one after the other', 'listed_order', [10, 15], 13, ['1:10', '2:3']],
    ['takes from one where one suffices', 'listed_order', [20, 15], 13, ['1:13']],
    ['takes the fullest first', 'fullest_first', [10, 15], 13, ['2:13']],
    ['takes the one listed first of two equally full', 'fullest_first', [9, 15, 15], 16, ['2:15', '3:1']],
    ['takes all from the first that has all', 'single_location', [10, 15, 20], 13, ['2:13']],
  ])('%s (semantics.md 13)', (_, sourcing, free, quantity, expected) => {
    expect(shares(plan(promise(free), sourcing, [want(quantity)])[0])).toEqual(expected);
  });

  it('splits each line over what the ones before it left (semantics.md 13)', () => {
    const plans = plan(promise([4, 4]), 'listed_order', [want(3), want(3), want(3)]);
    expect(plans.map(shares)).toEqual([['1:3'], ['1:1', '2:2'], ['2:2']]);
    expect(plans.map(({ short }) => short)).toEqual([0, 0, 1]);
  });

  it('gives lines that insist on a location their stock before the others take it', () => {
    const plans = plan(promise([5, 5]), 'listed_order', [want(5), want(5, { locationId: 1 })]);
    expect(plans.map(shares)).toEqual([['2:5'], ['1:5']]);
  });

  it('takes whole packages from each location (semantics.md 2)', () => {
    const plans = plan(promise([7, 6, 3]), 'listed_order', [want(12, { step: 4 })]);
    expect(plans.map(shares)).toEqual([['1:4', '2:4']]);
    expect(plans[0]).toMatchObject({ short: 4, available: 8, reason: 'insufficient' });
  });

  it('withholds the buffer wherever it is taken from (semantics.md 11)', () => {
    const plans = plan(promise([5, 5], { buffer: 4 }), 'listed_order', [want(8)]);
    expect(plans.map(shares)).toEqual([['1:5', '2:1']]);
    expect(plans[0]?.short).toBe(2);
  });

  it('puts what is beyond stock at the first location in sourcing order (semantics.md 20)', () => {
    expect(shares(plan(promise([2, 3], { backorderable: 4 }), 'listed_order', [want(8)])[0])).toEqual(['1:5+3', '2:3']);
    expect(shares(plan(promise([0, 3], { backorderable: null }), 'fullest_first', [want(8)])[0])).toEqual([
      '2:3',
      '1:5+5',
    ]);
    const [first, second] = plan(promise([0], { backorderable: 4 }), 'listed_order', [want(3), want(3)]);
    expect([first, second].map(shares)).toEqual([['1:3+3'], ['1:1+1']]);
    expect(second?.short).toBe(2);
  });

  it('goes beyond stock at the location a line insists on', () => {
    const [planned] = plan(promise([2, 3], { backorderable: null }), 'listed_order', [want(8, { locationId: 2 })]);
    expect(shares(planned)).toEqual(['2:8+5']);
  });

  it('ends, unlimited or not, where a position cannot count on', () => {
    const [planned] = plan(promise([2], { backorderable: null, room: 5 }), 'listed_order', [want(8)]);
    expect(planned).toMatchObject({ short: 1, available: 2 });
  });

  it.each<[string, Promisable, Sourcing, Want, Plan['reason']]>([
    ['there is less than that', promise([3, 3]), 'listed_order', want(7), 'insufficient'],
    ['nobody in the channel stocks it', promise([]), 'listed_order', want(1), 'not_carried'],
    ['not there', promise([3]), 'listed_order', want(1, { locationId: 9 }), 'not_stocked'],
    ['less there, more elsewhere', promise([3, 9]), 'listed_order', want(4, { locationId: 1 }), 'insufficient'],
    ['enough together, in no one place', promise([5, 5]), 'single_location', want(8), 'no_single_location'],
    ['not enough together either', promise([5, 5]), 'single_location', want(11), 'insufficient'],
    [
      'not enough together for this channel',
      promise([5, 5], { buffer: 4 }),
      'single_location',
      want(8),
      'insufficient',
    ],
    ['enough', promise([5]), 'listed_order', want(5), undefined],
  ])('says why it is short: %s (semantics.md 10 and 13)', (_, promisable, sourcing, wanted, reason) => {
    expect(plan(promisable, sourcing, [wanted])[0]?.reason).toBe(reason);
  });

  describe('of an edit (semantics.md 17)', () => {
    it('takes its own stock first, and needs a promise for the difference only', () => {
      const own = new Map([[2, 5]]);
      const [planned] = plan(promise([1, 0]), 'listed_order', [want(6)], own);
      expect(shares(planned)).toEqual(['2:5', '1:1']);
      expect(plan(promise([1, 0]), 'listed_order', [want(7)], own)[0]?.short).toBe(1);
    });

    it('keeps its own stock at a location that promises nothing any more', () => {
      expect(shares(plan(promise([0]), 'listed_order', [want(3)], new Map([[9, 3]]))[0])).toEqual(['9:3']);
      const [planned] = plan(promise([]), 'listed_order', [want(2, { locationId: 9 })], new Map([[9, 3]]));
      expect(shares(planned)).toEqual(['9:2']);
    });

    it('keeps or lessens what stands in two places although the channel now sells from a single one', () => {
      const own = new Map([
        [1, 6],
        [2, 4],
      ]);
      expect(shares(plan(promise([0, 0]), 'single_location', [want(10)], own)[0])).toEqual(['1:6', '2:4']);
      expect(shares(plan(promise([0, 0]), 'single_location', [want(8)], own)[0])).toEqual(['1:6', '2:2']);
      expect(shares(plan(promise([50, 0]), 'single_location', [want(8)], own)[0])).toEqual(['1:8']);
    });
  });

  const situation = fc
    .record({
      free: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 5 }),
      buffer: fc.integer({ min: 0, max: 10 }),
      backorderable: fc.option(fc.integer({ min: 0, max: 20 })),
      sourcing: fc.constantFrom<Sourcing>('listed_order', 'fullest_first', 'single_location'),
      own: fc.dictionary(fc.constantFrom('1', '2', '3', '8'), fc.integer({ min: 1, max: 20 })),
      wants: fc.array(
        fc.record({
          packages: fc.integer({ min: 1, max: 15 }),
          step: fc.constantFrom(1, 1, 4),
          locationId: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 3 }),
        }),
        { minLength: 1, maxLength: 5 },
      ),
    })
    .map(({ free, buffer, backorderable, sourcing, own, wants }) => ({
      promisable: promise(free, { buffer, backorderable }),
      free,
      sourcing,
      own: new Map(Object.entries(own).map(([place, quantity]) => [Number(place), quantity])),
      wants: wants.map(({ packages, step, locationId }) => want(packages * step, { step, locationId })),
    }));

  it('gives each line what it asked for, less what it says is short', () => {
    fc.assert(
      fc.property(situation, ({ promisable, sourcing, own, wants }) => {
        const plans = plan(promisable, sourcing, wants, own);
        expect(plans).toHaveLength(wants.length);
        for (const [index, { shares, short, available, reason }] of plans.entries()) {
          const { quantity, step, locationId } = wants[index] as Want;
          const sum = shares.reduce((total, share) => total + share.quantity, 0);
          const beyond = shares.reduce((total, share) => total + share.backordered, 0);
          expect(sum + short).toBe(quantity);
          expect(sum - beyond).toBe(available);
          expect(reason === undefined).toBe(short === 0);
          expect(shares.every((share) => share.quantity > 0 && share.quantity % step === 0)).toBe(true);
          expect(shares.every((share) => share.backordered >= 0 && share.backordered <= share.quantity)).toBe(true);
          expect(locationId === null || shares.every((share) => share.locationId === locationId)).toBe(true);
          expect(new Set(shares.map((share) => share.locationId)).size).toBe(shares.length);
        }
      }),
    );
  });

  it('takes of no location more than is free there, of all no more than may be promised, beyond it no more than is allowed', () => {
    fc.assert(
      fc.property(situation, ({ promisable, free, sourcing, own, wants }) => {
        const all = plan(promisable, sourcing, wants, own).flatMap(({ shares }) => shares);
        const taken = new Map<number, number>();
        for (const { locationId, quantity, backordered } of all) {
          taken.set(locationId, (taken.get(locationId) ?? 0) + quantity - backordered);
        }
        let fromFree = 0;
        for (const [place, quantity] of taken) {
          expect(quantity).toBeLessThanOrEqual((free[place - 1] ?? 0) + (own.get(place) ?? 0));
          fromFree += Math.max(0, quantity - (own.get(place) ?? 0));
        }
        expect(fromFree).toBeLessThanOrEqual(promisable.available);
        const beyond = all.reduce((sum, { backordered }) => sum + backordered, 0);
        expect(beyond).toBeLessThanOrEqual(promisable.backorderable ?? promisable.room);
      }),
    );
  });

  it('never refuses a line of pieces what the reservation holds already, or less of it', () => {
    fc.assert(
      fc.property(situation, fc.nat(), ({ promisable, sourcing, own }, any) => {
        const held = [...own.values()].reduce((a, b) => a + b, 0);
        fc.pre(held > 0);
        const [planned] = plan(promisable, sourcing, [want(1 + (any % held))], own);
        expect(planned).toMatchObject({ short: 0 });
        expect(planned?.shares.every(({ backordered }) => backordered === 0)).toBe(true);
      }),
    );
  });

  it('of a single location stands at one place when nothing is held yet', () => {
    fc.assert(
      fc.property(situation, ({ promisable, wants }) => {
        const anywhere = wants.map((each) => ({ ...each, locationId: null }));
        const places = plan(promisable, 'single_location', anywhere).flatMap(({ shares }) =>
          shares.map((each) => each.locationId),
        );
        expect(new Set(places).size).toBeLessThanOrEqual(1);
      }),
    );
  });
});
