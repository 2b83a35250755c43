import { inBestForm, ofFewRows } from './few.js';

const INSERT = {
  name: 'insert-notes',
  text: `
    insert into note (id, text)
    select id, text || $3 from unnest($1::bigint[], $2::text[]) as n(id, text)
     where exists (select from unnest($1::bigint[]) as other)`,
};

describe('a statement for few rows', () => {
  it('looks into its columns by number, and leaves the rest as it is', () => {
    expect(ofFewRows(INSERT)).toEqual({
      name: 'insert-notes-few',
      text: `
    insert into note (id, text)
    select id, text || $3 from (select ($1::bigint[])[i] as id, ($2::text[])[i] as text from generate_series(1, cardinality($1::bigint[])) as i) as n
     where exists (select from unnest($1::bigint[]) as other)`,
    });
  });

  it('is itself where it has no rows of several columns', () => {
    const plain = { name: 'plain', text: 'select from item where id = any($1::bigint[])' };
    expect(ofFewRows(plain)).toBe(plain);
  });

  it('is made once', () => {
    expect(ofFewRows(INSERT)).toBe(ofFewRows(INSERT));
  });

  it('is the best form as long as no column is long', () => {
    const column = (length: number) => Array.from({ length }, () => 1);
    expect(inBestForm(INSERT, [column(64), column(64), 'x'])).toBe(ofFewRows(INSERT));
    expect(inBestForm(INSERT, [column(65), column(65), 'x'])).toBe(INSERT);
  });
});
