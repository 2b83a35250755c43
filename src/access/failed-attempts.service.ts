import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { Problem } from '../problems/problem.js';
import { REDIS } from '../redis/redis.connection.js';
import { RedisLink } from '../redis/redis.link.js';
import { networkOf } from './addresses.js';
import { Installation } from './installation.service.js';

const MINUTE_SECONDS = 60;

/**
 * Counts, by address, keys and tokens that are nobody's: the database is asked for each of them, and a key in use is
 * not. Guessing 192 bits leads nowhere with or without a limit.
 */
@Injectable()
export class FailedAttempts {
  private readonly inRedis: RateLimiterRedis | undefined;
  private readonly inProcess: RateLimiterMemory;
  /** Addresses this process refuses without asking anybody, and until when, in milliseconds of `performance.now()`. */
  private readonly refused = new LRUCache<string, number>({ max: 10_000 });

  constructor(
    @Inject(CONFIG) { failedAttemptsPerMinute }: Config,
    @Inject(REDIS) redis: Redis | null,
    private readonly link: RedisLink,
    private readonly installation: Installation,
  ) {
    const limit = { points: failedAttemptsPerMinute, duration: MINUTE_SECONDS, keyPrefix: 'holdfast:failed' };
    this.inProcess = new RateLimiterMemory(limit);
    if (redis) this.inRedis = new RateLimiterRedis({ ...limit, storeClient: redis });
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
      await this.consume(key);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      this.refused.set(network, performance.now() + refusal.msBeforeNext);
      throw tooMany(refusal.msBeforeNext);
    }
  }

  /** Without Redis every process counts for itself: as many times the limit get through as there are processes. */
  private async consume(key: string): Promise<void> {
    if (this.inRedis && this.link.up) {
      try {
        await this.inRedis.consume(key);
        return;
      } catch (error) {
        if (error instanceof RateLimiterRes) throw error;
        this.link.failed(error);
      }
    }
    await this.inProcess.consume(key);
  }
}

function tooMany(milliseconds: number): Problem {
  const detail = 'Too many keys that nobody has came from this address. Wait, then send a key that is valid.';
  return new Problem('rate_limited', detail, { retryAfter: Math.max(1, Math.ceil(milliseconds / 1_000)) });
}
