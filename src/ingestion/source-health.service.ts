import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Principal, requireEveryChannel } from '../access/principal.js';
import { CLOCK, type Clock } from '../config.module.js';
import { type SourceHealthView, viewSourceHealth } from './source-health.dto.js';
import { showHealthOf } from './source-health.metrics.js';
import { SourceHealthRepository } from './source-health.repository.js';
import { unknownSource } from './sources.service.js';

/** Whether sources are heard of, and whether what they say is applied. */
@Injectable()
export class SourceHealthService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: SourceHealthRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `channel_forbidden`, `not_found`. */
  async get(caller: Principal, code: string): Promise<SourceHealthView> {
    requireEveryChannel(caller);
    const now = this.clock();
    const [health] = await this.repository.read(this.dataSource.manager, code, now);
    if (!health) throw unknownSource(code);
    return viewSourceHealth(health, now);
  }

  onApplicationBootstrap(): void {
    showHealthOf(async () => {
      const now = this.clock();
      return { now, sources: await this.repository.read(this.dataSource.manager, null, now) };
    });
  }

  beforeApplicationShutdown(): void {
    showHealthOf(undefined);
  }
}
