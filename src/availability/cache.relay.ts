import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import type { Config } from '../config.js';
import type { Clock } from '../config.module.js';
import { CLOCK, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { AvailabilityRepository, Notice } from './availability.repository.js';
import { ENTRY_TTL_MS, StockCache } from './stock.cache.js';

/** Milliseconds between two looks at the change notices. With the age below: an entry is never behind for a second. */
const INTERVAL_MS = 250;
/** A notice younger than this is left to the process that wrote it: it publishes right behind its commit. */
const SETTLED_MS = 200;
const BATCH = 2_000;

/**
 * Makes sure that what was committed is in the cache, also when the process that committed it died before it could
 * say so. Reads an item again only where Redis does not have its version.
 */
@Injectable()
export class CacheRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly repository: AvailabilityRepository,
    private readonly cache: StockCache,
  ) {
    this.log = openLog(config, 'relay');
  }

  onApplicationBootstrap(): void {
    this.running = this.look().finally(() => this.schedule());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /**
   * One look. Returns how many notices it has seen to. They go only when the cache is known to have them: who cannot
   * look leaves them to the next look, or to a process that can, until no entry can be as old as they are.
   */
  async relay(): Promise<number> {
    const { present, losses, trusted } = this.cache;
    // Before it is trusted all count, also what another's clock has written ahead of ours: who committed a moment ago may not
    // have been able to say so.
    const settled = new Date(this.clock() - (present ? SETTLED_MS : ENTRY_TTL_MS));
    const notices = await this.repository.notices(present && !trusted ? null : settled, BATCH);
    if (present) {
      if (!(await this.bringUpToDate(notices, losses))) {
        this.cache.distrust();
        return 0;
      }
      if (notices.length < BATCH) this.cache.trust(losses);
    }
    if (notices.length > 0) await this.repository.removeNotices(notices);
    return notices.length;
  }

  private async bringUpToDate(notices: readonly Notice[], losses: number): Promise<boolean> {
    const behind = await this.cache.behind(notices);
    if (behind === undefined) return false;
    const ofItems = behind.filter(({ locationId }) => locationId === null);
    const told = await this.cache.tellRevisions(ofItems.map(({ itemId, version: revision }) => ({ itemId, revision })));
    const ids = new Set(behind.filter(({ locationId }) => locationId !== null).map(({ itemId }) => itemId));
    if (!told || ids.size === 0) return told;
    const { state, items } = await this.repository.read([...ids], this.clock());
    return this.cache.fill(state, items.values(), losses);
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.look().finally(() => this.schedule());
    }, INTERVAL_MS).unref();
  }

  private async look(): Promise<void> {
    try {
      await this.cache.followFailover();
      while (!this.stopped && (await this.relay()) === BATCH);
    } catch (error) {
      this.log.warn({ err: error }, 'change notices could not be read: tried again with the next look');
    }
  }
}
