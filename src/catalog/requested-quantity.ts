import { FieldError, invalid, unknownInBody } from '../problems/problem.js';
import { parseQuantity, type Quantity } from './quantity.js';
import { type Measured, toBase, type Unit, unitOf } from './unit-of-measure.js';

/** The unit a request names of an item. Throws 422 `unknown_uom` with the pointer. */
export function requestedUnit(
  item: Measured & { readonly sku: string },
  uom: string | undefined,
  pointer: string,
): Unit {
  const unit = unitOf(item, uom);
  if (unit) return unit;
  const units = [item.baseUom, ...item.uoms.map(({ code }) => code)].join(', ');
  throw unknownInBody('unknown_uom', pointer, `${item.sku} is measured in ${units}, not in ${uom}.`);
}

/**
 * A requested quantity in ten-thousandths of the base unit. Throws `validation_failed` with the pointer for what the
 * item cannot have: a fraction it does not divide into, an opened package, more than 10^11 (semantics.md 2 and 3).
 */
export function requestedQuantity(unit: Unit, value: number, pointer: string): Quantity {
  const quantity = parseQuantity(value);
  const base = typeof quantity === 'number' ? toBase(unit, quantity) : quantity;
  if (typeof base === 'number') return base;
  const details: Record<typeof base, string> = {
    not_a_number: 'takes a number',
    too_precise: 'takes at most 4 fraction digits',
    too_large: 'takes at most 100,000,000,000 of the base unit',
    not_whole: `${value} ${unit.code} is not a multiple of ${unit.step / unit.factor} ${unit.code}, the least there is of it`,
  };
  const error: FieldError = { pointer, code: base, detail: details[base] };
  throw invalid([error]);
}
