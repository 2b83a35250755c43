import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type pino from 'pino';
import { Directory } from '../channels/directory.service.js';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { REDIS } from '../redis/redis.connection.js';
import { Hearing } from './hearing.js';
import { StockCache } from './stock.cache.js';
import { StockCopy } from './stock.copy.js';

/** Milliseconds between two heartbeats. A process that hears not even its own has lost the others too. */
const BEAT_MS = 250;

/**
 * Hears what all processes publish, on a connection of its own, and keeps this process's copy true by it. Without Redis
 * nothing is heard, and nothing is kept in the process.
 */
@Injectable()
export class StockNews implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private readonly hearing = new Hearing();
  private readonly redis: Redis | undefined;
  private timer: NodeJS.Timeout | undefined;
  private channel: string | undefined;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(REDIS) redis: Redis | null,
    private readonly cache: StockCache,
    private readonly copy: StockCopy,
    private readonly directory: Directory,
  ) {
    this.log = openLog(config, 'news');
    // A subscriber can send nothing else: it needs a connection of its own. It waits as long as it takes.
    if (config.availabilityCopy) this.redis = redis?.duplicate({ lazyConnect: true, autoResubscribe: false });
  }

  onApplicationBootstrap(): void {
    const { redis } = this;
    if (!redis) return;
    redis.on('message', (channel, message: string) => {
      if (channel === this.channel) this.hear(message);
    });
    redis.on('ready', () => {
      this.channel = undefined;
      void this.tune();
    });
    redis.on('close', () => this.lose());
    this.cache.onFailover(() => {
      this.lose();
      this.channel = undefined;
      void this.tune();
    });
    redis.on('error', () => {}); // the other connection says so
    redis.connect().catch(() => {}); // tried again by itself
    this.cache.onTrust(() => this.copy.clear());
    this.copy.listen(() => this.cache.trusted && !this.hearing.isDeaf(performance.now()));
    this.timer = setInterval(() => void this.beat(), BEAT_MS).unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
    this.redis?.disconnect();
  }

  private async beat(): Promise<void> {
    await this.tune();
    await this.cache.beat();
  }

  /** Listens where the others speak: somewhere else after a failover of the database (`StockCache.channel`). */
  private async tune(): Promise<void> {
    const { redis } = this;
    if (redis?.status !== 'ready') return;
    try {
      const channel = await this.cache.channel();
      if (channel === this.channel) return;
      this.lose();
      this.channel = channel;
      await redis.unsubscribe();
      await redis.subscribe(channel);
    } catch (error) {
      this.log.warn({ err: error }, 'news of stock cannot be heard: reads go to Redis');
      redis.disconnect(true);
    }
  }

  private hear(message: string): void {
    const news = this.cache.readNews(message);
    if (!news) return;
    if (!this.hearing.hear(news.process, news.count, performance.now())) this.copy.clear();
    if (news.configuration !== undefined) this.copy.hearConfiguration(news.configuration);
    if (news.stock) this.copy.hear(news.stock);
    if (news.skus) this.directory.expect(news.skus);
  }

  private lose(): void {
    this.hearing.lose();
    this.copy.clear();
  }
}
