import { setTimeout as delay } from 'node:timers/promises';
import type { Problem, Reservation } from './answers.js';
import type { Book } from './book.js';
import { atMost, type Client } from './client.js';

/** A cart that is still held so long after it should have expired is a fault. Its time is one second. */
const PATIENCE_MS = 5_000;

/** The carts that were left standing: real time lets go of them, whatever the calendar of the demo says. */
export class Carts {
  /** Found expired, by reservation. */
  private readonly expired = new Set<string>();

  constructor(
    private readonly client: Client,
    private readonly book: Book,
    /** Grows while the demo trades. */
    private readonly abandoned: readonly string[],
  ) {}

  get count(): number {
    return this.abandoned.length;
  }

  /** Waits for those that have not expired yet. Throws an Error that names one that outlives its time. */
  async expire(): Promise<void> {
    const until = Date.now() + PATIENCE_MS;
    const open = this.abandoned.filter((id) => !this.expired.has(id));
    await atMost(8, open, async (id) => {
      for (;;) {
        const { body } = await this.client.get<Reservation>('read a reservation', `/v1/reservations/${id}`);
        if (body.status === 'expired') break;
        if (Date.now() > until) throw new Error(`${id} was to expire after a second, and is ${body.status}.`);
        await delay(100);
      }
      this.book.expire(id);
      this.expired.add(id);
    });
  }

  /** Pays too late for one of them. Answers what the service says: it should be `hold_expired`. */
  async payTooLate(): Promise<string | undefined> {
    const id = this.abandoned.at(-1);
    if (id === undefined) return undefined;
    const { status, body } = await this.client.post<Problem>(
      'commit',
      `/v1/reservations/${id}/commit`,
      {},
      {
        expect: [409],
      },
    );
    return status === 409 ? body.code : `${status}`;
  }
}
