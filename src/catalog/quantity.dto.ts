import { ValidateBy, ValidationArguments } from 'class-validator';
import { parseQuantity } from './quantity.js';

export interface QuantityBounds {
  /** May be 0. Default false. */
  readonly zero?: boolean;
  /** May be below 0, as the delta of an adjustment. Default false. */
  readonly negative?: boolean;
}

/** What `IsQuantity()` takes without bounds of its own. */
export function isPositiveQuantity(value: unknown): boolean {
  const quantity = parseQuantity(value);
  return typeof quantity === 'number' && quantity > 0;
}

/**
 * A quantity as a JSON number with at most 4 fraction digits, at most 10^11 (semantics.md 1 and 3).
 * Only what no item can have is refused here; an item's own fraction digits are checked where the item is known.
 */
export function IsQuantity(bounds: QuantityBounds = {}): PropertyDecorator {
  const fault = (value: unknown): string | undefined => {
    const quantity = parseQuantity(value);
    if (quantity === 'not_a_number') return 'takes a number; a string is not a number';
    if (quantity === 'too_precise') return 'takes at most 4 fraction digits';
    if (quantity === 'too_large') return 'takes at most 100,000,000,000';
    if (quantity === 0 && !bounds.zero) return 'takes a quantity other than 0';
    if (quantity < 0 && !bounds.negative) return `takes a quantity ${bounds.zero ? 'not below' : 'above'} 0`;
    return undefined;
  };
  return ValidateBy({
    name: 'isQuantity',
    constraints: [bounds],
    validator: {
      validate: (value) => fault(value) === undefined,
      defaultMessage: (args?: ValidationArguments) => `$property ${fault(args?.value)}`,
    },
  });
}
