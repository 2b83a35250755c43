import { Injectable } from '@nestjs/common';
import { typeidUnboxed } from 'typeid-js';
import type { Command, Desk, Participant, ParticipantSession, Send } from '../stock/command.js';
import { type PositionKey, placeName } from '../stock/ledger.js';
import { compareMoments, type Moment } from './absolute-figure.js';
import {
  addIncoming,
  type Finished,
  finishEvents,
  insertDeltas,
  insertParkedKeys,
  putEventsBack,
  releaseKeys,
  writeFigures,
  writeLooseShipments,
  writeSupplies,
} from './applied.repository.js';
import {
  type CommittedAt,
  type FeedDelta,
  type FeedKey,
  type LastFigure,
  type LooseShipment,
  lockRowExceptions,
  type ParkedKey,
  readCommitTimes,
  readCommitted,
  readDeltas,
  readFigures,
  readLooseShipments,
  readOpenLines,
  readParkedKeys,
  readSupplies,
  type Supply,
  takeEvents,
} from './applying.repository.js';
import {
  closeExceptions,
  insertExceptions,
  keepExceptions,
  type NewException,
  readRefusals,
} from './exception-writing.repository.js';
import { uncoveredBy } from './physical-fact.js';
import type { EventKey, Refusal, Waits } from './task.js';

/** Exceptions that tell what an applied event did. The others say why an event or a row was not applied. */
export const INFORMING = ['shortfall', 'late_shipment', 'overshipped', 'negative_on_hand', 'condition_shortage'];

/** What a command of events needs read and locked. */
export interface Lookups {
  readonly events: Waits[];
  /** Exceptions whose row is tried again. */
  readonly rows: string[];
  readonly retried: string[];
  readonly figures: FeedKey[];
  readonly deltas: (FeedKey & { readonly since: Moment })[];
  readonly netted: (PositionKey & { readonly since: number })[];
  readonly supplies: (PositionKey & { readonly reference: string })[];
  readonly loose: { readonly sourceId: number; readonly reference: string }[];
  readonly keys: EventKey[];
  readonly reservationIds: readonly string[];
}

/** A command that applies events. */
export interface LookingUp extends Command {
  readonly lookups: Lookups;
}

/** Keeps what became of events in step with the ledger, in the engine's transaction. */
@Injectable()
export class ApplyingBook implements Participant<ApplyingSession> {
  open(): ApplyingSession {
    return new ApplyingSession();
  }
}

/** What one batch of the engine knows and decides of events: as read under lock, and as decided since. */
export class ApplyingSession implements ParticipantSession {
  /** What is to be applied, by inbox id or, of a row that is tried again (null), by its exception's. */
  private readonly open = new Map<string, Waits | null>();
  private readonly figures = new Map<string, LastFigure>();
  /** As they were read; those of this batch are in `newDeltas`. */
  private readonly deltas = new Map<string, FeedDelta[]>();
  private readonly committed = new Map<string, CommittedAt[]>();
  private readonly supplies = new Map<string, Supply>();
  private readonly loose = new Map<string, LooseShipment[]>();
  private readonly parked = new Map<string, Omit<ParkedKey, 'blocked'>[]>();
  private readonly refusals = new Map<string, { id: string; sku: string | null; location: string | null }[]>();
  private commitTimes: ReadonlyMap<string, number> = new Map();
  /** Items of shipments that this batch has counted, by event. */
  readonly counted = new Set<string>();

  private readonly finished: Finished[] = [];
  private readonly unfinished: Waits[] = [];
  private readonly newFigures = new Map<string, FeedKey & Moment & { event: string }>();
  private newDeltas: FeedDelta[] = [];
  private readonly newSupplies = new Map<string, Supply>();
  private readonly incoming = new Map<string, PositionKey & { difference: number }>();
  private readonly newLoose = new Map<string, LooseShipment>();
  private readonly newParked: ParkedKey[] = [];
  private readonly released = new Set<string>();
  private readonly exceptions: NewException[] = [];
  private readonly closed: string[] = [];
  private readonly kept: (Refusal & { id: string })[] = [];
  private readonly shortfalls: { key: PositionKey; quantity: number; exception: Omit<NewException, 'affected'> }[] = [];

  async load(send: Send, commands: readonly Command[]): Promise<void> {
    const all = commands.flatMap((command) => ('lookups' in command ? [command.lookups as Lookups] : []));
    if (all.length === 0) return;
    const each = <T>(what: (lookups: Lookups) => readonly T[]): T[] => all.flatMap(what);
    const events = each(({ events }) => events);
    const rows = each(({ rows }) => rows);
    const retried = each(({ retried }) => retried);
    const figures = distinct(
      each(({ figures }) => figures),
      feedName,
    );
    const deltas = each(({ deltas }) => deltas);
    const netted = each(({ netted }) => netted);
    const supplies = distinct(
      each(({ supplies }) => supplies),
      supplyName,
    );
    const loose = distinct(
      each(({ loose }) => loose),
      looseName,
    );
    const keys = distinct(
      each(({ keys }) => keys),
      keyName,
    );
    const reservationIds = each(({ reservationIds }) => reservationIds);
    // In one write: everything is sent before the first answer is waited for.
    const sent = [
      events.length === 0 ? [] : takeEvents(send, events),
      rows.length === 0 ? [] : lockRowExceptions(send, rows),
      retried.length === 0 ? [] : readRefusals(send, retried, INFORMING),
      figures.length === 0 ? [] : readFigures(send, figures),
      deltas.length === 0 ? [] : readDeltas(send, earliest(deltas)),
      netted.length === 0 ? [] : readCommitted(send, earliestNetted(netted)),
      supplies.length === 0 ? [] : readSupplies(send, supplies),
      loose.length === 0 ? [] : readLooseShipments(send, loose),
      keys.length === 0 ? [] : readParkedKeys(send, keys),
      reservationIds.length === 0 ? this.commitTimes : readCommitTimes(send, reservationIds),
    ] as const;
    const [ids, exceptions, refusals, last, posted, stands, announced, left, parked, times] = await Promise.all(sent);
    const taken = new Set(ids);
    for (const event of events) if (taken.has(event.id)) this.open.set(event.id, event);
    for (const id of exceptions) this.open.set(id, null);
    for (const refusal of refusals) push(this.refusals, refusal.inboxId, refusal);
    for (const figure of last) this.figures.set(feedName(figure), figure);
    for (const delta of posted) push(this.deltas, feedName(delta), delta);
    for (const commitment of stands) push(this.committed, placeName(commitment), commitment);
    for (const supply of announced) this.supplies.set(supplyName(supply), supply);
    for (const shipment of left) push(this.loose, looseName(shipment), shipment);
    for (const key of parked) push(this.parked, keyName(key), key);
    this.commitTimes = times;
  }

  /** Nothing of ours expires. */
  async settle(): Promise<void> {}

  /** Whether an event, or the row of an exception, is still to be applied. Taken once: a batch may hold it twice. */
  take(id: string): boolean {
    return this.open.delete(id);
  }

  lastFigure(key: FeedKey): LastFigure | undefined {
    return this.figures.size === 0 ? undefined : this.figures.get(feedName(key));
  }

  /** Changes of the source at a position, in any order, as far as they were asked for. */
  deltasOf(key: FeedKey): readonly FeedDelta[] {
    return [...(this.deltas.get(feedName(key)) ?? []), ...this.newDeltas.filter((delta) => isSameFeed(delta, key))];
  }

  committedAt(key: PositionKey): readonly CommittedAt[] {
    return this.committed.get(placeName(key)) ?? [];
  }

  committedSince(reservationId: string): number | null {
    return this.commitTimes.get(reservationId) ?? null;
  }

  supply(key: PositionKey & { reference: string }): Supply | undefined {
    return this.supplies.get(supplyName(key));
  }

  looseShipments(sourceId: number, reference: string): readonly LooseShipment[] {
    return this.loose.get(looseName({ sourceId, reference })) ?? [];
  }

  /** Whether something that came before `turn` about one of these is parked. */
  isBlocked(keys: readonly EventKey[], turn: number, holder: string): boolean {
    if (this.parked.size === 0) return false;
    return keys.some((key) =>
      this.parked.get(keyName(key))?.some((other) => other.turn < turn && other.holder !== holder),
    );
  }

  keepFigure(key: FeedKey, moment: Moment, event: string): void {
    const name = feedName(key);
    const figure = { ...key, ...moment, event };
    this.figures.set(name, figure);
    this.newFigures.set(name, figure);
    const isLater = (delta: FeedDelta) => !isSameFeed(delta, key) || compareMoments(delta, moment) >= 0;
    const posted = this.deltas.get(name);
    if (posted) this.deltas.set(name, posted.filter(isLater));
    if (this.newDeltas.length > 0) this.newDeltas = this.newDeltas.filter(isLater);
  }

  keepDelta(delta: FeedDelta): void {
    this.newDeltas.push(delta);
  }

  /** Keeps what is announced; `before` and after, its open remainder is incoming. */
  keepSupply(supply: Supply): void {
    const name = supplyName(supply);
    const difference = remainderOf(supply) - remainderOf(this.supplies.get(name));
    this.supplies.set(name, supply);
    this.newSupplies.set(name, supply);
    const { itemId, locationId } = supply;
    const sum = (this.incoming.get(placeName(supply))?.difference ?? 0) + difference;
    this.incoming.set(placeName(supply), { itemId, locationId, difference: sum });
  }

  keepLoose(shipment: LooseShipment): void {
    const name = looseName(shipment);
    const others = this.looseShipments(shipment.sourceId, shipment.reference).filter(
      (other) => placeName(other) !== placeName(shipment),
    );
    this.loose.set(name, [...others, shipment]);
    this.newLoose.set(`${name}\n${placeName(shipment)}`, shipment);
  }

  park(keys: readonly EventKey[], turn: number, holder: string, blocked: boolean): void {
    for (const key of distinct(keys, keyName)) {
      const parked = { ...key, turn, holder, blocked };
      push(this.parked, keyName(key), parked);
      this.newParked.push(parked);
    }
  }

  /** What waited behind it is looked at again, in the next window. */
  release(holder: string): void {
    this.released.add(holder);
    for (const [name, others] of this.parked) {
      this.parked.set(
        name,
        others.filter((other) => other.holder !== holder),
      );
    }
  }

  get releases(): boolean {
    return this.released.size > 0;
  }

  end(event: Finished): void {
    this.finished.push(event);
  }

  /** So far it has come, and goes on in another transaction. */
  reach(event: Waits): void {
    this.unfinished.push(event);
  }

  /** Opens an exception, or says anew what is wrong in the one that is open for the same. Answers its id. */
  except(exception: Omit<NewException, 'id'>): string {
    const open = this.refusals.get(exception.inboxId ?? '');
    const same = INFORMING.includes(exception.kind)
      ? undefined
      : open?.find(({ sku, location }) => sku === exception.sku && location === exception.location);
    if (same) {
      open?.splice(open.indexOf(same), 1);
      this.keepException(same.id, { kind: exception.kind, detail: exception.detail });
      return same.id;
    }
    const id = typeidUnboxed('exc');
    this.exceptions.push({ id, ...exception });
    return id;
  }

  keepException(id: string, why: Refusal): void {
    this.kept.push({ id, ...why });
  }

  closeException(id: string): void {
    this.closed.push(id);
  }

  /** An event has been tried again: those of its exceptions that did not come up again are over. */
  closeRefusals(inboxId: string): void {
    for (const { id } of this.refusals.get(inboxId) ?? []) this.closed.push(id);
    this.refusals.delete(inboxId);
  }

  /** A fact left more reserved than there is: which commitments that uncovers is read when all is decided. */
  fallShort(key: PositionKey, quantity: number, exception: Omit<NewException, 'id' | 'affected'>): void {
    this.shortfalls.push({ key, quantity, exception: { id: typeidUnboxed('exc'), ...exception } });
  }

  async write(send: Send, desk: Desk): Promise<void> {
    const { now } = desk;
    const sent: Promise<unknown>[] = [];
    if (this.newFigures.size > 0) sent.push(...writeFigures(send, [...this.newFigures.values()]));
    if (this.newDeltas.length > 0) sent.push(insertDeltas(send, this.newDeltas, now));
    if (this.newSupplies.size > 0) sent.push(writeSupplies(send, [...this.newSupplies.values()], now));
    const incoming = [...this.incoming.values()].filter(({ difference }) => difference !== 0);
    if (incoming.length > 0) sent.push(addIncoming(send, incoming));
    if (this.newLoose.size > 0) sent.push(writeLooseShipments(send, [...this.newLoose.values()], now));
    if (this.exceptions.length > 0) sent.push(insertExceptions(send, this.exceptions, now));
    if (this.closed.length > 0) sent.push(closeExceptions(send, this.closed, now));
    if (this.kept.length > 0) sent.push(keepExceptions(send, this.kept, now));
    // What was taken for a command that was then not decided, because it needs other rows locked, too.
    const back = [...this.unfinished, ...[...this.open.values()].filter((event) => event !== null)];
    if (back.length > 0) sent.push(putEventsBack(send, back));
    if (this.finished.length > 0) sent.push(...finishEvents(send, this.finished, now));
    if (this.newParked.length > 0) sent.push(insertParkedKeys(send, this.newParked));
    // Last: what is parked in this very batch behind what it releases is released with the others.
    if (this.released.size > 0) sent.push(releaseKeys(send, [...this.released]));
    await Promise.all(sent);
  }

  /** Names the commitments that shortfalls uncover; read behind everything that this batch reserves and ships. */
  finish(send: Send, { now }: Desk): Promise<void> | undefined {
    if (this.shortfalls.length === 0) return undefined;
    const keys = distinct(
      this.shortfalls.map(({ key }) => key),
      placeName,
    );
    return readOpenLines(send, keys, now).then(async (open) => {
      const exceptions = this.shortfalls.map(({ key, quantity, exception }) => {
        const here = open.filter((line) => placeName(line) === placeName(key));
        return { ...exception, affected: uncoveredBy(quantity, here) };
      });
      await insertExceptions(send, exceptions, now);
    });
  }
}

function remainderOf(supply: Supply | undefined): number {
  return supply === undefined || supply.status === 'cancelled' ? 0 : Math.max(0, supply.quantity - supply.received);
}

/** One look-up a position, from the earliest figure of the batch on. */
function earliest(deltas: readonly (FeedKey & { since: Moment })[]): (FeedKey & { since: Moment })[] {
  const first = new Map<string, FeedKey & { since: Moment }>();
  for (const delta of deltas) {
    const other = first.get(feedName(delta));
    if (!other || compareMoments(delta.since, other.since) < 0) first.set(feedName(delta), delta);
  }
  return [...first.values()];
}

function earliestNetted(netted: readonly (PositionKey & { since: number })[]): (PositionKey & { since: number })[] {
  const first = new Map<string, PositionKey & { since: number }>();
  for (const each of netted) {
    const other = first.get(placeName(each));
    if (!other || each.since < other.since) first.set(placeName(each), each);
  }
  return [...first.values()];
}

function distinct<T>(entries: readonly T[], name: (entry: T) => string): T[] {
  return entries.length < 2 ? [...entries] : [...new Map(entries.map((entry) => [name(entry), entry])).values()];
}

function push<T>(lists: Map<string, T[]>, name: string, entry: T): void {
  const list = lists.get(name);
  if (list) list.push(entry);
  else lists.set(name, [entry]);
}

function isSameFeed(a: FeedKey, b: FeedKey): boolean {
  return a.itemId === b.itemId && a.locationId === b.locationId && a.sourceId === b.sourceId;
}

function feedName({ sourceId, itemId, locationId }: FeedKey): string {
  return `${sourceId} ${itemId} ${locationId}`;
}

function supplyName({ itemId, locationId, reference }: PositionKey & { reference: string }): string {
  return `${itemId} ${locationId} ${reference}`;
}

function looseName({ sourceId, reference }: { sourceId: number; reference: string }): string {
  return `${sourceId} ${reference}`;
}

function keyName({ sourceId, sku, location }: EventKey): string {
  return `${sourceId} ${sku}\n${location}`;
}
