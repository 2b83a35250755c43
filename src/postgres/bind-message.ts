import { arrayLiteral } from './array-literal.js';
import { Scratch, writeBinaryArray } from './binary-array.js';
import { columnTypes } from './columns.js';
import type { Statement } from './combined.js';

const BIND = 0x42;
/** Execute of the unnamed portal, all rows. */
const EXECUTE = Buffer.from('45000000090000000000', 'hex');
const TEXT = 0;
const BINARY = 1;

/** Where messages are written first: how long one is is known at its end. */
const scratch = new Scratch();

/**
 * Binds these values to a prepared statement and executes it, as PostgreSQL reads it (protocol 3, Bind and Execute).
 * Arrays are sent as columns, in their binary form where they have one. Throws for a value that is no parameter.
 *
 * Written in one go: by pg it took a buffer for each of 75 columns and a larger one whenever the message outgrew it.
 */
export function bindMessage(statement: Statement, values: readonly unknown[]): Buffer {
  const types = columnTypes(statement);
  const { length } = values;
  scratch.reserve(16 + statement.name.length + 2 * length);
  scratch.bytes[0] = BIND;
  scratch.bytes[5] = 0; // the unnamed portal
  let at = 6 + scratch.bytes.write(statement.name, 6, 'latin1');
  scratch.bytes[at] = 0;
  scratch.view.setInt16(at + 1, length);
  const formats = at + 3;
  at = formats + 2 * length;
  scratch.view.setInt16(at, length);
  at += 2;
  for (let i = 0; i < length; i += 1) {
    const value = values[i];
    scratch.reserve(at + 4);
    if (value === null || value === undefined) {
      scratch.view.setInt16(formats + 2 * i, TEXT);
      scratch.view.setInt32(at, -1);
      at += 4;
      continue;
    }
    const type = types[i];
    let end = Array.isArray(value) && type ? writeBinaryArray(scratch, type, value, at + 4) : -1;
    scratch.view.setInt16(formats + 2 * i, end < 0 ? TEXT : BINARY);
    if (end < 0) end = scratch.writeText(Array.isArray(value) ? arrayLiteral(value) : textOf(value), at + 4);
    scratch.view.setInt32(at, end - at - 4);
    at = end;
  }
  scratch.reserve(at + 2 + EXECUTE.length);
  scratch.view.setInt16(at, 0); // rows as text
  scratch.view.setInt32(1, at + 1);
  scratch.bytes.set(EXECUTE, at + 2);
  return Buffer.from(scratch.bytes.subarray(0, at + 2 + EXECUTE.length));
}

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError(`No parameter: ${typeof value}`);
}
