import { type Letter, Queue, type QueueLimits } from './queue.js';

export interface Addressed extends Letter {
  /** Whose it is, from 0. */
  readonly mailbox: number;
  /** When it was sent; those of several mailboxes are put in order by it. */
  readonly since: number;
}

export interface MailboxesLimits extends QueueLimits {
  /** Lines that are little: they go with those of the other mailboxes. No more than a batch may take. */
  readonly little: number;
}

interface Batch {
  /** Whose letters it has. It belongs to the first. */
  readonly mailboxes: readonly number[];
  readonly lines: number;
  /** Calls of `hurry` that it has outlasted. */
  outlasted: number;
}

const isSlow = ({ outlasted }: Batch) => outlasted > 1;

/**
 * Several mailboxes of which each has one batch under way. As with one (mailbox.ts), batches grow by themselves. Where much waits,
 * those of all go beside each other. Where little waits, it goes in one, and what arrives meanwhile waits for that: most of
 * what a batch of a few costs is the same for a batch of many. There is no timer: `hurry` is to be called now and then while
 * something waits, or who waits for a batch that hangs waits as long.
 */
export class Mailboxes<L extends Addressed> {
  private readonly waiting: Queue<L>[];
  private readonly underWay: (Batch | undefined)[];
  private readonly running = new Set<Promise<void>>();
  private waking = false;

  /** `deliver`: a batch of this mailbox, of which no other is under way; there may be letters of others in it. Must not throw. */
  constructor(
    count: number,
    private readonly limits: MailboxesLimits,
    private readonly deliver: (mailbox: number, batch: readonly L[]) => Promise<void>,
  ) {
    this.waiting = Array.from({ length: count }, () => new Queue<L>(limits));
    this.underWay = this.waiting.map(() => undefined);
  }

  /** Letters that wait. */
  get size(): number {
    return this.waiting.reduce((sum, { size }) => sum + size, 0);
  }

  /** False when its mailbox is full: nothing was taken. */
  put(letter: L): boolean {
    const put = this.of(letter.mailbox).put(letter);
    if (put) this.wake();
    return put;
  }

  /** Letters that were delivered once and must be again, ahead of the others. Not bounded: they were admitted before. */
  putBack(letters: readonly L[]): void {
    for (const [mailbox, waiting] of this.waiting.entries()) {
      waiting.putBack(letters.filter((letter) => letter.mailbox === mailbox));
    }
    this.wake();
  }

  /** Takes out the letters that are to wait no longer. */
  remove(isOver: (letter: L) => boolean): L[] {
    return this.waiting.flatMap((waiting) => waiting.remove(isOver));
  }

  /** Nobody waits any more for a batch that was under way at the last call already, but the mailbox that it belongs to. */
  hurry(): void {
    for (const batch of this.batches()) {
      batch.outlasted += 1;
      if (isSlow(batch)) this.end(batch, batch.mailboxes.slice(1));
    }
    this.go();
  }

  /** Resolves when nothing waits or is under way. */
  async idle(): Promise<void> {
    while (this.size > 0 || this.running.size > 0) {
      await Promise.all(this.running);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** One turn of the event loop: the requests that arrive together are read before the first of them goes. */
  private wake(): void {
    if (this.waking) return;
    this.waking = true;
    setImmediate(() => {
      this.waking = false;
      this.go();
    });
  }

  private go(): void {
    const free = [...this.waiting.keys()].filter((mailbox) => this.of(mailbox).size > 0 && !this.underWay[mailbox]);
    if (free.length === 0) return;
    const { little } = this.limits;
    const beside = this.batches().reduce((sum, batch) => (isSlow(batch) ? sum : sum + batch.lines), 0);
    const isBesideLittle = 0 < beside && beside <= little;
    if (!isBesideLittle && this.isLittle(free)) this.send(free);
    else for (const mailbox of free) if (!isBesideLittle || !this.isLittle([mailbox])) this.send([mailbox]);
  }

  private send(mailboxes: readonly number[]): void {
    const letters = mailboxes.flatMap((mailbox) => this.of(mailbox).take());
    if (mailboxes.length > 1) letters.sort((a, b) => a.since - b.since);
    const lines = letters.reduce((sum, { weight }) => sum + weight, 0);
    const batch: Batch = { mailboxes, lines, outlasted: 0 };
    for (const mailbox of mailboxes) this.underWay[mailbox] = batch;
    const delivered = this.deliver(mailboxes[0] as number, letters).then(() => {
      this.end(batch, mailboxes);
      this.running.delete(delivered);
      this.go();
    });
    this.running.add(delivered);
  }

  private end(batch: Batch, mailboxes: readonly number[]): void {
    for (const mailbox of mailboxes) if (this.underWay[mailbox] === batch) this.underWay[mailbox] = undefined;
  }

  private batches(): Batch[] {
    return [...new Set(this.underWay.filter((batch) => batch !== undefined))];
  }

  private isLittle(mailboxes: readonly number[]): boolean {
    const { little } = this.limits;
    return mailboxes.reduce((sum, mailbox) => sum + this.of(mailbox).lines(little), 0) <= little;
  }

  private of(mailbox: number): Queue<L> {
    return this.waiting[mailbox] as Queue<L>;
  }
}
