import { fromString, toUUID } from 'typeid-js';
import { reservationId } from './reservation-id.js';

describe('the id of a reservation', () => {
  it('is a TypeID of a UUID of version 7 with its millisecond', () => {
    const now = Date.parse('2030-05-06T07:08:09.123Z');
    const uuid = toUUID(fromString(reservationId(now), 'res'));
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(uuid.replace('-', '').slice(0, 12), 16)).toBe(now);
  });

  it('sorts behind every id made before it, also when the clock goes back', () => {
    const now = Date.parse('2031-01-01T00:00:00Z');
    const ids = Array.from({ length: 10_000 }, (_, i) => reservationId(now + (i % 7 === 0 ? Math.floor(i / 100) : -i)));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
