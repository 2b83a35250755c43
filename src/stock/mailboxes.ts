import { type Letter, Queue, type QueueLimits } from './queue.js';

export interface Addressed extends Letter {
  /** Whose it is, from 0. */
  readonly mailbox: number;
}

export interface MailboxesLimits extends QueueLimits {
  /** Lines that are little: they go with those of the other mailboxes. No more than a batch may take. */
  readonly little: number;
}

/**
 * Several mailboxes of which each has one batch under way, so that its letters stay in order. As with one (mailbox.ts) there is no
 * timer. Where much waits, the batches of all go beside each other. Where little waits, it goes in one, and what arrives
 * meanwhile waits for that: most of what a batch of a few costs is the same for a batch of many.
 */
export class Mailboxes<L extends Addressed> {
  private readonly waiting: Queue<L>[];
  /** By mailbox: lines of the batch that has its letters; undefined: none is under way. */
  private readonly underWay: (number | undefined)[];
  private readonly running = new Set<Promise<void>>();
  private waking = false;

  /** `deliver`: a batch of this mailbox, or of several, of which this is the first. Must not throw. */
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

  /** Lets go what waits for nothing but a little batch of others: that takes longer than it should. */
  hurry(): void {
    for (const mailbox of this.free()) this.send([mailbox]);
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
    const free = this.free();
    const isBesideLittle = this.underWay.some((lines) => lines !== undefined && lines <= this.limits.little);
    if (free.length === 0) return;
    if (this.running.size === 0 && this.isLittle(free)) this.send(free);
    else {
      const ready = free.filter((mailbox) => !isBesideLittle || !this.isLittle([mailbox]));
      for (const mailbox of ready) this.send([mailbox]);
    }
  }

  private send(mailboxes: readonly number[]): void {
    const batch = mailboxes.flatMap((mailbox) => this.of(mailbox).take());
    const lines = batch.reduce((sum, { weight }) => sum + weight, 0);
    for (const mailbox of mailboxes) this.underWay[mailbox] = lines;
    const delivered = this.deliver(mailboxes[0] as number, batch).then(() => {
      for (const mailbox of mailboxes) this.underWay[mailbox] = undefined;
      this.running.delete(delivered);
      this.go();
    });
    this.running.add(delivered);
  }

  /** In which something waits and of which nothing is under way. */
  private free(): number[] {
    return [...this.waiting.keys()].filter(
      (mailbox) => this.of(mailbox).size > 0 && this.underWay[mailbox] === undefined,
    );
  }

  private isLittle(mailboxes: readonly number[]): boolean {
    const { little } = this.limits;
    return mailboxes.reduce((sum, mailbox) => sum + this.of(mailbox).lines(little), 0) <= little;
  }

  private of(mailbox: number): Queue<L> {
    return this.waiting[mailbox] as Queue<L>;
  }
}
