/**
 * The generic cell rate algorithm: a budget of `quota` units, of which one comes back every `interval`. All that is kept
 * of it is the moment at which it would be whole again, so there is no window with an edge at which twice as much passes.
 * Times in whole microseconds: the same figures come out here and in the script that Redis runs (rate-limiter.script.ts).
 */
export interface Policy {
  /** Units that may be taken at once. */
  readonly quota: number;
  /** Microseconds until one unit comes back. */
  readonly interval: number;
}

/** `quota` units in each `seconds`. Rounded to whole microseconds a unit: 0.3 % at 600,000 a minute, nothing below 6,000. */
export function policy(quota: number, seconds: number): Policy {
  return { quota, interval: Math.max(1, Math.round((seconds * 1_000_000) / quota)) };
}

/** Microseconds in which the whole budget comes back. */
export function windowOf({ quota, interval }: Policy): number {
  return quota * interval;
}

/**
 * Microseconds until the budget is whole. `whole`: when it would be. What lies behind us owes nothing; nor does what no
 * request under this policy can have left, as after the clock was put back or the limit was changed.
 */
export function owedAt(policy: Policy, whole: number, now: number): number {
  const owed = whole - now;
  return owed < 0 || owed > windowOf(policy) ? 0 : owed;
}

/** What is still owed when `units` that were taken are given back: never less than nothing. */
export function givenBack({ interval }: Policy, owed: number, units: number): number {
  return Math.max(0, owed - units * interval);
}

/** What a request costs in time. One that asks for more than the whole budget takes the whole of it. */
export function charge({ quota, interval }: Policy, cost: number): number {
  return Math.min(cost, quota) * interval;
}

/** Microseconds to wait until `cost` fits, given what is owed; 0: it fits now. */
export function waitFor(policy: Policy, owed: number, cost: number): number {
  return Math.max(0, owed + charge(policy, cost) - windowOf(policy));
}

/** Units left. */
export function leftOf(policy: Policy, owed: number): number {
  return Math.floor((windowOf(policy) - owed) / policy.interval);
}

export interface Taken {
  readonly admitted: boolean;
  /** Microseconds until each budget is whole: after taking, or where it was refused as they stand. */
  readonly owed: readonly number[];
}

/**
 * Takes `cost` from every budget or from none: a refused request costs nothing anywhere. `wholeAt`: of each policy when it
 * would be whole, written to if the request is admitted.
 */
export function take(policies: readonly Policy[], wholeAt: number[], cost: number, now: number): Taken {
  const owed: number[] = [];
  let admitted = true;
  for (let i = 0; i < policies.length; i += 1) {
    const each = policies[i] as Policy;
    owed.push(owedAt(each, wholeAt[i] ?? 0, now));
    if (waitFor(each, owed[i] as number, cost) > 0) admitted = false;
  }
  if (!admitted) return { admitted, owed };
  for (let i = 0; i < policies.length; i += 1) {
    owed[i] = (owed[i] as number) + charge(policies[i] as Policy, cost);
    wholeAt[i] = now + (owed[i] as number);
  }
  return { admitted, owed };
}

/**
 * The share of one of `processes` that do not hear of each other: together they let no more pass than one would, as long
 * as there are not more of them than units.
 */
export function shareOf({ quota, interval }: Policy, processes: number): Policy {
  return { quota: Math.max(1, Math.floor(quota / processes)), interval: interval * processes };
}
