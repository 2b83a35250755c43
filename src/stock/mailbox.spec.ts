import fc from 'fast-check';
import { Mailbox } from './mailbox.js';
import type { Letter } from './queue.js';

interface Numbered extends Letter {
  readonly id: number;
}
const letters = (...weights: number[]): Numbered[] => weights.map((weight, id) => ({ id, weight }));
const limits = { letters: 3, lines: 10, waiting: 100 };

/** A mailbox whose deliveries wait until they are let through. */
function held(of = limits) {
  const batches: number[][] = [];
  const doors: (() => void)[] = [];
  const mailbox = new Mailbox<Numbered>(of, async (batch) => {
    batches.push(batch.map(({ id }) => id));
    await new Promise<void>((open) => doors.push(open));
  });
  const letThrough = async () => {
    doors.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { mailbox, batches, letThrough };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a mailbox', () => {
  it('delivers what arrived together together, and collects while it delivers', async () => {
    const { mailbox, batches, letThrough } = held();
    const [a, b, c, d] = letters(1, 1, 1, 1) as [Numbered, Numbered, Numbered, Numbered];
    mailbox.put(a);
    mailbox.put(b);
    await turn();
    expect(batches).toEqual([[0, 1]]);
    mailbox.put(c);
    mailbox.put(d);
    await turn();
    expect(batches).toEqual([[0, 1]]);
    await letThrough();
    expect(batches).toEqual([
      [0, 1],
      [2, 3],
    ]);
    await letThrough();
    await mailbox.idle();
    expect(mailbox.size).toBe(0);
  });

  it('is full at its bound, and says so without taking the letter', async () => {
    const { mailbox, batches, letThrough } = held({ letters: 3, lines: 10, waiting: 2 });
    const [a, b, c] = letters(1, 1, 1) as [Numbered, Numbered, Numbered];
    expect([mailbox.put(a), mailbox.put(b), mailbox.put(c)]).toEqual([true, true, false]);
    expect(mailbox.size).toBe(2);
    await turn();
    await letThrough();
    await mailbox.idle();
    expect(batches).toEqual([[0, 1]]);
  });

  it('resolves as idle when nothing ever came', async () => {
    await held().mailbox.idle();
  });

  it('delivers every letter once and in order, in batches within its limits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 40 }), async (weights) => {
        const batches: Numbered[][] = [];
        const mailbox = new Mailbox<Numbered>(limits, async (batch) => void batches.push([...batch]));
        for (const letter of letters(...weights)) mailbox.put(letter);
        await mailbox.idle();
        expect(batches.flat().map(({ id }) => id)).toEqual(weights.map((_, id) => id));
        for (const batch of batches) {
          const lines = batch.reduce((sum, { weight }) => sum + weight, 0);
          expect(batch.length).toBeLessThanOrEqual(3);
          // A letter of more lines than a batch may have goes alone.
          expect(lines <= 10 || batch.length === 1).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });
});
