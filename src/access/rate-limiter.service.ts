import { setImmediate as turn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { CLOCK, type Clock } from '../config.module.js';
import { REDIS } from '../redis/redis.connection.js';
import { RedisLink } from '../redis/redis.link.js';
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

type WithTake = Redis & { takeFromBudgets(keys: number, ...args: (string | number)[]): Promise<number[]> };

/**
 * Takes from budgets, from all of a request or from none. With Redis one round trip, which requests that come while one is
 * under way share. Without it, or while it does not answer, this process decides alone about its share: nothing is ever refused
 * because Redis is away, and no more passes than was agreed.
 */
@Injectable()
export class RateLimiter {
  private readonly kept = new LRUCache<string, number[]>({ max: MOST_KEPT });
  /** Whose budgets Redis is just being asked about, and who has come since. */
  private readonly waiting = new Map<Limits, Waiting[]>();

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
    if (this.link.up && prefix !== undefined) return this.takeFromRedis(prefix, limits, cost);
    return this.takeHere(limits, cost);
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
      const asking = waiting.splice(0, MOST_AT_ONCE);
      const costs = asking.map(({ cost }) => cost).join(' ');
      const answer = await this.link.ask((redis) =>
        (redis as WithTake).takeFromBudgets(keys.length, ...keys, costs, ...budgets),
      );
      if (answer === undefined) {
        for (const { cost, tell } of asking) tell(this.takeHere(limits, cost));
        continue;
      }
      const [now, ...owed] = answer as [number, ...number[]];
      const wholeAt = owed.map((each) => now + each);
      for (const { cost, tell } of asking) {
        tell({ mode: 'redis', taken: take(policies, wholeAt, cost, now), policies });
      }
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
