import type { Quantity } from '../catalog/quantity.js';

/** When something happened, by the account of its source (semantics.md 23). */
export interface Moment {
  /** Milliseconds since 1970, by the source's clock; by ours, when it was received, where it names no time. */
  readonly at: number;
  /** Its place in the source's own count; null: the source does not count. */
  readonly sequence: bigint | null;
  /** Its place in order of arrival, where its time is only when it was received: events of one body share that. */
  readonly turn?: number | null;
}

/** A change by a source that was posted, and so is on top of every figure from before it. */
export interface Delta extends Moment {
  readonly quantity: Quantity;
}

/** Below 0: `a` happened before `b`. Where both are counted the count decides, not the clocks. */
export function compareMoments(a: Moment, b: Moment): number {
  if (a.sequence !== null && b.sequence !== null) return a.sequence < b.sequence ? -1 : Number(a.sequence > b.sequence);
  return a.at - b.at || (a.turn != null && b.turn != null ? a.turn - b.turn : 0);
}

/**
 * Whether what a source says at `said` is out of date at a position, given the moment of the last absolute figure that
 * was applied there for it: an older figure is superseded, an older change is already inside that figure.
 */
export function isStale(said: Moment, lastFigure: Moment | undefined): boolean {
  return lastFigure !== undefined && compareMoments(said, lastFigure) < 0;
}

/** What a late figure does not know yet: the changes of its source that were posted already and happened since. */
export function changedSince(figure: Moment, posted: readonly Delta[]): Quantity {
  return posted.reduce((sum, delta) => (compareMoments(delta, figure) < 0 ? sum : sum + delta.quantity), 0);
}
