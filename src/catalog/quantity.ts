/**
 * A quantity in whole ten-thousandths of a unit: 49.5 is 495,000. Exact in a JavaScript number, because no quantity
 * exceeds 10^11 units (10^15 ten-thousandths, below 2^53). Source: semantics.md 1 and 3.
 */
export type Quantity = number;

/** Ten-thousandths in one. */
export const ONE: Quantity = 10_000;
/** The largest quantity a request may name and a position may hold: 10^11 units. */
export const MOST: Quantity = 1e11 * ONE;

/** Why a number is not a quantity. */
export type QuantityFault = 'not_a_number' | 'too_precise' | 'too_large';

/**
 * Reads a JSON number. A string is not a number; more than four fraction digits is too precise.
 * Exact: n / 10,000 is the double nearest to the decimal, so it equals `value` only if `value` is that decimal.
 */
export function parseQuantity(value: unknown): Quantity | QuantityFault {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'not_a_number';
  if (Math.abs(value) > 1e11) return 'too_large';
  const n = Math.round(value * ONE);
  return n / ONE === value ? n : 'too_precise';
}

/** As a JSON number, the shortest decimal that is exactly this quantity. */
export function toNumber(quantity: Quantity): number {
  return quantity / ONE;
}

/** The smallest step of an item's base unit: 1 for `fractionDigits` 0, 0.001 for 3. */
export function stepOf(fractionDigits: number): Quantity {
  return 10 ** (4 - fractionDigits);
}
