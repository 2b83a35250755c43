import { BeforeApplicationShutdown, Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type pino from 'pino';
import type { Budget } from '../availability/freshness.js';
import { Freshness } from '../availability/freshness.service.js';
import { Directory } from '../channels/directory.service.js';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import { BacklogRepository, type FreshnessOf } from './backlog.repository.js';
import { type Ownership, ownerOf } from './ownership.js';

/** Milliseconds between two looks at what other processes have heard. */
const INTERVAL_MS = 1_000;

/**
 * Tells availability until when the figures of a location are fresh: as long as the source that owns what is on hand
 * there was heard of within its budget (semantics.md 28). Answers read the table, never the sources.
 */
@Injectable()
export class FreshnessWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log: pino.Logger;
  private readonly heard = new Map<number, number>();
  private known: { readonly sources: readonly FreshnessOf[]; readonly ownerships: readonly Ownership[] } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private reading: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly backlog: BacklogRepository,
    private readonly directory: Directory,
    private readonly freshness: Freshness,
  ) {
    this.log = openLog(config, 'freshness');
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.look();
    this.schedule();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.reading.catch(() => {});
  }

  /** These sources were heard of by this process, just now. */
  hear(sourceIds: readonly number[]): void {
    for (const id of sourceIds) this.heard.set(id, this.clock());
    if (this.known?.sources.some(({ id }) => sourceIds.includes(id))) this.tell();
  }

  /** Reads anew what all processes have heard, and tells it. One after the other: an older reading never comes last. */
  refresh(): Promise<void> {
    const reading = this.reading.catch(() => {}).then(() => this.read());
    this.reading = reading;
    return reading;
  }

  private async read(): Promise<void> {
    const sources = await this.backlog.freshness();
    const ownerships = sources.length === 0 ? [] : await this.backlog.ownerships();
    await this.directory.configuration();
    this.known = { sources, ownerships };
    this.tell();
  }

  private tell(): void {
    const { sources, ownerships } = this.known ?? { sources: [], ownerships: [] };
    const now = this.clock();
    const budgets = new Map<number, Budget>();
    if (sources.length > 0) {
      const byId = new Map(sources.map((source) => [source.id, source]));
      for (const { id } of this.directory.known.locations()) {
        const source = byId.get(ownerOf(ownerships, 'on_hand', id, now) ?? 0);
        if (!source) continue;
        const heardAt = Math.max(source.heardAt, this.heard.get(source.id) ?? 0);
        budgets.set(id, { heardAt, freshUntil: heardAt + source.seconds * 1_000 });
      }
    }
    this.freshness.set(budgets);
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.look().finally(() => this.schedule()), INTERVAL_MS).unref();
  }

  private async look(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      this.log.warn({ err: error }, 'what was heard could not be read: tried again with the next look');
    }
  }
}
