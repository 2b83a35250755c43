import { arrayLiteral } from './array-literal.js';
import { type BinaryType, binaryArray, isBinaryType } from './binary-array.js';
import type { Statement } from './combined.js';

const known = new WeakMap<Statement, readonly (BinaryType | undefined)[]>();

/** The parameters of a set-based statement as they are sent: arrays as columns, in their binary form where they have one. */
export function columns(statement: Statement, values: readonly unknown[]): unknown[] {
  const types = columnTypes(statement);
  return values.map((value, index) => {
    if (!Array.isArray(value)) return value;
    const type = types[index];
    return (type && binaryArray(type, value)) ?? arrayLiteral(value);
  });
}

/** What the statement casts its parameters to, `$3::text[]`, so far as that type has a binary form here. */
export function columnTypes(statement: Statement): readonly (BinaryType | undefined)[] {
  let types = known.get(statement);
  if (!types) {
    const found: (BinaryType | undefined)[] = [];
    for (const [, parameter, type] of statement.text.matchAll(/\$(\d+)::(\w+)\[\]/g)) {
      found[Number(parameter) - 1] = isBinaryType(type) ? type : undefined;
    }
    known.set(statement, found);
    types = found;
  }
  return types;
}
