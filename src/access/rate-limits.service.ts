import { Injectable } from '@nestjs/common';
import { Problem } from '../problems/problem.js';
import type { Principal } from './principal.js';
import { type Limits, limitsOfCaller, type Refusal, rateLimitHeader, refusalOf } from './rate-limit.js';
import { countDecision, rateLimitMetrics } from './rate-limit.metrics.js';
import { type Decision, RateLimiter } from './rate-limiter.service.js';

/** An answer that is being made: takes headers. */
export interface Headed {
  header(name: string, value: string): unknown;
}

/** Holds callers to what was agreed with them, and tells them in every answer what is left. */
@Injectable()
export class RateLimits {
  /** By `limits` of the principal, which is the same object as long as the key ring remembers it. */
  private readonly known = new WeakMap<Principal['limits'], { readonly of: Limits | null }>();

  constructor(private readonly limiter: RateLimiter) {}

  /** What the requests of this caller are charged to; null: nothing limits it. */
  limitsOf(caller: Principal): Limits | null {
    let known = this.known.get(caller.limits);
    if (!known) {
      known = { of: limitsOfCaller(caller) };
      this.known.set(caller.limits, known);
    }
    return known.of;
  }

  /** Charges a request that costs so much. Throws `rate_limited`, and then nothing was charged. */
  charge(limits: Limits, { channel }: Principal, cost: number, reply: Headed): void | Promise<void> {
    const decision = this.limiter.take(limits, cost);
    const of = channel?.code ?? '';
    if (decision instanceof Promise) return decision.then((decided) => answer(limits, decided, cost, of, reply));
    answer(limits, decision, cost, of, reply);
  }
}

function answer(limits: Limits, decision: Decision, cost: number, channel: string, reply: Headed): void {
  const { taken, mode, policies } = decision;
  reply.header('RateLimit-Policy', limits.policyHeader);
  countDecision(channel, taken.admitted ? 'accepted' : 'limited', mode);
  if (taken.admitted) {
    reply.header('RateLimit', rateLimitHeader(policies, taken));
    return;
  }
  const refusal = refusalOf(policies, taken, cost);
  reply.header('RateLimit', refusal.header);
  for (const violated of refusal.violated) rateLimitMetrics.limited.inc({ channel, policy: violated });
  throw rateLimited(refusal, `It would cost ${cost}.`);
}

/** 429, and when to come again. */
export function rateLimited({ violated, retryAfter }: Refusal, about: string): Problem {
  const detail = `This is more than was agreed (${violated.join(', ')}). ${about} Repeat it in ${retryAfter} s.`;
  return new Problem('rate_limited', detail, { retryAfter, extra: { violatedPolicies: violated } });
}
