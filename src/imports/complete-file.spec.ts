import { type CompleteFile, requireOneEvent, snapshotOf } from './complete-file.js';
import type { Row } from './import.js';

const file: CompleteFile = { importId: 'imp_1', source: 'wms', location: 'HAM', asOf: '2026-03-01T06:00:00.000Z' };
const rowsOf = (...rows: object[]) => rows.map((row, i) => ({ line: i + 2, row }));
const level = (sku: string, quantity: unknown = 1, location: unknown = 'HAM') => ({ sku, location, quantity });
const bodyOf = (rows: readonly object[]): Row[] =>
  rows.map((values, i) => ({ line: i + 2, end: { byte: 0, line: i + 2 }, values }));

describe('a file that is all there is at a location', () => {
  it('is one snapshot, known by its import, that says so', () => {
    const { event, failures } = snapshotOf(file, rowsOf(level('A', 3), { ...level('B', 0.5), uom: 'KGM' }));
    expect(failures).toEqual([]);
    expect(JSON.parse(event.toString())).toEqual({
      ...{ specversion: '1.0', id: 'imp_1', source: 'wms', type: 'stock.snapshot.v1', time: file.asOf },
      data: { complete: true, locations: ['HAM'], rows: [level('A', 3), { ...level('B', 0.5), uom: 'KGM' }] },
    });
  });

  it('names each row that cannot be one of it, once', () => {
    const rows = rowsOf(level('A'), level('B', 'many'), level('C', 1, 'MUC'), level('D', -1, 'MUC'), { quantity: 1 });
    expect(snapshotOf(file, rows).failures).toMatchObject([
      { line: 3, code: 'validation_failed', detail: expect.stringMatching(/^\/quantity: /) },
      { line: 4, detail: '/location: takes HAM, for which the file is complete, and not MUC' },
      { line: 5, detail: expect.stringMatching(/^\/quantity: /) },
      { line: 6, detail: expect.stringMatching(/^\/sku: .*\(and 1 more\)$/) },
    ]);
  });

  it('is refused without a row, because everything would be set to 0', () => {
    expect(() => requireOneEvent(file, [])).toThrow(/everything at HAM would be set to 0/);
    requireOneEvent(file, bodyOf([level('A')]));
  });

  it('is refused where it is more than an event takes', () => {
    const many = Array.from({ length: 90_000 }, (_, i) => level(`SKU-${i}`.padEnd(40, 'x')));
    expect(() => requireOneEvent(file, bodyOf(many))).toThrow(/at most 5 MiB as JSON. Leave out what is 0/);
    requireOneEvent(file, bodyOf(many.slice(0, 50_000)));
  });
});
