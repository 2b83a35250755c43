import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../config.module.js';
import { Problem } from '../problems/problem.js';
import { Mailbox } from '../stock/mailbox.js';
import type { Letter } from '../stock/queue.js';
import { AvailabilityRepository, type StockRead } from './availability.repository.js';
import { StockCopy } from './stock.copy.js';

/** Questions and items that one statement answers. */
const LIMITS = { letters: 2_000, lines: 5_000, waiting: 20_000 };
/** Statements under way at once: what Redis does not have must not take all connections of the pool. */
const STATEMENTS = 4;

interface Question extends Letter {
  readonly itemIds: readonly number[];
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
  private readonly mailboxes: readonly Mailbox<Question>[];

  constructor(
    private readonly repository: AvailabilityRepository,
    private readonly copy: StockCopy,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.mailboxes = Array.from({ length: STATEMENTS }, () => new Mailbox(LIMITS, (batch) => this.deliver(batch)));
  }

  /** Those of these items that there are, and maybe others. Throws `overloaded`. */
  async read(itemIds: readonly number[]): Promise<StockRead> {
    const keep = this.copy.begin();
    const read = await this.ask(itemIds);
    for (const id of itemIds) if (!read.items.has(id)) this.copy.forget(id);
    keep(itemIds, read.items);
    return read;
  }

  private ask(itemIds: readonly number[]): Promise<StockRead> {
    // An item always waits in the same place: otherwise each would be read by every statement.
    const mailbox = this.mailboxes[(itemIds[0] ?? 0) % STATEMENTS] as Mailbox<Question>;
    return new Promise((answer, refuse) => {
      if (mailbox.put({ itemIds, weight: itemIds.length, answer, refuse })) return;
      refuse(new Problem('overloaded', 'Too many questions wait for the database. Ask again.', { retryAfter: 1 }));
    });
  }

  private async deliver(batch: readonly Question[]): Promise<void> {
    try {
      const itemIds = [...new Set(batch.flatMap((question) => question.itemIds))];
      const read = await this.repository.read(itemIds, this.clock());
      for (const { answer } of batch) answer(read);
    } catch (error) {
      for (const { refuse } of batch) refuse(error);
    }
  }
}
