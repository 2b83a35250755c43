import { workOf } from './work.js';

const lines = (count: number) => Array.from({ length: count }, () => ({ sku: 'A', quantity: 1 }));

describe('a request costs', () => {
  it.each<[string, unknown, boolean, number, number]>([
    ['1 for reading one thing', undefined, false, 1, 1],
    ['a unit a line for a query', { lines: lines(100) }, false, 1, 100],
    ['1 for a query of nothing, which is refused later', { lines: [] }, false, 1, 1],
    ['5 and its lines for a hold', { lines: lines(3) }, true, 1, 8],
    ['the sum of its holds for a batch', { reservations: [{ lines: lines(3) }, { lines: lines(1) }] }, true, 1, 14],
    ['5 for a change without lines', undefined, true, 1, 5],
    ['as much a line for ten locations as for one', { lines: lines(4) }, false, 10, 4],
    ['twice as much a line for eleven locations', { lines: lines(4) }, false, 11, 8],
    ['three times as much for reading one item of 30', undefined, false, 30, 3],
    ['and 5 for the change, however many locations there are', { lines: lines(2) }, true, 25, 11],
    ['the least where the key is bound to no channel', { lines: lines(2) }, true, 0, 7],
  ])('%s', (_, body, changes, locations, cost) => {
    expect(workOf(body, changes, locations)).toBe(cost);
  });

  it.each([
    null,
    'text',
    7,
    [],
    { lines: 7 },
    { lines: null },
    { reservations: [null, 7, { lines: 'x' }] },
    Buffer.from('{"lines":[]}'),
  ])('something also where the body is no request at all: %j', (body) => {
    expect(workOf(body, true, 1)).toBeGreaterThanOrEqual(5);
    expect(workOf(body, false, 1)).toBe(1);
  });
});
