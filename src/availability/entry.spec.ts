import fc from 'fast-check';
import { type Position, UNSELLABLE } from '../stock/position.js';
import { fieldsOf, parseEntry, wholeNumber } from './entry.js';

const figure = fc.integer({ min: 0, max: 9e14 });
const positionOf = (locationId: number): fc.Arbitrary<Position> =>
  fc.record({
    itemId: fc.constant(7),
    locationId: fc.constant(locationId),
    onHand: figure,
    unsellable: fc.record({
      damaged: figure,
      expired: figure,
      recalled: figure,
      quarantined: figure,
      inspection: figure,
    }),
    reserved: figure,
    incoming: figure,
    safetyStock: figure,
    version: fc.integer({ min: 1, max: 1e12 }),
    nextExpiry: fc.option(fc.integer({ min: 1, max: 4e12 })),
    asOf: fc.integer({ min: 1, max: 4e12 }),
  });
const positions = fc
  .uniqueArray(fc.integer({ min: 1, max: 1e6 }), { maxLength: 6 })
  .chain((ids) => fc.tuple(...ids.map(positionOf)));
/** As Redis gives an entry: fields and values in any order. */
const textOf = (fields: readonly (string | number)[]) => fields.join('\n');

describe('an entry of the cache', () => {
  it('says what was written into it, wherever its revision stands', () => {
    fc.assert(
      fc.property(positions, fc.integer({ min: 0, max: 1e9 }), fc.boolean(), (written, revision, isFirst) => {
        const fields = fieldsOf(written);
        const text = textOf(isFirst ? ['r', revision, ...fields] : [...fields, 'r', revision]);
        expect(parseEntry(7, text)).toEqual({ revision, positions: written });
      }),
    );
  });

  it.each([
    ['announced later', ['n', 9, 'r', 5], 9],
    ['announced before it was read', ['r', 5, 'n', 3], 5],
    ['announced as what is no number', ['r', 5, 'n', 'soon'], 5],
  ])('has the newest revision of its item: %s', (_, fields, revision) => {
    expect(parseEntry(7, textOf(fields))?.revision).toBe(revision);
  });

  it.each([
    ['none', []],
    ['publications alone', ['1', `4:${JSON.stringify(Array(6 + UNSELLABLE.length).fill(0))}`]],
    ['a revision that is none', ['r', 'x']],
    ['a location that is none', ['r', 5, 'x', '4:[0,0,0,0,null,0,0,0,0,0,0]']],
    ['too few figures', ['r', 5, '1', '4:[0,0]']],
    ['what is no JSON', ['r', 5, '1', '4:[']],
    ['figures without a version', ['r', 5, '1', '[0,0,0,0,null,0,0,0,0,0,0]']],
  ])('is a miss: %s', (_, fields) => {
    expect(parseEntry(7, textOf(fields))).toBeUndefined();
  });

  it('takes for whole numbers what is written as one, and counts exactly', () => {
    expect(['0', '12', '', '-1', '1.5', '1e3', '9'.repeat(16), null, undefined].map(wholeNumber)).toEqual([
      0,
      12,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
