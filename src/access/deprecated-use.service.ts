import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { Counter, register } from 'prom-client';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { type DeprecatedUse, DeprecatedUseRepository, keyOf } from './deprecated-use.repository.js';

const FLUSH_MS = 60_000;
/** What is kept is a year and a bit: what somebody calls once a year at stocktaking is in it. */
const KEPT_DAYS = 400;
const DAY_MS = 86_400_000;

function counter(): Counter<'operation' | 'client'> {
  const name = 'holdfast_deprecated_calls_total';
  const made = register.getSingleMetric(name) as Counter<'operation' | 'client'> | undefined;
  const help = 'Calls of operations that are deprecated, by operation and client.';
  return made ?? new Counter({ name, help, labelNames: ['operation', 'client'] as const });
}

/** Counts who calls what is going away. In memory, and written once a minute: no request waits for it. */
@Injectable()
export class DeprecatedUseService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log;
  private readonly total = counter();
  private counted = new Map<string, DeprecatedUse>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly dataSource: DataSource,
    private readonly repository: DeprecatedUseRepository,
  ) {
    this.log = openLog(config, 'deprecated-use');
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.flush(), FLUSH_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  /** `client`: its code, empty for nobody that we know. */
  count(operation: string, client: string): void {
    this.total.inc({ operation, client });
    const now = new Date(this.clock());
    this.add({ operation, client, day: now.toISOString().slice(0, 10), calls: 1, lastAt: now });
  }

  /** Who called what since a day, `2026-12-01`: up to a minute old. */
  async list(since: string): Promise<DeprecatedUse[]> {
    return this.repository.list(this.dataSource.manager, since);
  }

  /** Writes what was counted. Never throws: what could not be written is counted on, and written the next time. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write());
    return this.flushing;
  }

  private async write(): Promise<void> {
    const { counted } = this;
    if (counted.size === 0) return;
    this.counted = new Map();
    try {
      await this.repository.add(this.dataSource.manager, [...counted.values()]);
    } catch (error) {
      for (const use of counted.values()) this.add(use);
      this.log.warn({ err: error }, 'the use of deprecated operations is written at the next attempt');
      return;
    }
    const before = new Date(this.clock() - KEPT_DAYS * DAY_MS).toISOString().slice(0, 10);
    await this.repository.purge(this.dataSource.manager, before).catch(() => {}); // again in a minute of use
  }

  private add(use: DeprecatedUse): void {
    const before = this.counted.get(keyOf(use));
    const lastAt = before && before.lastAt > use.lastAt ? before.lastAt : use.lastAt;
    this.counted.set(keyOf(use), { ...use, calls: (before?.calls ?? 0) + use.calls, lastAt });
  }
}
