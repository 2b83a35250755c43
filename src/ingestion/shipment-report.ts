import type { Quantity } from '../catalog/quantity.js';
import {
  type Allocation,
  type Reservation,
  type ReservationLine,
  sendOff,
  statusOfCommitment,
} from '../reservations/reservation.js';
import type { ShippedLine, Step } from '../reservations/transitions.js';

/** How much of a reported shipment one reservation takes, and where that stood. */
export interface Share {
  readonly reservation: Reservation;
  /** What it lets go of, by location. */
  readonly taken: readonly Allocation[];
  readonly quantity: Quantity;
  /** The step without movements: on hand falls where it left from, which is for the reporter to post. */
  readonly step: Step;
  readonly shipped: readonly ShippedLine[];
}

/**
 * What of a shipment of `quantity` of an item belongs to these commitments, in their order (semantics.md 19). Lines that
 * stand where it left from go first, then the others; more than is open belongs to none, and is the rest.
 */
export function matchShipment(
  reservations: readonly Reservation[],
  itemId: number,
  quantity: Quantity,
  locationId: number,
  reference: string,
): { readonly shares: Share[]; readonly rest: Quantity } {
  let left = quantity;
  const shares: Share[] = [];
  const standsThere = (line: ReservationLine) =>
    Number(line.allocations.some((allocation) => allocation.locationId === locationId));
  for (const reservation of reservations) {
    const open = reservation.lines.filter((line) => line.itemId === itemId && line.reserved > 0);
    open.sort((a, b) => standsThere(b) - standsThere(a) || a.line - b.line);
    const shipped: ShippedLine[] = [];
    const taken: Allocation[] = [];
    const changed = new Map<number, ReservationLine>();
    for (const line of open) {
      const part = Math.min(left, line.reserved);
      if (part === 0) continue;
      left -= part;
      const parted = sendOff(line.allocations, line.tracked ? part : 0, locationId, () => 0);
      taken.push(...parted.taken);
      shipped.push({ line: line.line, locationId: line.tracked ? locationId : null, quantity: part });
      changed.set(line.line, {
        ...line,
        shipped: line.shipped + part,
        reserved: line.reserved - part,
        allocations: parted.left,
      });
    }
    if (shipped.length === 0) continue;
    const lines = reservation.lines.map((line) => changed.get(line.line) ?? line);
    const after = { ...reservation, lines, status: statusOfCommitment(lines), version: reservation.version + 1 };
    const step: Step = { action: 'ship', reservation: after, postings: [], lines: shipped, reference };
    shares.push({ reservation, taken, quantity: quantityOf(shipped), step, shipped });
  }
  return { shares, rest: left };
}

/** Of what left, the part that is taken back, line by line; the rest stays away. */
export function takeBack(
  shipped: readonly ShippedLine[],
  quantity: Quantity | null,
  isMeant: (line: number) => boolean,
): { readonly back: ShippedLine[]; readonly away: ShippedLine[] } {
  let left = quantity ?? Number.POSITIVE_INFINITY;
  const back: ShippedLine[] = [];
  const away: ShippedLine[] = [];
  for (const part of shipped) {
    const returned = isMeant(part.line) ? Math.min(left, part.quantity) : 0;
    left -= returned;
    if (returned > 0) back.push({ ...part, quantity: returned });
    if (returned < part.quantity) away.push({ ...part, quantity: part.quantity - returned });
  }
  return { back, away };
}

export function quantityOf(lines: readonly { readonly quantity: Quantity }[]): Quantity {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}
