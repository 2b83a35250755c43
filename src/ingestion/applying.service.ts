import { Injectable, OnModuleInit } from '@nestjs/common';
import type { Identifier } from '../catalog/item.js';
import { Directory } from '../channels/directory.service.js';
import { Problem } from '../problems/problem.js';
import { ReservationBook } from '../reservations/reservation.session.js';
import { ReservationsRepository } from '../reservations/reservations.repository.js';
import { PostingEngine } from '../stock/posting.engine.js';
import { type Applied, ApplyCommand } from './apply.command.js';
import { ApplyingBook } from './applying.session.js';
import { BacklogRepository } from './backlog.repository.js';
import type { CanonicalEvent } from './canonical-event.js';
import { CatalogUpdates } from './catalog-updates.service.js';
import { catalogTaskOf, type ReadEvent } from './event-reader.service.js';
import { type Fact, factsOf, nameOf, placesOf } from './fact.js';
import { ownerOf } from './ownership.js';
import { locationsOf, omittedBy } from './snapshot.js';
import type { Portion, Surroundings, Task } from './task.js';
import { groupsOf, parcels } from './window.js';

/** Rows of one command: the engine puts up to 512 into a transaction, so a few commands share one. */
const COMMAND_ROWS = 128;
/** An event of more rows is applied in pieces of so many, each in a transaction of its own. */
const PIECE_ROWS = 500;

/** The engine is too busy, or the database away: what is left is tried again. */
export class Interrupted extends Error {}

/** Events that are being applied. */
export interface Underway {
  /** What they are about. */
  readonly keys: ReadonlySet<string>;
  /** As `apply`; settled when nothing of them is under way any more. */
  readonly done: Promise<boolean>;
}

/** Applies what was read of one source, in its order, through the posting engine. */
@Injectable()
export class Applying implements OnModuleInit {
  constructor(
    private readonly engine: PostingEngine,
    private readonly directory: Directory,
    private readonly book: ApplyingBook,
    private readonly reservationBook: ReservationBook,
    private readonly reservations: ReservationsRepository,
    private readonly backlog: BacklogRepository,
    private readonly catalog: CatalogUpdates,
  ) {}

  onModuleInit(): void {
    this.engine.join(this.book);
  }

  /**
   * Applies these events, which came in this order. Stops, leaves the rest for the next window and answers true when
   * parked events may go on: they are older. Throws Interrupted when the engine does not take more now.
   */
  async apply(events: readonly ReadEvent[]): Promise<boolean> {
    const around = await this.lookAround(events);
    for (const run of runsOf(events)) {
      const [first] = run;
      const updates = run.flatMap((event) => catalogTaskOf(event) ?? []);
      let releases = false;
      if (updates.length > 0) await this.catalog.apply(updates, around.ownerships);
      if (updates.length > 0 && updates.every(({ isAll }) => isAll)) continue;
      if (first && isAlone(first)) releases = await this.applyPieces(first, around);
      else releases = await this.applyTogether(await this.completed(run, around), around).done;
      await this.retryShipped(run);
      if (releases) return true;
    }
    return false;
  }

  /**
   * Applies events that are free (`areFree`) beside `before`, of free ones too, which came before them: what shares a key
   * with that waits until all of it is done, and is left as it is when that fails. Answers when the rest waits in the engine.
   */
  async applyBeside(events: readonly ReadEvent[], before: Underway | undefined): Promise<Underway> {
    return this.applyTogether(events, await this.lookAround(events), before);
  }

  /** Groups that have nothing to do with each other side by side, each in its order. */
  private applyTogether(events: readonly ReadEvent[], around: Surroundings, before?: Underway): Underway {
    const keys = new Set<string>();
    const groups = groupsOf(
      events.map((event) => ({ ...event, keys: keysOf(event, around) })),
      keys,
    );
    if (!before) return { keys, done: this.postGroups(groups, around) };
    const isHeld = (group: readonly ReadEvent[]) =>
      group.some((event) => event.keys.some((key) => before.keys.has(key)));
    const free: ReadEvent[][] = [];
    const held: ReadEvent[][] = [];
    for (const group of groups) (isHeld(group) ? held : free).push(group);
    const behind = before.done.then(() => this.postGroups(held, around));
    return { keys, done: anyOf([this.postGroups(free, around), behind]) };
  }

  private postGroups(groups: readonly ReadEvent[][], around: Surroundings): Promise<boolean> {
    const rowsOf = ({ task }: ReadEvent) => Math.max(1, task.facts.length);
    const short = new Map<number, Portion[][]>();
    const chains: Portion[][][] = [];
    for (const group of groups) {
      let cut = parcels(group, COMMAND_ROWS, rowsOf).map((parcel) => parcel.map(({ task }) => whole(task)));
      // A batch that is applied whole is one command, however large.
      if (cut.length > 1 && group.some(({ task }) => task.group !== null)) cut = [cut.flat()];
      const [parcel] = cut;
      const lane = this.laneOf(group, around);
      const others = short.get(lane);
      if (cut.length > 1 || !parcel) chains.push(cut);
      else if (others) others.push(parcel);
      else short.set(lane, [parcel]);
    }
    const bundles = [...short.values()].flatMap((lane) =>
      parcels(lane, COMMAND_ROWS, (portions) => portions.reduce((sum, { to }) => sum + Math.max(1, to), 0)),
    );
    return anyOf([
      ...bundles.map((bundle) => this.post(bundle.flat(), around)),
      ...chains.map((chain) => this.postChain(chain, around)),
    ]);
  }

  /** Of a batch that is applied whole, complete snapshots with their zeroes. */
  private completed(events: readonly ReadEvent[], around: Surroundings): Promise<ReadEvent[]> {
    return Promise.all(events.map((event) => (isComplete(event) ? this.withZeroes(event, around) : event)));
  }

  private async postChain(chain: readonly Portion[][], around: Surroundings): Promise<boolean> {
    for (const portions of chain) if (await this.post(portions, around)) return true;
    return false;
  }

  /** A snapshot of many rows, in pieces: those that are done stay done whatever happens to the others. */
  private async applyPieces(event: ReadEvent, around: Surroundings): Promise<boolean> {
    const { task: all } = await this.withZeroes(event, around);
    const { length } = all.facts;
    if (length <= PIECE_ROWS) return this.post([whole(all)], around);
    let releases = false;
    for (let from = 0; from < length; from += PIECE_ROWS) {
      const portion = { task: all, from, to: Math.min(length, from + PIECE_ROWS) };
      releases = (await this.post([portion], around)) || releases;
    }
    return releases;
  }

  private async withZeroes(event: ReadEvent, around: Surroundings): Promise<ReadEvent> {
    const { task, events } = event;
    const zeroes = await this.zeroesOf(task, events, around);
    return { ...event, task: { ...task, facts: [...task.facts, ...zeroes] } };
  }

  /** What complete snapshots of an event omit, as figures of 0 (semantics.md 27). */
  private async zeroesOf(task: Task, events: readonly CanonicalEvent[], around: Surroundings): Promise<Fact[]> {
    const zeroes: Fact[] = [];
    const configuration = await this.directory.configuration();
    for (const event of events) {
      if (event.type !== 'stock.snapshot.v1' || !event.data.complete) continue;
      const locationIdOf = (name: string) => configuration.locationNamed(name)?.id;
      const at = event.time ?? task.inbox.receivedAt;
      const owned = locationsOf(event.data)
        .flatMap((name) => locationIdOf(name) ?? [])
        .filter((id) => ownerOf(around.ownerships, 'on_hand', id, at) === task.source.id);
      const listed = await this.backlog.listed(task.source.id, owned, task.inbox.id);
      const omitted = omittedBy(event.data, listed, locationIdOf, (name) => name.sku ?? around.skus.get(nameOf(name)));
      const { basis, nettedUpTo } = event.data;
      for (const { sku, locationId } of omitted) {
        const location = configuration.locationById(locationId)?.code as string;
        const named = { sku, identifier: null, quantity: 0, uom: null, location };
        const data = { ...named, basis, nettedUpTo, lot: null, reference: null };
        zeroes.push(
          ...factsOf(
            { ...event, type: 'stock.counted.v1', data },
            { receivedAt: task.inbox.receivedAt, turn: task.turn },
          ),
        );
      }
    }
    return zeroes;
  }

  /**
   * Posts one command. What the database will not take of it is found by halves and parked, so that it blocks nothing
   * but its own key.
   */
  private async post(portions: readonly Portion[], around: Surroundings): Promise<boolean> {
    try {
      const command = new ApplyCommand(this.book, this.reservationBook, portions, around);
      const { body } = await this.engine.post(command);
      return (body as Applied).releases;
    } catch (error) {
      if (error instanceof Problem) throw new Interrupted(error.message, { cause: error });
      const halves = halvesOf(portions);
      if (halves) {
        const first = await this.post(halves[0], around);
        return (await this.post(halves[1], around)) || first;
      }
      if (portions.every(({ task }) => task.refusal)) throw error;
      const refusal = { kind: 'poisoned', detail: `It could not be applied: ${(error as Error).message}` };
      return this.post(
        portions.map((portion) => ({ ...portion, task: { ...portion.task, refusal } })),
        around,
      );
    }
  }

  /** The mailbox in which commands about the first of these items wait. */
  private laneOf(group: readonly ReadEvent[], around: Surroundings): number {
    const fact = group[0]?.task.facts[0];
    const item = fact && placesOf(fact).item;
    return this.engine.mailboxOf(item ? (item.sku ?? around.skus.get(nameOf(item)) ?? '') : '');
  }

  private async lookAround(events: readonly ReadEvent[]): Promise<Surroundings> {
    const facts = events.flatMap(({ task }) => task.facts);
    const orderRefs = new Set<string>();
    const ids = new Set<string>();
    const references = new Set<string>();
    const identifiers = new Map<string, Identifier>();
    for (const fact of facts) {
      if ('orderRef' in fact) {
        if (fact.reservationId !== null) ids.add(fact.reservationId);
        else if (fact.orderRef !== null) orderRefs.add(fact.orderRef);
      }
      if (fact.kind === 'supply_cancelled') references.add(fact.reference);
      for (const item of itemsIn(fact)) if (item.identifier) identifiers.set(nameOf(item), item.identifier);
    }
    const [ownerships, skus, orders, announced] = await Promise.all([
      this.backlog.ownerships(),
      this.backlog.skusOf([...identifiers.values()]),
      this.backlog.reservationsOf([...orderRefs]),
      this.backlog.announced([...references]),
    ]);
    for (const ofOrder of orders.values()) for (const id of ofOrder) ids.add(id);
    const found = ids.size === 0 ? [] : await this.reservations.findAll([...ids]);
    return { ownerships, skus, orders, announced, reservations: new Map(found.map((each) => [each.id, each])) };
  }

  /** Cancellations that came before their shipments. */
  private async retryShipped(events: readonly ReadEvent[]): Promise<void> {
    const [first] = events;
    const facts = events.flatMap(({ task }) => task.facts);
    const references = facts.flatMap((fact) => (fact.kind === 'shipment' ? [fact.shipmentRef] : []));
    if (first && references.length > 0) await this.backlog.retryShipped(first.task.source.id, references);
  }
}

/** Consecutive events that are applied side by side; what changes the catalogue, and large ones, are apart. */
function runsOf(events: readonly ReadEvent[]): ReadEvent[][] {
  const runs: ReadEvent[][] = [];
  let kind: string | undefined;
  for (const event of events) {
    const update = catalogTaskOf(event);
    const alone = isAlone(event) || update?.isAll === false;
    const next = alone ? `alone ${event.turn}` : update ? 'catalog' : 'stock';
    if (next === kind) runs.at(-1)?.push(event);
    else runs.push([event]);
    kind = next;
  }
  return runs;
}

/**
 * Whether these may be applied beside others before them. For that they look up nothing that those may change, but only
 * what they lock, and what they are about stands in their keys; and nothing that is older may go on because of them.
 */
export function areFree(events: readonly ReadEvent[]): boolean {
  return events.every((event) => {
    const { attempts, exceptionId, group, facts } = event.task;
    if (attempts > 0 || exceptionId !== null || group !== null || isAlone(event)) return false;
    return catalogTaskOf(event) === undefined && facts.every(({ kind }) => FREE.has(kind));
  });
}

/** Not what is about orders, shipments, or anything announced that is called off. */
const FREE: ReadonlySet<Fact['kind']> = new Set(['change', 'figure', 'condition', 'transfer', 'supply', 'fault']);

/** Waits for all, also when one fails; then throws the first failure, or says whether any is true. */
async function anyOf(these: readonly Promise<boolean>[]): Promise<boolean> {
  const settled = await Promise.allSettled(these);
  for (const one of settled) if (one.status === 'rejected') throw one.reason;
  return settled.some((one) => one.status === 'fulfilled' && one.value);
}

/** Of a batch that is to be applied as a whole, nothing is apart. */
function isAlone(event: ReadEvent): boolean {
  return event.task.group === null && (event.task.facts.length > PIECE_ROWS || isComplete(event));
}

function isComplete({ events }: ReadEvent): boolean {
  return events.some((event) => event.type === 'stock.snapshot.v1' && event.data.complete);
}

/** What must be applied one after the other: items, orders, shipments, and what is announced where some is cancelled. */
function keysOf({ task }: ReadEvent, { skus, reservations }: Surroundings): string[] {
  const keys: string[] = task.group === null ? [] : [`together ${task.group}`];
  for (const fact of task.facts) {
    for (const item of itemsIn(fact)) keys.push(`item ${item.sku ?? skus.get(nameOf(item)) ?? nameOf(item)}`);
    if ('orderRef' in fact) {
      const orderRef = fact.orderRef ?? reservations.get(fact.reservationId ?? '')?.orderRef;
      if (orderRef) keys.push(`order ${orderRef}`);
      if (fact.reservationId !== null) keys.push(`reservation ${fact.reservationId}`);
    }
    if ('shipmentRef' in fact) keys.push(`shipment ${fact.shipmentRef}`);
    if (fact.kind === 'supply' || fact.kind === 'supply_cancelled') keys.push(`supply ${fact.reference}`);
    if (fact.kind === 'change' && fact.closes !== null) keys.push(`supply ${fact.closes}`);
  }
  return keys;
}

function itemsIn(fact: Fact) {
  if (fact.kind === 'order_cancelled') return fact.lines?.map(({ item }) => item) ?? [];
  const { item } = placesOf(fact);
  return item ? [item] : [];
}

function whole(task: Task): Portion {
  return { task, from: 0, to: task.facts.length };
}

/** undefined: one row, one event without any, or a batch that is applied whole. */
function halvesOf(portions: readonly Portion[]): [Portion[], Portion[]] | undefined {
  const cut = cutOf(portions);
  if (cut !== undefined) return [portions.slice(0, cut), portions.slice(cut)];
  const [portion] = portions;
  if (!portion || portions.length > 1 || portion.to - portion.from < 2 || portion.task.group !== null) return undefined;
  const between = Math.ceil((portion.from + portion.to) / 2);
  return [[{ ...portion, to: between }], [{ ...portion, from: between }]];
}

/** The place nearest to the middle that parts no batch which is applied whole. */
function cutOf(portions: readonly Portion[]): number | undefined {
  const lastOf = new Map<string, number>();
  for (const [i, { task }] of portions.entries()) if (task.group !== null) lastOf.set(task.group, i);
  const cuts: number[] = [];
  let until = 0;
  for (const [i, { task }] of portions.entries()) {
    if (i > until) cuts.push(i);
    until = Math.max(until, i, lastOf.get(task.group ?? '') ?? 0);
  }
  const off = (cut: number) => Math.abs(cut - portions.length / 2);
  return cuts.sort((a, b) => off(a) - off(b))[0];
}
