import { decodeCursor, encodeCursor, page } from './page.js';

const forged = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url');

describe('a page', () => {
  it('ends with a cursor that the next one starts from', () => {
    const { data, nextCursor } = page(
      ['a', 'b', 'ü/3'],
      2,
      (row) => row.toUpperCase(),
      (row) => [row],
    );
    expect(data).toEqual(['A', 'B']);
    expect(decodeCursor(nextCursor as string, ['string'])).toEqual(['b']);
    expect(page(['a', 'b'], 2, String, (row) => [row]).nextCursor).toBeNull();
    expect(decodeCursor(encodeCursor(['ü/3', 7]), ['string', 'number'])).toEqual(['ü/3', 7]);
  });

  it.each([
    ['text', '?'],
    ['another shape', forged(['a', 'b'])],
    ['another type', forged([1])],
    ['no list', forged({ 0: 'a', length: 1 })],
    ['a NUL, which PostgreSQL does not take', forged(['a\0'])],
  ])('refuses a cursor of %s', (_, cursor) => {
    expect(() => decodeCursor(cursor, ['string'])).toThrow(/nextCursor/);
  });

  it.each([1.5, 1e300])('refuses a cursor with the number %d, which is no version', (number) => {
    expect(() => decodeCursor(forged([number]), ['number'])).toThrow(/nextCursor/);
  });
});
