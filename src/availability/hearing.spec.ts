import fc from 'fast-check';
import { Hearing, SILENCE_MS } from './hearing.js';

describe('hearing', () => {
  it('is deaf until something is said, and again after silence', () => {
    const hearing = new Hearing();
    expect(hearing.isDeaf(0)).toBe(true);
    hearing.hear('a', 1, 1_000);
    expect(hearing.isDeaf(1_000 + SILENCE_MS)).toBe(false);
    expect(hearing.isDeaf(1_001 + SILENCE_MS)).toBe(true);
    hearing.hear('a', 2, 5_000);
    expect(hearing.isDeaf(5_000)).toBe(false);
    hearing.lose();
    expect(hearing.isDeaf(5_000)).toBe(true);
  });

  it('takes silence for something missed, and what begins for silence', () => {
    const hearing = new Hearing();
    expect(hearing.hear('a', 1, 0)).toBe(false);
    expect(hearing.hear('a', 2, SILENCE_MS)).toBe(true);
    expect(hearing.hear('a', 3, 2 * SILENCE_MS + 1)).toBe(false);
    expect(hearing.hear('a', 4, 2 * SILENCE_MS + 1)).toBe(true);
    hearing.lose();
    expect(hearing.hear('a', 5, 2 * SILENCE_MS + 2)).toBe(false);
  });

  it.each<[string, [string, number][], boolean[]]>([
    [
      'one process in order',
      [
        ['a', 1],
        ['a', 2],
        ['a', 3],
      ],
      [true, true, true],
    ],
    [
      'two, each by its own count',
      [
        ['a', 1],
        ['b', 1],
        ['a', 2],
        ['b', 2],
      ],
      [true, true, true, true],
    ],
    [
      'a number left out',
      [
        ['a', 1],
        ['a', 3],
        ['a', 4],
      ],
      [true, false, true],
    ],
    [
      'a process that was there before',
      [
        ['a', 7],
        ['a', 8],
      ],
      [false, true],
    ],
    [
      'one that comes twice or late',
      [
        ['a', 1],
        ['a', 2],
        ['a', 1],
        ['a', 3],
      ],
      [true, true, true, true],
    ],
  ])('tells whether something was missed: %s', (_, said, complete) => {
    const hearing = new Hearing();
    hearing.hear('itself', 1, 0);
    expect(said.map(([process, count]) => hearing.hear(process, count, 0))).toEqual(complete);
  });

  it('notices every message that is lost, whatever is said around it', () => {
    const said = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 400 })), { minLength: 1 });
    fc.assert(
      fc.property(said, fc.nat(), (processes, nat) => {
        const counts: Record<string, number> = {};
        const messages = processes.map(([process, pause]) => {
          counts[process] = (counts[process] ?? 0) + 1;
          return { process, count: counts[process], pause };
        });
        const lost = messages[nat % messages.length];
        const hearing = new Hearing();
        hearing.hear('itself', 1, 0);
        let at = 0;
        for (const [index, message] of messages.entries()) {
          at += message.pause;
          hearing.hear('itself', index + 2, at);
          if (message === lost) continue;
          const complete = hearing.hear(message.process, message.count, at);
          expect(complete).toBe(!(message.process === lost?.process && message.count === lost.count + 1));
        }
      }),
    );
  });

  it('forgets a process that is gone', () => {
    const hearing = new Hearing();
    hearing.hear('a', 1, 0);
    for (let second = 1; second <= 60; second += 1) {
      for (const quarter of [0, 250, 500, 750]) hearing.hear('b', 4 * second + quarter / 250, 1_000 * second + quarter);
    }
    expect(hearing.hear('a', 2, 60_751)).toBe(false); // taken for one that begins in the middle
    expect(hearing.hear('b', 244, 60_752)).toBe(true);
  });
});
