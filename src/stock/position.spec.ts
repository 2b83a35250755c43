import fc from 'fast-check';
import {
  flawOf,
  freeOf,
  POSITION_MOST,
  Position,
  sellableOf,
  UNSELLABLE,
  uncoveredOf,
  unsellableOf,
} from './position.js';

const position = (figures: Partial<Position> = {}): Position => ({
  itemId: 1,
  locationId: 1,
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
const unsellable = (figures: Partial<Position['unsellable']>) => ({ ...position().unsellable, ...figures });

describe('a position', () => {
  it.each<[string, Partial<Position>, number, number]>([
    ['nothing', {}, 0, 0],
    ['on hand alone', { onHand: 10 }, 10, 0],
    ['less what is reserved', { onHand: 10, reserved: 4 }, 6, 0],
    ['less what is unsellable', { onHand: 10, unsellable: unsellable({ damaged: 2, inspection: 1 }) }, 7, 0],
    ['less the safety stock', { onHand: 10, safetyStock: 3 }, 7, 0],
    ['never below 0', { onHand: 2, reserved: 1, safetyStock: 5 }, 0, 0],
    ['not what is incoming (semantics.md 5)', { incoming: 50 }, 0, 0],
    ['0 where more is reserved than there is', { onHand: 3, reserved: 8 }, 0, 5],
    ['0 where damage uncovers', { onHand: 8, reserved: 8, unsellable: unsellable({ damaged: 2 }) }, 0, 2],
    ['the safety stock covers, but is not promised', { onHand: 8, reserved: 8, safetyStock: 8 }, 0, 0],
  ])('promises %s (semantics.md 4)', (_, figures, free, uncovered) => {
    expect(freeOf(position(figures))).toBe(free);
    expect(uncoveredOf(position(figures))).toBe(uncovered);
  });

  it('is never both free and uncovered, and both are of what can be sold', () => {
    const figure = fc.integer({ min: 0, max: 1e9 });
    fc.assert(
      fc.property(
        figure,
        figure,
        figure,
        fc.array(figure, { minLength: 5, maxLength: 5 }),
        (free, reserved, safety, bad) => {
          const conditions = Object.fromEntries(UNSELLABLE.map((condition, i) => [condition, bad[i]]));
          const here = position({
            unsellable: conditions as unknown as Position['unsellable'],
            onHand: bad.reduce((a, b) => a + b, free),
            reserved,
            safetyStock: safety,
          });
          expect(sellableOf(here)).toBe(free);
          expect(unsellableOf(here) + sellableOf(here)).toBe(here.onHand);
          expect(freeOf(here) === 0 || uncoveredOf(here) === 0).toBe(true);
          expect(freeOf(here)).toBe(Math.max(0, free - reserved - safety));
          expect(flawOf(here)).toBeUndefined();
        },
      ),
    );
  });

  it.each<[Partial<Position>, string | undefined]>([
    [{ onHand: -1 }, 'on hand below 0'],
    [{ reserved: -1 }, 'reserved below 0'],
    [{ onHand: 5, unsellable: unsellable({ recalled: -1 }) }, 'an unsellable figure below 0'],
    [{ onHand: 1, unsellable: unsellable({ damaged: 1, expired: 1 }) }, 'more unsellable than on hand'],
    [{ onHand: POSITION_MOST + 1 }, 'a figure above 9 × 10^11'],
    [{ reserved: POSITION_MOST + 1 }, 'a figure above 9 × 10^11'],
    [{ reserved: 5 }, undefined],
    [{ onHand: POSITION_MOST, reserved: POSITION_MOST }, undefined],
  ])('knows what is impossible: %j', (figures, flaw) => {
    expect(flawOf(position(figures))).toBe(flaw);
  });
});
