import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import type { Clock } from '../config.module.js';
import { CLOCK, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { IdempotencyRepository } from './idempotency.repository.js';

const HOUR_MS = 3_600_000;
/** A key gives its first answer again for this long (api.md), and until the next purge. */
const REMEMBERED_MS = 24 * HOUR_MS;

/** Forgets answers nobody may ask for again. An hour late does no harm: a key is then remembered an hour longer. */
@Injectable()
export class IdempotencyWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private timer: NodeJS.Timeout | undefined;
  private purging: Promise<unknown> = Promise.resolve();

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
    }, HOUR_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.purging;
  }

  /** Returns how many keys were forgotten. */
  async purge(): Promise<number> {
    return this.repository.purge(this.dataSource.manager, new Date(this.clock() - REMEMBERED_MS));
  }
}
