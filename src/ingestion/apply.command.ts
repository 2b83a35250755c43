import { Answer } from '../access/answer.js';
import type { DirectoryLocation } from '../channels/directory.js';
import type { ReservationBook, ReservationCommand, ReservationSession } from '../reservations/reservation.session.js';
import { type Catalogue, type Desk, Displaced, type PositionNeed } from '../stock/command.js';
import type { PositionKey } from '../stock/ledger.js';
import type { FinalStatus } from './applied.repository.js';
import type { ApplyingBook, ApplyingSession, LookingUp, Lookups } from './applying.session.js';
import type { ItemName } from './canonical-event.js';
import { canonicalJson } from './canonical-writer.js';
import { FactDesk } from './fact.desk.js';
import { type Fact, nameOf, placesOf } from './fact.js';
import { applyOrderCancelled, applyShipment, applyUnship } from './order.facts.js';
import { type FactKind, ownerOf, ownsAnywhere } from './ownership.js';
import { inBase, itemOf, locationOf, Refused, refusal } from './refusal.js';
import { applyChange, applyCondition, applyFigure, applySupply, applyTransfer, cancelSupply } from './stock.facts.js';
import {
  attemptOf,
  candidatesOf,
  type EventKey,
  holderOf,
  isRefusal,
  type Outcome,
  type Portion,
  type Refusal,
  type Row,
  type Surroundings,
  type Task,
  waitsOf,
} from './task.js';

/** What does not keep its key: nothing later waits for it. */
const PASSING = new Set(['not_owner', 'mapping_failed', 'unknown_shipment']);

const BLOCKED: Refusal = {
  kind: 'blocked',
  detail: 'An earlier event about the same item and location is parked. This one follows as soon as that is settled.',
};

/** Events that are applied together or not at all, as far as they are in one command. */
interface Together {
  /** The first of their turns. */
  first: number;
  /** Why none of them is applied. */
  refusal?: Refusal;
}

/** What a command of events answers. */
export interface Applied {
  /** Events that were parked behind others may go on, before anything that came later. */
  readonly releases: boolean;
}

/**
 * Events of one source, decided in their order within one transaction of the engine. Physical facts are never refused:
 * what cannot be applied is parked, with an exception, in the same transaction.
 */
export class ApplyCommand implements LookingUp, ReservationCommand {
  /** Its events are taken out of what waits in the same transaction, so a repeated command finds what it has done. */
  readonly intent = null;
  readonly skus: readonly string[];
  readonly weight: number;
  readonly reservationIds: readonly string[];
  lookups: Lookups = noLookups([]);
  /** Nothing it is about stands elsewhere than it says. */
  private readonly staysPut: boolean;
  private resolved: Row[][] = [];
  private readonly required: PositionKey[] = [];

  constructor(
    private readonly book: ApplyingBook,
    private readonly reservationBook: ReservationBook,
    private readonly portions: readonly Portion[],
    private readonly around: Surroundings,
  ) {
    const facts = portions.flatMap(factsIn);
    const skus = new Set<string>();
    const orders = new Set<string>();
    for (const fact of facts) {
      for (const name of namesIn(fact)) skus.add(this.skuOf(name) ?? '');
      if ('orderRef' in fact) for (const id of candidatesOf(fact, around)) orders.add(id);
    }
    skus.delete('');
    this.skus = [...skus];
    this.weight = Math.max(1, facts.length);
    this.reservationIds = [...orders];
    this.staysPut = orders.size === 0 && !facts.some(({ kind }) => kind === 'unship');
  }

  prepare(catalogue: Catalogue): readonly PositionNeed[] {
    this.lookups = noLookups(this.reservationIds);
    const needs: PositionNeed[] = this.required.map((key) => ({ ...key }));
    for (const id of this.reservationIds) needs.push(...standing(this.around, id));
    this.resolved = this.portions.map((portion) => {
      const { task } = portion;
      this.expect(task);
      return factsIn(portion).map((fact) => {
        const row = this.resolve(task, fact, catalogue);
        this.lookups.keys.push(...row.keys);
        if (!row.refusal) needs.push(...this.lookUp(task, row));
        if (fact.kind === 'unship') {
          const sourceId = task.source.id;
          this.lookups.figures.push(...this.required.map((key) => ({ sourceId, ...key })));
        }
        return row;
      });
    });
    return needs;
  }

  decide(desk: Desk): () => Answer {
    const session = desk.session(this.book);
    const reservations = desk.session(this.reservationBook);
    if (!this.staysPut) this.requireLocked(desk, session, reservations);
    const groups = this.groups(session);
    for (const [index, portion] of this.portions.entries()) {
      const rows = this.resolved[index] as Row[];
      const { task } = portion;
      if (!session.take(holderOf(task))) continue; // ended by another worker, or before our connection broke
      const together = task.group === null ? undefined : groups.get(task.group);
      const turn = together?.first ?? task.turn;
      const outcomes = rows.map((row) => {
        if (row.refusal) return row.refusal;
        if (session.isBlocked(row.keys, turn, holderOf(task))) return BLOCKED;
        if (together?.refusal) return together.refusal;
        return decideRow(new FactDesk(desk, session, reservations, this.around, task, row));
      });
      if (task.exceptionId !== null) this.endRow(session, task, rows[0] as Row, outcomes[0] as Outcome);
      else this.end(session, portion, rows, outcomes);
    }
    const body: Applied = { releases: session.releases };
    return () => new Answer(200, body);
  }

  traceparents(): readonly string[] {
    return this.portions.flatMap(({ task }) => task.inbox.traceparent ?? []);
  }

  private expect(task: Task): void {
    if (task.exceptionId !== null) this.lookups.rows.push(task.exceptionId);
    else this.lookups.events.push(waitsOf(task, task.done));
    if (task.exceptionId === null && task.attempts > 0) this.lookups.retried.push(task.inbox.id);
  }

  private skuOf(name: ItemName): string | undefined {
    return name.sku ?? this.around.skus.get(nameOf(name));
  }

  /** Finds what a fact names, by the catalogue as it proves to be current. */
  private resolve(task: Task, fact: Fact, catalogue: Catalogue): Row {
    const row: Row = { fact, quantity: 0, keys: keysOf(task, fact, this.around) };
    if (task.refusal) return { ...row, refusal: task.refusal };
    try {
      if (fact.kind === 'fault') throw refusal('mapping_failed', fact.detail);
      if (fact.kind === 'order_cancelled') return this.resolveOrder(task, fact, row.keys, catalogue);
      const { item: name, locations } = placesOf(fact);
      const [location, to] = locations.map((code) => locationOf(catalogue, code));
      const claimed = fact.kind === 'supply' || fact.kind === 'supply_cancelled' ? 'supply' : 'on_hand';
      // A transfer under way is the business of whoever it left; its arrival that of the other.
      const claims = fact.kind === 'transfer' && fact.underWay ? [location] : [location, to];
      for (const place of claims) if (place) this.claim(task, fact, claimed, place);
      if (claims.every((place) => !place)) this.claim(task, fact, claimed, undefined);
      const item = name === null ? undefined : itemOf(catalogue, this.skuOf(name), name);
      const said = 'quantity' in fact ? fact : fact.kind === 'unship' ? fact.said : null;
      return { fact, quantity: said && item ? inBase(item, said) : 0, keys: row.keys, item, location, to };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { ...row, refusal: error.refusal };
    }
  }

  private resolveOrder(
    task: Task,
    fact: Fact & { kind: 'order_cancelled' },
    keys: readonly EventKey[],
    catalogue: Catalogue,
  ): Row {
    const places = candidatesOf(fact, this.around).flatMap((id) => standing(this.around, id));
    const locations = new Set(places.map(({ locationId }) => locationId));
    for (const id of locations) this.claim(task, fact, 'orders', catalogue.configuration.locationById(id));
    if (locations.size === 0) this.claim(task, fact, 'orders', undefined);
    const parts = fact.lines?.map((line) => {
      const item = itemOf(catalogue, this.skuOf(line.item), line.item);
      return { itemId: item.id, quantity: inBase(item, line) };
    });
    return { fact, quantity: 0, keys, parts: parts ?? null };
  }

  /** Refuses what the source does not own at the time of the event (semantics.md 25). */
  private claim(task: Task, fact: Fact, kind: FactKind, location: DirectoryLocation | undefined): void {
    const { at } = fact.moment;
    const { ownerships } = this.around;
    const owns = location
      ? ownerOf(ownerships, kind, location.id, at) === task.source.id
      : ownsAnywhere(ownerships, task.source.id, kind, at);
    if (owns) return;
    const where = location ? `at ${location.code}` : 'anywhere';
    const when = new Date(at).toISOString();
    throw refusal(
      'not_owner',
      `${task.source.code} does not own ${kind} ${where} at ${when}. Change what it owns, or discard this.`,
    );
  }

  /** Says what is to be read for a row, and which positions it needs. */
  private lookUp(task: Task, row: Row): PositionNeed[] {
    const { fact, item, location, to } = row;
    const { lookups } = this;
    const sourceId = task.source.id;
    const needs: PositionNeed[] = [];
    const need = (at: DirectoryLocation | undefined): PositionKey | undefined => {
      if (!item || !at) return undefined;
      const key = { itemId: item.id, locationId: at.id };
      needs.push({ ...key, create: true });
      return key;
    };
    const key = need(location);
    const target = need(to);
    for (const each of [key, target]) {
      if (each && fact.kind !== 'supply' && fact.kind !== 'condition') lookups.figures.push({ sourceId, ...each });
    }
    if (fact.kind === 'figure' && key) {
      lookups.deltas.push({ sourceId, ...key, since: fact.moment });
      if ((fact.basis ?? task.source.basis) === 'available') lookups.netted.push({ ...key, since: fact.moment.at });
    } else if (fact.kind === 'change' && key && fact.closes !== null) {
      lookups.supplies.push({ ...key, reference: fact.closes });
    } else if (fact.kind === 'transfer' && target && fact.underWay) {
      lookups.supplies.push({ ...target, reference: fact.announcedAs });
    } else if (fact.kind === 'supply' && key) {
      lookups.supplies.push({ ...key, reference: fact.reference });
    } else if (fact.kind === 'supply_cancelled') {
      const places = announcedPlaces(row, this.around);
      needs.push(...places);
      lookups.supplies.push(...places.map((place) => ({ ...place, reference: fact.reference })));
    } else if (fact.kind === 'shipment' || fact.kind === 'unship') {
      lookups.loose.push({ sourceId, reference: fact.shipmentRef });
    }
    return needs;
  }

  /** Before anything is posted: what turned out to stand elsewhere sends the command into the next batch. */
  private requireLocked(desk: Desk, session: ApplyingSession, reservations: ReservationSession): void {
    const keys: PositionKey[] = [];
    /** Where shipments that are taken back had left from, which only their rows say. */
    const returning: PositionKey[] = [];
    for (const id of this.reservationIds) {
      const current = reservations.find(id);
      for (const { itemId, allocations } of current?.lines ?? []) {
        keys.push(...allocations.map(({ locationId }) => ({ itemId, locationId })));
      }
    }
    for (const [index, { task }] of this.portions.entries()) {
      for (const { fact } of this.resolved[index] as Row[]) {
        if (fact.kind !== 'unship') continue;
        returning.push(...session.looseShipments(task.source.id, fact.shipmentRef));
        for (const id of candidatesOf(fact, this.around)) {
          const current = reservations.find(id);
          for (const { line, locationId } of reservations.shipment(id, fact.shipmentRef)?.lines ?? []) {
            const itemId = current?.lines.find((each) => each.line === line)?.itemId;
            if (itemId !== undefined && locationId !== null) returning.push({ itemId, locationId });
          }
        }
      }
    }
    const missing = keys.filter(({ itemId, locationId }) => !desk.ledger.position(itemId, locationId));
    const unasked = returning.filter((key) => !this.required.some((other) => samePlace(key, other)));
    if (missing.length === 0 && unasked.length === 0) return;
    for (const { itemId, locationId } of [...missing, ...unasked]) this.required.push({ itemId, locationId });
    throw new Displaced('events also need positions that are not locked');
  }

  /**
   * By name, the groups of events that are applied together (semantics.md 26). They wait for what is parked from before the
   * first of them, and not for one another: what one of them has kept from an attempt before is no reason.
   */
  private groups(session: ApplyingSession): Map<string, Together> {
    const groups = new Map<string, Together>();
    for (const { task } of this.portions) {
      if (task.group === null) continue;
      groups.set(task.group, { first: Math.min(groups.get(task.group)?.first ?? task.turn, task.turn) });
    }
    if (groups.size === 0) return groups;
    for (const [index, { task }] of this.portions.entries()) {
      const group = groups.get(task.group ?? '');
      if (!group || group.refusal) continue;
      const wrong = (this.resolved[index] as Row[]).find(
        (row) => row.refusal || session.isBlocked(row.keys, group.first, holderOf(task)),
      );
      const why = task.refusal ?? wrong?.refusal ?? (wrong && BLOCKED);
      if (!why) continue;
      const detail = `Nothing of the batch was applied, as it asked to be (atomic): event ${task.inbox.eventId} ${why.detail}`;
      group.refusal = { kind: 'atomic', detail };
    }
    return groups;
  }

  private endRow(session: ApplyingSession, task: Task, row: Row, outcome: Outcome): void {
    const id = task.exceptionId as string;
    if (!isRefusal(outcome)) {
      session.closeException(id);
      session.release(id);
      return;
    }
    session.keepException(id, outcome);
    if (!PASSING.has(outcome.kind)) {
      session.park(row.keys, task.turn, id, outcome.kind === 'blocked');
    }
  }

  /** Writes what became of an event: its final state, and an exception for each row that was not applied. */
  private end(
    session: ApplyingSession,
    { task, from, to }: Portion,
    rows: readonly Row[],
    outcomes: readonly Outcome[],
  ): void {
    const last = to === task.facts.length;
    const pieces = task.done > 0 || from > 0 || !last;
    const refused = outcomes.flatMap((outcome, i) => (isRefusal(outcome) ? [{ outcome, row: rows[i] as Row }] : []));
    const none = rows.length > 0 && refused.length === rows.length && !pieces;
    const unread = rows.length === 0 ? task.refusal : null;
    const status = unread ? 'exception' : none ? refusedStatus(refused) : statusOf(outcomes, pieces);
    if (unread) this.except(session, task, unread, undefined, null);
    for (const { outcome, row } of refused) {
      const alone = none || row.fact.kind === 'fault' ? null : canonicalJson(row.fact.event);
      const id = this.except(session, task, outcome, row, alone);
      if (PASSING.has(outcome.kind)) continue;
      const holder = alone === null ? task.inbox.id : id;
      session.park(row.keys, task.turn, holder, outcome.kind === 'blocked');
    }
    if (task.attempts > 0) session.closeRefusals(task.inbox.id);
    if (task.attempts > 0 && status !== 'parked') session.release(task.inbox.id);
    if (!last) {
      session.reach(waitsOf(task, task.done + Math.min(to, task.rows)));
      return;
    }
    const first = unread ?? refused[0]?.outcome;
    session.end({
      id: task.inbox.id,
      receivedAt: task.inbox.receivedAt,
      status,
      attempt: attemptOf(task),
      canonical: task.canonical,
      profile: task.profile,
      skus: this.skusOf(task),
      problem: status === 'applied' ? null : (first ?? { kind: status, detail: WHY[status] ?? '' }),
    });
  }

  private except(session: ApplyingSession, task: Task, why: Refusal, row: Row | undefined, fact: unknown): string {
    const { item, locations } = row ? placesOf(row.fact) : { item: null, locations: [] };
    return session.except({
      kind: why.kind,
      sourceId: task.source.id,
      inboxId: task.inbox.id,
      inboxReceivedAt: task.inbox.receivedAt,
      eventId: task.inbox.eventId,
      sku: why.sku ?? (item && (this.skuOf(item) ?? nameOf(item))),
      location: why.location ?? row?.location?.code ?? locations[0] ?? null,
      detail: why.detail,
      affected: row?.fact.kind === 'unship' ? { shipmentRef: row.fact.shipmentRef } : null,
      fact,
    });
  }

  private skusOf(task: Task): string[] {
    const names = task.facts.flatMap(namesIn);
    const [only] = names;
    if (only && names.length === 1) return [this.skuOf(only) ?? nameOf(only)];
    return [...new Set(names.map((name) => this.skuOf(name) ?? nameOf(name)))];
  }
}

const WHY: Partial<Record<FinalStatus, string>> = {
  stale: 'A newer figure of this source knows of it already.',
  duplicate: 'It was counted before, under the same shipment reference.',
};

function decideRow(at: FactDesk): Outcome {
  const { fact } = at;
  switch (fact.kind) {
    case 'change':
      return applyChange(at, fact);
    case 'figure':
      return applyFigure(at, fact);
    case 'condition':
      return applyCondition(at, fact);
    case 'transfer':
      return applyTransfer(at, fact);
    case 'supply':
      return applySupply(at, fact);
    case 'supply_cancelled':
      return cancelSupply(at, announcedPlaces(at.row, at.around), fact.reference);
    case 'shipment':
      return applyShipment(at, fact);
    case 'unship':
      return applyUnship(at, fact);
    case 'order_cancelled':
      return applyOrderCancelled(at, fact);
    case 'fault':
      throw new Error('A row that cannot be read is refused before it is decided.');
  }
}

/** Of an event of which something was done. */
function statusOf(outcomes: readonly Outcome[], pieces: boolean): FinalStatus {
  if (pieces || outcomes.length === 0 || outcomes.includes('applied')) return 'applied';
  return outcomes.includes('stale') ? 'stale' : 'duplicate';
}

/** What could not even be read is not waiting for anything. */
function refusedStatus(refused: readonly { outcome: Refusal }[]): FinalStatus {
  return refused.every(({ outcome }) => outcome.kind === 'mapping_failed') ? 'exception' : 'parked';
}

function factsIn({ task, from, to }: Portion): readonly Fact[] {
  return from === 0 && to === task.facts.length ? task.facts : task.facts.slice(from, to);
}

function namesIn(fact: Fact): ItemName[] {
  if (fact.kind === 'order_cancelled') return fact.lines?.map(({ item }) => item) ?? [];
  const { item } = placesOf(fact);
  return item ? [item] : [];
}

/** What later events of the source wait for while this is parked. */
function keysOf(task: Task, fact: Fact, around: Surroundings): EventKey[] {
  const { item, locations } = placesOf(fact);
  if (!item) return [];
  const sku = item.sku ?? around.skus.get(nameOf(item)) ?? nameOf(item);
  return locations.map((location) => ({ sourceId: task.source.id, sku, location }));
}

function samePlace(a: PositionKey, b: PositionKey): boolean {
  return a.itemId === b.itemId && a.locationId === b.locationId;
}

/** Where what a cancellation of supply means is announced. */
function announcedPlaces({ fact, item, location }: Row, around: Surroundings): PositionKey[] {
  const reference = fact.kind === 'supply_cancelled' ? fact.reference : '';
  return (around.announced.get(reference) ?? []).filter(
    (key) => (!item || key.itemId === item.id) && (!location || key.locationId === location.id),
  );
}

function standing({ reservations }: Surroundings, id: string): PositionKey[] {
  const lines = reservations.get(id)?.lines ?? [];
  return lines.flatMap(({ itemId, allocations }) => allocations.map(({ locationId }) => ({ itemId, locationId })));
}

function noLookups(reservationIds: readonly string[]): Lookups {
  const empty = { events: [], rows: [], retried: [], figures: [], deltas: [], netted: [], supplies: [], loose: [] };
  return { ...empty, keys: [], reservationIds };
}
