import type { Quantity } from '../catalog/quantity.js';
import { freeOf, POSITION_MOST, Position, uncoveredOf } from '../stock/position.js';

/** What a channel's rules say about an item. Quantities in ten-thousandths; backorderLimit null: unlimited. */
export interface ChannelRules {
  readonly buffer: Quantity;
  readonly backorderLimit: Quantity | null;
}

/** A location that may promise, in sourcing order. */
export interface Source {
  readonly locationId: number;
  readonly free: Quantity;
}

/** What a channel may promise of one item now. */
export interface Promisable {
  readonly sources: readonly Source[];
  /** Σ free over the sources less the channel's buffer, never below 0 (semantics.md 4 and 11). */
  readonly available: Quantity;
  /** What may still be reserved beyond it; null: unlimited, so far as `room` goes. */
  readonly backorderable: Quantity | null;
  /** How much may be reserved beyond it before a position could count no further. */
  readonly room: Quantity;
  /** Where a backorder stands: the first location in sourcing order that carries the item (semantics.md 20). */
  readonly backorderAt: number | undefined;
}

/**
 * The one figure behind quote and acceptance: availability shows it, reservations are admitted by it.
 * `positions` are those of the channel's locations in sourcing order, with expired holds already taken out of
 * `reserved`; a disabled location promises nothing (semantics.md 9), but what is uncovered there counts.
 */
export function availableToPromise(
  positions: readonly Position[],
  isEnabled: (locationId: number) => boolean,
  rules: ChannelRules,
): Promisable {
  const sources = positions
    .filter((position) => isEnabled(position.locationId))
    .map((position) => ({ locationId: position.locationId, free: freeOf(position) }));
  const free = sources.reduce((sum, source) => sum + source.free, 0);
  const uncovered = positions.reduce((sum, position) => sum + uncoveredOf(position), 0);
  const backorderAt = sources[0]?.locationId;
  const reserved = positions.reduce((most, position) => Math.max(most, position.reserved), 0);
  const room = Math.max(0, POSITION_MOST - reserved - free);
  return {
    sources,
    available: Math.max(0, free - rules.buffer),
    backorderable: backorderAt === undefined ? 0 : remaining(rules.backorderLimit, uncovered, room),
    room,
    backorderAt,
  };
}

/** An unlimited backorder still ends where a position could count no further. */
function remaining(limit: Quantity | null, uncovered: Quantity, room: Quantity): Quantity | null {
  if (limit === null) return room > 0 ? null : 0;
  return Math.max(0, Math.min(limit - uncovered, room));
}
