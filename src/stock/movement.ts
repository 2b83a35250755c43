import type { Quantity } from '../catalog/quantity.js';
import { Position, UNSELLABLE, Unsellable, unsellableOf } from './position.js';

/** Why a figure changed. */
export type MovementKind =
  | 'receipt'
  | 'return'
  | 'count'
  | 'adjustment'
  | 'condition_change'
  | 'transfer_out'
  | 'transfer_in'
  | 'safety_stock'
  | 'hold'
  | 'edit'
  | 'commit'
  | 'release'
  | 'expire'
  | 'cancel'
  | 'ship'
  | 'unship'
  | 'repair';

/** What a movement does to a position; figures left out do not change. Quantities in ten-thousandths. */
export interface Change {
  readonly kind: MovementKind;
  readonly onHand?: Quantity;
  readonly reserved?: Quantity;
  readonly unsellable?: Quantity;
  readonly condition?: Unsellable;
  /** The new figure, not a difference: it is a setting, and no sum of movements. */
  readonly safetyStock?: Quantity;
  readonly reason?: string;
  readonly note?: string;
  readonly reference?: string;
  readonly reservationId?: string;
  readonly source?: string;
  readonly eventId?: string;
  /** Of the event, among all that were received: what it moved is found by it. */
  readonly turn?: number;
}

/** One row of the ledger. `version` counts the movements of its position from 1 without gap. */
export interface Movement extends Change {
  readonly itemId: number;
  readonly locationId: number;
  readonly version: number;
  readonly actor: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Applies `change` to the figures of `position`. */
export function apply(position: Position, change: Change, at: number): void {
  position.onHand += change.onHand ?? 0;
  position.reserved += change.reserved ?? 0;
  if (change.condition) position.unsellable[change.condition] += change.unsellable ?? 0;
  if (change.safetyStock !== undefined) position.safetyStock = change.safetyStock;
  position.version += 1;
  position.asOf = at;
}

/**
 * The changes that bring on hand from what it is to `onHand`. Less than what is unsellable takes the unsellable units
 * with it, one movement a condition, in the order of UNSELLABLE: units that are not there are in no condition.
 */
export function changeOnHand(position: Position, onHand: Quantity, change: Change): Change[] {
  let surplus = Math.max(0, unsellableOf(position) - onHand);
  const changes: Change[] = [];
  let difference = onHand - position.onHand;
  for (const condition of UNSELLABLE) {
    const gone = Math.min(surplus, position.unsellable[condition]);
    if (gone === 0) continue;
    surplus -= gone;
    difference += gone;
    changes.push({ ...change, onHand: -gone, unsellable: -gone, condition });
  }
  return difference === 0 ? changes : [{ ...change, onHand: difference }, ...changes];
}
