import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CatalogChanges } from '../catalog/catalog.changes.js';
import { ItemsBatch, type Outcome } from '../catalog/items-batch.service.js';
import { readLocation } from '../catalog/locations.dto.js';
import { LocationsRepository } from '../catalog/locations.repository.js';
import { LocationsService } from '../catalog/locations.service.js';
import { CLOCK, type Clock } from '../config.module.js';
import { eventOf, eventsIn } from '../ingestion/arriving-event.js';
import { Inbox } from '../ingestion/inbox.service.js';
import type { Delivery } from '../ingestion/inbox-event.js';
import { KnownProfiles } from '../ingestion/known-profiles.service.js';
import type { Tx } from '../postgres/connections.js';
import { requireShallow } from '../problems/nesting.js';
import { Problem } from '../problems/problem.js';
import { validationPipe } from '../problems/validation.pipe.js';
import { PostingEngine } from '../stock/posting.engine.js';
import { StockService } from '../stock/stock.service.js';
import { type CompleteFile, snapshotOf } from './complete-file.js';
import type { AppliedKind, Failure, Fault, Format, Kind, Result, Row } from './import.js';
import { type Claimed, type EventSource, ImportsRepository } from './imports.repository.js';
import { SetLevelsCommand } from './level.commands.js';
import { ItemRow, LevelRow, LocationRow } from './row.dto.js';
import { faultOf } from './rows.reader.js';

/** How long a worker may be silent before another takes its import over. A batch takes well under a second. */
export const LEASE_MS = 60_000;

const SHAPES: Readonly<Record<AppliedKind, new () => object>> = {
  items: ItemRow,
  locations: LocationRow,
  levels: LevelRow,
};

/** As they are kept with an event: a row of a CSV is made one of JSON. */
const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  csv: 'application/json',
  ndjson: 'application/json',
  x12: 'application/edi-x12',
  edifact: 'application/edifact',
};

/** Another worker has the import by now. */
export class LeaseLost extends Error {}

/** All or none, and there are failures: rolls back what the batch has written. */
class Refused extends Error {
  constructor(readonly failures: readonly Failure[]) {
    super('an atomic import with rows that fail');
  }
}

/** Rows to apply in one transaction. */
interface Batch {
  readonly claimed: Claimed;
  /** The rows that have the shape of their kind, each as an instance of its class. */
  readonly sound: readonly { readonly line: number; readonly row: object }[];
  /** Those that do not. */
  readonly failures: readonly Failure[];
  /** The first and the last line, which name the batch. */
  readonly lines: string;
  /** Notes what became of all rows, in the transaction that it became so, or behind it where a repetition is harmless. */
  readonly save: (tx: Tx, result: Result) => Promise<void>;
}

/** Applies rows by the rules of the single calls, and notes how far the import is. */
@Injectable()
export class Batches {
  private readonly pipe = validationPipe();

  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ImportsRepository,
    private readonly items: ItemsBatch,
    private readonly locations: LocationsService,
    private readonly locationsRepository: LocationsRepository,
    private readonly changes: CatalogChanges,
    private readonly engine: PostingEngine,
    private readonly stock: StockService,
    private readonly inbox: Inbox,
    private readonly profiles: KnownProfiles,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Each row on its own: those that fail are noted, the others applied. Throws `LeaseLost`. */
  async apply(claimed: Claimed, rows: readonly Row[]): Promise<void> {
    await this.write(claimed, rows, (tx, result) => this.advance(tx, claimed, rows, result));
  }

  /** The whole import at once, all rows or none, and ends it. Throws `LeaseLost`. */
  async applyWhole(claimed: Claimed, rows: readonly Row[]): Promise<void> {
    try {
      await this.write(claimed, rows, async (tx, result) => {
        if (result.failures.length > 0) throw new Refused(result.failures);
        await this.advance(tx, claimed, rows, result);
        await this.finish(tx, claimed, null);
      });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { failures } = error;
      const detail = `${failures.length} of ${rows.length} rows cannot be applied, so none was. Correct them, and send all again.`;
      await this.dataSource.transaction(async (tx) => {
        await this.advance(tx, claimed, rows, { applied: 0, unchanged: 0, failures });
        await this.finish(tx, claimed, { code: 'validation_failed', detail });
      });
    }
  }

  /** Passes over a row that none of our rules refuses and the database does. Throws `LeaseLost`. */
  async giveUp(claimed: Claimed, row: Row): Promise<void> {
    const detail = 'The row could not be applied, for a reason on our side. The others are not touched by it.';
    const failures = [{ line: row.line, code: 'internal_error', detail }];
    const result = { applied: 0, unchanged: 0, failures };
    await this.dataSource.transaction((tx) => this.advance(tx, claimed, [row], result));
  }

  /** Ends an import whose rows are all accounted for, or with `problem` one that cannot go on. Throws `LeaseLost`. */
  async end(claimed: Claimed, problem: Fault | null): Promise<void> {
    await this.dataSource.transaction((tx) => this.finish(tx, claimed, problem));
  }

  private async write(claimed: Claimed, rows: readonly Row[], save: Batch['save']): Promise<void> {
    const lines = `${rows[0]?.line}-${rows.at(-1)?.line}`;
    const { kind } = claimed;
    const judged = kind === 'events' ? readable(rows) : await this.judge(kind, rows);
    const batch: Batch = { claimed, lines, save, ...judged };
    const writers: Record<Kind, (batch: Batch) => Promise<void>> = {
      items: (items) => this.writeItems(items),
      locations: (locations) => this.writeLocations(locations),
      levels: (levels) => this.writeLevels(levels),
      events: (events) => this.writeEvents(events),
    };
    await writers[kind](batch);
  }

  /** Which rows have the shape of their kind. What they name is looked for when they are applied. */
  private async judge(kind: AppliedKind, rows: readonly Row[]): Promise<Pick<Batch, 'sound' | 'failures'>> {
    const sound: { line: number; row: object }[] = [];
    const failures: Failure[] = [];
    for (const { line, values, fault } of rows) {
      if (fault) {
        failures.push({ line, ...fault });
        continue;
      }
      try {
        requireShallow(values);
        sound.push({ line, row: await this.pipe.transform(values, { type: 'body', metatype: SHAPES[kind] }) });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        failures.push({ line, ...faultOf(error) });
      }
    }
    return { sound, failures };
  }

  private async writeItems(batch: Batch): Promise<void> {
    const rows = batch.sound.map(({ row }) => ({ sku: (row as ItemRow).sku, body: row as ItemRow }));
    const outcomes = await this.dataSource.transaction(async (tx) => {
      const outcomes = await this.items.put(tx, rows);
      await batch.save(tx, resultOf(batch, outcomes));
      return outcomes;
    });
    const skus = rows.filter((_, i) => outcomes[i] === 'changed').map(({ sku }) => sku);
    if (skus.length > 0) await this.changes.announce({ skus });
  }

  private async writeLocations(batch: Batch): Promise<void> {
    const caller = { ...batch.claimed.owner, scopes: new Set(['catalog:write'] as const) };
    const configuration = await this.dataSource.transaction(async (tx) => {
      const outcomes: Outcome[] = [];
      for (const { row } of batch.sound) {
        const { code, ...body } = row as LocationRow;
        outcomes.push(
          await this.writeLocation(() => this.locations.write(tx, caller, code, readLocation(body), undefined)),
        );
      }
      await batch.save(tx, resultOf(batch, outcomes));
      const changed = outcomes.includes('changed');
      if (changed) await this.locationsRepository.raiseRevision(tx);
      return changed;
    });
    if (configuration) await this.changes.announce({ configuration });
  }

  /** What refuses a location does so before anything of it is written. */
  private async writeLocation(write: () => Promise<{ changed: boolean }>): Promise<Outcome> {
    try {
      return (await write()).changed ? 'changed' : 'unchanged';
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  }

  /**
   * The engine has connections of its own, so progress follows in a second transaction. A crash between them is
   * harmless: the batch bears an intent, and the engine answers its repetition with the first result.
   */
  private async writeLevels(batch: Batch): Promise<void> {
    const { id, owner, atomic } = batch.claimed;
    let result: Result = { applied: 0, unchanged: 0, failures: [] };
    if (batch.sound.length > 0) {
      const key = `~${id}:${batch.lines}`;
      const intent = { clientId: owner.clientId, key, fingerprint: createHash('sha256').update(key).digest() };
      const levels = batch.sound.map(({ line, row }) => ({ reference: id, ...(row as LevelRow), line }));
      const mode = { atomic, rehearsal: atomic && batch.failures.length > 0 };
      const codes = [...new Set(levels.map(({ location }) => location))];
      const mayUse = await this.stock.locationsOf(owner, codes);
      const answer = await this.engine.post(new SetLevelsCommand(intent, owner.keyId, levels, mode, mayUse));
      result = answer.body as Result;
    }
    const failures = [...batch.failures, ...result.failures];
    await this.dataSource.transaction((tx) => batch.save(tx, { ...result, failures }));
  }

  /**
   * Into the inbox, where what was there before is a duplicate: so a batch may be repeated, and progress may follow.
   * `applied` then means kept: what becomes of an event stands with the event.
   */
  private async writeEvents(batch: Batch): Promise<void> {
    const { claimed, sound, failures } = batch;
    const source = claimed.source as EventSource;
    const file = completeFile(claimed);
    if (file) return this.writeSnapshot(batch, source, file);
    const profile = await this.profiles.find(source.profile);
    const delivery = this.deliveryOf(claimed, source);
    const events = sound.flatMap(({ line, row }) => {
      const slice = 'slice' in row ? (row.slice as Buffer) : countOf(claimed.id, source, line, row);
      const slices = eventsIn(profile, slice);
      return slices.map((each, index) => ({
        line,
        event: eventOf(profile, each, delivery, { index, of: slices.length, line }),
      }));
    });
    const accepted = await this.inbox.accept(events.map(({ event }) => event));
    const rejected = new Map(
      accepted.flatMap(({ problem }, i) => (problem ? [[events[i]?.line, problem] as const] : [])),
    );
    const fresh = new Set(accepted.flatMap(({ status }, i) => (status === 'duplicate' ? [] : [events[i]?.line])));
    const result = {
      applied: sound.length - rejected.size,
      unchanged: sound.filter(({ line }) => !fresh.has(line)).length,
      failures: [
        ...failures,
        ...sound.flatMap(({ line }): Failure[] => {
          const problem = rejected.get(line);
          return problem ? [{ line, code: problem.code, detail: problem.detail }] : [];
        }),
      ],
    };
    await this.dataSource.transaction((tx) => batch.save(tx, result));
  }

  /** All rows as one event, or none of them. */
  private async writeSnapshot(batch: Batch, source: EventSource, file: CompleteFile): Promise<void> {
    const { claimed, sound, failures, save } = batch;
    const profile = await this.profiles.find(source.profile);
    const snapshot = snapshotOf(file, sound);
    const wrong = [...failures, ...snapshot.failures];
    let unchanged = 0;
    if (wrong.length === 0) {
      const event = eventOf(profile, snapshot.event, this.deliveryOf(claimed, source), { index: 0, of: 1 });
      const [accepted] = await this.inbox.accept([event]);
      if (accepted?.status === 'duplicate') unchanged = sound.length;
    }
    await this.dataSource.transaction((tx) => save(tx, { applied: sound.length, unchanged, failures: wrong }));
  }

  private deliveryOf({ id, format, owner, traceparent }: Claimed, source: EventSource): Delivery {
    return {
      sourceId: source.id,
      receivedAt: this.clock(),
      contentType: CONTENT_TYPES[format],
      headers: null,
      proof: { scheme: 'key', keyId: owner.keyId },
      traceparent,
      requestId: id,
      batch: null,
      importId: id,
    };
  }

  private async advance(tx: Tx, claimed: Claimed, rows: readonly Row[], result: Result): Promise<void> {
    const reached = rows.at(-1)?.end ?? claimed.reached;
    const until = new Date(this.clock() + LEASE_MS);
    const mine = await this.repository.advance(tx, claimed, { reached, rows: rows.length, ...result }, until);
    if (!mine) throw new LeaseLost();
    await this.repository.insertFailures(tx, claimed.id, result.failures);
  }

  private async finish(tx: Tx, claimed: Claimed, problem: Fault | null): Promise<void> {
    if (!(await this.repository.finish(tx, claimed, problem, new Date(this.clock())))) throw new LeaseLost();
    await this.repository.deletePieces(tx, claimed.id);
  }
}

/** undefined: it is none. */
export function completeFile({ id, source }: Claimed): CompleteFile | undefined {
  if (source === null || source.completeAt === null) return undefined;
  return { importId: id, source: source.code, location: source.completeAt, asOf: source.asOf };
}

/** What could be read; whether it is an event is found out in the inbox. */
function readable(rows: readonly Row[]): Pick<Batch, 'sound' | 'failures'> {
  return {
    sound: rows.flatMap(({ line, values }) => (values === undefined ? [] : [{ line, row: values as object }])),
    failures: rows.flatMap(({ line, fault }) => (fault ? [{ line, ...fault }] : [])),
  };
}

/** A row of a CSV of levels as the event that says so. */
function countOf(importId: string, { code, asOf }: EventSource, line: number, data: object): Buffer {
  const event = {
    specversion: '1.0',
    id: `${importId}:${line}`,
    source: code,
    type: 'stock.counted.v1',
    time: asOf,
    data,
  };
  return Buffer.from(JSON.stringify(event));
}

/** Counts the outcomes of the sound rows, in their order, and adds the failures to those of the others. */
function resultOf({ sound, failures }: Batch, outcomes: readonly Outcome[]): Result {
  const refused = outcomes.flatMap((outcome, i) =>
    outcome instanceof Problem ? [{ line: sound[i]?.line as number, ...faultOf(outcome) }] : [],
  );
  return {
    applied: outcomes.length - refused.length,
    unchanged: outcomes.filter((outcome) => outcome === 'unchanged').length,
    failures: [...failures, ...refused],
  };
}
