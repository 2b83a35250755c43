import { Problem } from '../problems/problem.js';
import { columnOf, fromCells, requireColumns } from './cells.js';
import { COLUMNS, KINDS, type Kind } from './import.js';

const codesOf = (act: () => unknown) => {
  try {
    act();
    return [];
  } catch (error) {
    return (error as Problem).more.errors?.map(({ pointer, code }) => `${pointer} ${code}`);
  }
};

describe('a header', () => {
  it.each(KINDS)('of %s may have all its columns, or only those needed, in any order', (kind) => {
    const all = COLUMNS[kind].map(({ name }) => name);
    const needed = COLUMNS[kind].filter(({ required }) => required).map(({ name }) => name);
    for (const header of [all, all.toReversed(), needed]) requireColumns(kind, header);
  });

  it.each<[Kind, string[], string[]]>([
    ['items', ['sku', 'name', 'baseUom', 'colour'], ['/colour unknown_column']],
    ['items', ['sku', 'name', 'baseUom', 'sku'], ['/sku duplicate_column']],
    ['items', ['name'], ['/sku missing_column', '/baseUom missing_column']],
    ['locations', ['code', 'name', 'Type'], ['/Type unknown_column', '/type missing_column']],
    ['levels', ['sku', 'location', 'onHand', ''], ['/ unknown_column']],
    ['levels', ['sku', 'location', 'onHand', 'a/b~c'], ['/a~1b~0c unknown_column']],
  ])('of %s is refused as %j', (kind, header, expected) => {
    expect(codesOf(() => requireColumns(kind, header))).toEqual(expected);
  });
});

describe('a cell', () => {
  const read = (name: string, cell: string, kind: Kind = 'items') => fromCells([columnOf(kind, name)], [cell])[name];

  it.each<[string, string, unknown]>([
    ['name', ' as it is ', ' as it is '],
    ['name', 'true', 'true'],
    ['fractionDigits', '2', 2],
    ['fractionDigits', '2.0', 2],
    ['fractionDigits', 'two', 'two'],
    ['fractionDigits', '0x2', '0x2'],
    ['fractionDigits', ' 2', ' 2'],
    ['tracked', 'FALSE', false],
    ['active', 'true', true],
    ['active', '1', '1'],
    [
      'uoms',
      'XCS:4;XPX:48.5',
      [
        { code: 'XCS', factor: 4 },
        { code: 'XPX', factor: 48.5 },
      ],
    ],
    ['uoms', ' XCS:4 ; ', [{ code: 'XCS', factor: 4 }]],
    ['uoms', '[{"code":"XCS","factor":4}]', [{ code: 'XCS', factor: 4 }]],
    ['identifiers', 'gtin:4006381333931', [{ type: 'gtin', value: '4006381333931' }]],
    ['identifiers', 'partner:a:b@ACME', [{ type: 'partner', value: 'a:b', party: 'ACME' }]],
    ['attributes', '{"a":[1]}', { a: [1] }],
  ])('of %s with %j is %j', (name, cell, expected) => {
    expect(read(name, cell)).toEqual(expected);
  });

  it.each([
    ['uoms', 'XCS'],
    ['uoms', 'XCS:four'],
    ['uoms', 'XCS:4,XPX:48'],
    ['uoms', '[{'],
    ['identifiers', '4006381333931'],
    ['attributes', '{'],
  ])('of %s with %j is refused', (name, cell) => {
    expect(codesOf(() => read(name, cell))).toEqual([`/${name} malformed`]);
  });

  it('that is empty is left out, so that its default counts', () => {
    expect(fromCells(COLUMNS.items, ['A', '', 'EA'])).toEqual({ sku: 'A', baseUom: 'EA' });
  });
});
