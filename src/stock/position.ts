import { MOST, Quantity } from '../catalog/quantity.js';

/** The most a figure of a position may be: nine of the largest requests, just below what a JavaScript number counts exactly. */
export const POSITION_MOST: Quantity = 9 * MOST;

/** Conditions in which a unit is on hand but may not be sold, in the order they give way when less is there than thought. */
export const UNSELLABLE = ['damaged', 'expired', 'recalled', 'quarantined', 'inspection'] as const;
export type Unsellable = (typeof UNSELLABLE)[number];
export type Condition = 'sellable' | Unsellable;
export const CONDITIONS: readonly Condition[] = ['sellable', ...UNSELLABLE];

/** The figures of one item at one location, in ten-thousandths of the base unit (semantics.md, Words). */
export interface Position {
  readonly itemId: number;
  readonly locationId: number;
  onHand: Quantity;
  readonly unsellable: Record<Unsellable, Quantity>;
  reserved: Quantity;
  incoming: Quantity;
  safetyStock: Quantity;
  /** How many movements it has. */
  version: number;
  /** No later than the earliest expiry of a hold here, in milliseconds since 1970; null: no hold. */
  nextExpiry: number | null;
  /** When it last changed, in milliseconds since 1970. */
  asOf: number;
}

export function unsellableOf(position: Position): Quantity {
  const { damaged, expired, recalled, quarantined, inspection } = position.unsellable;
  return damaged + expired + recalled + quarantined + inspection;
}

/** On hand and in a condition to be sold. */
export function sellableOf(position: Position): Quantity {
  return position.onHand - unsellableOf(position);
}

/** What may be promised of a position (semantics.md 4): never below 0, so a shortfall here lessens nothing elsewhere. */
export function freeOf(position: Position): Quantity {
  return Math.max(0, sellableOf(position) - position.reserved - position.safetyStock);
}

/** How far reserved exceeds what is on hand and sellable: backordered or short (semantics.md 7 and 20). */
export function uncoveredOf(position: Position): Quantity {
  return Math.max(0, position.reserved - sellableOf(position));
}

/** Whether the earliest expiry noted here has passed: then holds may be here whose time has come (semantics.md 16). */
export function isOverdue({ nextExpiry }: Position, now: number): boolean {
  return nextExpiry !== null && nextExpiry <= now;
}

/** Says what is impossible about the figures; undefined when they are sound. The database checks the same. */
export function flawOf(position: Position): string | undefined {
  if (position.onHand < 0) return 'on hand below 0';
  if (position.reserved < 0) return 'reserved below 0';
  if (UNSELLABLE.some((condition) => position.unsellable[condition] < 0)) return 'an unsellable figure below 0';
  if (unsellableOf(position) > position.onHand) return 'more unsellable than on hand';
  if (Math.max(position.onHand, position.reserved, position.safetyStock) > POSITION_MOST) {
    return 'a figure above 9 × 10^11';
  }
  return undefined;
}
