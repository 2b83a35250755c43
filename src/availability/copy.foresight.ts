import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { FORESEEN_MS } from './availability.repository.js';
import { StockCache } from './stock.cache.js';
import { StockCopy } from './stock.copy.js';
import { StockReader } from './stock.reader.js';

/** Milliseconds between two looks, and how long before it ends what is known of an item is read again: half of what one reading foresees. */
const INTERVAL_MS = 250;
const AHEAD_MS = FORESEEN_MS / 2;
/** Items that are read at once. */
const PARCEL = 50;

/**
 * Reads items at hand before a hold of them expires, so that nobody who asks for one waits for the database: 50 of them take
 * 1.5 ms, as long as one. An item whose hold expires is read twice: before, which tells what will have expired, and
 * behind it, which tells what has (`FORESEEN_MS`). While 10,000 holds of as many items expired, 1,000 readings a second waited
 * 10 ms at p50 and 90 at p99 in that second, and 1.3 and 13 with this.
 */
@Injectable()
export class CopyForesight implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly copy: StockCopy,
    private readonly cache: StockCache,
    private readonly reader: StockReader,
  ) {
    this.log = openLog(config, 'foresight');
  }

  onApplicationBootstrap(): void {
    this.schedule();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
  }

  /** One look. */
  async foresee(): Promise<void> {
    const ids = this.copy.endingBefore(this.clock() + AHEAD_MS);
    for (let from = 0; from < ids.length && !this.stopped; from += PARCEL) {
      const { losses } = this.cache;
      const { state } = await this.reader.read(ids.slice(from, from + PARCEL));
      // Of another database than the one before, it empties the copy. The entries of Redis hold until their holds expire.
      await this.cache.fill(state, [], losses);
    }
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.looking = this.look().finally(() => this.schedule());
    }, INTERVAL_MS).unref();
  }

  private async look(): Promise<void> {
    try {
      await this.foresee();
    } catch (error) {
      this.log.warn({ err: error }, 'items could not be read before their holds expire: whoever asks for one reads it');
    }
  }
}
