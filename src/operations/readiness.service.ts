import { Inject, Injectable, OnModuleDestroy } from '@nestjs/common';
import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../config.module.js';
import { REDIS } from '../redis/redis.connection.js';
import { Finding, fail, judgeDatabase, overall, pass, warn } from './readiness.js';
import { ReadinessRepository } from './readiness.repository.js';

/** How long a check may take, in milliseconds: below the timeout of the usual prober. */
const PATIENCE_MS = 2_000;

export interface Report {
  readonly status: Finding['status'];
  readonly checks: readonly (Finding & { readonly name: string })[];
}

/**
 * Says whether this process should get requests, and why not. A feature adds what it knows of itself:
 * `readiness.add('engine', () => …)` in its module's `onModuleInit`.
 */
@Injectable()
export class Readiness implements OnModuleDestroy {
  private readonly checks = new Map<string, () => Finding | Promise<Finding>>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ReadinessRepository,
    @Inject(REDIS) private readonly redis: Redis | null,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.add('redis', () => this.checkRedis());
    this.add('schema', () => this.checkSchema());
  }

  /** Adds a check. It runs at every question for readiness, beside the others; throwing is failing. */
  add(name: string, check: () => Finding | Promise<Finding>): void {
    if (this.checks.has(name)) throw new Error(`There is a readiness check named ${name} already.`);
    this.checks.set(name, check);
  }

  /** A proxy that still asks is told to send its requests elsewhere. */
  onModuleDestroy(): void {
    this.add('shutdown', () => fail('The process is shutting down.'));
  }

  async report(): Promise<Report> {
    const found = await Promise.all([
      this.checkDatabase(),
      ...[...this.checks].map(async ([name, check]) => [{ name, ...(await attempt(check)) }]),
    ]);
    const checks = found.flat().sort((left, right) => (left.name < right.name ? -1 : 1));
    return { status: overall(checks), checks };
  }

  /** One question to the database answers four checks; unless it answers, only the first has something to say. */
  private async checkDatabase(): Promise<Report['checks']> {
    let judged: Record<string, Finding> = {};
    const postgres = await attempt(async () => {
      const before = this.clock();
      const facts = await this.repository.readFacts(this.dataSource.manager);
      judged = judgeDatabase(facts, before, this.clock());
      return judged.postgres as Finding;
    });
    return Object.entries({ ...judged, postgres }).map(([name, finding]) => ({ name, ...finding }));
  }

  private async checkSchema(): Promise<Finding> {
    const missing = await this.repository.missingMigrations(this.dataSource.manager);
    if (missing.length === 0) return pass('Every migration of this release has run.');
    return fail(`Not migrated: ${missing.join(', ')}. Restart the service with a role that may create tables.`);
  }

  /** Redis is a cache: without it every answer is right and slower, so its absence never takes us out of service. */
  private async checkRedis(): Promise<Finding> {
    if (!this.redis) return pass('REDIS_URL is not set: availability is read from PostgreSQL.');
    try {
      await this.redis.ping();
      return pass('Redis answers.');
    } catch {
      return warn('Redis does not answer: availability is read from PostgreSQL, which is right and slower.');
    }
  }
}

/** Runs a check within its time. The reason of a failure goes to the caller: it is for operators, and names no secret. */
async function attempt(check: () => Finding | Promise<Finding>): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve(fail(`No answer within ${PATIENCE_MS / 1000} s.`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    return fail(`Failed: ${code ?? message ?? 'unknown error'}. The log has more.`);
  } finally {
    clearTimeout(timer);
  }
}
