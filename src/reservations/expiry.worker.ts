import { setTimeout as delay } from 'node:timers/promises';
import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { ReservationsService, SWEEP } from './reservations.service.js';

/**
 * Milliseconds behind each portion in which nothing is swept: with two mailboxes, 10,000 holds that expire in one second are let go
 * of in 15 s. With rests as long as the portions it took 3 to 5 s, and readings waited 9 ms at p99 meanwhile instead of 3 to 5.
 */
const REST_MS = 30;
/** From when on the sweeper hurries, in milliseconds that the oldest hold is late: then half of the time is left to others. */
const PATIENCE_MS = 60_000;

/**
 * Lets go of expired holds on positions that nobody asks for. Nothing depends on it being on time: an expired hold is
 * ignored by every answer from the instant of its expiry (semantics.md 16).
 */
@Injectable()
export class ExpiryWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly reservations: ReservationsService,
  ) {
    this.log = openLog(config, 'expiry');
  }

  onApplicationBootstrap(): void {
    this.schedule();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.sweeping;
  }

  private schedule(): void {
    if (this.stopped || this.config.expirySweepMs === 0) return;
    this.timer = setTimeout(() => {
      this.sweeping = this.sweep().finally(() => this.schedule());
    }, this.config.expirySweepMs).unref();
  }

  private async sweep(): Promise<void> {
    try {
      let released = 0;
      for (let looked = SWEEP; looked === SWEEP && !this.stopped; ) {
        looked = await this.reservations.sweep(rest);
        released += looked;
      }
      if (released > 0) this.log.debug({ released }, 'expired holds let go');
    } catch (error) {
      this.log.warn({ err: error }, 'expired holds could not be let go: tried again with the next look');
    }
  }
}

/** Behind a portion that `took` so long, while the oldest hold is so `late`, both in milliseconds. */
async function rest(late: number, took: number): Promise<void> {
  await delay(late > PATIENCE_MS ? took : Math.max(took, REST_MS));
}
