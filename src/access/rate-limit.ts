import { leftOf, type Policy, policy, type Taken, waitFor, windowOf } from './gcra.js';
import type { Principal, RateLimit } from './principal.js';

/** The longest that a burst takes to come back, in seconds, unless the minute itself is slower. */
const BURST_SECONDS = 10;

/** One budget with the name it has in the headers. */
export interface NamedPolicy extends Policy {
  readonly name: string;
}

/** The two budgets of one that is limited. */
export interface Allowance {
  /** What its state is kept under. All allowances of one request have the same part in braces, for Redis Cluster. */
  readonly key: string;
  readonly policies: readonly [burst: NamedPolicy, sustained: NamedPolicy];
}

/** Everything a request is charged to, and how that is said in `RateLimit-Policy`. */
export interface Limits {
  /** The same for the same budgets, whoever reads them anew. */
  readonly name: string;
  readonly allowances: readonly Allowance[];
  readonly policies: readonly NamedPolicy[];
  readonly policyHeader: string;
}

/** Who is limited how: what the name of its policies begins with, and what its state is kept under. */
export interface Limited {
  readonly name: 'channel' | 'client' | 'source';
  readonly key: string;
  readonly limit: RateLimit;
}

/**
 * `burst` comes back within ten seconds, or as fast as the minute allows where that is faster; `sustained` is the minute.
 * Where more may come at once than in a minute, the minute is as long as that takes. Null: nothing limits it.
 */
export function limitsOf(limited: readonly Limited[]): Limits | null {
  if (limited.length === 0) return null;
  const allowances = limited.map(({ name, key, limit: { requestsPerMinute, burst } }): Allowance => {
    const aUnit = 60 / requestsPerMinute;
    const atOnce = policy(burst, Math.min(BURST_SECONDS, burst * aUnit));
    const most = Math.max(requestsPerMinute, burst);
    const aMinute = policy(most, most * aUnit);
    return {
      // Also by the limit: one that is changed begins whole, whatever was owed under the other.
      key: `${key}:${requestsPerMinute}/${burst}`,
      policies: [
        { name: `${name}-burst`, ...atOnce },
        { name: `${name}-sustained`, ...aMinute },
      ],
    };
  });
  const policies = allowances.flatMap((allowance) => allowance.policies);
  const name = allowances.map(({ key }) => key).join(' ');
  return { name, allowances, policies, policyHeader: policies.map(policyItem).join(', ') };
}

/** The limits of its client and of the channel that is bound to both apply; null: there is none. */
export function limitsOfCaller({ clientId, channel, limits }: Principal): Limits | null {
  const together = channel === null ? clientId : `channel-${channel.id}`;
  return limitsOf([
    ...(limits.channel ? [{ name: 'channel', key: `{${together}}`, limit: limits.channel } as const] : []),
    ...(limits.client ? [{ name: 'client', key: `{${together}}:${clientId}`, limit: limits.client } as const] : []),
  ]);
}

/** The value of `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11): what is left, and when the budget is whole again. */
export function rateLimitHeader(policies: readonly NamedPolicy[], { owed }: Taken): string {
  let header = '';
  for (let i = 0; i < policies.length; i += 1) {
    const each = policies[i] as NamedPolicy;
    const due = owed[i] as number;
    header += `${i === 0 ? '' : ', '}"${each.name}";r=${leftOf(each, due)};t=${Math.ceil(due / 1_000_000)}`;
  }
  return header;
}

/** Why a request was refused. */
export interface Refusal {
  readonly violated: readonly string[];
  /** Seconds. */
  readonly retryAfter: number;
  /** `RateLimit` with the violated ones only, and `t` the wait for this very request: never later than Retry-After. */
  readonly header: string;
}

/** `policies`: those that were taken from, which may be a share of the agreed ones. */
export function refusalOf(policies: readonly NamedPolicy[], { owed }: Taken, cost: number): Refusal {
  const waits = policies.map((each, i) => Math.ceil(waitFor(each, owed[i] as number, cost) / 1_000_000));
  const violated = policies.flatMap((each, i) => ((waits[i] as number) > 0 ? [{ each, i }] : []));
  return {
    violated: violated.map(({ each }) => each.name),
    retryAfter: Math.max(...waits),
    header: violated
      .map(({ each, i }) => `"${each.name}";r=${leftOf(each, owed[i] as number)};t=${waits[i]}`)
      .join(', '),
  };
}

function policyItem(of: NamedPolicy): string {
  return `"${of.name}";q=${of.quota};w=${Math.max(1, Math.round(windowOf(of) / 1_000_000))}`;
}
