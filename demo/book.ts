import type { Reservation, ReservationLine } from './answers.js';
import { type Level, placeOf } from './world.js';

/** What the demo expects of a position: pieces. */
export interface Expected {
  readonly sku: string;
  readonly location: string;
  readonly opening: number;
  received: number;
  shipped: number;
  /** Under reservations that are not the demo's, as found before it began; 0 on a service of its own. */
  readonly foreign: number;
}

/**
 * The demo's own books. They are kept from what it sent and what it was answered, and never look at the service's
 * figures, so that at the end the two can be laid side by side: opening + received − shipped is on hand, and what the
 * open reservations stand at is reserved.
 */
export class Book {
  readonly places = new Map<string, Expected>();
  /** Every reservation that was acknowledged, as last answered. */
  readonly reservations = new Map<string, Reservation>();

  constructor(private readonly piecesPer: (sku: string, uom: string) => number) {}

  open({ sku, location, onHand }: Level, foreign: number): void {
    this.places.set(placeOf(sku, location), { sku, location, opening: onHand, received: 0, shipped: 0, foreign });
  }

  receive(sku: string, location: string, pieces: number): void {
    this.place(sku, location).received += pieces;
  }

  /** Keeps an acknowledged reservation, or the next state of one. */
  keep(reservation: Reservation): Reservation {
    this.reservations.set(reservation.id, reservation);
    return reservation;
  }

  /** Keeps a reservation after a shipment: what no longer stands at a warehouse has left it. */
  ship(after: Reservation): Reservation {
    const before = this.reservations.get(after.id);
    if (!before) throw new Error(`${after.id} was shipped, but the demo has never heard of it.`);
    this.addShipped(before, 1);
    this.addShipped(after, -1);
    return this.keep(after);
  }

  /** A hold whose time has run out stands nowhere any more. */
  expire(id: string): void {
    const reservation = this.reservations.get(id);
    if (!reservation) throw new Error(`${id} expired, but the demo has never heard of it.`);
    const lines = reservation.lines.map((line) => ({ ...line, reserved: 0, backordered: 0, allocations: [] }));
    this.keep({ ...reservation, status: 'expired', version: reservation.version + 1, lines });
  }

  /** Pieces reserved by the demo's open reservations, by place. */
  reserved(): Map<string, number> {
    const reserved = new Map<string, number>();
    for (const { lines } of this.reservations.values()) {
      for (const line of lines) {
        for (const { location, quantity } of line.allocations) {
          const place = placeOf(line.sku, location);
          reserved.set(place, (reserved.get(place) ?? 0) + this.pieces(line, quantity));
        }
      }
    }
    return reserved;
  }

  pieces({ sku, uom }: Pick<ReservationLine, 'sku' | 'uom'>, quantity: number): number {
    return quantity * this.piecesPer(sku, uom);
  }

  private addShipped({ lines }: Reservation, sign: 1 | -1): void {
    for (const line of lines) {
      for (const { location, quantity } of line.allocations) {
        this.place(line.sku, location).shipped += sign * this.pieces(line, quantity);
      }
    }
  }

  private place(sku: string, location: string): Expected {
    const place = this.places.get(placeOf(sku, location));
    if (!place) throw new Error(`${sku} at ${location} was not part of the opening stock.`);
    return place;
  }
}

export interface ShipPart {
  readonly line: number;
  readonly quantity: number;
  readonly location: string;
}

/**
 * What of a reservation can leave now, each part from where it stands. What is backordered stands at the first
 * warehouse in the channel's order (semantics.md 20); an instruction to ship it would be refused.
 */
export function coveredParts({ lines }: Reservation, backorderedAt: string): ShipPart[] {
  return lines.flatMap(({ line, backordered, allocations }) =>
    allocations.flatMap(({ location, quantity }) => {
      const covered = quantity - (location === backorderedAt ? backordered : 0);
      return covered > 0 ? [{ line, quantity: covered, location }] : [];
    }),
  );
}
