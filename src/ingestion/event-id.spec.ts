import fc from 'fast-check';
import { mintEventId, receivedAtOf } from './event-id.js';

describe('the id of an event', () => {
  it('says when it came', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (at) => {
        expect(receivedAtOf(mintEventId(at))).toBe(at);
      }),
    );
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
