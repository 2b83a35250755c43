import { setTimeout as delay } from 'node:timers/promises';
import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import { CatalogChanges } from '../catalog/catalog.changes.js';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { Applying, areFree, Interrupted, type Underway } from './applying.service.js';
import { BacklogRepository } from './backlog.repository.js';
import { EventReader, type ReadEvent } from './event-reader.service.js';
import { SourceLocks } from './source-locks.repository.js';

/**
 * What is taken up at once. 2,000 of the smallest events are 4 MB here, and the engine has two batches for each mailbox:
 * while the database works on one, the next is decided here. Of large ones, payloads of 4 MB and what crosses that:
 * read, they take a multiple, and up to three windows are here at a time.
 */
const WINDOW = { events: 2_000, bytes: 4_000_000 } as const;
/** A turn that no event has: they count from 1. */
const BEFORE_ALL = 0;
/** Milliseconds between two looks for what has appeared that parked events were waiting for. */
const LOOK_FOR_FOUND_MS = 1_000;
/**
 * Milliseconds to wait when another process has the source, the engine is too busy or the database away; for the latter
 * two doubling up to the most.
 */
const PAUSE_MS = 50;
const PAUSE_MOST_MS = 2_000;
/** Events that were taken up together. */
interface Window {
  readonly events: readonly ReadEvent[];
  /** More may follow. */
  readonly isFull: boolean;
  /** They may be applied beside free ones before them. */
  readonly isFree: boolean;
  /** The turn of the last. */
  readonly upTo: number;
}

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
    this.log = openLog(config, 'applying');
  }

  onApplicationBootstrap(): void {
    // Not awaited: who creates an item need not wait until what was parked for it is applied.
    this.changes.listen(async ({ skus = [] }) => void this.lookForRepaired(skus));
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

  /** The items were changed, or (none) channels and locations. Also where another process applies. */
  private async lookForRepaired(skus: readonly string[]): Promise<void> {
    try {
      if (skus.length > 0) await this.backlog.retryMeasured(skus);
    } catch (error) {
      this.log.warn({ err: error }, 'what was parked for its unit is not tried again by itself');
    }
    this.lookedForFound = Number.NEGATIVE_INFINITY;
    this.look();
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
        if (!(await this.locks.take(sourceId))) {
          // Whoever has it applies what comes meanwhile. Without a pause, each batch that is received would ask again.
          await delay(PAUSE_MS, undefined, { signal: this.stopping.signal }).catch(() => {});
          return;
        }
        try {
          await this.drain(sourceId, () => {
            pause = PAUSE_MS;
          });
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

  /**
   * Window after window until nothing waits. While the database applies one, the next is read and mapped, and where
   * both are free the next begins: else database and service would wait for each other at every end of one.
   */
  private async drain(sourceId: number, onApplied: () => void): Promise<void> {
    let window = await this.readWindow(sourceId, BEFORE_ALL);
    let before: Underway | undefined;
    try {
      while (!this.stopped && window.events.length > 0) {
        const ahead = window.isFull ? this.readWindow(sourceId, window.upTo) : undefined;
        ahead?.catch(() => {}); // heard below
        let releases = false;
        if (window.isFree) {
          const last = before;
          before = await this.applying.applyBeside(window.events, last);
          before.done.catch(() => {}); // heard below, or with the next
          if (last) {
            await last.done;
            onApplied();
          }
        } else {
          releases = await this.applying.apply(window.events);
          onApplied();
        }
        const next = await ahead;
        const isNext = next !== undefined && !releases && next.events.length > 0;
        if (before && !(isNext && next.isFree)) {
          await before.done;
          before = undefined;
          onApplied();
        }
        // What was parked and may go on is older than what was read ahead; behind the last full window it is looked for, too.
        window = isNext ? next : await this.readWindow(sourceId, BEFORE_ALL);
      }
    } finally {
      // Also when one fails: of a source nothing is under way when it is given back.
      await before?.done.catch(() => {});
    }
  }

  private async readWindow(sourceId: number, behind: number): Promise<Window> {
    const [source, rows, waiting] = await Promise.all([
      this.backlog.source(sourceId),
      behind === BEFORE_ALL ? this.backlog.waitingRows(sourceId, WINDOW.events) : [],
      this.backlog.window(sourceId, behind, WINDOW),
    ]);
    if (!source) return { events: [], isFull: false, isFree: false, upTo: behind };
    const read = await this.reader.readAll(source, waiting.events);
    const events = [...rows.map((row) => this.reader.readRow(source, row)), ...read];
    if (rows.length > 0) events.sort((a, b) => a.turn - b.turn);
    const upTo = waiting.events.at(-1)?.turn ?? behind;
    return { events, isFull: waiting.isFull, isFree: areFree(events), upTo };
  }
}
