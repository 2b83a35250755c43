import { Inject, Injectable } from '@nestjs/common';
import type { DirectoryItem } from '../channels/directory.js';
import { Directory } from '../channels/directory.service.js';
import { CLOCK, type Clock } from '../config.module.js';
import { Problem } from '../problems/problem.js';
import { Mailbox } from '../stock/mailbox.js';
import type { Letter } from '../stock/queue.js';
import { settledBefore } from '../stock/settled-before.js';
import {
  AvailabilityRepository,
  type DatabaseState,
  type ItemStock,
  type StockRead,
} from './availability.repository.js';
import { StockCopy } from './stock.copy.js';

/**
 * Items of a question that waits with others of its kind. Those have one statement at a time, and share what it costs by
 * itself: of 64 who asked for an item each, four at a time answered 6 each, and took 190 µs of CPU an item; one at a time answers
 * 28, and takes 145.
 */
const FEW = 20;
/**
 * Milliseconds after which they do not wait for it any longer, and the next goes beside it. Fifty items take 1.5; one that hangs on a
 * connection that is lost, for up to 35 s, must not hold up all.
 */
const LATE_MS = 50;
/** Questions and items that one statement answers. */
const OF_FEW = { letters: 500, lines: 500, waiting: 20_000 };
const OF_MANY = { letters: 2_000, lines: 5_000, waiting: 5_000 };
/** Statements of a kind under way at once: what Redis does not have must not take all connections of the pool. */
const STATEMENTS = 3;

/** What was read of one moment of the database, for one who asked. */
export interface Reading {
  readonly state: DatabaseState;
  readonly found: readonly ItemStock[];
  /** By SKU, those that were asked for by it, and maybe others. */
  readonly catalogue: ReadonlyMap<string, DirectoryItem>;
}

interface Question extends Letter {
  readonly itemIds: readonly number[];
  readonly skus: readonly string[];
  readonly answer: (read: StockRead) => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * Reads stock from the database, and keeps it in the process. Questions that come while it reads wait and then share one statement, however many ask
 * for the same item: an entry that is gone from the cache costs a few readings, not one a request. No question shares a
 * statement that was sent before it came, so everybody reads their own writes, also of other processes.
 */
@Injectable()
export class StockReader {
  private readonly ofFew: Mailbox<Question>;
  private readonly ofMany: readonly Mailbox<Question>[];
  /** Statements of few items that are under way. */
  private readonly underWay = new Set<Promise<void>>();
  /** Counts the questions of many items. */
  private asked = 0;

  constructor(
    private readonly repository: AvailabilityRepository,
    private readonly directory: Directory,
    private readonly copy: StockCopy,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.ofFew = new Mailbox(OF_FEW, (batch) => this.deliverUntilLate(batch));
    this.ofMany = Array.from({ length: STATEMENTS }, () => new Mailbox(OF_MANY, (batch) => this.deliver(batch)));
  }

  /** The items with these ids and these SKUs; those that there are not are missing. Throws `overloaded`. */
  async read(itemIds: readonly number[], skus: readonly string[] = []): Promise<Reading> {
    const keepItems = this.directory.begin();
    const keepStock = this.copy.begin();
    const { state, items, catalogue } = await this.ask(itemIds, skus);
    keepItems(skus, catalogue);
    for (const id of itemIds) if (!items.has(id)) this.copy.forget(id);
    const ids = [...itemIds, ...skus.flatMap((sku) => catalogue.get(sku)?.id ?? [])];
    keepStock(ids, items);
    return { state, found: ids.flatMap((id) => items.get(id) ?? []), catalogue };
  }

  private ask(itemIds: readonly number[], skus: readonly string[]): Promise<StockRead> {
    const weight = itemIds.length + skus.length;
    return new Promise((answer, refuse) => {
      if (this.mailboxFor(weight).put({ itemIds, skus, weight, answer, refuse })) return;
      refuse(new Problem('overloaded', 'Too many questions wait for the database. Ask again.', { retryAfter: 1 }));
    });
  }

  private mailboxFor(items: number): Mailbox<Question> {
    if (items <= FEW) return this.ofFew;
    this.asked += 1;
    return this.ofMany[this.asked % STATEMENTS] as Mailbox<Question>;
  }

  private async deliverUntilLate(batch: readonly Question[]): Promise<void> {
    const reading = this.deliver(batch).finally(() => this.underWay.delete(reading));
    this.underWay.add(reading);
    await settledBefore(reading, Date.now() + LATE_MS);
    if (this.underWay.size === STATEMENTS) await Promise.race(this.underWay);
  }

  private async deliver(batch: readonly Question[]): Promise<void> {
    try {
      const itemIds = new Set(batch.flatMap((question) => question.itemIds));
      const skus = new Set(batch.flatMap((question) => question.skus));
      const read = await this.repository.read([...itemIds], this.clock(), [...skus]);
      for (const { answer } of batch) answer(read);
    } catch (error) {
      for (const { refuse } of batch) refuse(error);
    }
  }
}
