import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { mintEventId } from '../src/ingestion/event-id.js';
import { SOURCE_LOCK } from '../src/ingestion/source-locks.repository.js';
import { skuOf } from './cases.js';
import { eventOf } from './events.js';

/** Events of one measurement: some seconds of work. */
const EVENTS = 20_000;
/** Milliseconds between two looks whether all is applied, and how long we look. */
const LOOK_MS = 20;
const PATIENCE_MS = 120_000;

export interface Drained {
  readonly events: number;
  readonly seconds: number;
}

/** Keeps the events of the source `bench` from being applied by holding the worker's own lock, and lets them go. */
export class Backlog {
  private constructor(
    private readonly client: pg.Client,
    private readonly sourceId: number,
    private readonly directory: string,
  ) {}

  static async hold(databaseUrl: string, directory: string): Promise<Backlog> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    const { rows } = await client.query("select id from source where code = 'bench'");
    await client.query('select pg_advisory_lock($1, $2)', [SOURCE_LOCK, rows[0].id]);
    return new Backlog(client, rows[0].id, directory);
  }

  async end(): Promise<void> {
    await this.client.end();
  }

  /** What was accepted without being applied goes: the next measurement finds what it made itself. */
  async clear(): Promise<void> {
    await this.client.query("delete from inbox where status = 'received'");
  }

  /** Copies the rows of a backlog into a table like the inbox, with all its indexes. */
  async copy(items: number): Promise<Drained> {
    const file = join(this.directory, 'data', 'backlog.copy');
    await this.fill(items);
    await this.client.query(`
      drop table if exists inbox_copy;
      create table inbox_copy (like inbox including all);
      copy (select * from inbox where status = 'received') to '${file}'`);
    await this.clear();
    await this.client.query('checkpoint');
    const begun = performance.now();
    const { rowCount } = await this.client.query(`copy inbox_copy from '${file}'`);
    return { events: rowCount ?? 0, seconds: (performance.now() - begun) / 1_000 };
  }

  /** Makes a backlog, lets the service at it, and says how long it took. Throws unless every event is applied. */
  async drain(items: number): Promise<Drained> {
    await this.fill(items);
    await this.client.query('checkpoint');
    const begun = performance.now();
    await this.client.query('select pg_advisory_unlock($1, $2)', [SOURCE_LOCK, this.sourceId]);
    try {
      while (await this.waits()) {
        if (performance.now() - begun > PATIENCE_MS)
          throw new Error('The service does not apply what it has received.');
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      const seconds = (performance.now() - begun) / 1_000;
      const { rows } = await this.client.query("select count(*)::int as count from inbox where status = 'applied'");
      await this.client.query("delete from inbox where status = 'applied'");
      if (rows[0].count !== EVENTS) throw new Error(`${EVENTS} events were received, but ${rows[0].count} applied.`);
      return { events: EVENTS, seconds };
    } finally {
      await this.client.query('select pg_advisory_lock($1, $2)', [SOURCE_LOCK, this.sourceId]);
    }
  }

  private async waits(): Promise<boolean> {
    const { rows } = await this.client.query(
      "select exists (select from inbox where source_id = $1 and status = 'received')",
      [this.sourceId],
    );
    return rows[0].exists;
  }

  /** As POST /v1/ingest would have written them; through it, that would take longer than the measurement. */
  private async fill(items: number): Promise<void> {
    await this.clear();
    const at = Date.now();
    const payloads = Array.from({ length: EVENTS }, () =>
      eventOf(randomUUID(), skuOf(1 + Math.floor(Math.random() * items))),
    );
    await this.client.query("select make_inbox_day((now() at time zone 'utc')::date)");
    await this.client.query(
      `insert into inbox (received_at, id, source_id, event_id, payload, content_type, hash, signature, request_id)
       select to_timestamp($1::float8 / 1000), id, $2, payload::json ->> 'id', payload, 'application/json',
              sha256(payload::bytea), '{"scheme":"hmac_sha256"}', 'bench'
         from unnest($3::text[], $4::text[]) as made (id, payload)`,
      [at, this.sourceId, payloads.map(() => mintEventId(at)), payloads],
    );
  }
}
