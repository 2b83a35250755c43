import { setTimeout as delay } from 'node:timers/promises';
import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import pino from 'pino';
import { CatalogChanges } from '../catalog/catalog.changes.js';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { Applying, Interrupted } from './applying.service.js';
import { BacklogRepository, type WorkingSource } from './backlog.repository.js';
import { EventReader } from './event-reader.service.js';
import { SourceLocks } from './source-locks.repository.js';

/** Events that are taken up at once. 1,000 of the smallest are 2 MB here, and the engine has work for both mailboxes. */
const WINDOW = 1_000;
/** Milliseconds between two looks for what has appeared that parked events were waiting for. */
const LOOK_FOR_FOUND_MS = 1_000;
/** Milliseconds to wait when the engine is too busy or the database away, doubling up to the most. */
const PAUSE_MS = 50;
const PAUSE_MOST_MS = 2_000;
/**
 * Applies what was received, source by source. In all processes together one is at work for a source: it holds an
 * advisory lock of its session, which is gone with it. The lock keeps the order; that each event is applied once is
 * seen to by the rows' own locks, whoever else may be at work.
 */
@Injectable()
export class PostingWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private readonly stopping = new AbortController();
  private readonly working = new Map<number, Promise<void>>();
  private readonly called = new Set<number>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private lookedForFound = Number.NEGATIVE_INFINITY;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly locks: SourceLocks,
    private readonly backlog: BacklogRepository,
    private readonly reader: EventReader,
    private readonly applying: Applying,
    private readonly changes: CatalogChanges,
  ) {
    this.log = pino({ level: config.logLevel, name: 'applying' });
  }

  onApplicationBootstrap(): void {
    // Not awaited: who creates an item need not wait until what was parked for it is applied.
    this.changes.listen(async () => {
      this.lookedForFound = Number.NEGATIVE_INFINITY;
      this.look();
    });
    this.look();
  }

  /** Stops behind the window under way; what is left is for another process, or for after the restart. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.looking;
    await Promise.all(this.working.values());
    await this.locks.end();
  }

  /** Something of this source waits: it is looked at now. */
  wake(sourceId: number): void {
    if (this.stopped || this.config.ingestPollMs === 0) return;
    if (this.working.has(sourceId)) {
      this.called.add(sourceId);
      return;
    }
    const work = this.work(sourceId).finally(() => {
      this.working.delete(sourceId);
      if (this.called.delete(sourceId)) this.wake(sourceId);
    });
    this.working.set(sourceId, work);
  }

  /** Resolves when nothing of this process is under way. */
  async idle(): Promise<void> {
    while (this.working.size > 0) await Promise.all(this.working.values());
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Looks for what another process has received, or left. */
  private look(): void {
    if (this.looking || this.stopped || this.config.ingestPollMs === 0) return;
    clearTimeout(this.timer);
    this.looking = this.lookOnce().finally(() => {
      this.looking = undefined;
      if (!this.stopped) this.timer = setTimeout(() => this.look(), this.config.ingestPollMs).unref();
    });
  }

  private async lookOnce(): Promise<void> {
    try {
      if (performance.now() - this.lookedForFound > LOOK_FOR_FOUND_MS) {
        this.lookedForFound = performance.now();
        await this.backlog.retryFound();
      }
      for (const sourceId of await this.backlog.waitingSources()) this.wake(sourceId);
    } catch (error) {
      this.log.warn({ err: error }, 'events could not be looked for: tried again with the next look');
    }
  }

  /** Applies what there is of a source, unless another process does. Never throws. */
  private async work(sourceId: number): Promise<void> {
    for (let pause = PAUSE_MS; !this.stopped; ) {
      try {
        if (!(await this.locks.take(sourceId))) return;
        try {
          while (!this.stopped && (await this.applyWindow(sourceId))) pause = PAUSE_MS;
          return;
        } finally {
          await this.locks.giveBack(sourceId);
        }
      } catch (error) {
        if (this.stopped) return;
        if (error instanceof Interrupted) this.log.debug({ err: error, source: sourceId }, 'applying waits');
        else this.log.error({ err: error, source: sourceId }, 'applying was interrupted: tried again');
        await delay(pause, undefined, { signal: this.stopping.signal }).catch(() => {});
        pause = Math.min(PAUSE_MOST_MS, pause * 2);
      }
    }
  }

  /** False when nothing waits. */
  private async applyWindow(sourceId: number): Promise<boolean> {
    const [source, rows, waiting] = await Promise.all([
      this.backlog.source(sourceId),
      this.backlog.waitingRows(sourceId, WINDOW),
      this.backlog.window(sourceId, WINDOW),
    ]);
    if (!source || rows.length + waiting.length === 0) return false;
    const read = [
      ...rows.map((row) => this.reader.readRow(source, row)),
      ...(await Promise.all(waiting.map((event) => this.reader.read(source as WorkingSource, event)))),
    ];
    await this.applying.apply(read.sort((a, b) => a.turn - b.turn));
    return true;
  }
}
