import type { Quantity } from '../catalog/quantity.js';

/** The states of semantics.md 14. A hold whose time has come is expired, whatever its row still says (16). */
export const STATUSES = [
  'held',
  'committed',
  'partially_shipped',
  'shipped',
  'released',
  'expired',
  'cancelled',
] as const;
export type Status = (typeof STATUSES)[number];

/** What of a line is still reserved at a location, in ten-thousandths of the base unit. */
export interface Allocation {
  readonly locationId: number;
  readonly quantity: Quantity;
  /** How much of it was admitted beyond what was there. */
  readonly backordered: Quantity;
}

/** One line. Quantities in ten-thousandths of the base unit. */
export interface ReservationLine {
  /** Counts from 1. */
  readonly line: number;
  readonly lineRef: string | null;
  readonly itemId: number;
  readonly sku: string;
  /** The unit it was asked in, and what one held of the base unit when it was made. */
  readonly uom: string;
  readonly factor: Quantity;
  /** False: reserved without effect on any figure, and so without allocations (semantics.md 8). */
  readonly tracked: boolean;
  /** The location it insists on. */
  readonly locationId: number | null;
  readonly requested: Quantity;
  /** What was committed less what was cancelled. */
  readonly committed: Quantity;
  readonly shipped: Quantity;
  /** What is still reserved: Σ allocations of a tracked line. */
  readonly reserved: Quantity;
  readonly allocations: readonly Allocation[];
}

export interface Reservation {
  /** `res_…`, sortable by time. */
  readonly id: string;
  readonly channelId: number;
  readonly clientId: string;
  readonly orderRef: string | null;
  readonly status: Status;
  /** Milliseconds since 1970; null once committed. */
  readonly expiresAt: number | null;
  readonly createdAt: number;
  readonly version: number;
  readonly lines: readonly ReservationLine[];
}

/** Every step a reservation takes has one of these names in its history. */
export type Action = 'hold' | 'edit' | 'extend' | 'commit' | 'release' | 'expire' | 'cancel' | 'ship' | 'unship';

/** What of which line, as a request names it; quantities in ten-thousandths of the base unit. */
export interface Part {
  readonly line: number;
  readonly quantity: Quantity;
}

/** Whether the hold is there at `now`: an expired one does not exist (semantics.md 16). */
export function hasExpired(reservation: Pick<Reservation, 'status' | 'expiresAt'>, now: number): boolean {
  return reservation.status === 'held' && reservation.expiresAt !== null && reservation.expiresAt <= now;
}

export function statusAt(reservation: Pick<Reservation, 'status' | 'expiresAt'>, now: number): Status {
  return hasExpired(reservation, now) ? 'expired' : reservation.status;
}

/** What is still reserved, over all lines. */
export function openOf(reservation: Pick<Reservation, 'lines'>): Quantity {
  return reservation.lines.reduce((sum, line) => sum + line.reserved, 0);
}

/** The status of a commitment, from what was shipped and what is still open. */
export function statusOfCommitment(lines: readonly ReservationLine[]): Status {
  const shipped = lines.some((line) => line.shipped > 0);
  if (lines.some((line) => line.reserved > 0)) return shipped ? 'partially_shipped' : 'committed';
  return shipped ? 'shipped' : 'cancelled';
}

/**
 * Takes `quantity` away from allocations: what was promised beyond stock first, then in the order they stand.
 * `at`: from this location first, as far as it goes.
 */
export function takeFrom(
  allocations: readonly Allocation[],
  quantity: Quantity,
  at?: number,
): { taken: Allocation[]; left: Allocation[] } {
  let open = quantity;
  const rank = (allocation: Allocation) =>
    allocation.locationId === at ? 0 : allocation.backordered > 0 && at === undefined ? 1 : 2;
  const order = [...allocations].sort((a, b) => rank(a) - rank(b));
  const taken = new Map<number, Allocation>();
  for (const allocation of order) {
    const part = Math.min(open, allocation.quantity);
    if (part === 0) continue;
    open -= part;
    taken.set(allocation.locationId, {
      locationId: allocation.locationId,
      quantity: part,
      backordered: Math.min(part, allocation.backordered),
    });
  }
  const left = allocations.flatMap((allocation) => {
    const part = taken.get(allocation.locationId);
    if (!part) return [allocation];
    const rest = allocation.quantity - part.quantity;
    return rest > 0 ? [{ ...allocation, quantity: rest, backordered: allocation.backordered - part.backordered }] : [];
  });
  return { taken: [...taken.values()], left };
}
