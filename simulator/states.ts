import type { InboxEvent, Page } from '../demo/answers.js';
import type { Client } from '../demo/client.js';

export const STATUSES = ['received', 'applied', 'stale', 'duplicate', 'parked', 'exception'] as const;
type Status = InboxEvent['status'];

/** What the service says became of the events of a source since the simulation began. */
export class States {
  private readonly events = new Map<string, InboxEvent>();

  private constructor(
    private readonly client: Client,
    private readonly source: string,
    /** The newest from before. */
    private readonly before: string | undefined,
  ) {}

  static async of(client: Client, source: string): Promise<States> {
    const { body } = await client.get<Page<InboxEvent>>('list events', `/v1/events?source=${source}&limit=1`);
    return new States(client, source, body.data[0]?.id);
  }

  /**
   * Reads on from the newest until everything older was final when last looked at; `all`: reads all of them, for what is
   * parked may have gone on.
   */
  async look({ all = false } = {}): Promise<void> {
    let cursor: string | null = null;
    do {
      const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/v1/events?source=${this.source}&limit=200${from}`;
      const { body } = await this.client.get<Page<InboxEvent>>('list events', path);
      let news = false;
      for (const event of body.data) {
        if (event.id === this.before) return;
        news ||= this.events.get(event.id)?.status !== event.status;
        this.events.set(event.id, event);
      }
      cursor = all || news || this.counts().received > 0 ? body.nextCursor : null;
    } while (cursor !== null);
  }

  /** How many are in each state. */
  counts(): Record<Status, number> {
    const counts = { received: 0, applied: 0, stale: 0, duplicate: 0, parked: 0, exception: 0 };
    for (const { status } of this.events.values()) counts[status] += 1;
    return counts;
  }

  /** By the service's id. */
  get(id: string): InboxEvent | undefined {
    return this.events.get(id);
  }

  get size(): number {
    return this.events.size;
  }
}
