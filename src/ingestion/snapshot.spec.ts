import type { RowFault, StockSnapshot } from './canonical-event.js';
import { locationsOf, omittedBy } from './snapshot.js';

const row = (sku: string, location: string) => ({ sku, identifier: null, quantity: 1, uom: null, location });
const byNumber = (value: string, location: string) => ({
  ...row('', location),
  sku: null,
  identifier: { type: 'partner' as const, value, party: 'ACME' },
});
const fault = (sku: string | null, location: string | null): RowFault => ({
  row: 0,
  item: sku === null ? null : { sku, identifier: null },
  location,
  detail: '',
});
const snapshot = (rows: StockSnapshot['rows'], faults: RowFault[] = [], locations: string[] | null = null) => ({
  ...{ complete: true, basis: null, nettedUpTo: null, rows, faults, locations },
});
const LOCATIONS: Record<string, number> = { A: 1, B: 2 };
/** X and Y stand at both locations. */
const listed = [1, 2].flatMap((locationId) => ['X', 'Y'].map((sku) => ({ sku, locationId })));

describe('what a complete snapshot omits (semantics.md 27)', () => {
  it.each([
    ['an item that no row names', snapshot([row('X', 'A')]), ['Y 1', 'X 2', 'Y 2']],
    ['nothing that a row names', snapshot([row('X', 'A'), row('Y', 'A'), row('X', 'B'), row('Y', 'B')]), []],
    ['nothing that a bad row names', snapshot([row('X', 'A')], [fault('Y', 'A')]), ['X 2', 'Y 2']],
    ['of a bad row without a location nothing of its item', snapshot([], [fault('Y', null)]), ['X 1', 'X 2']],
    ['of a bad row without an item nothing at its location', snapshot([], [fault(null, 'B')]), ['X 1', 'Y 1']],
    ['of a row that names nothing nothing at all', snapshot([row('X', 'A')], [fault(null, null)]), []],
    ['nothing where a number is not known', snapshot([byNumber('77', 'A')]), ['X 2', 'Y 2']],
    ['what is known by a number', snapshot([byNumber('42', 'A')]), ['X 1', 'X 2', 'Y 2']],
    [
      'everything where a row is of a place that is not ours',
      snapshot([row('X', 'moon')]),
      ['X 1', 'Y 1', 'X 2', 'Y 2'],
    ],
  ])('%s', (_, said, expected) => {
    const zeroed = omittedBy(
      said,
      listed,
      (name) => LOCATIONS[name],
      ({ sku, identifier }) => sku ?? (identifier?.value === '42' ? 'Y' : undefined),
    );
    expect(zeroed.map(({ sku, locationId }) => `${sku} ${locationId}`)).toEqual(expected);
  });

  it('is at the locations it names, else at those of its rows', () => {
    expect(locationsOf(snapshot([row('X', 'A'), row('Y', 'A')]))).toEqual(['A']);
    expect(locationsOf(snapshot([row('X', 'A')], [], ['A', 'B']))).toEqual(['A', 'B']);
  });
});
