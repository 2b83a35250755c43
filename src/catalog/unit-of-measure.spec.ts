import fc from 'fast-check';
import { MOST, ONE } from './quantity.js';
import { fromBase, toBase, type Unit, unitOf, wholeUnits } from './unit-of-measure.js';

const cable = { baseUom: 'EA', fractionDigits: 0, uoms: [{ code: 'XCS', factor: 4 * ONE }] };
const rope = { baseUom: 'MTR', fractionDigits: 2, uoms: [{ code: 'XRL', factor: 25.5 * ONE }] };
const unit = (item: Parameters<typeof unitOf>[0], uom?: string) => unitOf(item, uom) as Unit;

describe('units of measure (semantics.md 2)', () => {
  it.each([
    { what: 'the base unit by default', item: cable, uom: undefined, expected: { code: 'EA', factor: ONE, step: ONE } },
    { what: 'the base unit by name', item: rope, uom: 'MTR', expected: { code: 'MTR', factor: ONE, step: 100 } },
    { what: 'another unit', item: rope, uom: 'XRL', expected: { code: 'XRL', factor: 255_000, step: 255_000 } },
    { what: 'nothing for a unit the item has not', item: cable, uom: 'KGM', expected: undefined },
  ])('finds $what', ({ item, uom, expected }) => {
    expect(unitOf(item, uom)).toEqual(expected);
  });

  it.each([
    { item: cable, uom: 'EA', quantity: 3, base: 3 },
    { item: cable, uom: 'XCS', quantity: 3, base: 12 },
    { item: cable, uom: 'XCS', quantity: -3, base: -12 },
    { item: cable, uom: 'XCS', quantity: 1.5, base: 'not_whole' },
    { item: cable, uom: 'EA', quantity: 0.5, base: 'not_whole' },
    { item: rope, uom: 'MTR', quantity: 49.25, base: 49.25 },
    { item: rope, uom: 'MTR', quantity: 0.125, base: 'not_whole' },
    { item: rope, uom: 'XRL', quantity: 2, base: 51 },
    { item: rope, uom: 'XRL', quantity: 0.5, base: 'not_whole' },
    { item: rope, uom: 'XRL', quantity: 1e11, base: 'too_large' },
    { item: rope, uom: 'XRL', quantity: -1e11, base: 'too_large' },
    { item: cable, uom: 'XCS', quantity: 25_000_000_000, base: 1e11 },
    { item: cable, uom: 'XCS', quantity: 25_000_000_001, base: 'too_large' },
    { item: cable, uom: 'XCS', quantity: 99_999_999_999.5, base: 'not_whole' },
  ])('takes $quantity $uom as $base of the base unit', ({ item, uom, quantity, base }) => {
    expect(toBase(unit(item, uom), quantity * ONE)).toBe(typeof base === 'number' ? base * ONE : base);
  });

  it.each([
    { item: cable, uom: 'XCS', base: 8, inUnit: 2, whole: 2 },
    { item: cable, uom: 'XCS', base: 7, inUnit: 1.75, whole: 1 },
    { item: cable, uom: 'XCS', base: 3, inUnit: 0.75, whole: 0 },
    { item: cable, uom: 'EA', base: 7, inUnit: 7, whole: 7 },
    { item: rope, uom: 'MTR', base: 7.25, inUnit: 7.25, whole: 7.25 },
    { item: rope, uom: 'MTR', base: 7.2599, inUnit: 7.2599, whole: 7.25 },
    { item: rope, uom: 'XRL', base: 100, inUnit: 3.9216, whole: 3 },
    { item: { ...cable, uoms: [{ code: 'XPK', factor: 3 * ONE }] }, uom: 'XPK', base: 2, inUnit: 0.6667, whole: 0 },
    { item: { ...cable, uoms: [{ code: 'XPK', factor: 3 * ONE }] }, uom: 'XPK', base: -2, inUnit: -0.6667, whole: -1 },
    { item: cable, uom: 'XCS', base: 0, inUnit: 0, whole: 0 },
  ])('shows $base of the base unit as $inUnit $uom, whole $whole', ({ item, uom, base, inUnit, whole }) => {
    expect(fromBase(unit(item, uom), base * ONE)).toBe(inUnit);
    expect(wholeUnits(unit(item, uom), base * ONE)).toBe(whole);
  });

  const anyUnit = fc.oneof(
    fc.constantFrom(0, 1, 2, 3, 4).map((fractionDigits) => unit({ ...cable, fractionDigits })),
    fc.integer({ min: 1, max: MOST }).map((factor) => ({ code: 'XCS', factor, step: factor })),
  );
  const anyBase = fc.integer({ min: 0, max: MOST });

  it('gives back exactly what it took', () => {
    fc.assert(
      fc.property(anyUnit, anyBase, (of, quantity) => {
        const base = toBase(of, quantity);
        if (typeof base === 'number') expect(fromBase(of, base)).toBe(quantity / ONE);
      }),
    );
  });

  it('takes any number of steps, up to the most there can be, and nothing between them', () => {
    fc.assert(
      fc.property(anyUnit, anyBase, (of, base) => {
        const steps = Math.floor(base / of.step);
        const quantity = of.factor === ONE ? steps * of.step : steps * ONE;
        fc.pre(quantity <= MOST);
        expect(toBase(of, quantity)).toBe(steps * of.step);
        if (of.step > 1) expect(toBase(of, quantity + 1)).toBe('not_whole');
      }),
    );
  });

  it('never shows more whole units than there are, and leaves less than one', () => {
    fc.assert(
      fc.property(anyUnit, anyBase, (of, base) => {
        const quantity = Math.round(wholeUnits(of, base) * ONE);
        fc.pre(quantity <= MOST);
        const whole = toBase(of, quantity) as number;
        expect(whole).toBeLessThanOrEqual(base);
        expect(base - whole).toBeLessThan(of.step);
      }),
    );
  });
});
