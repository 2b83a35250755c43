import { setImmediate as turn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { CLOCK, type Clock } from '../config.module.js';
import { REDIS } from '../redis/redis.connection.js';
import { RedisLink } from '../redis/redis.link.js';
import { Advance } from './advance.js';
import { shareOf, type Taken, take } from './gcra.js';
import { Processes } from './processes.worker.js';
import type { Allowance, Limits, NamedPolicy } from './rate-limit.js';
import { TAKE } from './rate-limiter.script.js';

/** Requests that are decided in one step of Redis, which serves nobody else meanwhile. */
const MOST_AT_ONCE = 500;

/** Budgets that are kept in process, a hundred bytes each; one that falls out is whole again. */
const MOST_KEPT = 50_000;

/**
 * Who decided: Redis for all processes, this process because there is no Redis, or this process because Redis is away.
 */
export type Mode = 'redis' | 'process' | 'insurance';

export interface Decision {
  readonly mode: Mode;
  readonly taken: Taken;
  /** What it was taken from: the agreed budgets, or this process's share of them. */
  readonly policies: readonly NamedPolicy[];
}

/** A request that waits for Redis. */
interface Waiting {
  readonly cost: number;
  readonly tell: (decision: Decision) => void;
}

/** Callers who are given units in advance at the same time. */
const MOST_ADVANCES = 10_000;

function nothingAt(since: number) {
  return { back: 0, advance: 0, use: { since, units: 0 } };
}

type WithTake = Redis & { takeFromBudgets(keys: number, ...args: (string | number)[]): Promise<number[]> };

/**
 * Takes from budgets, from all of a request or from none. With Redis one round trip, which requests that come while one is
 * under way share; who asks often is given units in advance, and waits for none. Without it, or while it does not answer, this process decides alone about its share: nothing is ever refused
 * because Redis is away, and no more passes than was agreed.
 */
@Injectable()
export class RateLimiter {
  private readonly kept = new LRUCache<string, number[]>({ max: MOST_KEPT });
  /** Whose budgets Redis is just being asked about, and who has come since. */
  private readonly waiting = new Map<Limits, Waiting[]>();
  /** By the name of the limits. What falls out is lost: at most an eighth of what was left. */
  private readonly advances = new LRUCache<string, Advance>({ max: MOST_ADVANCES });

  constructor(
    @Inject(REDIS) redis: Redis | null,
    private readonly link: RedisLink,
    private readonly processes: Processes,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    redis?.defineCommand('takeFromBudgets', { lua: TAKE });
  }

  /** Not a promise where nobody needs to be asked: then it takes a microsecond. */
  take(limits: Limits, cost: number): Decision | Promise<Decision> {
    const prefix = this.processes.redisPrefix;
    if (!this.link.up || prefix === undefined) return this.takeHere(limits, cost);
    return this.takeFromAdvance(limits, cost) ?? this.takeFromRedis(prefix, limits, cost);
  }

  private takeFromAdvance(limits: Limits, cost: number): Decision | undefined {
    const taken = this.advances.get(limits.name)?.take(cost, performance.now());
    return taken && { mode: 'redis', taken, policies: limits.policies };
  }

  private takeFromRedis(prefix: string, limits: Limits, cost: number): Promise<Decision> {
    return new Promise((tell) => {
      const waiting = this.waiting.get(limits);
      if (waiting) return void waiting.push({ cost, tell });
      this.waiting.set(limits, [{ cost, tell }]);
      void this.serve(prefix, limits);
    });
  }

  /** Asks for whoever waits, together for all who came in one turn of the event loop, until nobody does. */
  private async serve(prefix: string, limits: Limits): Promise<void> {
    const { policies } = limits;
    const keys = limits.allowances.map(({ key }) => `${prefix}rate:${key}`);
    const budgets = policies.flatMap(({ quota, interval }) => [quota, interval]);
    const waiting = this.waiting.get(limits) as Waiting[];
    while (waiting.length > 0) {
      await turn();
      const asking: Waiting[] = [];
      for (const each of waiting.splice(0, MOST_AT_ONCE)) {
        // Who came while Redis was asked for others may find that it has given more.
        const decision = this.takeFromAdvance(limits, each.cost);
        if (decision) each.tell(decision);
        else asking.push(each);
      }
      if (asking.length === 0) continue;
      const at = performance.now();
      const { back, advance, use } = this.advances.get(limits.name)?.end(at) ?? nothingAt(at);
      const costs = [...asking.map(({ cost }) => cost), ...(advance > 0 ? [advance] : [])].join(' ');
      const answer = await this.link.ask((redis) =>
        (redis as WithTake).takeFromBudgets(keys.length, ...keys, costs, back, ...budgets),
      );
      if (answer === undefined) {
        for (const { cost, tell } of asking) tell(this.takeHere(limits, cost));
        continue;
      }
      const [now, ...owed] = answer as [number, ...number[]];
      const wholeAt = owed.map((each) => now + each);
      let { units } = use;
      for (const { cost, tell } of asking) {
        const taken = take(policies, wholeAt, cost, now);
        if (taken.admitted) units += cost;
        tell({ mode: 'redis', taken, policies });
      }
      const granted = take(policies, [...wholeAt], advance, now).admitted ? advance : 0;
      const asked = { policies, wholeAt, now, at, use: { ...use, units }, advance: granted };
      this.advances.set(limits.name, new Advance(asked));
    }
    this.waiting.delete(limits);
  }

  private takeHere({ allowances, policies: agreed }: Limits, cost: number): Decision {
    const { running } = this.processes;
    const policies = running === 1 ? agreed : agreed.map((each) => ({ ...each, ...shareOf(each, running) }));
    const wholeAt: number[] = [];
    for (const { key } of allowances) wholeAt.push(...(this.kept.get(key) ?? [0, 0]));
    const taken = take(policies, wholeAt, cost, this.clock() * 1_000);
    if (taken.admitted) {
      for (let i = 0; i < allowances.length; i += 1) {
        this.kept.set((allowances[i] as Allowance).key, wholeAt.slice(2 * i, 2 * i + 2));
      }
    }
    return { mode: this.link.configured ? 'insurance' : 'process', taken, policies };
  }
}
