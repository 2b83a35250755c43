import { Inject, Injectable, OnApplicationShutdown } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type pino from 'pino';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { REDIS } from './redis.connection.js';

/** Milliseconds after a look in vain until the next: with those that wait for it, an entry is behind for less than a second. */
const ASK_AGAIN_MS = 200;
/** Milliseconds between two lines in the log about answers that are errors. */
const SAY_AGAIN_MS = 60_000;

/**
 * Remembers that Redis hangs. A connection that breaks fails commands at once; one that is open and silent costs each its
 * timeout of 250 ms. So whoever waits in vain trips this for everybody: they pay once, not once a command and request, and
 * Redis is asked by nobody but us until it answers.
 */
@Injectable()
export class RedisLink implements OnApplicationShutdown {
  /** How often it was lost. What was to be said to it since is not in it, so what was read of it before is not to be built on. */
  losses = 0;
  /**
   * Names the start of the server. One that starts again with what it had on disk, or the replica that takes its place, lacks
   * the last that was told, and nobody will say it again. Undefined: not known yet.
   */
  start: string | undefined;
  private readonly log: pino.Logger;
  private hangs = false;
  private asking: NodeJS.Timeout | undefined;
  private saidAt = Number.NEGATIVE_INFINITY;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(REDIS) private readonly redis: Redis | null,
  ) {
    this.log = openLog(config, 'redis');
    if (redis === null) return;
    redis.on('close', () => {
      this.losses += 1;
      this.start = undefined;
    });
    const meet = () => void this.meet(redis).catch(() => this.trip());
    redis.on('ready', meet);
    if (redis.status === 'ready') meet(); // while something else was made ready
  }

  /** Whether there is to be a Redis: REDIS_URL is set. */
  get configured(): boolean {
    return this.redis !== null;
  }

  /** Whether it is worth asking. */
  get up(): boolean {
    return this.redis?.status === 'ready' && !this.hangs && this.start !== undefined;
  }

  /** The answer; undefined where there is none, whatever the reason. */
  async ask<T>(question: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    if (!this.redis || !this.up) return undefined;
    try {
      return await question(this.redis);
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  /** Told of every command that failed. Without this, the next one waits as long. */
  failed(error: unknown): void {
    const { name, message } = error as Error;
    if (message === 'Command timed out') this.trip();
    else if (name === 'ReplyError' && performance.now() - this.saidAt > SAY_AGAIN_MS) {
      this.saidAt = performance.now();
      this.log.warn({ err: error }, 'Redis refuses a command: we do without');
    }
  }

  onApplicationShutdown(): void {
    clearTimeout(this.asking);
  }

  private trip(): void {
    if (this.hangs) return;
    this.hangs = true;
    this.losses += 1;
    this.log.warn('Redis hangs: it is not asked until it answers again');
    this.askLater();
  }

  /** Asks which start of it answers. Before that, nothing else is asked. */
  private async meet(redis: Redis): Promise<void> {
    const told = await redis.info('server').catch((error: Error) => {
      // Only who can never know takes it for the same as ever: under two names, processes would not share what they write.
      if (!/^NOPERM|unknown command/.test(error.message)) throw error;
      this.log.warn(
        'INFO is not allowed: a Redis that starts again with what it had before is not told from one that went on',
      );
      return '';
    });
    this.start = /^run_id:(\w{1,12})/m.exec(told)?.[1] ?? 'unnamed';
    this.hangs = false;
  }

  private askLater(): void {
    this.asking = setTimeout(async () => {
      try {
        if (this.redis) await this.meet(this.redis);
        this.log.info('Redis answers again');
      } catch {
        // A broken connection is told by its state, and a new one is ready only when Redis has answered on it.
        this.askLater();
      }
    }, ASK_AGAIN_MS).unref();
  }
}
