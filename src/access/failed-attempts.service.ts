import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { Problem } from '../problems/problem.js';
import { REDIS } from '../redis/redis.connection.js';
import { networkOf } from './addresses.js';
import { Installation } from './installation.service.js';

const MINUTE_SECONDS = 60;

/**
 * Counts, by address, keys and tokens that are nobody's: the database is asked for each of them, and a key in use is
 * not. Guessing 192 bits leads nowhere with or without a limit.
 */
@Injectable()
export class FailedAttempts {
  private readonly limiter: RateLimiterAbstract;
  /** Addresses this process refuses without asking anybody, and until when, in milliseconds of `performance.now()`. */
  private readonly refused = new LRUCache<string, number>({ max: 10_000 });

  constructor(
    @Inject(CONFIG) { failedAttemptsPerMinute }: Config,
    @Inject(REDIS) redis: Redis | null,
    private readonly installation: Installation,
  ) {
    const limit = { points: failedAttemptsPerMinute, duration: MINUTE_SECONDS, keyPrefix: 'holdfast:failed' };
    const inProcess = new RateLimiterMemory(limit);
    // Without Redis every process counts for itself: as many times the limit get through as there are processes.
    this.limiter = redis
      ? new RateLimiterRedis({ ...limit, storeClient: redis, insuranceLimiter: inProcess })
      : inProcess;
  }

  /** Throws `rate_limited` for an address that has failed too often. Asks only what this process knows. */
  requireFew(address: string): void {
    const network = networkOf(address);
    const until = this.refused.get(network);
    if (until === undefined) return;
    const left = until - performance.now();
    if (left > 0) throw tooMany(left);
    this.refused.delete(network);
  }

  /** Counts one more. Throws `rate_limited` once they are too many. */
  async count(address: string): Promise<void> {
    const network = networkOf(address);
    const key = `${await this.installation.id()}:${network}`;
    try {
      await this.limiter.consume(key);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      this.refused.set(network, performance.now() + refusal.msBeforeNext);
      throw tooMany(refusal.msBeforeNext);
    }
  }
}

function tooMany(milliseconds: number): Problem {
  const detail = 'Too many keys that nobody has came from this address. Wait, then send a key that is valid.';
  return new Problem('rate_limited', detail, { retryAfter: Math.max(1, Math.ceil(milliseconds / 1_000)) });
}
