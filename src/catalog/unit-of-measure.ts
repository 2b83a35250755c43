import { MOST, ONE, type Quantity, stepOf } from './quantity.js';

/** A unit that an item is counted in (semantics.md 2). */
export interface Unit {
  /** UN/ECE Rec 20, packages Rec 21 with an X: `EA`, `KGM`, `XCS`. */
  readonly code: string;
  /** Ten-thousandths of the base unit in one of this unit; 10,000 for the base unit itself. */
  readonly factor: Quantity;
  /**
   * The smallest quantity, in ten-thousandths of the base unit. Of the base unit what `fractionDigits` allows, of any
   * other unit one whole unit: nobody ships a case and a half, so nobody may reserve it.
   */
  readonly step: Quantity;
}

/** What of an item decides how it is counted. */
export interface Measured {
  readonly baseUom: string;
  readonly fractionDigits: number;
  readonly uoms: readonly { readonly code: string; readonly factor: Quantity }[];
}

/** Why a quantity in a unit is not a quantity of the item. */
export type UnitFault = 'not_whole' | 'too_large';

/** The unit that a request names, by default the base unit; undefined when the item is not measured in it. */
export function unitOf(item: Measured, uom: string | undefined): Unit | undefined {
  if (uom === undefined || uom === item.baseUom) {
    return { code: item.baseUom, factor: ONE, step: stepOf(item.fractionDigits) };
  }
  const unit = item.uoms.find(({ code }) => code === uom);
  return unit && { code: unit.code, factor: unit.factor, step: unit.factor };
}

/** The quantity in the base unit, exactly; a quantity below 0, as of an adjustment, stays below 0. */
export function toBase(unit: Unit, quantity: Quantity): Quantity | UnitFault {
  const product = quantity * unit.factor;
  if (Number.isSafeInteger(product)) {
    if (product % ONE !== 0 || (product / ONE) % unit.step !== 0) return 'not_whole';
    return Math.abs(product) > MOST * ONE ? 'too_large' : product / ONE;
  }
  // 10^11 pieces as pallets, or a price-list typo: beyond 2^53 only integers of any length are exact.
  const exact = BigInt(quantity) * BigInt(unit.factor);
  if (exact % (BigInt(ONE) * BigInt(unit.step)) !== 0n) return 'not_whole';
  const base = exact / BigInt(ONE);
  return base > BigInt(MOST) || base < -BigInt(MOST) ? 'too_large' : Number(base);
}

/**
 * A quantity of the base unit as a JSON number in this unit: exact where it is a number of whole units, and else,
 * as for what is left of an opened case, rounded half up to four digits.
 */
export function fromBase(unit: Unit, base: Quantity): number {
  if (unit.factor === ONE) return base / ONE;
  if (base % unit.factor === 0) return base / unit.factor;
  const twice = 2n * BigInt(base) * BigInt(ONE) + BigInt(unit.factor);
  return Number(floorDivide(twice, 2n * BigInt(unit.factor))) / ONE;
}

/** How much of this unit is whole in the base quantity: 7 pieces are 1 case of 4, not 1.75. As a JSON number. */
export function wholeUnits(unit: Unit, base: Quantity): number {
  return fromBase(unit, Math.floor(base / unit.step) * unit.step);
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}
