import fc from 'fast-check';
import type { Position } from '../stock/position.js';
import { type Expiry, foreseen, positionAt } from './expiring.js';

const POSITION: Position = {
  itemId: 1,
  locationId: 1,
  onHand: 100,
  unsellable: { damaged: 0, expired: 0, recalled: 0, quarantined: 0, inspection: 0 },
  reserved: 60,
  incoming: 0,
  safetyStock: 0,
  version: 7,
  nextExpiry: 10,
  asOf: 1,
};
const EXPIRIES: Expiry[] = [
  { at: 10, quantity: 5 },
  { at: 20, quantity: 15 },
  { at: 30, quantity: 40 },
];

describe('what is foreseen', () => {
  it.each<[string, readonly Expiry[], boolean, readonly Expiry[]]>([
    ['what expires, and the time until which it is known', EXPIRIES, true, [...EXPIRIES, { at: 40, quantity: 0 }]],
    ['no more than was read, where more may expire', EXPIRIES, false, EXPIRIES],
    ['nothing, where nothing expires', [], true, []],
  ])('is %s', (_, upcoming, areAll, expected) => {
    expect(foreseen(upcoming, 40, areAll)).toEqual(expected);
  });
});

describe('a position of which it is known when its holds expire', () => {
  it.each([
    [9, 60, 10],
    [10, 55, 20],
    [19, 55, 20],
    [20, 40, 30],
    [29, 40, 30],
  ])('counts at %i what has not expired by then (semantics.md 16)', (now, reserved, nextExpiry) => {
    expect(positionAt(POSITION, EXPIRIES, now)).toEqual({ ...POSITION, reserved, nextExpiry });
  });

  it('is not known from the last of them on, behind which there may be more', () => {
    expect(positionAt(POSITION, EXPIRIES, 30)).toBeUndefined();
    expect(positionAt(POSITION, EXPIRIES.slice(0, 1), 10)).toBeUndefined();
  });

  it('is not known where nothing else is known of it', () => {
    expect(positionAt(POSITION, [], 10)).toBeUndefined();
    expect(positionAt({ ...POSITION, nextExpiry: 0 }, [], 10)).toBeUndefined();
  });

  it('is as it is where no hold expires', () => {
    const committed = { ...POSITION, nextExpiry: null };
    expect(positionAt(committed, [], 1_000)).toBe(committed);
    expect(positionAt(POSITION, [], 9)).toBe(POSITION);
  });

  it('counts the same, however often it was looked at on the way', () => {
    const moments = fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 20 });
    const looks = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 10 });
    fc.assert(
      fc.property(moments, looks, (ats, nows) => {
        const expiries = ats.sort((a, b) => a - b).map((at, index) => ({ at, quantity: index + 1 }));
        const reserved = 1_000;
        const first = { ...POSITION, reserved, nextExpiry: expiries[0]?.at as number };
        let seen: Position | undefined = first;
        for (const now of nows.sort((a, b) => a - b)) {
          seen = seen && positionAt(seen, expiries, now);
          const gone = expiries.filter(({ at }) => at <= now).reduce((sum, { quantity }) => sum + quantity, 0);
          if (now >= (expiries.at(-1)?.at as number)) expect(seen).toBeUndefined();
          else expect(seen?.reserved).toBe(reserved - gone);
        }
      }),
    );
  });
});
