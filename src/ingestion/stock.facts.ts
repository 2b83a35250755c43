import type { PositionKey } from '../stock/ledger.js';
import { type Condition, unsellableOf } from '../stock/position.js';
import { changedSince, isStale } from './absolute-figure.js';
import type { FactDesk } from './fact.desk.js';
import type { ChangeFact, ConditionFact, FigureFact, SupplyFact, TransferFact } from './fact.js';
import { type CommittedThere, nettedOf, onHandOf } from './netting.js';
import { isBeyondCounting, recordCondition, recordDelta, recordFigure } from './physical-fact.js';
import type { Outcome, Refusal } from './task.js';

/** What facts of stock on hand and of supply do (semantics.md 7, 23, 24). Each is decided while its positions are locked. */

const TOO_MUCH: Refusal = {
  kind: 'sanity_limit',
  detail: 'No position holds more than 900,000,000,000: correct the quantity, or its unit.',
};

/** A receipt, a return, an adjustment, the arrival of a transfer. */
export function applyChange(at: FactDesk, fact: ChangeFact): Outcome {
  const key = keyOf(at);
  const { quantity } = at.row;
  if (isBeyondCounting(at.position(key), quantity)) return TOO_MUCH;
  const closes = quantity > 0 ? fact.closes : null;
  if (closes !== null) receive(at, key, closes, quantity);
  // What is counted against its announcement is not stale, also where that is yet to come: a replay would count it twice.
  if (at.isInside(key)) return turnUnfit(at, key, fact) || closes !== null ? 'applied' : 'stale';
  const change = at.change(fact.movement, fact.reference, fact.reason);
  at.record(key, recordDelta(at.position(key), quantity, fact.condition, change));
  at.keepDelta(key, quantity);
  return 'applied';
}

/** The figure that contains a change knows how many are there, but not that some of them came, or went, unfit for sale. */
function turnUnfit(at: FactDesk, key: PositionKey, { condition, reference, reason }: ChangeFact): boolean {
  if (condition === 'sellable' || at.task.source.basis !== 'on_hand') return false;
  const { quantity } = at.row;
  const [from, to]: [Condition, Condition] = quantity < 0 ? [condition, 'sellable'] : ['sellable', condition];
  const change = at.change('condition_change', reference, reason);
  const { changes } = recordCondition(at.position(key), Math.abs(quantity), from, to, change);
  at.record(key, { changes, rest: 0 });
  return true;
}

/** A count, a level, a row of a snapshot. What the source reported since, and was posted already, is on top of it. */
export function applyFigure(at: FactDesk, fact: FigureFact): Outcome {
  const key = keyOf(at);
  const feed = at.feed(key);
  if (isStale(fact.moment, at.session.lastFigure(feed))) return 'stale';
  const position = at.position(key);
  const basis = fact.basis ?? at.task.source.basis;
  const nettedUpTo = fact.nettedUpTo ?? fact.moment.at;
  // A shipment of a commitment that the figure has taken off already changes nothing of what the figure means.
  const later = at.session
    .deltasOf(feed)
    .filter(({ committedAt }) => basis === 'on_hand' || committedAt === null || committedAt > nettedUpTo);
  const netted = basis === 'on_hand' ? 0 : nettedOf(commitmentsAt(at, key, fact.moment.at), nettedUpTo);
  const figure = onHandOf(at.row.quantity, basis, unsellableOf(position), netted);
  const onHand = figure + changedSince(fact.moment, later);
  if (isBeyondCounting(position, onHand - position.onHand)) return TOO_MUCH;
  at.record(key, recordFigure(position, onHand, at.change('count', fact.reference)));
  at.session.keepFigure(feed, fact.moment, at.task.inbox.id);
  return 'applied';
}

/** Our commitments at a position as they stood at a time: what is open, and what was cancelled only since. */
function commitmentsAt(at: FactDesk, key: PositionKey, time: number): CommittedThere[] {
  const stands = at.session.committedAt(key);
  const commitments = stands.flatMap(({ reservationId, quantity, committedAt, cancelledAt }) => {
    if (cancelledAt !== null) return cancelledAt > time ? [{ committedAt, open: quantity }] : [];
    const current = at.reservations.find(reservationId);
    if (!current) return [{ committedAt, open: quantity }];
    const here = current.lines
      .filter(({ itemId }) => itemId === key.itemId)
      .flatMap(({ allocations }) => allocations.filter(({ locationId }) => locationId === key.locationId));
    return [{ committedAt, open: here.reduce((sum, allocation) => sum + allocation.quantity, 0) }];
  });
  // What this very batch has cancelled is in no table yet.
  for (const { kind, itemId, locationId, reserved = 0, reservationId } of at.desk.ledger.movements) {
    if (kind !== 'cancel' || itemId !== key.itemId || locationId !== key.locationId) continue;
    const committedAt = stands.find((each) => each.reservationId === reservationId)?.committedAt;
    if (committedAt !== undefined) commitments.push({ committedAt, open: -reserved });
  }
  return commitments;
}

export function applyCondition(at: FactDesk, fact: ConditionFact): Outcome {
  const key = keyOf(at);
  const change = at.change('condition_change', fact.reference, fact.reason);
  const recorded = recordCondition(at.position(key), at.row.quantity, fact.from, fact.to, change);
  at.record(key, recorded, 'condition_shortage');
  return 'applied';
}

/** Gone here; there at once, or announced until it arrives. Each side counts by what its last figure knows. */
export function applyTransfer(at: FactDesk, fact: TransferFact): Outcome {
  const from = keyOf(at);
  const to = { itemId: from.itemId, locationId: at.row.to?.id as number };
  const { quantity } = at.row;
  if (!fact.underWay && isBeyondCounting(at.position(to), quantity)) return TOO_MUCH;
  const leaves = !at.isInside(from);
  if (leaves) {
    at.record(from, recordDelta(at.position(from), -quantity, 'sellable', at.change('transfer_out', fact.reference)));
    at.keepDelta(from, -quantity);
  }
  if (fact.underWay) {
    announce(at, to, fact, quantity);
    return 'applied';
  }
  const arrives = !at.isInside(to);
  if (arrives) {
    at.record(to, recordDelta(at.position(to), quantity, 'sellable', at.change('transfer_in', fact.reference)));
    at.keepDelta(to, quantity);
  }
  return leaves || arrives ? 'applied' : 'stale';
}

/** A transfer under way is a fact: a second one under the same reference adds to the first. */
function announce(at: FactDesk, to: PositionKey, fact: TransferFact, quantity: number): void {
  const before = at.session.supply({ ...to, reference: fact.announcedAs });
  const announced = (before?.quantity ?? 0) + quantity;
  const received = before?.received ?? 0;
  at.session.keepSupply({
    ...to,
    reference: fact.announcedAs,
    sourceId: at.task.source.id,
    kind: 'transfer',
    quantity: announced,
    received,
    status: received >= announced ? 'received' : 'open',
    expectedAt: fact.expectedAt ?? before?.expectedAt ?? null,
    asOf: fact.moment,
  });
}

/** What is announced under a reference: the newest announcement replaces the others. */
export function applySupply(at: FactDesk, fact: SupplyFact): Outcome {
  const key = keyOf(at);
  const before = at.session.supply({ ...key, reference: fact.reference });
  if (before?.asOf && isStale(fact.moment, before.asOf)) return 'stale';
  const received = before?.received ?? 0;
  at.session.keepSupply({
    ...key,
    reference: fact.reference,
    sourceId: at.task.source.id,
    kind: fact.supplyKind,
    quantity: at.row.quantity,
    received,
    status: received >= at.row.quantity ? 'received' : 'open',
    expectedAt: fact.expectedAt,
    asOf: fact.moment,
  });
  return 'applied';
}

export function cancelSupply(at: FactDesk, places: readonly PositionKey[], reference: string): Outcome {
  const known = places.flatMap((key) => at.session.supply({ ...key, reference }) ?? []);
  const meant = known.filter(({ asOf }) => asOf === null || !isStale(at.fact.moment, asOf));
  for (const supply of meant) at.session.keepSupply({ ...supply, status: 'cancelled', asOf: at.fact.moment });
  return known.length > 0 && meant.length === 0 ? 'stale' : 'applied';
}

/**
 * Closes so much of what is announced under a reference. A receipt that comes before its announcement is kept, so that
 * nothing stays incoming when that comes.
 */
function receive(at: FactDesk, key: PositionKey, reference: string, quantity: number): void {
  const before = at.session.supply({ ...key, reference });
  const received = (before?.received ?? 0) + quantity;
  const announced = before?.quantity ?? 0;
  at.session.keepSupply({
    ...key,
    reference,
    sourceId: before?.sourceId ?? at.task.source.id,
    kind: before?.kind ?? 'purchase',
    quantity: announced,
    received,
    status: before?.status === 'cancelled' ? 'cancelled' : received >= announced ? 'received' : 'open',
    expectedAt: before?.expectedAt ?? null,
    asOf: before?.asOf ?? null,
  });
}

export function keyOf({ row: { item, location } }: FactDesk): PositionKey {
  return { itemId: item?.id as number, locationId: location?.id as number };
}
