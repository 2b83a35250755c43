/** What waits in a mailbox. */
export interface Letter {
  /** Lines. */
  readonly weight: number;
}

export interface MailboxLimits {
  /** Letters a batch takes at most. */
  readonly letters: number;
  /** Lines a batch takes at most; a single letter of more goes alone. */
  readonly lines: number;
  /** Letters that may wait. */
  readonly waiting: number;
}

/**
 * Collects while a batch is being committed, then hands over whatever waits: no timer, so a lone command does not wait
 * for company, and under load the batches grow by themselves.
 */
export class Mailbox<L extends Letter> {
  private waiting: L[] = [];
  private running: Promise<void> | undefined;

  constructor(
    private readonly limits: MailboxLimits,
    private readonly deliver: (batch: readonly L[]) => Promise<void>,
  ) {}

  get size(): number {
    return this.waiting.length;
  }

  /** False when it is full: nothing was taken. */
  put(letter: L): boolean {
    if (this.waiting.length >= this.limits.waiting) return false;
    this.waiting.push(letter);
    this.running ??= this.drain();
    return true;
  }

  /** Letters that were delivered once and must be again, ahead of the others. Not bounded: they were admitted before. */
  putBack(letters: readonly L[]): void {
    this.waiting.unshift(...letters);
    this.running ??= this.drain();
  }

  /** Takes out the letters that are to wait no longer. */
  remove(isOver: (letter: L) => boolean): L[] {
    const over = new Set(this.waiting.filter(isOver));
    if (over.size > 0) this.waiting = this.waiting.filter((letter) => !over.has(letter));
    return [...over];
  }

  /** Resolves when nothing waits or is under way. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async drain(): Promise<void> {
    // One turn of the event loop: the requests that arrived together are read before the first of them goes.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) await this.deliver(this.take());
    this.running = undefined;
  }

  private take(): L[] {
    let lines = 0;
    let count = 0;
    for (const letter of this.waiting) {
      lines += letter.weight;
      if (count > 0 && (count >= this.limits.letters || lines > this.limits.lines)) break;
      count += 1;
    }
    return this.waiting.splice(0, count);
  }
}
