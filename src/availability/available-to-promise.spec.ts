import fc from 'fast-check';
import type { Position } from '../stock/position.js';
import { POSITION_MOST } from '../stock/position.js';
import { availableToPromise } from './available-to-promise.js';

const position = (locationId: number, figures: Partial<Position> = {}): Position => ({
  itemId: 1,
  locationId,
  onHand: 0,
  unsellable: { damaged: 0, expired: 0, recalled: 0, quarantined: 0, inspection: 0 },
  reserved: 0,
  incoming: 0,
  safetyStock: 0,
  version: 0,
  nextExpiry: null,
  asOf: 0,
  ...figures,
});
const everywhere = () => true;
const none = { buffer: 0, backorderLimit: 0 };

describe('what a channel may promise', () => {
  it('is the sum over its locations: two of 10 are 20 (semantics.md 4)', () => {
    const promise = availableToPromise([position(1, { onHand: 10 }), position(2, { onHand: 10 })], everywhere, none);
    expect(promise.available).toBe(20);
  });

  it('is not lessened at one location by a shortfall at another (semantics.md 4)', () => {
    const positions = [position(1, { onHand: 10 }), position(2, { onHand: 5, reserved: 50 })];
    expect(availableToPromise(positions, everywhere, none).available).toBe(10);
  });

  it('is nothing at a disabled location, and what is uncovered there still counts (semantics.md 9 and 20)', () => {
    const positions = [position(1, { onHand: 10, reserved: 14 }), position(2, { onHand: 3 })];
    const promise = availableToPromise(positions, (id) => id !== 1, { buffer: 0, backorderLimit: 6 });
    expect(promise).toMatchObject({ available: 3, backorderable: 2, backorderAt: 2 });
    expect(promise.sources).toEqual([{ locationId: 2, free: 3 }]);
  });

  it('withholds the buffer once, of the sum (semantics.md 11)', () => {
    const positions = [position(1, { onHand: 4 }), position(2, { onHand: 4 })];
    expect(availableToPromise(positions, everywhere, { ...none, buffer: 5 }).available).toBe(3);
    expect(availableToPromise(positions, everywhere, { ...none, buffer: 9 }).available).toBe(0);
  });

  it.each([
    ['none by default', 0, 0, 0],
    ['up to the limit', 0, 5, 5],
    ['what is left of the limit', 3, 5, 2],
    ['nothing past the limit', 9, 5, 0],
    ['without end where it is unlimited', 9, null, null],
  ])('may be exceeded by backorders: %s (semantics.md 20)', (_, reserved, backorderLimit, backorderable) => {
    const promise = availableToPromise([position(1, { reserved })], everywhere, { buffer: 0, backorderLimit });
    expect(promise.backorderable).toBe(backorderable);
  });

  it('is nothing, and no backorder, of an item that nobody stocks (semantics.md 10)', () => {
    const promise = availableToPromise([], everywhere, { buffer: 0, backorderLimit: null });
    expect(promise).toMatchObject({ available: 0, backorderable: 0, backorderAt: undefined });
  });

  it('ends, unlimited or not, where a position cannot count on', () => {
    const full = [position(1, { reserved: POSITION_MOST })];
    expect(availableToPromise(full, everywhere, { buffer: 0, backorderLimit: null }).backorderable).toBe(0);
  });

  it('is never more than what is free, and the sources are in sourcing order', () => {
    const figure = fc.integer({ min: 0, max: 1_000 });
    fc.assert(
      fc.property(
        fc.array(fc.record({ onHand: figure, reserved: figure, safetyStock: figure }), { maxLength: 6 }),
        figure,
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        (figures, buffer, enabled) => {
          const positions = figures.map((each, i) => position(i, each));
          const promise = availableToPromise(positions, (id) => enabled[id] as boolean, { buffer, backorderLimit: 0 });
          const free = promise.sources.reduce((sum, source) => sum + source.free, 0);
          expect(promise.available).toBe(Math.max(0, free - buffer));
          expect(promise.sources.map(({ locationId }) => locationId)).toEqual(
            positions.map(({ locationId }) => locationId).filter((id) => enabled[id]),
          );
        },
      ),
    );
  });
});
