import type { Position } from '../stock/position.js';

/** What is held at a position until one instant, and not from then on. */
export interface Expiry {
  /** In milliseconds since 1970. */
  readonly at: number;
  /** In ten-thousandths of the base unit. */
  readonly quantity: number;
}

/**
 * What may be answered past, given what expires until `until` in its order: `areAll` of it, or as much as was read. Of the last
 * that it gives only the time counts (`positionAt`).
 */
export function foreseen(upcoming: readonly Expiry[], until: number, areAll: boolean): readonly Expiry[] {
  if (upcoming.length === 0 || !areAll) return upcoming;
  return [...upcoming, { at: until, quantity: 0 }];
}

/**
 * A position as it counts at `now`, given the expiries that were foreseen when it was read, in their order
 * (semantics.md 16). Of the last of them only the time is used: more may expire then, and what comes after is not known.
 * undefined: what has expired since is not known.
 */
export function positionAt(position: Position, expiries: readonly Expiry[], now: number): Position | undefined {
  const { nextExpiry } = position;
  if (nextExpiry === null || nextExpiry > now) return position;
  let { reserved } = position;
  for (const [index, { at, quantity }] of expiries.entries()) {
    if (at > now) return { ...position, reserved, nextExpiry: at };
    if (index === expiries.length - 1) break;
    if (at >= nextExpiry) reserved -= quantity;
  }
  return undefined;
}
