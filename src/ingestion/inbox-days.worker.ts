import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { BacklogRepository } from './backlog.repository.js';
import { dayOf } from './inbox.service.js';
import { ReceivingRepository } from './receiving.repository.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Until then receiving makes its day itself, and a service that starts has better to do. */
const FIRST_LOOK_MS = 10_000;
const DAYS_AHEAD = 3;

/** Makes the days of the inbox before they begin, and drops those that are older than is kept, with what they left. */
@Injectable()
export class InboxDaysWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly repository: ReceivingRepository,
    private readonly backlog: BacklogRepository,
  ) {
    this.log = openLog(config, 'inbox days');
  }

  onApplicationBootstrap(): void {
    this.schedule(FIRST_LOOK_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.working;
  }

  /** Once. Throws what the database throws; a day that could not be dropped is tried again the next time. */
  async look(): Promise<void> {
    const now = this.clock();
    for (let ahead = 0; ahead <= DAYS_AHEAD; ahead += 1) {
      await this.repository.makeDay(dayOf(now + ahead * DAY_MS));
    }
    const before = dayOf(now - this.config.inboxRetentionDays * DAY_MS);
    await this.backlog.forgetDeltas(new Date(now - this.config.inboxRetentionDays * DAY_MS));
    for (const { day, dropped } of await this.repository.dropDays(before)) {
      if (dropped) this.log.info({ day }, 'events of a day dropped');
      else this.log.warn({ day }, 'a day past INBOX_RETENTION_DAYS stays: settle its open exceptions');
    }
  }

  private schedule(afterMs: number): void {
    this.timer = setTimeout(() => {
      this.working = this.look()
        .catch((error) => this.log.warn({ err: error }, 'days of the inbox could not be looked after'))
        .finally(() => {
          if (this.timer !== undefined) this.schedule(HOUR_MS);
        });
    }, afterMs).unref();
  }
}
