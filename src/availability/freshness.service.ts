import { Injectable } from '@nestjs/common';
import { type Budget, NOBODY_SILENT, type Silence, type SilenceNow, silenceAt } from './freshness.js';

/**
 * Which locations' figures have gone stale, by a table that the feature fills which knows the sources. One comparison
 * a question while nothing changes.
 */
@Injectable()
export class Freshness {
  private budgets: ReadonlyMap<number, Budget> = new Map();
  private now: SilenceNow = {
    silent: NOBODY_SILENT,
    from: Number.NEGATIVE_INFINITY,
    until: Number.POSITIVE_INFINITY,
  };

  /** By location; a location that is missing never goes stale. */
  set(budgets: ReadonlyMap<number, Budget>): void {
    this.budgets = budgets;
    this.now = { ...this.now, until: Number.NEGATIVE_INFINITY }; // looked at anew by the next question
  }

  silentAt(now: number): Silence {
    if (now < this.now.from || now >= this.now.until) this.now = silenceAt(this.budgets, now);
    return this.now.silent;
  }
}
