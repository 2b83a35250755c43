import fc from 'fast-check';
import { type Letter, Queue } from './queue.js';

interface Numbered extends Letter {
  readonly id: number;
}
const letters = (...weights: number[]): Numbered[] => weights.map((weight, id) => ({ id, weight }));
const limits = { letters: 3, lines: 10, waiting: 100 };
const ids = (taken: readonly Numbered[]) => taken.map(({ id }) => id);

describe('a queue', () => {
  it('is full at its bound, but takes back what it gave out ahead of the others', () => {
    const queue = new Queue<Numbered>({ letters: 2, lines: 10, waiting: 2 });
    const [a, b, c, d] = letters(1, 1, 1, 1) as [Numbered, Numbered, Numbered, Numbered];
    expect([queue.put(a), queue.put(b), queue.put(c)]).toEqual([true, true, false]);
    const taken = queue.take();
    expect(ids(taken)).toEqual([0, 1]);
    expect([queue.put(c), queue.put(d)]).toEqual([true, true]);
    queue.putBack(taken);
    expect([queue.take(), queue.take(), queue.take()].map(ids)).toEqual([[0, 1], [2, 3], []]);
  });

  it('gives out letters that are to wait no longer, and keeps the others in order', () => {
    const queue = new Queue<Numbered>(limits);
    for (const letter of letters(1, 1, 1)) queue.put(letter);
    expect(ids(queue.remove(({ id }) => id === 1))).toEqual([1]);
    expect(queue.remove(() => false)).toEqual([]);
    expect(ids(queue.take())).toEqual([0, 2]);
  });

  it('counts its lines until they are more than is asked for', () => {
    const queue = new Queue<Numbered>(limits);
    for (const letter of letters(2, 3, 4)) queue.put(letter);
    expect([queue.lines(100), queue.lines(9), queue.lines(4), queue.lines(0)]).toEqual([9, 9, 5, 2]);
  });

  it('gives out every letter once and in order, in batches within its limits', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 40 }), (weights) => {
        const queue = new Queue<Numbered>(limits);
        for (const letter of letters(...weights)) queue.put(letter);
        const taken: number[] = [];
        while (queue.size > 0) {
          const batch = queue.take();
          taken.push(...ids(batch));
          expect(batch.length).toBeLessThanOrEqual(3);
          // A letter of more lines than a batch may have goes alone.
          expect(batch.reduce((sum, { weight }) => sum + weight, 0) <= 10 || batch.length === 1).toBe(true);
        }
        expect(taken).toEqual(weights.map((_, id) => id));
      }),
    );
  });
});
