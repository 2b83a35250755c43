import type { Quantity } from '../catalog/quantity.js';
import { Problem, ProblemCode } from '../problems/problem.js';
import type { PositionKey } from '../stock/ledger.js';
import type { Change } from '../stock/movement.js';
import {
  Action,
  Allocation,
  giveUp,
  openOf,
  Part,
  Reservation,
  ReservationLine,
  Status,
  sendOff,
  statusAt,
  statusOfCommitment,
} from './reservation.js';

/** A change to post at a position. */
export type Posting = PositionKey & { readonly change: Change };

/** What happened to a line in a step, in ten-thousandths of the base unit, for the history. */
export interface StepLine {
  readonly line: number;
  readonly quantity: Quantity;
  readonly locationId?: number | null;
}

/** A decided step: the reservation as it is afterwards, the movements, and the entry of the history. */
export interface Step {
  readonly action: Action;
  readonly reservation: Reservation;
  readonly postings: readonly Posting[];
  readonly lines: readonly StepLine[];
  readonly reference?: string;
}

/** Which problem a second attempt gets, by what happened first (semantics.md 14). */
const ALREADY: Partial<Record<Status, ProblemCode>> = {
  committed: 'already_committed',
  partially_shipped: 'already_shipped',
  shipped: 'already_shipped',
  released: 'already_released',
  expired: 'hold_expired',
  cancelled: 'already_cancelled',
};

/** Refuses unless it is a live hold. */
export function mustBeHeld(reservation: Reservation, now: number): void {
  const code = ALREADY[statusAt(reservation, now)];
  if (code)
    throw new Problem(code, `Reservation ${reservation.id} is ${statusAt(reservation, now).replace('_', ' ')}.`);
}

/** Refuses unless it is a commitment of which something is open. */
function mustBeOpenCommitment(reservation: Reservation, now: number): void {
  const status = statusAt(reservation, now);
  if (status === 'committed' || status === 'partially_shipped') return;
  const code = status === 'held' ? 'not_committed' : (ALREADY[status] as ProblemCode);
  throw new Problem(code, `Reservation ${reservation.id} is ${status}.`);
}

/** A hold becomes a commitment, of less if asked: what is not named is free in the same step (semantics.md 18). */
export function commit(
  reservation: Reservation,
  parts: readonly Part[] | undefined,
  orderRef: string | undefined,
  now: number,
): Step {
  mustBeHeld(reservation, now);
  const wanted = partsOf(reservation, parts, 'exceeds_hold');
  const postings: Posting[] = [];
  const lines = reservation.lines.map((line) => {
    const committed = wanted.get(line.line) ?? 0;
    const { taken, left } = giveUp(line.allocations, line.tracked ? line.reserved - committed : 0);
    postings.push(...unreserve(reservation, line, taken, 'commit'));
    return { ...line, committed, reserved: committed, allocations: left };
  });
  return {
    action: 'commit',
    reservation: next(reservation, {
      status: 'committed',
      expiresAt: null,
      orderRef: orderRef ?? reservation.orderRef,
      lines,
    }),
    postings,
    lines: named(wanted),
  };
}

/** Lets a hold go. A second time changes nothing: undefined. */
export function release(reservation: Reservation, now: number): Step | undefined {
  if (reservation.status === 'released') return undefined;
  mustBeHeld(reservation, now);
  return letGo(reservation, 'released', 'release');
}

/** What the time does to a hold. */
export function expire(reservation: Reservation): Step {
  return letGo(reservation, 'expired', 'expire');
}

function letGo(reservation: Reservation, status: Status, action: 'release' | 'expire'): Step {
  return {
    action,
    reservation: next(reservation, {
      status,
      lines: reservation.lines.map((line) => ({ ...line, reserved: 0, allocations: [] })),
    }),
    postings: reservation.lines.flatMap((line) => unreserve(reservation, line, line.allocations, action)),
    lines: named(new Map(reservation.lines.map((line) => [line.line, line.reserved]))),
  };
}

/** Gives a live hold more time, counted from now (api.md); that may end earlier than before. */
export function extend(reservation: Reservation, ttlSeconds: number, maxHoldTtlSeconds: number, now: number): Step {
  mustBeHeld(reservation, now);
  const expiresAt = now + ttlSeconds * 1_000;
  const latest = reservation.createdAt + maxHoldTtlSeconds * 1_000;
  if (expiresAt > latest) {
    throw new Problem(
      'hold_limit_reached',
      `This hold may last until ${new Date(latest).toISOString()} at the latest. Ask for less, or commit it.`,
      { extra: { latest: new Date(latest).toISOString() } },
    );
  }
  return { action: 'extend', reservation: next(reservation, { expiresAt }), postings: [], lines: [] };
}

/** Takes back a commitment, or part of it. A second time changes nothing: undefined. */
export function cancel(reservation: Reservation, parts: readonly Part[] | undefined, now: number): Step | undefined {
  if (reservation.status === 'cancelled') return undefined;
  if (reservation.status === 'shipped' && reservation.reduced) return undefined;
  mustBeOpenCommitment(reservation, now);
  const wanted = partsOf(reservation, parts, 'exceeds_commitment');
  const postings: Posting[] = [];
  const lines = reservation.lines.map((line) => {
    const quantity = wanted.get(line.line) ?? 0;
    const { taken, left } = giveUp(line.allocations, line.tracked ? quantity : 0);
    postings.push(...unreserve(reservation, line, taken, 'cancel'));
    return { ...line, committed: line.committed - quantity, reserved: line.reserved - quantity, allocations: left };
  });
  return {
    action: 'cancel',
    reservation: next(reservation, { status: statusOfCommitment(lines), lines, reduced: true }),
    postings,
    lines: named(wanted),
  };
}

/** What leaves: of which line, how much, from where (null: from where it is reserved). */
export interface ShipPart extends Part {
  readonly locationId: number | null;
}

/** What left, as the shipment remembers it: un-shipping turns exactly this around. */
export interface ShippedLine {
  readonly line: number;
  /** Where it left from; null for an untracked line, which stands nowhere. */
  readonly locationId: number | null;
  readonly quantity: Quantity;
}

/** How much of a position may leave by instruction: on hand and sellable; undefined: the item is not stocked there. */
export type OnHandAt = (itemId: number, locationId: number) => Quantity | undefined;

/**
 * Ships by instruction: on hand and reserved fall together, on hand where it leaves from, reserved where it stood
 * (semantics.md 19). More than is on hand is refused (7), more than is open too.
 */
export function ship(
  reservation: Reservation,
  parts: readonly ShipPart[] | undefined,
  reference: string,
  onHandAt: OnHandAt,
  now: number,
): { step: Step; shipped: ShippedLine[] } {
  mustBeOpenCommitment(reservation, now);
  const all =
    parts ?? reservation.lines.map((line) => ({ line: line.line, quantity: line.reserved, locationId: null }));
  partsOf(reservation, all, 'exceeds_commitment');
  const postings: Posting[] = [];
  const shipped: ShippedLine[] = [];
  const leaving = new Departures(onHandAt);
  const lines = reservation.lines.map((line) => {
    let current = line;
    for (const part of all.filter((each) => each.line === line.line && each.quantity > 0)) {
      const { taken, left } = sendOff(
        current.allocations,
        line.tracked ? part.quantity : 0,
        part.locationId ?? undefined,
        (locationId) => leaving.left(line.itemId, locationId) ?? 0,
      );
      if (!line.tracked) shipped.push({ line: line.line, locationId: null, quantity: part.quantity });
      for (const share of taken) {
        const from = part.locationId ?? share.locationId;
        leaving.take(line, from, share.quantity);
        shipped.push({ line: line.line, locationId: from, quantity: share.quantity });
        const about = { kind: 'ship', reference, reservationId: reservation.id } as const;
        const key = { itemId: line.itemId };
        if (from === share.locationId) {
          const change = { ...about, onHand: -share.quantity, reserved: -share.quantity };
          postings.push({ ...key, locationId: from, change });
        } else {
          postings.push({ ...key, locationId: share.locationId, change: { ...about, reserved: -share.quantity } });
          postings.push({ ...key, locationId: from, change: { ...about, onHand: -share.quantity } });
        }
      }
      current = {
        ...current,
        shipped: current.shipped + part.quantity,
        reserved: current.reserved - part.quantity,
        allocations: left,
      };
    }
    return current;
  });
  leaving.refuseShort();
  const step: Step = {
    action: 'ship',
    reservation: next(reservation, { status: statusOfCommitment(lines), lines }),
    postings,
    lines: shipped,
    reference,
  };
  return { step, shipped };
}

/** Puts back what a shipment took: on hand again where it left from, and reserved again there (semantics.md 19). */
export function unship(reservation: Reservation, reference: string, shipped: readonly ShippedLine[]): Step {
  const postings: Posting[] = [];
  const lines = reservation.lines.map((line) => {
    let current = line;
    for (const { line: number, locationId, quantity } of shipped) {
      if (number !== line.line) continue;
      current = { ...current, shipped: current.shipped - quantity, reserved: current.reserved + quantity };
      if (locationId === null) continue;
      const change = { onHand: quantity, reserved: quantity, reference, reservationId: reservation.id };
      postings.push({ itemId: line.itemId, locationId, change: { kind: 'unship', ...change } });
      const allocations = addAllocation(current.allocations, { locationId, quantity, backordered: 0 });
      current = { ...current, allocations };
    }
    return current;
  });
  return {
    action: 'unship',
    reservation: next(reservation, { status: statusOfCommitment(lines), lines }),
    postings,
    lines: shipped,
    reference,
  };
}

/** What leaves each position in one shipment: lines of one item share what is on hand. */
class Departures {
  private readonly remaining = new Map<string, Quantity>();
  private readonly shortages: Record<string, unknown>[] = [];

  constructor(private readonly onHandAt: OnHandAt) {}

  /** What may still leave; undefined: the item is not stocked there. */
  left(itemId: number, locationId: number): Quantity | undefined {
    return this.remaining.get(`${itemId} ${locationId}`) ?? this.onHandAt(itemId, locationId);
  }

  take(line: ReservationLine, locationId: number, quantity: Quantity): void {
    const onHand = this.left(line.itemId, locationId);
    if (onHand === undefined || onHand < quantity) {
      this.shortages.push({
        line: line.line,
        sku: line.sku,
        requested: quantity / line.factor,
        available: Math.max(0, onHand ?? 0) / line.factor,
        reason: onHand === undefined ? 'not_stocked' : 'insufficient',
      });
    }
    this.remaining.set(`${line.itemId} ${locationId}`, Math.max(0, (onHand ?? 0) - quantity));
  }

  refuseShort(): void {
    if (this.shortages.length === 0) return;
    throw new Problem('insufficient_stock', 'Less is on hand than is to leave. Nothing was shipped.', {
      extra: { shortages: this.shortages },
    });
  }
}

export function addAllocation(allocations: readonly Allocation[], added: Allocation): Allocation[] {
  const standing = allocations.find((allocation) => allocation.locationId === added.locationId);
  const sum = {
    locationId: added.locationId,
    quantity: added.quantity + (standing?.quantity ?? 0),
    backordered: added.backordered + (standing?.backordered ?? 0),
  };
  return standing ? allocations.map((each) => (each === standing ? sum : each)) : [...allocations, sum];
}

/** The open quantity of each named line, or of all; more than is open, or a line that is not there, is refused. */
function partsOf(
  reservation: Reservation,
  parts: readonly Part[] | undefined,
  excess: 'exceeds_hold' | 'exceeds_commitment',
): Map<number, Quantity> {
  if (!parts) return new Map(reservation.lines.map((line) => [line.line, line.reserved]));
  const wanted = new Map<number, Quantity>();
  for (const part of parts) wanted.set(part.line, (wanted.get(part.line) ?? 0) + part.quantity);
  for (const [number, quantity] of wanted) {
    const open = reservation.lines.find((line) => line.line === number);
    if (!open || quantity > open.reserved) {
      const has = open ? `has ${open.reserved / open.factor} ${open.uom} open` : 'does not exist';
      throw new Problem(excess, `Line ${number} of reservation ${reservation.id} ${has}.`, { extra: { line: number } });
    }
  }
  if (openOf(reservation) === 0) throw new Problem(excess, `Nothing of reservation ${reservation.id} is open.`);
  return wanted;
}

function unreserve(
  reservation: Reservation,
  line: ReservationLine,
  allocations: readonly Allocation[],
  kind: 'commit' | 'release' | 'expire' | 'cancel',
): Posting[] {
  return allocations.map(({ locationId, quantity }) => ({
    itemId: line.itemId,
    locationId,
    change: { kind, reserved: -quantity, reservationId: reservation.id },
  }));
}

function next(reservation: Reservation, change: Partial<Reservation>): Reservation {
  return { ...reservation, ...change, version: reservation.version + 1 };
}

function named(quantities: ReadonlyMap<number, Quantity>): StepLine[] {
  return [...quantities].filter(([, quantity]) => quantity > 0).map(([line, quantity]) => ({ line, quantity }));
}
