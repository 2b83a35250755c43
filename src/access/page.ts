import { invalid } from '../problems/problem.js';

/** A page of a list (api.md): at most `limit` entries, and where the next page starts. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly nextCursor: string | null;
}

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

/** The position behind which a page starts: the sort key of the last entry before it, opaque to clients. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Throws `validation_failed` for a cursor we did not give. `shape`: the types of the sort key's parts. */
export function decodeCursor(
  cursor: string | undefined,
  shape: readonly ('string' | 'number')[],
): (string | number)[] | undefined {
  if (cursor === undefined) return undefined;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(key) && key.length === shape.length && shape.every((type, i) => isPart(key[i], type))) return key;
  } catch {
    // Falls through: not ours.
  }
  throw invalid([{ parameter: 'cursor', code: 'invalid_cursor', detail: 'takes the nextCursor of the page before' }]);
}

/** What the database can compare with: a forged cursor is refused here, not there. */
function isPart(part: unknown, type: 'string' | 'number'): boolean {
  if (type === 'number') return Number.isSafeInteger(part) && (part as number) >= 0;
  return typeof part === 'string' && !part.includes('\0');
}

/** Cuts a page from rows read with `limit + 1`. */
export function page<Row, T>(
  rows: readonly Row[],
  limit: number,
  view: (row: Row) => T,
  key: (row: Row) => readonly (string | number)[],
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(view),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(key(last)) : null,
  };
}
