/** What waits in a mailbox. */
export interface Letter {
  /** Lines. */
  readonly weight: number;
}

export interface QueueLimits {
  /** Letters a batch takes at most. */
  readonly letters: number;
  /** Lines a batch takes at most; a single letter of more goes alone. */
  readonly lines: number;
  /** Letters that may wait. */
  readonly waiting: number;
}

/** Letters in order of arrival, to be taken in batches. */
export class Queue<L extends Letter> {
  private waiting: L[] = [];

  constructor(private readonly limits: QueueLimits) {}

  get size(): number {
    return this.waiting.length;
  }

  /** False when it is full: nothing was taken. */
  put(letter: L): boolean {
    if (this.waiting.length >= this.limits.waiting) return false;
    this.waiting.push(letter);
    return true;
  }

  /** Letters that were taken once and must be again, ahead of the others. Not bounded: they were admitted before. */
  putBack(letters: readonly L[]): void {
    this.waiting.unshift(...letters);
  }

  /** Takes out the letters that are to wait no longer. */
  remove(isOver: (letter: L) => boolean): L[] {
    const over = new Set(this.waiting.filter(isOver));
    if (over.size > 0) this.waiting = this.waiting.filter((letter) => !over.has(letter));
    return [...over];
  }

  /** The next batch; empty: nothing waits. */
  take(): L[] {
    let lines = 0;
    let count = 0;
    for (const letter of this.waiting) {
      lines += letter.weight;
      if (count > 0 && (count >= this.limits.letters || lines > this.limits.lines)) break;
      count += 1;
    }
    return this.waiting.splice(0, count);
  }

  /** Lines that wait; counted until they are more than `most`. */
  lines(most: number): number {
    let lines = 0;
    for (const { weight } of this.waiting) {
      lines += weight;
      if (lines > most) break;
    }
    return lines;
  }
}
