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
  /** Its time has come and part of it was let go: over, also by a clock that is behind the one that saw it. */
  readonly lapsed?: boolean;
  /** Part of it was cancelled. Shipped as to the rest, it ends as shipped, and only this tells a second cancel. */
  readonly reduced?: boolean;
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
export function hasExpired(
  { status, lapsed, expiresAt }: Pick<Reservation, 'status' | 'expiresAt' | 'lapsed'>,
  now: number,
): boolean {
  return status === 'held' && (lapsed === true || (expiresAt !== null && expiresAt <= now));
}

export function statusAt(reservation: Pick<Reservation, 'status' | 'expiresAt' | 'lapsed'>, now: number): Status {
  return hasExpired(reservation, now) ? 'expired' : reservation.status;
}

/** The positions at which it stands. */
export function standing({ lines }: Pick<Reservation, 'lines'>): { itemId: number; locationId: number }[] {
  return lines.flatMap(({ itemId, allocations }) => allocations.map(({ locationId }) => ({ itemId, locationId })));
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

/** Allocations parted into what is taken away and what stays. */
export interface Parted {
  readonly taken: Allocation[];
  readonly left: Allocation[];
}

/** Gives `quantity` of the allocations up: what was promised beyond stock first, then in the order they stand. */
export function giveUp(allocations: readonly Allocation[], quantity: Quantity): Parted {
  const order = [...allocations].sort((a, b) => Number(b.backordered > 0) - Number(a.backordered > 0));
  const shares = new Map<number, Quantity>();
  let open = quantity;
  for (const allocation of order) {
    const part = Math.min(open, allocation.quantity);
    shares.set(allocation.locationId, part);
    open -= part;
  }
  return part(allocations, shares, (share, { backordered }) => Math.min(share, backordered));
}

/**
 * Which allocations `quantity` leaves, what was promised beyond stock last: those at location `at` first, or where none
 * is named those that are on hand where they stand. The rest, if any, in the order they stand.
 */
export function sendOff(
  allocations: readonly Allocation[],
  quantity: Quantity,
  at: number | undefined,
  onHandAt: (locationId: number) => Quantity,
): Parted {
  const shares = new Map<number, Quantity>();
  let open = quantity;
  const first = (locationId: number) => (at === undefined ? onHandAt(locationId) : at === locationId ? open : 0);
  for (const most of [first, () => open]) {
    for (const { locationId, quantity: stands } of allocations) {
      const sent = shares.get(locationId) ?? 0;
      const share = Math.min(open, stands - sent, Math.max(0, most(locationId)));
      shares.set(locationId, sent + share);
      open -= share;
    }
  }
  const beyond = (share: Quantity, { quantity, backordered }: Allocation) =>
    Math.max(0, share - (quantity - backordered));
  return part(allocations, shares, beyond);
}

function part(
  allocations: readonly Allocation[],
  shares: ReadonlyMap<number, Quantity>,
  backorderedOf: (share: Quantity, of: Allocation) => Quantity,
): Parted {
  const parted: Parted = { taken: [], left: [] };
  for (const allocation of allocations) {
    const { locationId, quantity } = allocation;
    const share = shares.get(locationId) ?? 0;
    const backordered = backorderedOf(share, allocation);
    const rest = { locationId, quantity: quantity - share, backordered: allocation.backordered - backordered };
    if (share > 0) parted.taken.push({ locationId, quantity: share, backordered });
    if (rest.quantity > 0) parted.left.push(rest);
  }
  return parted;
}
