import { groupsOf, parcels, type Turn } from './window.js';

const event = (turn: number, keys: string[], at = 0, sequence?: number): Turn => ({
  turn,
  keys,
  moment: { at, sequence: sequence === undefined ? null : BigInt(sequence) },
});
const turns = (groups: Turn[][]) => groups.map((group) => group.map(({ turn }) => turn));

describe('events that wait together', () => {
  it.each([
    ['nothing', [], []],
    ['two items', [event(1, ['a']), event(2, ['b']), event(3, ['a'])], [[1, 3], [2]]],
    ['two items that a third event joins', [event(1, ['a']), event(2, ['b']), event(3, ['b', 'a'])], [[1, 2, 3]]],
    ['events about nothing', [event(1, []), event(2, [])], [[1], [2]]],
    ['another order by their clock', [event(1, ['a'], 9), event(2, ['a'], 5)], [[2, 1]]],
    ['another order by their count', [event(1, ['a'], 5, 2), event(2, ['a'], 9, 1)], [[2, 1]]],
    ['a count on one only', [event(1, ['a'], 5, 2), event(2, ['a'], 9)], [[1, 2]]],
    ['the same moment', [event(2, ['a'], 5), event(1, ['a'], 5)], [[1, 2]]],
  ] as const)('%s', (_, events, expected) => {
    expect(turns(groupsOf([...events]))).toEqual(expected);
  });
});

describe('parcels', () => {
  it.each([
    [[], []],
    [
      [1, 1, 1],
      [[1, 1], [1]],
    ],
    [
      [5, 1],
      [[5], [1]],
    ],
    [
      [1, 5, 1],
      [[1], [5], [1]],
    ],
  ])('of at most two rows of %j', (rows, expected) => {
    expect(parcels(rows, 2, (each) => each)).toEqual(expected);
  });
});
