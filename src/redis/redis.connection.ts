import { Redis } from 'ioredis';
import type { Config } from '../config.js';
import { openLog } from '../log.js';

/** Injection token of the Redis client, null where REDIS_URL is not set. */
export const REDIS = Symbol('Redis');

/**
 * One connection, used as cache only. A command that cannot be answered at once fails at once (no offline queue,
 * no retries), so that an absent Redis costs a read nothing but the trip to Postgres.
 */
export function connect(config: Config): Redis | null {
  const log = openLog(config, 'redis');
  if (!config.redisUrl) {
    log.info('REDIS_URL is not set: availability is read from PostgreSQL');
    return null;
  }
  const redis = new Redis(config.redisUrl, {
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 250,
    connectTimeout: 1_000,
    // ioredis waits this long for the end of a connection that broke before, and the process with it.
    disconnectTimeout: 100,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
  });
  let reachable: boolean | undefined;
  redis.on('ready', () => {
    if (reachable === false) log.info('Redis answers again');
    reachable = true;
  });
  redis.on('error', (error) => {
    if (reachable !== false) log.warn({ err: error }, 'Redis does not answer: reads go to PostgreSQL');
    reachable = false;
  });
  return redis;
}
