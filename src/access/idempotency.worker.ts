import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import type { Clock } from '../config.module.js';
import { CLOCK, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { IdempotencyRepository } from './idempotency.repository.js';

/** A key gives its first answer again for this long (api.md), and until the next purge. */
const REMEMBERED_MS = 24 * 3_600_000;
/** Often, so that each has little to do: at 2,000 reservations a second a minute's keys are 120,000. */
const PURGE_MS = 60_000;
/** Keys that one transaction forgets. */
const PORTION = 10_000;

/** Forgets answers nobody may ask for again. A minute late does no harm: a key is then remembered a minute longer. */
@Injectable()
export class IdempotencyWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private timer: NodeJS.Timeout | undefined;
  private purging: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly dataSource: DataSource,
    private readonly repository: IdempotencyRepository,
  ) {
    this.log = openLog(config, 'idempotency');
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.purging = this.purge().catch((error) => this.log.warn({ err: error }, 'old keys stay until the next purge'));
    }, PURGE_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.purging;
  }

  /** Returns how many keys were forgotten. */
  async purge(): Promise<number> {
    const before = new Date(this.clock() - REMEMBERED_MS);
    let forgotten = 0;
    for (let portion = PORTION; portion === PORTION && !this.stopped; forgotten += portion) {
      portion = await this.repository.purge(this.dataSource.manager, before, PORTION);
    }
    return forgotten;
  }
}
