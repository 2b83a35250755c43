import type { Quantity } from '../catalog/quantity.js';
import type { DirectoryItem, DirectoryLocation } from '../channels/directory.js';
import type { Reservation } from '../reservations/reservation.js';
import type { PositionKey } from '../stock/ledger.js';
import type { Fact } from './fact.js';
import type { QuantityBasis } from './netting.js';
import type { Ownership } from './ownership.js';

/** An event that waits, and its place among those of its source. */
export interface Waits {
  readonly sourceId: number;
  readonly turn: number;
  readonly id: string;
  readonly receivedAt: number;
  readonly attempts: number;
  /** How many of its rows are done. */
  readonly progress: number;
}

/** What an event is about, as its source calls it. */
export interface EventKey {
  readonly sourceId: number;
  readonly sku: string;
  readonly location: string;
}

/** Why an event, or a row of one, was not applied. `detail`: one line for a person, which says what to do. */
export interface Refusal {
  readonly kind: string;
  readonly detail: string;
  /** What it is about, where that is not simply the first the row names: the item or the location that is missing. */
  readonly sku?: string;
  readonly location?: string;
}

/** What became of a row. `stale`: known already, by a newer figure; `duplicate`: counted before. */
export type Outcome = 'applied' | 'stale' | 'duplicate' | Refusal;

export function isRefusal(outcome: Outcome): outcome is Refusal {
  return typeof outcome === 'object';
}

export interface FeedSource {
  readonly id: number;
  readonly code: string;
  readonly basis: QuantityBasis;
}

/** An event to be applied, or one row of it that was not applied with the others. */
export interface Task {
  readonly source: FeedSource;
  readonly inbox: {
    readonly id: string;
    readonly receivedAt: number;
    readonly eventId: string;
    /** Where spans are collected. */
    readonly traceparent?: string | null | undefined;
  };
  readonly turn: number;
  /** How often it was tried before. */
  readonly attempts: number;
  /** Only the row of this exception. */
  readonly exceptionId: string | null;
  /** Applied together or not at all with others of this name. */
  readonly group: string | null;
  readonly facts: readonly Fact[];
  /** How many of its rows were done before these, and how many it had then; the zeroes of a snapshot are no rows. */
  readonly done: number;
  readonly rows: number;
  /** As JSON, to be shown; null: the payload is canonical itself. */
  readonly canonical: string | null;
  /** What it was mapped by, as `name/version`; null: nothing did it now, or the payload is canonical as it came. */
  readonly profile: string | null;
  /** It cannot be understood at all. */
  readonly refusal: Refusal | null;
}

/** The most that a smallint holds: a task that is tried more often is still tried. */
const MOST_ATTEMPTS = 32_767;

/** Which attempt this is, from 1. */
export function attemptOf({ attempts }: Task): number {
  return Math.min(attempts + 1, MOST_ATTEMPTS);
}

/** Whom the exception, the keys and the lock of a task belong to. */
export function holderOf(task: Task): string {
  return task.exceptionId ?? task.inbox.id;
}

/** Its place among what waits, when so many of its rows are done. */
export function waitsOf({ source, turn, inbox, attempts }: Task, progress: number): Waits {
  return { sourceId: source.id, turn, id: inbox.id, receivedAt: inbox.receivedAt, attempts, progress };
}

/** So many facts of a task, from one on: all of them, unless it is applied in pieces. */
export interface Portion {
  readonly task: Task;
  readonly from: number;
  readonly to: number;
}

/** A fact whose item and locations are found and whose quantities are in the base unit, or what is wrong with it. */
export interface Row {
  readonly fact: Fact;
  readonly item?: DirectoryItem;
  readonly location?: DirectoryLocation;
  /** Where a transfer goes. */
  readonly to?: DirectoryLocation;
  readonly quantity: Quantity;
  /** What later events of the source wait for while this is parked. */
  readonly keys: readonly EventKey[];
  /** Of a cancelled order, by item; null: all that is open. */
  readonly parts?: readonly { readonly itemId: number; readonly quantity: Quantity }[] | null;
  readonly refusal?: Refusal;
}

/** What was looked up for a window of events before it is applied; what may change is locked and read again. */
export interface Surroundings {
  readonly ownerships: readonly Ownership[];
  /** SKUs by what events call items (`nameOf`). */
  readonly skus: ReadonlyMap<string, string>;
  /** Reservations that events are about, by id, as they stood. */
  readonly reservations: ReadonlyMap<string, Reservation>;
  /** Ids of an order's reservations, oldest first. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
  /** Where something is announced under a reference. */
  readonly announced: ReadonlyMap<string, readonly PositionKey[]>;
}

/** The reservations that a fact may be about. */
export function candidatesOf(
  { orderRef, reservationId }: { orderRef: string | null; reservationId: string | null },
  around: Surroundings,
): readonly string[] {
  if (reservationId !== null) return around.reservations.has(reservationId) ? [reservationId] : [];
  return orderRef === null ? [] : (around.orders.get(orderRef) ?? []);
}
