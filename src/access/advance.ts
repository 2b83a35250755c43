import { leftOf, type Policy, type Taken, take } from './gcra.js';

/** How long units may be used that were taken in advance, in milliseconds. */
const ADVANCE_MS = 100;
/** Fewer are not worth it: who asks for less than 80 a second is charged request by request. */
const LEAST_UNITS = 8;
/** Of what is left in a budget, at most an eighth is taken in advance: near its end every request is decided by all together. */
const SHARE = 8;

/** Units that requests have used since a time, in milliseconds of our clock. */
export interface Use {
  readonly since: number;
  readonly units: number;
}

/** What was asked for, and how it was decided. */
export interface Asked {
  readonly policies: readonly Policy[];
  /** Of each policy when it would be whole, had nothing been taken in advance; in microseconds of Redis. */
  readonly wholeAt: number[];
  /** When, in microseconds of Redis, and in milliseconds of ours. */
  readonly now: number;
  readonly at: number;
  /** With what was asked for. */
  readonly use: Use;
  /** Units that were taken in advance. */
  readonly advance: number;
}

/**
 * Units that a process has taken from budgets before anybody asked it for them, so that not every request waits for Redis. They
 * are taken and given back in Redis, so a request counts from up to a tenth of a second before it came, and what is not used
 * in time goes back with the next question.
 */
export class Advance {
  private spare: number;
  private used: number;

  constructor(private readonly asked: Asked) {
    this.spare = asked.advance;
    this.used = asked.use.units;
  }

  /** Takes a request's cost out of what is there; undefined: somebody has to be asked. `at` in milliseconds of our clock. */
  take(cost: number, at: number): Taken | undefined {
    const since = at - this.asked.at;
    if (cost > this.spare || since > ADVANCE_MS) return undefined;
    this.spare -= cost;
    this.used += cost;
    const { policies, wholeAt, now } = this.asked;
    return take(policies, wholeAt, cost, now + Math.round(since * 1_000));
  }

  /** What to give back and to ask for, beside what is needed now; nothing can be taken out of this one any more. */
  end(at: number): { readonly back: number; readonly advance: number; readonly use: Use } {
    const { since } = this.asked.use;
    const back = this.spare;
    this.spare = 0;
    const use = at - since < ADVANCE_MS ? { since, units: this.used } : { since: at, units: 0 };
    return { back, advance: this.next(at - since), use };
  }

  /** As much as is used in that time, as far as we have seen: at most twice as much as in the milliseconds that we look back on. */
  private next(elapsed: number): number {
    const { policies, wholeAt, now } = this.asked;
    const wanted = this.used * Math.min(2, ADVANCE_MS / Math.max(elapsed, 1));
    const left = policies.map((each, i) => leftOf(each, Math.max(0, (wholeAt[i] as number) - now)) / SHARE);
    const advance = Math.floor(Math.min(wanted, ...left));
    return advance < LEAST_UNITS ? 0 : advance;
  }
}
