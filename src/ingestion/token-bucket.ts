import type { RateLimit } from './source.js';

/** What a caller may still send: `burst` at once, and then as many as come back by the minute. */
export class TokenBucket {
  private tokens: number;

  constructor(
    readonly limit: RateLimit,
    private filledAt: number,
  ) {
    this.tokens = limit.burst;
  }

  /** Takes one. Milliseconds until there is one again; 0: it was taken. `now`: milliseconds, of any clock that only advances. */
  take(now: number): number {
    const perMillisecond = this.limit.requestsPerMinute / 60_000;
    this.tokens = Math.min(this.limit.burst, this.tokens + Math.max(0, now - this.filledAt) * perMillisecond);
    this.filledAt = now;
    if (this.tokens < 1) return (1 - this.tokens) / perMillisecond;
    this.tokens -= 1;
    return 0;
  }
}
