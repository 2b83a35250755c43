import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { REDIS } from '../redis/redis.connection.js';
import { RedisLink } from '../redis/redis.link.js';
import { Installation } from './installation.service.js';

/**
 * Tells every process at once that keys, clients or their limits have changed. Without Redis, or where a message is
 * lost, a process finds out when it looks a key up again, four seconds later at the most.
 */
@Injectable()
export class AccessChanges implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly listeners: (() => void)[] = [];
  /** A connection that listens can do nothing else. */
  private subscriber: Redis | undefined;

  constructor(
    @Inject(REDIS) private readonly redis: Redis | null,
    private readonly link: RedisLink,
    private readonly installation: Installation,
  ) {}

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Tells this process before it returns, and the others as soon as Redis does. */
  async announce(): Promise<void> {
    this.tell();
    if (!this.link.up) return; // they look again by themselves
    const channel = await this.channel();
    await this.link.ask((redis) => redis.publish(channel, ''));
  }

  onApplicationBootstrap(): void {
    if (!this.redis) return;
    const subscriber = this.redis.duplicate({ autoResubscribe: false });
    subscriber.on('error', () => {}); // the other connection says so
    // Also behind a break: what was said meanwhile was not heard.
    subscriber.on('ready', () => {
      this.tell();
      this.channel()
        .then((channel) => subscriber.subscribe(channel))
        .then(() => this.tell())
        .catch(() => subscriber.disconnect(true));
    });
    subscriber.on('message', () => this.tell());
    this.subscriber = subscriber;
  }

  beforeApplicationShutdown(): void {
    this.subscriber?.disconnect();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  private async channel(): Promise<string> {
    return `holdfast:${await this.installation.id()}:access`;
  }
}
