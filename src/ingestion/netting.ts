import type { Quantity } from '../catalog/quantity.js';

/** What the figures of a source are: all that is there, or what of it no order has taken (semantics.md 24). */
export type QuantityBasis = 'on_hand' | 'available';

/** What of a commitment stands at a position. */
export interface CommittedThere {
  /** When an order took it, in milliseconds since 1970. */
  readonly committedAt: number;
  readonly open: Quantity;
}

/** How much of our commitments a figure has taken off: of those made up to `upTo`, all that is open; of holds nothing. */
export function nettedOf(commitments: readonly CommittedThere[], upTo: number): Quantity {
  return commitments.reduce((sum, { committedAt, open }) => (committedAt <= upTo ? sum + open : sum), 0);
}

/**
 * The on hand that a figure means. What is available of a position leaves out the units that cannot be sold and those
 * that are taken, so both are added again: each commitment is then taken off once, by us.
 */
export function onHandOf(figure: Quantity, basis: QuantityBasis, unsellable: Quantity, netted: Quantity): Quantity {
  return basis === 'on_hand' ? figure : figure + unsellable + netted;
}
