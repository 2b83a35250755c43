import type { Statement } from './combined.js';

/** `unnest($1::bigint[], $2::int[]) as k(item_id, location_id)`: columns given as arrays, as rows. */
const ROWS = /unnest\(((?:\$\d+::\w+\[\][,\s]*){2,})\)\s+as\s+(\w+)\(([\w\s,]+)\)/g;

/** The most rows that the other form is for: each look into an array of text walks over all before it, past this dearer than a store. */
const FEW = 64;

const known = new WeakMap<Statement, Statement>();

/**
 * The statement in the form that is quickest for these values. For few rows that is one that looks into the arrays by
 * number: `unnest` makes a store of its own for each array, some 75 a batch of reservations. With one row it took
 * PostgreSQL 545 µs of CPU to write a reservation and 375 in this form; with 16 rows 57 and 50 a row, from 64 on the same.
 */
export function inBestForm(statement: Statement, values: readonly unknown[]): Statement {
  return values.every((value) => !Array.isArray(value) || value.length <= FEW) ? ofFewRows(statement) : statement;
}

/** The form for few rows. The arrays of one `unnest` are equally long and not null: it would fill up with nulls what this leaves out. */
export function ofFewRows(statement: Statement): Statement {
  let few = known.get(statement);
  if (!few) {
    const text = statement.text.replace(ROWS, (_, arrays: string, alias: string, names: string) => {
      const parameters = arrays.split(',').map((array) => array.trim());
      const columns = names.split(',').map((name, index) => `(${parameters[index]})[i] as ${name.trim()}`);
      return `(select ${columns.join(', ')} from generate_series(1, cardinality(${parameters[0]})) as i) as ${alias}`;
    });
    few = text === statement.text ? statement : { name: `${statement.name}-few`, text };
    known.set(statement, few);
  }
  return few;
}
