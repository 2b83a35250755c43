import { type FieldError, invalid } from '../problems/problem.js';
import { type CellType, COLUMNS, type Column, type Kind } from './import.js';

/** Throws `validation_failed` with an entry a column for a header that is not one of the kind. */
export function requireColumns(kind: Kind, header: readonly string[]): void {
  const columns = COLUMNS[kind];
  const errors: FieldError[] = [];
  for (const [i, name] of header.entries()) {
    const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!columns.some((column) => column.name === name)) {
      const takes = columns.map((column) => column.name).join(', ');
      const detail = `"${name.slice(0, 100)}" is not a column of ${kind}: it takes ${takes}, separated by commas`;
      errors.push({ pointer, code: 'unknown_column', detail });
    } else if (header.indexOf(name) < i) {
      errors.push({ pointer, code: 'duplicate_column', detail: `${name} stands twice in the header` });
    }
  }
  for (const { name, required } of columns) {
    if (!required || header.includes(name)) continue;
    errors.push({ pointer: `/${name}`, code: 'missing_column', detail: `${kind} need the column ${name}` });
  }
  // A file of another kind has all its columns wrong: the first ones tell.
  if (errors.length > 0) throw invalid(errors.slice(0, 20));
}

/**
 * The cells of a CSV row as the JSON that the single call would take; an empty cell is left out and takes its default.
 * Text that is no number or boolean stays text, for the rules of the single call to refuse. Throws `validation_failed`
 * for units, identifiers and attributes that cannot be read.
 */
export function fromCells(columns: readonly Column[], cells: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const errors: FieldError[] = [];
  for (const [i, { name, type }] of columns.entries()) {
    const cell = cells[i] ?? '';
    if (cell === '') continue;
    const value = READERS[type](cell);
    if (value === undefined) errors.push({ pointer: `/${name}`, code: 'malformed', detail: `takes ${TAKES[type]}` });
    else values[name] = value;
  }
  if (errors.length > 0) throw invalid(errors);
  return values;
}

/** The column of a header, which `requireColumns` has let pass. */
export function columnOf(kind: Kind, name: string): Column {
  return COLUMNS[kind].find((column) => column.name === name) as Column;
}

/** undefined: it cannot be read. */
const READERS: Readonly<Record<CellType, (cell: string) => unknown>> = {
  text: (cell) => cell,
  number: (cell) => (/^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell),
  boolean: (cell) => (/^true$/i.test(cell) ? true : /^false$/i.test(cell) ? false : cell),
  units: (cell) => (cell.startsWith('[') ? parse(cell) : listOf(cell, /^([^:]+):(\d+(?:\.\d+)?)$/, unit)),
  identifiers: (cell) => (cell.startsWith('[') ? parse(cell) : listOf(cell, /^(\w+):(.+?)(?:@([^@]+))?$/, identifier)),
  object: parse,
};

const TAKES: Readonly<Record<CellType, string>> = {
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  units: 'units with their factors, such as XCS:4;XPX:48, or a JSON list as the item has it',
  identifiers: 'identifiers, such as gtin:4006381333931;partner:R-1@ACME, or a JSON list as the item has it',
  object: 'a JSON object',
};

function listOf<T>(cell: string, shape: RegExp, make: (match: RegExpExecArray) => T): T[] | undefined {
  const matches = cell
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => shape.exec(part));
  return matches.includes(null) ? undefined : (matches as RegExpExecArray[]).map(make);
}

function unit([, code, factor]: RegExpExecArray) {
  return { code, factor: Number(factor) };
}

function identifier([, type, value, party]: RegExpExecArray) {
  return { type, value, ...(party === undefined ? {} : { party }) };
}

function parse(cell: string): unknown {
  try {
    return JSON.parse(cell) as unknown;
  } catch {
    return undefined;
  }
}
