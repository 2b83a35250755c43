import { Inject, Injectable } from '@nestjs/common';
import { typeidUnboxed } from 'typeid-js';
import { DataSource } from 'typeorm';
import { CatalogChanges } from '../catalog/catalog.changes.js';
import type { Item } from '../catalog/item.js';
import type { PutItem } from '../catalog/items.dto.js';
import { ItemsBatchRepository } from '../catalog/items-batch.repository.js';
import { ItemsBatch } from '../catalog/items-batch.service.js';
import type { LocationContent } from '../catalog/location.js';
import { LocationsRepository } from '../catalog/locations.repository.js';
import { LocationsService } from '../catalog/locations.service.js';
import { toNumber } from '../catalog/quantity.js';
import { CLOCK, type Clock } from '../config.module.js';
import type { Tx } from '../postgres/connections.js';
import { Problem } from '../problems/problem.js';
import type { Send } from '../stock/command.js';
import { isStale, type Moment } from './absolute-figure.js';
import { finishEvents, putEventsBack } from './applied.repository.js';
import { lockRowExceptions, takeEvents } from './applying.repository.js';
import { INFORMING } from './applying.session.js';
import type { CanonicalEventOf, ItemUpdated } from './canonical-event.js';
import { canonicalJson } from './canonical-writer.js';
import { type CatalogKind, CatalogUpdatesRepository } from './catalog-updates.repository.js';
import {
  closeExceptions,
  insertExceptions,
  keepExceptions,
  type NewException,
  readRefusals,
  readUpdateRows,
} from './exception-writing.repository.js';
import { momentOf } from './fact.js';
import { type Ownership, ownsAnywhere } from './ownership.js';
import { attemptOf, holderOf, isRefusal, type Outcome, type Refusal, type Task, waitsOf } from './task.js';

export type CatalogEvent = CanonicalEventOf<'item.updated.v1'> | CanonicalEventOf<'location.updated.v1'>;

/** An event that changes the catalogue. */
export interface CatalogTask extends Task {
  readonly updates: readonly CatalogEvent[];
  /** It says nothing else: with its updates it is done. */
  readonly isAll: boolean;
}

interface Update {
  readonly task: CatalogTask;
  readonly event: CatalogEvent;
}

/** A location of any channel may be changed: it is no caller's key that asks. */
const EVERYWHERE = { channel: null };

/** Applies what sources say of items and locations: outside the posting engine, in one transaction with their states. */
@Injectable()
export class CatalogUpdates {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: CatalogUpdatesRepository,
    private readonly items: ItemsBatchRepository,
    private readonly batch: ItemsBatch,
    private readonly locations: LocationsService,
    private readonly locationRows: LocationsRepository,
    private readonly changes: CatalogChanges,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** In their order. Only what an event names changes; an older event than the last one about the same is stale. */
  async apply(tasks: readonly CatalogTask[], ownerships: readonly Ownership[]): Promise<void> {
    const changed: { skus: string[]; configuration: boolean } = { skus: [], configuration: false };
    await this.dataSource.transaction(async (tx) => {
      const send: Send = (statement, values) => tx.query(statement.text, values as unknown[]);
      const events = tasks.filter(({ exceptionId }) => exceptionId === null).map((task) => waitsOf(task, task.done));
      const rows = tasks.flatMap(({ exceptionId }) => exceptionId ?? []);
      const waiting = new Set([
        ...(events.length === 0 ? [] : await takeEvents(send, events)),
        ...(rows.length === 0 ? [] : await lockRowExceptions(send, rows)),
      ]);
      const open = tasks.filter((task) => waiting.has(holderOf(task)));
      const outcomes = new Map<Update, Outcome>();
      const updates = open.flatMap((task) => task.updates.map((event): Update => ({ task, event })));
      for (const kind of ['location', 'item'] as const) {
        const mine = updates.filter(({ event }) => kindOf(event) === kind);
        if (mine.length > 0) await this.applyKind(tx, kind, mine, ownerships, outcomes, changed);
      }
      // What else such an event says is applied behind this, in its turn.
      const rest = open.filter(({ isAll }) => !isAll).map((task) => waitsOf(task, task.done));
      if (rest.length > 0) await putEventsBack(send, rest);
      const isWhole = ({ isAll, exceptionId }: CatalogTask) => isAll && exceptionId === null;
      await this.finish(send, open.filter(isWhole), outcomes);
      await this.finishRows(
        send,
        open.filter((task) => !isWhole(task)),
        outcomes,
      );
      if (changed.configuration) await this.locationRows.raiseRevision(tx);
    });
    if (changed.skus.length > 0 || changed.configuration) await this.changes.announce(changed);
  }

  private async applyKind(
    tx: Tx,
    kind: CatalogKind,
    updates: readonly Update[],
    ownerships: readonly Ownership[],
    outcomes: Map<Update, Outcome>,
    changed: { skus: string[]; configuration: boolean },
  ): Promise<void> {
    const { source } = (updates[0] as Update).task;
    const moments = await this.repository.moments(tx, source.id, kind, updates.map(codeOf));
    const fresh = new Map<string, Moment>();
    const due = updates.filter((update) => {
      const { inbox, turn } = update.task;
      const moment = momentOf(update.event, { receivedAt: inbox.receivedAt, turn });
      if (!ownsAnywhere(ownerships, source.id, 'catalog', moment.at)) {
        const detail = `${source.code} does not own the catalogue. Change what it owns, or discard this.`;
        outcomes.set(update, { kind: 'not_owner', detail });
      } else if (isStale(moment, fresh.get(codeOf(update)) ?? moments.get(codeOf(update)))) {
        outcomes.set(update, 'stale');
      } else {
        fresh.set(codeOf(update), moment);
        return true;
      }
      return false;
    });
    const written = kind === 'item' ? await this.putItems(tx, due, changed) : await this.putLocations(tx, due, changed);
    for (const [update, outcome] of written) {
      outcomes.set(update, outcome);
      if (isRefusal(outcome)) fresh.delete(codeOf(update));
    }
    await this.repository.keep(tx, source.id, kind, fresh);
  }

  private async putItems(
    tx: Tx,
    updates: readonly Update[],
    changed: { skus: string[] },
  ): Promise<[Update, Outcome][]> {
    const known = await this.items.find(tx, updates.map(codeOf));
    const bodies = new Map<string, PutItem>();
    const rows: { update: Update; sku: string; body: PutItem }[] = [];
    const refused: [Update, Outcome][] = [];
    for (const update of updates) {
      const { sku, changes } = update.event.data as ItemUpdated;
      const item = known.get(sku);
      const body = merged(bodies.get(sku) ?? (item && !item.deleted ? bodyOf(item) : undefined), changes);
      if (!body) {
        const detail = `There is no item ${sku} yet: one that is new needs name and baseUom.`;
        refused.push([update, { kind: 'unknown_item', detail }]);
        continue;
      }
      bodies.set(sku, body);
      rows.push({ update, sku, body });
    }
    const outcomes = await this.batch.put(tx, rows);
    const written = outcomes.map((outcome, index): [Update, Outcome] => {
      const { update, sku } = rows[index] as (typeof rows)[number];
      if (outcome === 'changed') changed.skus.push(sku);
      return [update, outcome instanceof Problem ? { kind: outcome.code, detail: outcome.detail } : 'applied'];
    });
    return [...refused, ...written];
  }

  private async putLocations(
    tx: Tx,
    updates: readonly Update[],
    changed: { configuration: boolean },
  ): Promise<[Update, Outcome][]> {
    const outcomes: [Update, Outcome][] = [];
    for (const update of updates) {
      const code = codeOf(update);
      const before = await this.locationRows.find(tx, code, null);
      const changes = update.event.data.changes as Partial<LocationContent>;
      const content: Partial<LocationContent> = { ...before, ...changes };
      if (content.name === undefined || content.type === undefined) {
        const detail = `There is no location ${code} yet: one that is new needs name and type.`;
        outcomes.push([update, { kind: 'unknown_location', detail }]);
        continue;
      }
      const { name, type, enabled = true, gln = null, timezone = null } = content;
      const whole = { name, type, enabled, gln, timezone };
      const written = await this.locations.write(tx, EVERYWHERE, code, whole, undefined);
      changed.configuration ||= written.changed;
      outcomes.push([update, 'applied']);
    }
    return outcomes;
  }

  /** Writes what became of the events; of those of which something was refused, why. */
  private async finish(send: Send, tasks: readonly CatalogTask[], outcomes: ReadonlyMap<Update, Outcome>) {
    if (tasks.length === 0) return;
    const now = this.clock();
    const byTask = new Map<CatalogTask, { update: Update; outcome: Outcome }[]>(tasks.map((task) => [task, []]));
    for (const [update, outcome] of outcomes) byTask.get(update.task)?.push({ update, outcome });
    const refusals = new Map<string, { task: CatalogTask; update: Update; refusal: Refusal }>();
    const finished = [...byTask].map(([task, done]) => {
      for (const { update, outcome } of done) {
        if (isRefusal(outcome)) refusals.set(task.inbox.id, { task, update, refusal: outcome });
      }
      const refusal = refusals.get(task.inbox.id)?.refusal;
      const stale = done.every(({ outcome }) => outcome === 'stale');
      const { id, receivedAt } = task.inbox;
      return {
        ...{ id, receivedAt, attempt: attemptOf(task), canonical: task.canonical, profile: task.profile },
        status: refusal ? ('parked' as const) : stale ? ('stale' as const) : ('applied' as const),
        skus: done.flatMap(({ update }) => (kindOf(update.event) === 'item' ? [codeOf(update)] : [])),
        problem: refusal ?? (stale ? { kind: 'stale', detail: 'A newer update came first.' } : null),
      };
    });
    await Promise.all(finishEvents(send, finished, now));
    const retried = tasks.filter(({ attempts }) => attempts > 0).map(({ inbox }) => inbox.id);
    const open = retried.length === 0 ? [] : await readRefusals(send, retried, INFORMING);
    const kept = open.flatMap(({ id, inboxId }) => {
      const refused = refusals.get(inboxId);
      return refused ? [{ id, ...refused.refusal }] : [];
    });
    const over = open.filter(({ inboxId }) => !refusals.has(inboxId)).map(({ id }) => id);
    if (kept.length > 0) await keepExceptions(send, kept, now);
    if (over.length > 0) await closeExceptions(send, over, now);
    for (const { inboxId } of open) refusals.delete(inboxId);
    const opened = [...refusals.values()].map(({ update, refusal }) => exceptionOf(update, refusal, null));
    if (opened.length > 0) await insertExceptions(send, opened, now);
  }

  /**
   * Of events that say other things, too, and so end by those: writes what was refused, as a row that is tried again by
   * itself. Each is opened once, however often its event comes by here.
   */
  private async finishRows(send: Send, tasks: readonly CatalogTask[], outcomes: ReadonlyMap<Update, Outcome>) {
    if (tasks.length === 0) return;
    const now = this.clock();
    const mixed = tasks.flatMap(({ exceptionId, inbox }) => (exceptionId === null ? [inbox.id] : []));
    const before = mixed.length === 0 ? [] : await readUpdateRows(send, mixed);
    const kept: (Refusal & { id: string })[] = [];
    const over: string[] = [];
    const opened: NewException[] = [];
    for (const [update, outcome] of outcomes) {
      const { task } = update;
      if (!tasks.includes(task)) continue;
      const { sku, location } = placeOf(update);
      const same =
        task.exceptionId === null
          ? before.filter((row) => row.inboxId === task.inbox.id && row.sku === sku && row.location === location)
          : [{ id: task.exceptionId, isOpen: true }];
      const open = same.flatMap(({ id, isOpen }) => (isOpen ? [id] : []));
      if (!isRefusal(outcome)) over.push(...open);
      else if (same.length === 0) opened.push(exceptionOf(update, outcome, canonicalJson(update.event)));
      else kept.push(...open.map((id) => ({ id, ...outcome, sku: sku ?? undefined, location: location ?? undefined })));
    }
    if (kept.length > 0) await keepExceptions(send, kept, now);
    if (over.length > 0) await closeExceptions(send, over, now);
    if (opened.length > 0) await insertExceptions(send, opened, now);
  }
}

function kindOf({ type }: CatalogEvent): CatalogKind {
  return type === 'item.updated.v1' ? 'item' : 'location';
}

function codeOf({ event }: Update): string {
  return 'sku' in event.data ? event.data.sku : event.data.location;
}

function placeOf(update: Update): { readonly sku: string | null; readonly location: string | null } {
  const code = codeOf(update);
  return kindOf(update.event) === 'item' ? { sku: code, location: null } : { sku: null, location: code };
}

function exceptionOf(update: Update, refusal: Refusal, fact: unknown): NewException {
  const { source, inbox } = update.task;
  const of = { inboxId: inbox.id, inboxReceivedAt: inbox.receivedAt, eventId: inbox.eventId };
  return {
    ...{ id: typeidUnboxed('exc'), sourceId: source.id, ...of, ...refusal, ...placeOf(update) },
    ...{ affected: null, fact },
  };
}

function bodyOf(item: Item): PutItem {
  const { name, baseUom, fractionDigits, tracked, active, attributes } = item;
  return {
    ...{ name, baseUom, fractionDigits, tracked, active, attributes: { ...attributes } },
    uoms: item.uoms.map(({ code, factor }) => ({ code, factor: toNumber(factor) })),
    identifiers: item.identifiers.map((identifier) => ({ ...identifier })),
  };
}

/** undefined: a new item without what one cannot be without. */
function merged(before: PutItem | undefined, changes: ItemUpdated['changes']): PutItem | undefined {
  const { uoms, identifiers, attributes, ...plain } = changes;
  const { name = before?.name, baseUom = before?.baseUom } = plain;
  if (name === undefined || baseUom === undefined) return undefined;
  return {
    ...{ fractionDigits: 0, tracked: true, active: true, uoms: [], identifiers: [] },
    ...before,
    ...plain,
    ...{ name, baseUom },
    ...(uoms ? { uoms: uoms.map(({ code, factor }) => ({ code, factor: toNumber(factor) })) } : {}),
    ...(identifiers ? { identifiers: identifiers.map((identifier) => ({ ...identifier })) } : {}),
    ...(attributes ? { attributes: { ...attributes } } : {}),
  };
}
