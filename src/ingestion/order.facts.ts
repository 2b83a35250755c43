import type { Quantity } from '../catalog/quantity.js';
import { hasExpired, type Part, type Reservation } from '../reservations/reservation.js';
import { cancel, commit, release, type Step, unship } from '../reservations/transitions.js';
import type { PositionKey } from '../stock/ledger.js';
import { changeOnHand } from '../stock/movement.js';
import { uncoveredOf } from '../stock/position.js';
import type { FactDesk } from './fact.desk.js';
import type { OrderCancelledFact, ShipmentFact, UnshipFact } from './fact.js';
import { recordDelta } from './physical-fact.js';
import { matchShipment, quantityOf, type Share, takeBack } from './shipment-report.js';
import { keyOf } from './stock.facts.js';
import { candidatesOf, type Outcome } from './task.js';

/** What facts about orders do (semantics.md 7, 14, 19): what a warehouse reports is recorded, whatever we thought. */

/**
 * One item of a shipment: it lowers on hand where it left from, and what our commitments of the order reserve. Beyond
 * those it only lowers on hand. If the last figure of the source knows of it already, only the commitments fall.
 */
export function applyShipment(at: FactDesk, fact: ShipmentFact): Outcome {
  const key = keyOf(at);
  const { quantity, item } = at.row;
  const candidates = reservationsOf(at, fact);
  if (wasCounted(at, fact, candidates, key)) return 'duplicate';
  const { shares, rest } = sharesOf(at, fact, candidates, key, quantity);
  // An untracked item has no figures to change (semantics.md 8).
  const moves = item?.tracked !== false && !at.isInside(key);
  if (!moves && shares.length === 0) return item?.tracked === false ? 'applied' : 'stale';
  const before = uncoveredOf(at.position(key));
  let gone = 0;
  for (const share of shares) {
    gone += ship(at, fact, key, share, moves);
    const committedAt = at.session.committedSince(share.reservation.id) ?? at.now;
    if (moves) at.keepDelta(key, -share.quantity, committedAt);
  }
  if (rest > 0 && moves) {
    gone += leave(at, key, rest, fact.shipmentRef);
    at.keepDelta(key, -rest);
    keepLoose(at, fact, key, rest);
  }
  if (rest > 0) explainRest(at, key, candidates, rest);
  if (moves && gone < quantity) at.noteRest(key, quantity - gone);
  at.noteShortfall(key, before);
  return 'applied';
}

/** The same reference counts once for an item, however often and by whomever it is reported (semantics.md 19). */
function wasCounted(at: FactDesk, fact: ShipmentFact, candidates: readonly Reservation[], key: PositionKey): boolean {
  const own = `${at.task.inbox.id} ${fact.shipmentRef} ${key.itemId}`;
  if (at.session.counted.has(own)) return false; // another unit of the same shipment: a case and three pieces
  const shipped = candidates.some((reservation) => {
    const before = at.reservations.shipment(reservation.id, fact.shipmentRef);
    const isOfItem = (line: number) => reservation.lines.find((each) => each.line === line)?.itemId === key.itemId;
    return before && !before.unshipped && before.lines.some(({ line }) => isOfItem(line));
  });
  const left = at.session
    .looseShipments(at.task.source.id, fact.shipmentRef)
    .some(({ itemId, cancelled }) => itemId === key.itemId && !cancelled);
  if (!shipped && !left) at.session.counted.add(own);
  return shipped || left;
}

/** What the commitments of the order take; a hold that it has not taken yet is taken by its leaving. */
function sharesOf(
  at: FactDesk,
  fact: ShipmentFact,
  candidates: readonly Reservation[],
  { itemId, locationId }: PositionKey,
  quantity: Quantity,
): { shares: Share[]; rest: Quantity } {
  const open = candidates.filter(({ status }) => status === 'committed' || status === 'partially_shipped');
  const matched = matchShipment(open, itemId, quantity, locationId, fact.shipmentRef);
  if (matched.rest === 0) return matched;
  const holds = candidates.filter(
    (each) =>
      each.status === 'held' &&
      !hasExpired(each, at.now) &&
      each.lines.some((line) => line.itemId === itemId && line.reserved > 0),
  );
  const taken = holds.map((hold) =>
    at.reservations.take(commit(hold, undefined, undefined, at.now), at.desk, at.task.source.code),
  );
  const more = matchShipment(taken, itemId, matched.rest, locationId, fact.shipmentRef);
  return { shares: [...matched.shares, ...more.shares], rest: more.rest };
}

/** Posts what one reservation ships, keeps its step and the shipment. Answers how much of it on hand had. */
function ship(at: FactDesk, fact: ShipmentFact, key: PositionKey, share: Share, moves: boolean): Quantity {
  const reservationId = share.reservation.id;
  let gone = 0;
  for (const { locationId, quantity } of share.taken) {
    const change = { ...at.change('ship', fact.shipmentRef), reservationId };
    if (locationId !== key.locationId) {
      at.post({ itemId: key.itemId, locationId }, { ...change, reserved: -quantity });
      if (moves) gone += leave(at, key, quantity, fact.shipmentRef, reservationId);
      continue;
    }
    const position = at.position(key);
    const leaves = moves ? Math.min(quantity, position.onHand) : 0;
    const [first = change, ...others] = changeOnHand(position, position.onHand - leaves, change);
    at.post(key, { ...first, reserved: -quantity });
    for (const other of others) at.post(key, other);
    gone += leaves;
  }
  at.reservations.take(share.step, at.desk, at.task.source.code);
  const before = at.reservations.shipment(reservationId, fact.shipmentRef);
  const lines = [...(before && !before.unshipped ? before.lines : []), ...share.shipped];
  at.reservations.keepShipment({ reservationId, reference: fact.shipmentRef, lines, unshipped: false });
  return gone;
}

/** On hand falls, to 0 at the lowest. Answers by how much. */
function leave(
  at: FactDesk,
  key: PositionKey,
  quantity: Quantity,
  reference: string,
  reservationId?: string,
): Quantity {
  const position = at.position(key);
  const leaves = Math.min(quantity, position.onHand);
  const change = { ...at.change('ship', reference), ...(reservationId === undefined ? {} : { reservationId }) };
  for (const each of changeOnHand(position, position.onHand - leaves, change)) at.post(key, each);
  return leaves;
}

function keepLoose(at: FactDesk, fact: ShipmentFact, key: PositionKey, quantity: Quantity): void {
  const before = at.session
    .looseShipments(at.task.source.id, fact.shipmentRef)
    .find((each) => each.itemId === key.itemId && each.locationId === key.locationId && !each.cancelled);
  const of = { ...at.feed(key), reference: fact.shipmentRef, inboxId: at.task.inbox.id, cancelled: false };
  at.session.keepLoose({ ...of, quantity: quantity + (before?.quantity ?? 0) });
}

/** More left than the order had open with us: too late for it, or too much. Of orders we do not know nothing is said. */
function explainRest(at: FactDesk, key: PositionKey, candidates: readonly Reservation[], rest: Quantity): void {
  if (candidates.length === 0) return;
  const affected = candidates.map(({ id, orderRef, status }) => ({ reservation: id, orderRef, status }));
  const ended = candidates.filter(
    (each) => each.reduced || ['released', 'expired', 'cancelled'].includes(each.status) || hasExpired(each, at.now),
  );
  const much = `${rest / 10_000} left`;
  if (ended.length > 0) {
    at.note(key, 'late_shipment', `${much} for an order that had let go of them: on hand fell all the same.`, affected);
  } else {
    at.note(key, 'overshipped', `${much} beyond what the order had open: on hand fell all the same.`, affected);
  }
}

/** A shipment that did not leave: what it took is there again, and reserved again. A second time changes nothing. */
export function applyUnship(at: FactDesk, fact: UnshipFact): Outcome {
  let left = fact.said === null ? Number.POSITIVE_INFINITY : at.row.quantity;
  const wanted = at.row.item?.id;
  let known = false;
  let back = 0;
  for (const reservation of reservationsOf(at, fact)) {
    const before = at.reservations.shipment(reservation.id, fact.shipmentRef);
    if (!before) continue;
    const itemOf = (line: number) => reservation.lines.find((each) => each.line === line)?.itemId;
    const isMeant = (line: number) => wanted === undefined || itemOf(line) === wanted;
    known ||= before.lines.some(({ line }) => isMeant(line));
    if (before.unshipped) continue;
    const parted = takeBack(before.lines, left, isMeant);
    if (parted.back.length === 0) continue;
    left -= quantityOf(parted.back);
    back += quantityOf(parted.back);
    const current = at.reservations.find(reservation.id) as Reservation;
    take(at, returning(at, unship(current, fact.shipmentRef, parted.back)), reservation.id);
    const all = parted.away.length === 0;
    at.reservations.keepShipment({ ...before, lines: all ? before.lines : parted.away, unshipped: all });
  }
  for (const loose of at.session.looseShipments(at.task.source.id, fact.shipmentRef)) {
    if (wanted !== undefined && loose.itemId !== wanted) continue;
    known = true;
    const quantity = Math.min(left, loose.cancelled ? 0 : loose.quantity);
    if (quantity === 0) continue;
    left -= quantity;
    back += quantity;
    if (!at.isInside(loose)) {
      at.record(loose, recordDelta(at.position(loose), quantity, 'sellable', at.change('unship', fact.shipmentRef)));
      at.keepDelta(loose, quantity);
    }
    const cancelled = quantity === loose.quantity;
    at.session.keepLoose({ ...loose, cancelled, quantity: cancelled ? loose.quantity : loose.quantity - quantity });
  }
  if (back > 0) return 'applied';
  if (known) return 'duplicate';
  const detail = `No shipment ${fact.shipmentRef} is known yet. It is taken back as soon as it is reported.`;
  return { kind: 'unknown_shipment', detail };
}

/** Where a figure knows already that it did not leave, on hand does not rise again; what is reserved does. */
function returning(at: FactDesk, step: Step): Step {
  const postings = step.postings.map(({ change, ...key }) => {
    const { onHand = 0, ...others } = change;
    if (at.isInside(key)) return { ...key, change: others };
    at.keepDelta(key, onHand, change.reservationId ? at.session.committedSince(change.reservationId) : null);
    return { ...key, change };
  });
  return { ...step, postings };
}

/** The order is not wanted any more: what is open of it is let go. Nothing open: nothing changes. */
export function applyOrderCancelled(at: FactDesk, fact: OrderCancelledFact): Outcome {
  const left = new Map(at.row.parts?.map(({ itemId, quantity }) => [itemId, quantity]));
  for (const reservation of reservationsOf(at, fact)) {
    if (reservation.status === 'held' && !hasExpired(reservation, at.now) && fact.lines === null) {
      const step = release(reservation, at.now);
      if (step) take(at, step, reservation.id);
    }
    if (reservation.status !== 'committed' && reservation.status !== 'partially_shipped') continue;
    const parts = fact.lines === null ? undefined : partsOf(reservation, left);
    const step = parts?.length === 0 ? undefined : cancel(reservation, parts, at.now);
    if (step) take(at, step, reservation.id);
  }
  return 'applied';
}

/** Of each line so much as is still to be cancelled of its item, and open. */
function partsOf(reservation: Reservation, left: Map<number, Quantity>): Part[] {
  return reservation.lines.flatMap(({ line, itemId, reserved }) => {
    const quantity = Math.min(reserved, left.get(itemId) ?? 0);
    left.set(itemId, (left.get(itemId) ?? 0) - quantity);
    return quantity > 0 ? [{ line, quantity }] : [];
  });
}

/** Takes a step in the name of the event. */
function take(at: FactDesk, step: Step, reservationId: string): void {
  const { source, inbox, turn } = at.task;
  const postings = step.postings.map(({ change, ...key }) => ({
    ...key,
    change: { ...change, reservationId, source: source.code, eventId: inbox.eventId, turn },
  }));
  at.reservations.take({ ...step, postings }, at.desk, source.code);
}

/** As they stand now, in the order of their age. */
function reservationsOf(at: FactDesk, order: { orderRef: string | null; reservationId: string | null }): Reservation[] {
  return candidatesOf(order, at.around).flatMap((id) => at.reservations.find(id) ?? []);
}
