import { BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import type pino from 'pino';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { AuditRepository } from './audit.repository.js';
import { type AuditEntry, refusalOf } from './audit-entry.js';
import type { Principal } from './principal.js';

/** Milliseconds a refusal may wait for company: a key that may not do what it does all day must not fill the disk. */
const GATHER_MS = 1_000;
/** Different refusals that may wait while the database does not take them; those beyond are only in the log. */
const MOST_WAITING = 1_000;

/** A request that was refused although we know who sent it. */
export interface Refused {
  readonly principal: Principal;
  readonly action: string;
  readonly path: string;
  readonly reason: string;
  readonly requestId: string;
  readonly address: string;
}

/**
 * Writes refusals into the audit trail: a missing scope, another channel, a forbidden address. There is no transaction
 * to write them in, and nobody waits for it. The same one within a second is one entry that counts.
 */
@Injectable()
export class Refusals implements BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private waiting = new Map<string, AuditEntry>();
  private writing: Promise<void> = Promise.resolve();
  private stopping = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly dataSource: DataSource,
    private readonly repository: AuditRepository,
  ) {
    this.log = openLog(config, 'audit');
  }

  note({ principal, ...refused }: Refused): void {
    const entry = refusalOf(principal, refused, this.clock());
    const name = JSON.stringify([entry.keyId, entry.action, entry.resource, entry.reason, entry.address]);
    const same = this.waiting.get(name);
    if (!same && this.waiting.size >= MOST_WAITING) {
      this.log.warn({ entry }, 'a refusal is not in the audit trail');
      return;
    }
    this.waiting.set(name, same ? { ...same, times: same.times + 1 } : entry);
    if (this.stopping) void this.write();
    else this.timer ??= setTimeout(() => void this.write(), GATHER_MS).unref();
  }

  /** Writes what waits. What cannot be written waits for the next time. Never throws. */
  write(): Promise<void> {
    this.writing = this.writing.then(() => this.writeNow());
    return this.writing;
  }

  /** Requests under way are still answered behind this: what is refused to them is written as it comes. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.write();
  }

  private async writeNow(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { waiting } = this;
    if (waiting.size === 0) return;
    this.waiting = new Map();
    try {
      await this.repository.insert(this.dataSource.manager, [...waiting.values()]);
    } catch (error) {
      this.log.warn({ err: error }, 'refusals wait for the database');
      for (const [name, entry] of waiting) if (!this.waiting.has(name)) this.waiting.set(name, entry);
      this.timer ??= setTimeout(() => void this.write(), GATHER_MS).unref();
    }
  }
}
