import fc from 'fast-check';
import { fromString, toUUID } from 'typeid-js';
import { mintEventId, receivedAtOf } from './event-id.js';

describe('the id of an event', () => {
  it('says when it came', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (at) => {
        expect(receivedAtOf(mintEventId(at))).toBe(at);
      }),
    );
  });

  it('is a TypeID of a UUID of version 7, as the library reads it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (at) => {
        const uuid = toUUID(fromString(mintEventId(at), 'evt'));
        expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(Number.parseInt(uuid.replace('-', '').slice(0, 12), 16)).toBe(at);
      }),
    );
  });

  it('has every random bit free', () => {
    const letters = Array.from({ length: 26 }, () => new Set<string>());
    for (let i = 0; i < 2_000; i += 1) {
      for (const [at, each] of [...mintEventId(0).slice(4)].entries()) letters[at]?.add(each);
    }
    expect(letters.map(({ size }) => size)).toEqual([...Array(10).fill(1), 2, 32, 32, 8, ...Array(12).fill(32)]);
  });

  it('is another each time, and sorts by time', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => mintEventId(1))).size).toBe(1_000);
    expect(mintEventId(1_764_000_000_000) < mintEventId(1_764_000_000_001)).toBe(true);
  });

  it.each(['', 'evt_', 'evt_x', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz', 'evt_zzzzzzzzzzzzzzzzzzzzzzzzzz', 'evt_01JQB6SGW6'])(
    'is not %j',
    (text) => {
      expect(receivedAtOf(text)).toBeUndefined();
    },
  );
});
