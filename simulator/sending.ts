import type { Feed } from '../demo/feed.js';
import type { Disturbance } from './disturbance.js';
import type { Doing, Happening } from './warehouse.js';

/** Events of one request, of the 10,000 it may have. */
const BATCH = 1_000;

/** From what was done to what is answered. */
export class Sending {
  made = 0;
  sent = 0;
  day = '';
  readonly answers = { received: 0, duplicate: 0, rejected: 0 };
  readonly done = new Map<Doing, number>();
  /** What the service calls what it took in. */
  readonly taken = new Set<string>();
  /** What the warehouses call what they said. */
  readonly said = new Set<string>();
  private waiting: string[] = [];
  /** Greater than in any run before. */
  private readonly first = Date.now() * 1_000;

  constructor(
    private readonly feed: Feed,
    readonly line: Disturbance,
  ) {}

  take(happenings: readonly Happening[]): void {
    for (const { day, doing, type, data } of happenings) {
      this.made += 1;
      this.day = day;
      this.done.set(doing, (this.done.get(doing) ?? 0) + 1);
      const sequence = String(this.first + this.made);
      const id = `${this.feed.source}-${sequence}`;
      const time = new Date().toISOString();
      this.said.add(id);
      this.waiting.push(
        ...this.line.pass(
          JSON.stringify({ specversion: '1.0', id, source: this.feed.source, type, time, sequence, data }),
        ),
      );
    }
  }

  flush(): void {
    this.waiting.push(...this.line.flush());
  }

  async send(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH);
      const answers = await this.feed.send(batch);
      this.sent += batch.length;
      for (const { id, status } of answers) {
        this.answers[status] += 1;
        this.taken.add(id);
      }
    }
  }
}
