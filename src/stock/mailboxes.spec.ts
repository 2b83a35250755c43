import fc from 'fast-check';
import { type Addressed, Mailboxes } from './mailboxes.js';

interface Numbered extends Addressed {
  readonly id: number;
}
const limits = { letters: 4, lines: 10, little: 3, waiting: 100 };
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Two mailboxes whose deliveries wait until they are let through: told as mailbox and ids, ended by mailbox. */
function held() {
  const batches: string[] = [];
  const doors = new Map<number, () => void>();
  const mailboxes = new Mailboxes<Numbered>(2, limits, async (mailbox, batch) => {
    batches.push(`${mailbox}: ${batch.map(({ id }) => id).join(' ')}`);
    await new Promise<void>((open) => doors.set(mailbox, open));
  });
  let id = 0;
  const put = async (...to: number[]) => {
    for (const mailbox of to) {
      id += 1;
      mailboxes.put({ id, mailbox, weight: 1, since: id });
    }
    await turn();
  };
  const letThrough = async (mailbox: number) => {
    doors.get(mailbox)?.();
    await turn();
  };
  return { mailboxes, batches, put, letThrough };
}

describe('mailboxes', () => {
  it('send little as one batch, and what arrives meanwhile as the next', async () => {
    const { mailboxes, batches, put, letThrough } = held();
    await put(1, 0);
    await put(1);
    await put(0, 0);
    expect(batches).toEqual(['0: 1 2']);
    await letThrough(0);
    expect(batches).toEqual(['0: 1 2', '0: 3 4 5']);
    await letThrough(0);
    await mailboxes.idle();
    expect(mailboxes.size).toBe(0);
  });

  it('send much beside each other, each mailbox one batch at a time', async () => {
    const { batches, put, letThrough } = held();
    await put(0, 0, 0, 0, 0, 1, 1, 1, 1);
    expect(batches).toEqual(['0: 1 2 3 4', '1: 6 7 8 9']);
    await put(1);
    await letThrough(0);
    // The rest of the first is little, but so is nothing that is under way.
    expect(batches.slice(2)).toEqual(['0: 5']);
    await letThrough(1);
    expect(batches.slice(3)).toEqual([]);
    await letThrough(0);
    expect(batches.slice(3)).toEqual(['1: 10']);
  });

  it('let little go beside much, and much beside little', async () => {
    const { batches, put, letThrough } = held();
    await put(0, 0, 0, 0);
    await put(1);
    expect(batches).toEqual(['0: 1 2 3 4', '1: 5']);
    await letThrough(0);
    await put(0, 0, 0);
    expect(batches.slice(2)).toEqual([]);
    await put(0);
    expect(batches.slice(2)).toEqual(['0: 6 7 8 9']);
  });

  it('let little go when what it waits for takes long', async () => {
    const { mailboxes, batches, put } = held();
    await put(0);
    await put(1);
    mailboxes.hurry(); // it may have begun a moment ago
    expect(batches).toEqual(['0: 1']);
    mailboxes.hurry();
    expect(batches).toEqual(['0: 1', '1: 2']);
    await put(0); // its own is under way
    mailboxes.hurry();
    mailboxes.hurry();
    expect(batches.slice(2)).toEqual([]);
  });

  it('let go of a slow batch of several all but the one that it belongs to, and not twice when it ends', async () => {
    const { mailboxes, batches, put, letThrough } = held();
    await put(0, 1);
    await put(0, 1);
    mailboxes.hurry();
    mailboxes.hurry();
    expect(batches).toEqual(['0: 1 2', '1: 4']);
    await letThrough(0);
    await put(1);
    // The one of the second that began meanwhile is still under way.
    expect(batches.slice(2)).toEqual([]);
    await letThrough(1);
    expect(batches.slice(2)).toEqual(['0: 3 5']);
  });

  it('take back what was not done ahead of the others, each letter where it was', async () => {
    const { mailboxes, batches, put, letThrough } = held();
    await put(0, 1);
    await put(1, 0);
    mailboxes.putBack([
      { id: 1, mailbox: 0, weight: 1, since: 1 },
      { id: 2, mailbox: 1, weight: 1, since: 2 },
    ]);
    await letThrough(0);
    expect(batches).toEqual(['0: 1 2', '0: 1 4', '1: 2 3']);
  });

  it('give out letters that are to wait no longer, wherever they are', async () => {
    const { mailboxes, put } = held();
    await put(0, 1);
    await put(0, 1, 1);
    // What is under way is not there to be given out.
    expect(mailboxes.remove(({ id }) => id !== 4).map(({ id }) => id)).toEqual([3, 5]);
    expect(mailboxes.size).toBe(1);
  });

  it('resolve as idle when nothing ever came', async () => {
    await held().mailboxes.idle();
  });

  it('deliver every letter once, of each mailbox in order, one batch of a mailbox at a time, and that alone on its connection', async () => {
    const weight = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 }));
    const arrivals = fc.array(fc.record({ mailbox: fc.nat(2), weight, turns: fc.nat(2), hurry: fc.nat(5) }), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(arrivals, fc.infiniteStream(fc.nat(3)), async (arriving, lasting) => {
        const done: number[] = [];
        const underWay = new Map<number, number>();
        const mailboxes = new Mailboxes<Numbered>(3, limits, async (connection, batch) => {
          expect(batch.some(({ mailbox }) => mailbox === connection)).toBe(true);
          expect(underWay.has(connection)).toBe(false);
          underWay.set(connection, batch.length);
          for (let left = lasting.next().value; left > 0; left -= 1) await turn();
          underWay.delete(connection);
          // Each once more, now and then.
          const again = batch.filter(({ id }) => id % 7 === 0 && !done.includes(-id));
          done.push(...batch.map(({ id }) => (again.some((each) => each.id === id) ? -id : id)));
          mailboxes.putBack(again);
        });
        for (const [index, { mailbox, turns, hurry, ...rest }] of arriving.entries()) {
          mailboxes.put({ id: index + 1, mailbox, since: index, weight: rest.weight });
          for (let left = turns; left > 0; left -= 1) await turn();
          if (hurry === 0) mailboxes.hurry();
        }
        await mailboxes.idle();
        expect(done.filter((id) => id > 0).sort((a, b) => a - b)).toEqual(arriving.map((_, index) => index + 1));
      }),
      { numRuns: 200 },
    );
  });

  it('keep the order of each mailbox where nothing is slow and nothing is put back', async () => {
    const arrivals = fc.array(
      fc.record({ mailbox: fc.nat(2), weight: fc.integer({ min: 1, max: 3 }), turns: fc.nat(2) }),
      { maxLength: 100, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(arrivals, fc.infiniteStream(fc.nat(3)), async (arriving, lasting) => {
        const done: Numbered[] = [];
        const mailboxes = new Mailboxes<Numbered>(3, limits, async (_, batch) => {
          for (let left = lasting.next().value; left > 0; left -= 1) await turn();
          done.push(...batch);
        });
        for (const [id, { mailbox, weight, turns }] of arriving.entries()) {
          mailboxes.put({ id, mailbox, weight, since: id });
          for (let left = turns; left > 0; left -= 1) await turn();
        }
        await mailboxes.idle();
        for (const mailbox of [0, 1, 2]) {
          const sent = arriving.flatMap((each, id) => (each.mailbox === mailbox ? [id] : []));
          expect(done.flatMap((each) => (each.mailbox === mailbox ? [each.id] : []))).toEqual(sent);
        }
      }),
      { numRuns: 100 },
    );
  });
});
