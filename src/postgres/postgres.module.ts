import { Global, Inject, Injectable, Module, OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { createDataSource, createPool } from './connections.js';

/** `databaseUrl` is settled before the application is created (main.ts starts the bundled server where it is absent). */
export function databaseUrl(config: Config): string {
  if (!config.databaseUrl) throw new Error('DATABASE_URL is not set and no bundled PostgreSQL was started.');
  return config.databaseUrl;
}

@Injectable()
class ConnectionsCloser implements OnApplicationShutdown {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(pg.Pool) private readonly pool: pg.Pool,
  ) {}

  /** Runs after every feature's own shutdown: nothing is left that could ask. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.dataSource.destroy(), this.pool.end()]);
  }
}

@Global()
@Module({
  providers: [
    {
      provide: DataSource,
      inject: [CONFIG],
      useFactory: (config: Config) => createDataSource(databaseUrl(config), config.databasePool).initialize(),
    },
    {
      provide: pg.Pool,
      inject: [CONFIG],
      useFactory: (config: Config) => createPool(databaseUrl(config), config.databasePool),
    },
    ConnectionsCloser,
  ],
  exports: [DataSource, pg.Pool],
})
export class PostgresModule {}
