import { Injectable } from '@nestjs/common';
import { Freshness } from '../availability/freshness.service.js';
import type { Command, Desk, DuePosition, Participant, ParticipantSession, Send } from '../stock/command.js';
import { Displaced } from '../stock/command.js';
import type { PositionKey } from '../stock/ledger.js';
import { uncoveredOf } from '../stock/position.js';
import { Hoards } from './hoarding.js';
import { type HoardPlace, readHoards } from './hoards.repository.js';
import {
  findExpired,
  nextExpiries,
  Rewritten,
  readReservations,
  readUncovered,
  writeReservations,
} from './posting.repository.js';
import { hasExpired, Reservation, standing } from './reservation.js';
import { readShipments, Shipment, writeShipments } from './shipments.repository.js';
import { expire, Step } from './transitions.js';

/** Who releases what has expired. */
const CLOCKWORK = 'holdfast';

/** A command about reservations that exist. */
export interface ReservationCommand extends Command {
  readonly reservationIds: readonly string[];
}

/** A command that may add to what a client holds of an item, in a channel that caps it. */
export interface CappedCommand extends Command {
  /** Known once it has said what it needs; none where nothing is capped. */
  readonly hoards: readonly HoardPlace[];
}

/** Keeps reservations in step with the ledger, in the engine's transaction. */
@Injectable()
export class ReservationBook implements Participant<ReservationSession> {
  /** `freshness`: of the locations that are promised from. */
  constructor(readonly freshness: Freshness) {}

  open(): ReservationSession {
    return new ReservationSession();
  }
}

/** The reservations of one batch: as read under lock, and as decided. */
export class ReservationSession implements ParticipantSession {
  private readonly reservations = new Map<string, Rewritten>();
  private readonly shipments = new Map<string, Shipment>();
  private readonly changedShipments: Shipment[] = [];
  private readonly steps: { step: Step; actor: string }[] = [];
  /** What clients hold where that is capped. */
  readonly hoards = new Hoards();
  private uncovered: ReadonlyMap<string, number> = new Map();
  private loaded: Promise<void> = Promise.resolve();

  load(send: Send, commands: readonly Command[], now: number): Promise<void> {
    this.loaded = this.read(send, commands, now);
    return this.loaded;
  }

  private async read(send: Send, commands: readonly Command[], now: number): Promise<void> {
    const ids = new Set<string>();
    const places: HoardPlace[] = [];
    for (const command of commands) {
      if ('reservationIds' in command) for (const id of command.reservationIds as readonly string[]) ids.add(id);
      if ('hoards' in command) places.push(...(command.hoards as readonly HoardPlace[]));
    }
    const counted = places.length > 0 ? this.count(send, places, now) : undefined;
    if (ids.size === 0) return counted;
    const sent = [readReservations(send, [...ids], true), readShipments(send, [...ids])] as const;
    const [reservations, shipments] = await Promise.all(sent);
    this.remember(reservations);
    for (const shipment of shipments)
      this.shipments.set(shipmentKey(shipment.reservationId, shipment.reference), shipment);
    await counted;
  }

  /**
   * Lets go of what has expired at the locked positions, before anything is admitted there (semantics.md 16).
   * A hold that also stands at positions this batch has not locked loses only what stands here; the rest goes with the
   * next batch there, at the latest by the sweeper.
   *
   * Where only the sweeper is at work nothing is admitted: what it names goes and the rest is left to its next batch, or 10,000
   * holds of one item would be one transaction. It shares batches with requests about other items, which would wait for that.
   */
  async settle(send: Send, desk: Desk, due: readonly DuePosition[]): Promise<void> {
    const asked = due.filter(({ isAsked }) => isAsked);
    const swept = due.filter(({ isAsked }) => !isAsked);
    if (asked.length > 0) await this.settleAll(send, desk, asked);
    if (swept.length > 0) await this.settleNamed(send, desk, swept);
  }

  private async settleAll(send: Send, desk: Desk, due: readonly PositionKey[]): Promise<void> {
    const [ids, expiries] = await Promise.all([findExpired(send, due, desk.now), nextExpiries(send, due, desk.now)]);
    this.remember(
      await readReservations(
        send,
        ids.filter((id) => !this.reservations.has(id)),
        true,
      ),
    );
    for (const id of ids) {
      const reservation = this.find(id);
      if (reservation && hasExpired(reservation, desk.now)) this.letGo(reservation, desk);
    }
    this.settleExpiries(desk, expiries);
  }

  /** Behind `settleAll`, of which holds that stood at these positions as well are gone already. */
  private async settleNamed(send: Send, desk: Desk, due: readonly PositionKey[]): Promise<void> {
    await this.loaded;
    const gone = [...this.reservations.values()].filter(
      ({ before, after }) => before !== after || (hasExpired(after, desk.now) && isLocked(after, desk)),
    );
    const ids = gone.map(({ after }) => after.id);
    // The earliest of all: past, where others are due there as well.
    this.settleExpiries(desk, await nextExpiries(send, due, 0, ids));
  }

  private settleExpiries(desk: Desk, expiries: readonly (PositionKey & { nextExpiry: number | null })[]): void {
    for (const { nextExpiry, ...key } of expiries) {
      const position = desk.ledger.position(key.itemId, key.locationId);
      if (position) desk.ledger.settleExpiry(position, nextExpiry);
    }
  }

  /** The reservation as it stands now in this batch. */
  find(id: string): Reservation | undefined {
    return this.reservations.get(id)?.after;
  }

  shipment(reservationId: string, reference: string): Shipment | undefined {
    return this.shipments.get(shipmentKey(reservationId, reference));
  }

  /** Posts what the step moves and keeps the reservation as the step leaves it. */
  take(step: Step, desk: Desk, actor: string): Reservation {
    for (const { change, ...key } of step.postings) desk.ledger.post(key, change, actor);
    const { reservation } = step;
    if (reservation.status === 'held' && reservation.expiresAt !== null) {
      for (const line of reservation.lines) {
        for (const { locationId } of line.allocations) {
          desk.ledger.noteExpiry({ itemId: line.itemId, locationId }, reservation.expiresAt);
        }
      }
    }
    const known = this.reservations.get(reservation.id);
    if (known && known.after.expiresAt !== reservation.expiresAt) {
      for (const key of standing(known.after)) desk.ledger.prolong(key);
    }
    this.hoards.change(known?.after, reservation, desk.now);
    const before = known?.before;
    this.reservations.set(reservation.id, { before, after: reservation });
    this.steps.push({ step, actor });
    return reservation;
  }

  keepShipment(shipment: Shipment): void {
    this.shipments.set(shipmentKey(shipment.reservationId, shipment.reference), shipment);
    this.changedShipments.push(shipment);
  }

  /** How much of a line is not covered, in ten-thousandths of the base unit. For answers, after `finish`. */
  uncoveredOf(reservationId: string, line: number): number {
    return this.uncovered.get(`${reservationId} ${line}`) ?? 0;
  }

  async write(send: Send, desk: Desk): Promise<void> {
    const rewritten = [...this.reservations.values()].filter(({ before, after }) => before !== after);
    if (rewritten.length === 0) return;
    const sent = [writeReservations(send, rewritten, this.steps, desk.now)];
    if (this.changedShipments.length > 0) sent.push(writeShipments(send, this.changedShipments, desk.now));
    await Promise.all(sent);
  }

  /** Only where more is reserved than there is does an answer need to know whose turn it is. */
  finish(send: Send, desk: Desk): Promise<void> | undefined {
    const short = [...desk.ledger.locked()].filter((position) => uncoveredOf(position) > 0);
    if (short.length === 0 || this.reservations.size === 0) return undefined;
    return readUncovered(send, short, [...this.reservations.keys()], desk.now).then((uncovered) => {
      this.uncovered = uncovered;
    });
  }

  private async count(send: Send, places: readonly HoardPlace[], now: number): Promise<void> {
    for (const place of places) this.hoards.set(place, { holds: 0, quantity: 0 });
    const once = new Map(
      places.map((place) => [`${place.channelId} ${place.clientId} ${place.itemId} ${place.locationId}`, place]),
    );
    for (const hoard of await readHoards(send, [...once.values()], now)) this.hoards.set(hoard, hoard);
  }

  private remember(reservations: readonly Reservation[]): void {
    for (const reservation of reservations) {
      this.reservations.set(reservation.id, { before: reservation, after: reservation });
    }
  }

  private letGo(reservation: Reservation, desk: Desk): void {
    const here = (itemId: number, locationId: number) => desk.ledger.position(itemId, locationId) !== undefined;
    const gone = expire(reservation);
    const postings = gone.postings.filter((posting) => here(posting.itemId, posting.locationId));
    if (postings.length === gone.postings.length) {
      this.take(gone, desk, CLOCKWORK);
      return;
    }
    const lines = reservation.lines.map((line) => {
      const allocations = line.allocations.filter(({ locationId }) => !here(line.itemId, locationId));
      const reserved = line.tracked ? allocations.reduce((sum, { quantity }) => sum + quantity, 0) : line.reserved;
      return { ...line, allocations, reserved };
    });
    const released = reservation.lines.map((line, index) => ({
      line: line.line,
      quantity: line.reserved - (lines[index]?.reserved ?? 0),
    }));
    this.take(
      {
        action: 'expire',
        reservation: { ...reservation, lines, lapsed: true, version: reservation.version + 1 },
        postings,
        lines: released.filter(({ quantity }) => quantity > 0),
      },
      desk,
      CLOCKWORK,
    );
  }
}

/** Sends a command whose reservation turned out to stand elsewhere than thought to the next batch. */
export function mustBeLocked(reservation: Reservation, desk: Desk): void {
  if (!isLocked(reservation, desk)) throw new Displaced(`${reservation.id} has moved`);
}

function isLocked(reservation: Reservation, desk: Desk): boolean {
  return standing(reservation).every(
    ({ itemId, locationId }) => desk.ledger.position(itemId, locationId) !== undefined,
  );
}

function shipmentKey(reservationId: string, reference: string): string {
  return `${reservationId} ${reference}`;
}
