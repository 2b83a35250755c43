import type { Quantity } from '../catalog/quantity.js';
import { type Change, changeOnHand } from '../stock/movement.js';
import { type Condition, POSITION_MOST, type Position, sellableOf, type Unsellable } from '../stock/position.js';

/** What a fact does to a position: the movements, and what of it could not be, because on hand ends at 0 (semantics.md 7). */
export interface Recorded {
  readonly changes: readonly Change[];
  readonly rest: Quantity;
}

/** On hand is what the figure says, at least 0 and at most what a position counts. */
export function recordFigure(position: Position, onHand: Quantity, change: Change): Recorded {
  const figure = Math.max(0, onHand);
  return { changes: changeOnHand(position, figure, change), rest: figure - onHand };
}

/** Units came or went. In a condition, it is units in that condition that did, and of the others what is then missing. */
export function recordDelta(position: Position, delta: Quantity, condition: Condition, change: Change): Recorded {
  if (condition === 'sellable') return recordFigure(position, position.onHand + delta, change);
  const there = position.unsellable[condition];
  const own = Math.max(delta, -there);
  const changes: Change[] = own === 0 ? [] : [{ ...change, onHand: own, unsellable: own, condition }];
  if (own === delta) return { changes, rest: 0 };
  // More damaged units went than we knew to be damaged: they were there as something else.
  const after = { ...position, onHand: position.onHand + own, unsellable: { ...position.unsellable, [condition]: 0 } };
  const more = recordFigure(after, after.onHand + delta - own, change);
  return { changes: [...changes, ...more.changes], rest: more.rest };
}

/** Units turned out to be in another condition. No more can be than are there: the rest is for a person to look at. */
export function recordCondition(
  position: Position,
  quantity: Quantity,
  from: Condition,
  to: Condition,
  change: Change,
): Recorded {
  const there = from === 'sellable' ? sellableOf(position) : position.unsellable[from];
  const moved = Math.min(quantity, there);
  const parts: { condition: Unsellable; unsellable: Quantity }[] = [];
  if (from !== 'sellable') parts.push({ condition: from, unsellable: -moved });
  if (to !== 'sellable') parts.push({ condition: to, unsellable: moved });
  const changes = moved === 0 || from === to ? [] : parts.map((part) => ({ ...change, ...part }));
  return { changes, rest: quantity - moved };
}

/** Whether a position could not count so much: what says so is a mistake, not a fact. */
export function isBeyondCounting(position: Position, more: Quantity): boolean {
  return position.onHand + more > POSITION_MOST;
}

/** What is reserved at a position by one line of a reservation. */
export interface OpenLine {
  readonly reservationId: string;
  readonly orderRef: string | null;
  readonly channel: string;
  /** Of the channel: the higher, the sooner it is covered. */
  readonly priority: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly line: number;
  readonly quantity: Quantity;
}

/** A line, or part of one, for which there is no stock any more. */
export interface UncoveredLine {
  readonly reservation: string;
  readonly line: number;
  readonly orderRef: string | null;
  readonly channel: string;
  /** In the base unit, as a JSON number. */
  readonly quantity: number;
}

/**
 * What a shortfall of `quantity` uncovers (semantics.md 7): channels of the lowest priority first, in a channel the
 * newest first, until all of it is named.
 */
export function uncoveredBy(quantity: Quantity, open: readonly OpenLine[]): UncoveredLine[] {
  const order = [...open].sort(
    (a, b) =>
      a.priority - b.priority ||
      b.createdAt - a.createdAt ||
      compareText(b.reservationId, a.reservationId) ||
      b.line - a.line,
  );
  const named: UncoveredLine[] = [];
  let left = quantity;
  for (const { reservationId, line, orderRef, channel, quantity: stands } of order) {
    if (left <= 0) break;
    const part = Math.min(left, stands);
    left -= part;
    named.push({ reservation: reservationId, line, orderRef, channel, quantity: part / 10_000 });
  }
  return named;
}

/** By code units, as the database orders ids. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
