import { type Use, usersOf } from './deprecation.js';

const day = (of: number) => new Date(Date.UTC(2026, 11, of));
const use = (operation: string, client: string, calls: number, on: number): Use => ({
  operation,
  client,
  calls,
  lastAt: day(on),
});

describe('who still calls what is going', () => {
  it.each<[string, Use[], unknown[]]>([
    ['nobody', [], []],
    ['not who calls something else', [use('new', 'shop', 5, 3)], []],
    [
      'each client once, with all its days',
      [use('old', 'shop', 2, 3), use('old', 'shop', 3, 1)],
      [{ client: 'shop', calls: 5, lastAt: day(3) }],
    ],
    [
      'the last first, and nobody known without a name',
      [use('old', 'shop', 2, 1), use('old', '', 1, 4), use('old', 'edi', 7, 2)],
      [
        { client: null, calls: 1, lastAt: day(4) },
        { client: 'edi', calls: 7, lastAt: day(2) },
        { client: 'shop', calls: 2, lastAt: day(1) },
      ],
    ],
  ])('is %s', (_, uses, expected) => {
    expect(usersOf('old', uses)).toEqual(expected);
  });
});
