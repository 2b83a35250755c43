import { changeOfMeaning, faultsOf, type Identifier, type ItemContent, normalise, sameContent } from './item.js';
import { ONE } from './quantity.js';

const content = (overrides: Partial<ItemContent> = {}): ItemContent => ({
  name: 'Patch cable',
  baseUom: 'EA',
  fractionDigits: 0,
  tracked: true,
  active: true,
  uoms: [],
  identifiers: [],
  attributes: {},
  ...overrides,
});
const identifier = (overrides: Partial<Identifier> = {}): Identifier => ({
  type: 'gtin',
  value: '4006381333931',
  party: '',
  ...overrides,
});

describe('an item', () => {
  it.each<{ what: string; of: Partial<ItemContent>; faults: [string, string][] }>([
    {
      what: 'units and identifiers',
      of: { uoms: [{ code: 'XCS', factor: 12 * ONE }], identifiers: [identifier()] },
      faults: [],
    },
    {
      what: 'the base unit as another unit',
      of: { uoms: [{ code: 'EA', factor: 2 * ONE }] },
      faults: [['/uoms/0/code', 'duplicate']],
    },
    {
      what: 'a unit twice',
      of: {
        uoms: [
          { code: 'XCS', factor: ONE },
          { code: 'XCS', factor: 2 * ONE },
        ],
      },
      faults: [['/uoms/1/code', 'duplicate']],
    },
    {
      what: 'half a piece as a unit',
      of: { uoms: [{ code: 'XHF', factor: ONE / 2 }] },
      faults: [['/uoms/0/factor', 'too_precise']],
    },
    { what: 'half a metre as a unit', of: { fractionDigits: 1, uoms: [{ code: 'XHF', factor: ONE / 2 }] }, faults: [] },
    {
      what: 'a GTIN with a typo',
      of: { identifiers: [identifier({ value: '4006381333930' })] },
      faults: [['/identifiers/0/value', 'invalid_gtin']],
    },
    {
      what: 'a GTIN of somebody',
      of: { identifiers: [identifier({ party: 'ACME' })] },
      faults: [['/identifiers/0/party', 'unexpected']],
    },
    {
      what: 'a GTIN twice, once as 14 digits',
      of: { identifiers: [identifier(), identifier({ value: '04006381333931' })] },
      faults: [['/identifiers/1', 'duplicate']],
    },
    {
      what: 'a partner number of nobody',
      of: { identifiers: [identifier({ type: 'partner', value: 'A-1' })] },
      faults: [['/identifiers/0/party', 'required']],
    },
    {
      what: 'the same partner number of two partners',
      of: {
        identifiers: [
          identifier({ type: 'partner', value: 'A-1', party: 'ACME' }),
          identifier({ type: 'partner', value: 'A-1', party: 'Globex' }),
        ],
      },
      faults: [],
    },
    {
      what: 'an mpn with and without its maker',
      of: {
        identifiers: [
          identifier({ type: 'mpn', value: 'A-1' }),
          identifier({ type: 'mpn', value: 'A-1', party: 'ACME' }),
        ],
      },
      faults: [],
    },
    {
      what: 'too much of attributes',
      of: { attributes: { text: 'x'.repeat(17_000) } },
      faults: [['/attributes', 'too_large']],
    },
    { what: 'a NUL in its attributes', of: { attributes: { 'a\0b': 1 } }, faults: [['/attributes', 'invalid_value']] },
    {
      what: 'half a character in its attributes',
      of: { attributes: { a: ['\ud83d'] } },
      faults: [['/attributes', 'invalid_value']],
    },
    {
      what: 'a number past the largest in its attributes',
      of: { attributes: { a: [Number.POSITIVE_INFINITY] } },
      faults: [['/attributes', 'invalid_value']],
    },
    {
      what: 'a whole one, and a backslash before u0000',
      of: { attributes: { a: '😀', b: '\\u0000 \\ud83d' } },
      faults: [],
    },
  ])('with $what has $faults', ({ of, faults }) => {
    expect(faultsOf(content(of)).map(({ pointer, code }) => [pointer, code])).toEqual(faults);
  });

  it('is the same in whatever order its parts and members are listed, and however long its GTINs are', () => {
    const one = content({
      uoms: [
        { code: 'XPX', factor: 480 * ONE },
        { code: 'XCS', factor: 12 * ONE },
      ],
      identifiers: [identifier({ type: 'mpn', value: 'B' }), identifier({ value: '036000291452' })],
      attributes: { a: 1, b: { c: 2, d: 3 } },
    });
    const other = content({
      uoms: [
        { code: 'XCS', factor: 12 * ONE },
        { code: 'XPX', factor: 480 * ONE },
      ],
      identifiers: [identifier({ value: '00036000291452' }), identifier({ type: 'mpn', value: 'B' })],
      attributes: { b: { d: 3, c: 2 }, a: 1 },
    });
    expect(sameContent(normalise(one), normalise(other))).toBe(true);
  });

  it.each<Partial<ItemContent>>([
    { name: 'Other' },
    { active: false },
    { tracked: false },
    { uoms: [{ code: 'XCS', factor: ONE }] },
    { identifiers: [identifier()] },
    { attributes: { a: null } },
  ])('is another with %j', (change) => {
    expect(sameContent(content(), normalise(content(change)))).toBe(false);
  });

  it.each<[Partial<ItemContent>, Partial<ItemContent>, boolean]>([
    [{}, { baseUom: 'KGM' }, true],
    [{ fractionDigits: 2 }, { fractionDigits: 1 }, true],
    [{ fractionDigits: 1 }, { fractionDigits: 2 }, false],
    [{}, { tracked: false }, false],
    [{ uoms: [{ code: 'XCS', factor: 12 * ONE }] }, { uoms: [{ code: 'XCS', factor: 10 * ONE }] }, false],
  ])('changes what kept quantities mean from %j to %j: %s', (before, after, changes) => {
    expect(changeOfMeaning(content(before), content(after)) !== undefined).toBe(changes);
  });
});
