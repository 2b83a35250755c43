import { randomUUID } from 'node:crypto';
import { BeforeApplicationShutdown, Inject, Injectable, OnModuleInit } from '@nestjs/common';
import type pino from 'pino';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { ProcessesRepository } from './processes.repository.js';
import { rateLimitMetrics } from './rate-limit.metrics.js';

const BEAT_MS = 5_000;
/** Three beats missed: a process that was killed counts this long. */
const SILENT_SECONDS = 15;

/** Knows how many processes serve this database. In PostgreSQL and not in Redis: it is needed where Redis is away. */
@Injectable()
export class Processes implements OnModuleInit, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private readonly id = randomUUID();
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> = Promise.resolve();
  private known = 1;
  private name: string | undefined;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly dataSource: DataSource,
    private readonly repository: ProcessesRepository,
  ) {
    this.log = openLog(config, 'processes');
  }

  /** As far as was last known, this one included. */
  get running(): number {
    return this.known;
  }

  /** What the keys of this database begin with in a Redis that others may share; undefined until it was read. */
  get redisPrefix(): string | undefined {
    return this.name;
  }

  async onModuleInit(): Promise<void> {
    await this.beat();
    this.timer = setInterval(() => {
      this.beating = this.beat();
    }, BEAT_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
    // Not told, the others find out by themselves.
    await this.repository.leave(this.dataSource.manager, this.id).catch(() => {});
  }

  /** Says that we run and looks who else does. Never throws: the last known number stays. */
  async beat(): Promise<void> {
    try {
      const { running, installation } = await this.repository.beat(this.dataSource.manager, this.id, SILENT_SECONDS);
      this.known = running;
      this.name = `hf:${installation.slice(0, 8)}:`;
      rateLimitMetrics.processes.set(running);
    } catch (error) {
      this.log.warn({ err: error }, 'how many processes run is as last known');
    }
  }
}
