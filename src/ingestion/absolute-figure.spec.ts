import fc from 'fast-check';
import { changedSince, compareMoments, isStale, type Moment } from './absolute-figure.js';

const at = (time: number, sequence?: number): Moment => ({
  at: time,
  sequence: sequence === undefined ? null : BigInt(sequence),
});

describe('what a source said earlier and later', () => {
  it.each([
    ['an earlier time', at(1), at(2), -1],
    ['a later time', at(2), at(1), 1],
    ['the same time', at(1), at(1), 0],
    ['a lower number at a later time', at(2, 1), at(1, 2), -1],
    ['a higher number at an earlier time', at(1, 2), at(2, 1), 1],
    ['a number on one side only', at(1, 9), at(2), -1],
    ['numbers past 2^53', at(1, 0), { at: 1, sequence: 2n ** 70n }, -1],
  ])('%s', (_, a, b, sign) => {
    expect(Math.sign(compareMoments(a, b))).toBe(sign);
    expect(Math.sign(compareMoments(b, a))).toBe(sign === 0 ? 0 : -sign);
  });
});

describe('staleness', () => {
  it.each([
    ['nothing was counted yet', at(1), undefined, false],
    ['it happened before the last count', at(1), at(2), true],
    ['it happened after the last count', at(3), at(2), false],
    ['it happened in the moment of the last count', at(2), at(2), false],
    ['its clock is behind, its number is not', at(1, 8), at(2, 7), false],
    ['its clock is ahead, its number is not', at(3, 6), at(2, 7), true],
  ])('where %s', (_, said, last, stale) => {
    expect(isStale(said, last)).toBe(stale);
  });
});

describe('a late figure', () => {
  it('has on top what was posted of later changes, and not what it contains', () => {
    const posted = [
      { ...at(1), quantity: 100 },
      { ...at(5), quantity: 20 },
      { ...at(9), quantity: -7 },
    ];
    expect(changedSince(at(5), posted)).toBe(13);
    expect(changedSince(at(10), posted)).toBe(0);
    expect(changedSince(at(0), posted)).toBe(113);
  });

  it('leaves the same stock whenever it arrives among the changes', () => {
    const change = fc.record({ quantity: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 12 }),
        fc.nat(12),
        fc.infiniteStream(fc.double()),
        (changes, n, key) => {
          const counted = Math.min(n, changes.length);
          type Said = Moment & { quantity: number; figure: boolean };
          const said: Said[] = changes.map(({ quantity }, index) => ({ ...at(2 * index), quantity, figure: false }));
          const figure: Said = { ...at(2 * counted - 1), quantity: 1_000, figure: true };
          const orderly = [...said.slice(0, counted), figure, ...said.slice(counted)];
          const shuffled = orderly.map((each) => [key.next().value, each] as const).sort(([a], [b]) => a - b);
          expect(play(shuffled.map(([, each]) => each))).toBe(play(orderly));
        },
      ),
    );

    function play(order: (Moment & { quantity: number; figure: boolean })[]): number {
      let onHand = 0;
      let last: Moment | undefined;
      const posted: (Moment & { quantity: number })[] = [];
      for (const each of order) {
        if (isStale(each, last)) continue;
        if (each.figure) {
          onHand = each.quantity + changedSince(each, posted);
          last = each;
        } else {
          onHand += each.quantity;
          posted.push(each);
        }
      }
      return onHand;
    }
  });
});
