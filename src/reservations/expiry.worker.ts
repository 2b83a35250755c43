import { setTimeout as delay } from 'node:timers/promises';
import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { ReservationsService, SWEEP } from './reservations.service.js';

/**
 * Holds that are looked up at once, and milliseconds of rest for each of them: 10,000 that expire in one second are let go of in 35
 * seconds, and readings meanwhile wait 7 ms at p99, 4 to 11 before, on two cores that the database and who asks share. By ten at once, of
 * which each mailbox has two or three, their transactions took 14 seconds instead of 5; by 50 with rests as long as these took, all was
 * done in 3 to 5 seconds, with 9 to 30 ms.
 */
const CALM = 40;
const REST_MS = 3;
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
      let hurries = false;
      const rest = async (late: number, took: number, holds: number) => {
        hurries = late > PATIENCE_MS;
        await delay(hurries ? took : Math.max(took, holds * REST_MS));
      };
      for (let goesOn = true; goesOn && !this.stopped; ) {
        const most = hurries ? SWEEP : CALM;
        const looked = await this.reservations.sweep(most, rest);
        released += looked;
        goesOn = looked === most;
      }
      if (released > 0) this.log.debug({ released }, 'expired holds let go');
    } catch (error) {
      this.log.warn({ err: error }, 'expired holds could not be let go: tried again with the next look');
    }
  }
}
