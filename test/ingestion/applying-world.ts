import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { mintEventId } from '../../src/ingestion/event-id.js';
import { PostingWorker } from '../../src/ingestion/posting.worker.js';
import type { TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

/** An event as a test writes it: what it leaves out is filled in. */
export interface Sent {
  readonly type: string;
  readonly id?: string;
  readonly time?: string;
  readonly sequence?: string | number;
  readonly data: Record<string, unknown>;
}

/** How many milliseconds a test waits for the worker before it gives up. */
const PATIENCE_MS = 60_000;

/** A source, and events of it as receiving leaves them in the inbox. */
export class Feed {
  private sent = 0;

  private constructor(
    private readonly app: TestApp,
    readonly id: number,
    readonly code: string,
  ) {}

  /** A source that owns everything everywhere unless `source` says otherwise. */
  static async of(app: TestApp, code = 'wms', source: Record<string, unknown> = {}): Promise<Feed> {
    const { status, body } = await app.api().put(`/v1/sources/${code}`, {
      name: code,
      kind: 'wms',
      profile: 'canonical',
      signature: { scheme: 'standard_webhooks' },
      owns: [{ location: '*', facts: ['on_hand', 'supply', 'catalog', 'orders'] }],
      quantityBasis: 'on_hand',
      ...source,
    });
    if (status >= 300) throw new Error(`PUT source answered ${status}: ${JSON.stringify(body)}`);
    const [row] = await rowsOf<{ id: number }>(app.databaseUrl, 'select id from source where code = $1', [code]);
    return new Feed(app, (row as { id: number }).id, code);
  }

  /** Puts events into the inbox, in this order, and answers their inbox ids. A text is taken as it is. */
  async receive(events: readonly (Sent | string)[], { atomic = false } = {}): Promise<string[]> {
    const at = new Date(this.app.clock.now());
    const payloads = events.map((event) => {
      if (typeof event === 'string') return { id: `raw-${++this.sent}`, text: event };
      const id = event.id ?? `${this.code}-${++this.sent}`;
      return { id, text: JSON.stringify({ specversion: '1.0', ...event, id }) };
    });
    const ids = payloads.map(() => mintEventId(at.getTime()));
    const client = new pg.Client({ connectionString: this.app.databaseUrl });
    await client.connect();
    try {
      await client.query('select make_inbox_day($1::date)', [at.toISOString().slice(0, 10)]);
      await client.query(
        `with kept as (
           insert into inbox (received_at, id, source_id, event_id, payload, content_type, hash, signature, request_id, batch)
           select $1, id, $2, event_id, payload, 'application/json', decode(hash, 'hex'), '{"scheme":"none"}', $6, $7
             from unnest($3::text[], $4::text[], $5::text[], $8::text[]) as e(id, event_id, payload, hash)
           returning source_id, turn, received_at, id, event_id, hash),
         keys as (
           insert into inbox_key (source_id, event_id, hash, id, received_at)
           select source_id, event_id, hash, id, received_at from kept on conflict do nothing)
         insert into inbox_waiting (source_id, turn, received_at, id) select source_id, turn, received_at, id from kept`,
        [
          at,
          this.id,
          ids,
          payloads.map(({ id }) => id),
          payloads.map(({ text }) => text),
          `req-${++this.sent}`,
          atomic ? `batch-${this.sent}` : null,
          payloads.map(({ text }) => createHash('sha256').update(text).digest('hex')),
        ],
      );
    } finally {
      await client.end();
    }
    return ids;
  }

  /** Receives events and waits until all that waits is applied. */
  async send(...events: readonly (Sent | string)[]): Promise<string[]> {
    const ids = await this.receive(events);
    await this.settle();
    return ids;
  }

  /** Wakes the worker, and waits until nothing of this source is waiting any more. */
  async settle(): Promise<void> {
    const worker = this.app.app.get(PostingWorker, { strict: false });
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await delay(5)) {
      worker.wake(this.id);
      await worker.idle();
      const [row] = await rowsOf<{ open: boolean }>(
        this.app.databaseUrl,
        `select exists (select from inbox_waiting where source_id = $1)
             or exists (select from exception where source_id = $1 and retrying) as open`,
        [this.id],
      );
      if (!row?.open) return;
    }
    throw new Error(`Events of ${this.code} were not applied in time.`);
  }

  /** The final states by the sender's event id. */
  async states(): Promise<Record<string, string>> {
    const rows = await rowsOf<{ event_id: string; status: string }>(
      this.app.databaseUrl,
      'select event_id, status from event where source_id = $1 order by turn',
      [this.id],
    );
    return Object.fromEntries(rows.map(({ event_id, status }) => [event_id, status]));
  }

  /** Exceptions as `kind status sku location`, in the order in which they were opened. */
  async exceptions(status = 'open'): Promise<string[]> {
    const rows = await rowsOf<{ kind: string; sku: string | null; location: string | null }>(
      this.app.databaseUrl,
      'select kind, sku, location from exception where source_id = $1 and status = $2 order by created_at, id',
      [this.id, status],
    );
    return rows.map(({ kind, sku, location }) => [kind, sku, location].filter((each) => each !== null).join(' '));
  }
}

/** The figures of a position, by the public API. */
export async function positionOf(app: TestApp, sku: string, location: string): Promise<Record<string, number>> {
  const { body } = await app.api().get(`/v1/stock?sku=${encodeURIComponent(sku)}&location=${location}`);
  return body.data[0] ?? {};
}

/** So many seconds after a fixed morning, as events write it. */
export function at(seconds: number): string {
  return new Date(Date.parse('2026-03-01T08:00:00Z') + seconds * 1_000).toISOString();
}
