import { parseCanonical } from '../ingestion/canonical-reader.js';
import { Problem } from '../problems/problem.js';
import { type Failure, MOST_EVENT_BYTES, type Row } from './import.js';

/** A row of the file, as its cells read. */
export interface FileRow {
  readonly line: number;
  readonly row: object;
}

/** Whose file it is, and of which place it says all there is. */
export interface CompleteFile {
  readonly importId: string;
  /** The code of the source. */
  readonly source: string;
  readonly location: string;
  /** RFC 3339. */
  readonly asOf: string;
}

/**
 * The rows of a CSV as one event: a complete snapshot of the location, which sets to 0 what the file omits there
 * (semantics.md 27). A row that cannot be read, or that is of another place, could be one of what is omitted, so that there
 * is no event then, and `failures` instead.
 */
export function snapshotOf(
  { importId, source, location, asOf }: CompleteFile,
  rows: readonly FileRow[],
): { readonly event: Buffer; readonly failures: readonly Failure[] } {
  const event = {
    ...{ specversion: '1.0', id: importId, source, type: 'stock.snapshot.v1', time: asOf },
    data: { complete: true, locations: [location], rows: rows.map(({ row }) => row) },
  };
  const parsed = parseCanonical(event);
  const faults = parsed.type === 'stock.snapshot.v1' ? parsed.data.faults : [];
  const why = new Map(faults.map(({ row, detail }) => [row, detail.replace(/^\/data\/rows\/\d+/, '')]));
  for (const [index, { row }] of rows.entries()) {
    const there = (row as { location?: unknown }).location;
    if (why.has(index) || there === location) continue;
    why.set(
      index,
      `/location: takes ${location}, for which the file is complete, and not ${String(there).slice(0, 64)}`,
    );
  }
  const failures = rows.flatMap(({ line }, index): Failure[] => {
    const detail = why.get(index);
    return detail === undefined ? [] : [{ line, code: 'validation_failed', detail }];
  });
  return { event: Buffer.from(JSON.stringify(event)), failures };
}

/** Throws a Problem for rows that cannot be one event, however sound each of them is. */
export function requireOneEvent(file: CompleteFile, all: readonly Row[]): void {
  const rows = all.flatMap(({ line, values }) => (values === undefined ? [] : [{ line, row: values as object }]));
  if (all.length === 0) {
    const detail = `Without a row everything at ${file.location} would be set to 0. If that is so, send a stock.snapshot.v1 that says it.`;
    throw new Problem('validation_failed', detail);
  }
  if (snapshotOf(file, rows).event.length <= MOST_EVENT_BYTES) return;
  const detail =
    `A complete file is one event, and takes at most ${MOST_EVENT_BYTES / 1024 / 1024} MiB as JSON. ` +
    'Leave out what is 0: what the file does not name is set to 0.';
  throw new Problem('payload_too_large', detail);
}
