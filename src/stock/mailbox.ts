import { type Letter, Queue, type QueueLimits } from './queue.js';

/**
 * Collects while a batch is being committed, then hands over whatever waits: no timer, so a lone command does not wait
 * for company, and under load the batches grow by themselves.
 */
export class Mailbox<L extends Letter> {
  private readonly waiting: Queue<L>;
  private running: Promise<void> | undefined;

  constructor(
    limits: QueueLimits,
    private readonly deliver: (batch: readonly L[]) => Promise<void>,
  ) {
    this.waiting = new Queue(limits);
  }

  get size(): number {
    return this.waiting.size;
  }

  /** False when it is full: nothing was taken. */
  put(letter: L): boolean {
    const put = this.waiting.put(letter);
    if (put) this.running ??= this.drain();
    return put;
  }

  /** Resolves when nothing waits or is under way. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async drain(): Promise<void> {
    // One turn of the event loop: the requests that arrived together are read before the first of them goes.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.size > 0) await this.deliver(this.waiting.take());
    this.running = undefined;
  }
}
