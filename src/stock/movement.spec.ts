import fc from 'fast-check';
import { apply, changeOnHand } from './movement.js';
import { flawOf, Position, UNSELLABLE, unsellableOf } from './position.js';

const quantity = fc.integer({ min: 0, max: 1_000 });
const anyPosition = fc
  .record({ sellable: quantity, bad: fc.array(quantity, { minLength: 5, maxLength: 5 }), reserved: quantity })
  .map(({ sellable, bad, reserved }): Position => {
    const unsellable = Object.fromEntries(UNSELLABLE.map((condition, i) => [condition, bad[i]]));
    return {
      itemId: 1,
      locationId: 1,
      onHand: bad.reduce((a, b) => a + b, sellable),
      unsellable: unsellable as unknown as Position['unsellable'],
      reserved,
      incoming: 0,
      safetyStock: 0,
      version: 7,
      nextExpiry: null,
      asOf: 0,
    };
  });

describe('a movement', () => {
  it('changes the figures it names, counts one version and notes the time', () => {
    const [position] = fc.sample(anyPosition, { numRuns: 1, seed: 1 }) as [Position];
    const before = structuredClone(position);
    apply(position, { kind: 'ship', onHand: -2, reserved: -1 }, 99);
    expect(position).toEqual({
      ...before,
      onHand: before.onHand - 2,
      reserved: before.reserved - 1,
      version: 8,
      asOf: 99,
    });
    apply(position, { kind: 'condition_change', unsellable: 3, condition: 'recalled' }, 100);
    expect(position.unsellable).toEqual({ ...before.unsellable, recalled: before.unsellable.recalled + 3 });
    apply(position, { kind: 'safety_stock', safetyStock: 5 }, 101);
    expect(position).toMatchObject({ safetyStock: 5, version: 10, asOf: 101 });
  });

  it('brings on hand to any figure, takes unsellable units only as far as it must, and moves nothing twice', () => {
    fc.assert(
      fc.property(anyPosition, fc.integer({ min: 0, max: 7_000 }), (position, onHand) => {
        const before = structuredClone(position);
        const changes = changeOnHand(position, onHand, { kind: 'count', reason: 'count' });
        expect(position).toEqual(before);
        for (const change of changes) {
          apply(position, change, 1);
          expect(flawOf(position)).toBeUndefined();
        }
        expect(position.onHand).toBe(onHand);
        expect(unsellableOf(position)).toBe(Math.min(unsellableOf(before), onHand));
        expect(position.reserved).toBe(before.reserved);
        expect(changes.length === 0).toBe(onHand === before.onHand);
        expect(changes.every((change) => change.onHand !== 0 && change.reason === 'count')).toBe(true);
      }),
    );
  });

  it('gives up unsellable units in a stated order: damaged first, those in inspection last', () => {
    const [position] = fc.sample(anyPosition, { numRuns: 1, seed: 2 }) as [Position];
    Object.assign(position, {
      onHand: 5,
      unsellable: { damaged: 1, expired: 1, recalled: 1, quarantined: 1, inspection: 1 },
    });
    expect(changeOnHand(position, 3, { kind: 'count' })).toEqual([
      { kind: 'count', onHand: -1, unsellable: -1, condition: 'damaged' },
      { kind: 'count', onHand: -1, unsellable: -1, condition: 'expired' },
    ]);
  });
});
