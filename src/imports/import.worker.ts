import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { MOST_ROWS } from '../ingestion/canonical-reader.js';
import { openLog } from '../log.js';
import { Problem } from '../problems/problem.js';
import { Batches, completeFile, LEASE_MS, LeaseLost } from './batch.service.js';
import { requireOneEvent } from './complete-file.js';
import { MOST_ATOMIC_ROWS, type Row } from './import.js';
import { type Claimed, ImportsRepository } from './imports.repository.js';
import { faultOf, readRows } from './rows.reader.js';
import { Spool } from './spool.service.js';

/** Rows of one transaction. Levels go in at 2,000, 5,400 and 4,600 a second with 100, 500 and 2,000 (two busy cores). */
const BATCH_ROWS = 500;
const BATCH_BYTES = 1024 * 1024;
/** Milliseconds between two looks for imports that another process has accepted, or left. */
const INTERVAL_MS = 1_000;
/** How often a batch is tried when the database is busy or away, and how long between, in milliseconds, doubling. */
const TRIES = 8;
const PAUSE_MS = 50;
/** An import that was taken up so often without a row accounted for is given up: it may be what ends its workers. */
const MOST_ATTEMPTS = 5;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long ended imports and their failures can be read. */
const KEPT_MS = 30 * DAY_MS;

/**
 * Applies what was accepted, one import at a time in each process. Any process takes up any import, also one whose
 * worker is gone, at the row it had reached.
 */
@Injectable()
export class ImportWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  /** An import was accepted while the worker was looking: it looks again at once. */
  private called = false;
  private purgedAt = Number.NEGATIVE_INFINITY;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly dataSource: DataSource,
    private readonly repository: ImportsRepository,
    private readonly spool: Spool,
    private readonly batches: Batches,
  ) {
    this.log = openLog(config, 'imports');
  }

  onApplicationBootstrap(): void {
    this.wake();
  }

  /** Stops behind the batch under way; what is left of the import is for another process, or for after the restart. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.working;
  }

  /** Looks for work now. */
  wake(): void {
    this.called = true;
    if (this.working || this.stopped) return;
    clearTimeout(this.timer);
    this.working = this.look().finally(() => {
      this.working = undefined;
      if (!this.stopped) this.timer = setTimeout(() => this.wake(), INTERVAL_MS).unref();
    });
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async look(): Promise<void> {
    try {
      while (this.called && !this.stopped) {
        this.called = false;
        while (!this.stopped && (await this.workOff()));
      }
      if (!this.stopped && this.clock() - this.purgedAt > HOUR_MS) await this.purge();
    } catch (error) {
      this.log.warn({ err: error }, 'imports could not be looked for: tried again with the next look');
    }
  }

  /** False if there was none to take up. */
  private async workOff(): Promise<boolean> {
    const now = this.clock();
    const until = new Date(now + LEASE_MS);
    const claimed = await this.repository.claim(this.dataSource.manager, randomUUID(), new Date(now), until);
    if (!claimed) return false;
    try {
      await this.run(claimed);
    } catch (error) {
      if (error instanceof LeaseLost) {
        this.log.warn({ import: claimed.id }, 'another worker has the import');
        return true;
      }
      if (!this.stopped) this.log.error({ err: error, import: claimed.id }, 'import interrupted');
      await this.repository.release(this.dataSource.manager, claimed, this.stopped);
    }
    return true;
  }

  /** Throws when it cannot go on now; it is then taken up again. */
  private async run(claimed: Claimed): Promise<void> {
    if (claimed.attempts > MOST_ATTEMPTS) {
      const detail = 'The import was interrupted too often without getting on. What it has applied stays.';
      return this.batches.end(claimed, { code: 'internal_error', detail });
    }
    const rows = readRows(claimed, this.spool.open(claimed.id), claimed.reached);
    try {
      if (claimed.atomic) return await this.runWhole(claimed, rows);
      for await (const batch of batched(claimed.reached.byte, rows)) {
        this.stopping.signal.throwIfAborted();
        await this.apply(claimed, batch);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return this.batches.end(claimed, faultOf(error)); // of the body: those of batches are dealt with
    }
    await this.batches.end(claimed, null);
  }

  private async runWhole(claimed: Claimed, rows: AsyncIterable<Row>): Promise<void> {
    const all: Row[] = [];
    const file = completeFile(claimed);
    const most = file ? MOST_ROWS : MOST_ATOMIC_ROWS;
    for await (const row of rows) {
      all.push(row);
      if (all.length > most) {
        const detail = file
          ? `A complete file takes at most ${most} rows. Leave out what is 0: what the file does not name is set to 0.`
          : `With atomic=true an import takes at most ${most} rows. Split it, or leave atomic out.`;
        throw new Problem('payload_too_large', detail);
      }
    }
    if (file) requireOneEvent(file, all);
    await this.patiently(claimed, () => this.batches.applyWhole(claimed, all));
  }

  /** What the database refuses of a batch is found by halves, so that one row takes no other with it. */
  private async apply(claimed: Claimed, rows: readonly Row[]): Promise<void> {
    try {
      await this.patiently(claimed, () => this.batches.apply(claimed, rows));
    } catch (error) {
      if (!isRefusedData(error)) throw error;
      this.log.error(
        { err: error, import: claimed.id, rows: rows.length },
        'the database refuses rows that our rules let pass',
      );
      const [first] = rows;
      if (rows.length === 1 && first) return this.batches.giveUp(claimed, first);
      const middle = Math.ceil(rows.length / 2);
      await this.apply(claimed, rows.slice(0, middle));
      await this.apply(claimed, rows.slice(middle));
    }
  }

  /** Tries again what failed because others were at work, or because the database was away for a moment. */
  private async patiently(claimed: Claimed, work: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof LeaseLost || isRefusedData(error)) throw error;
        // Not as it came: a Problem of ours, such as `overloaded`, says nothing of the body.
        if (tries === TRIES) throw new Error('A batch could not be applied.', { cause: error });
        this.log.debug({ err: error, import: claimed.id }, 'batch tried again');
      }
      await delay(PAUSE_MS * 2 ** tries, undefined, { signal: this.stopping.signal });
      const until = new Date(this.clock() + LEASE_MS);
      const mine = await this.repository.renew(this.dataSource.manager, claimed, until).catch(() => true);
      if (!mine) throw new LeaseLost();
    }
  }

  private async purge(): Promise<void> {
    const now = this.clock();
    await this.repository.purge(this.dataSource.manager, new Date(now - KEPT_MS), new Date(now - DAY_MS));
    this.purgedAt = now;
  }
}

async function* batched(from: number, rows: AsyncIterable<Row>): AsyncGenerator<Row[]> {
  let batch: Row[] = [];
  let start = from;
  for await (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH_ROWS && row.end.byte - start < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    start = row.end.byte;
  }
  if (batch.length > 0) yield batch;
}

/** SQLSTATE classes 22 and 23: data that a type or a constraint does not take. Trying again would not help. */
function isRefusedData(error: unknown): boolean {
  return /^2[23]/.test((error as { code?: string }).code ?? '');
}
