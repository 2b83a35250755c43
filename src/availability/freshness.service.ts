import { Injectable } from '@nestjs/common';
import { type Budget, isSameSilence, NOBODY_SILENT, type Silence, type SilenceNow, silenceAt } from './freshness.js';

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

  /** The same object as long as the same are silent: answers that were made by it hold as long (availability.service.ts). */
  silentAt(now: number): Silence {
    const known = this.now;
    if (now < known.from || now >= known.until) {
      const next = silenceAt(this.budgets, now);
      this.now = isSameSilence(next.silent, known.silent) ? { ...next, silent: known.silent } : next;
    }
    return this.now.silent;
  }
}
