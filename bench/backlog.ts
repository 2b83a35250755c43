import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { mintEventId } from '../src/ingestion/event-id.js';
import { SOURCE_LOCK } from '../src/ingestion/source-locks.repository.js';
import { skuOf } from './cases.js';
import { eventOf } from './events.js';
import type { Server } from './server.js';

/** Events of one measurement: some seconds of work, of which the first window, that nothing goes beside, is a thirtieth. */
export const EVENTS = 60_000;
/** Milliseconds between two looks whether all is applied, and how long we look. */
const LOOK_MS = 20;
const PATIENCE_MS = 120_000;

/** Keeps the events of the source `bench` from being applied by holding the worker's own lock, and lets them go. */
export class Backlog {
  private constructor(
    private readonly client: pg.Client,
    private readonly sourceId: number,
    private readonly file: string,
  ) {}

  static async hold({ serviceUrl, directory }: Server): Promise<Backlog> {
    const client = new pg.Client({ connectionString: serviceUrl });
    await client.connect();
    const { rows } = await client.query("select id from source where code = 'bench'");
    await client.query('select pg_advisory_lock($1, $2)', [SOURCE_LOCK, rows[0].id]);
    return new Backlog(client, rows[0].id, join(directory, 'data', 'backlog.copy'));
  }

  async end(): Promise<void> {
    await this.client.end();
  }

  /** What was accepted without being applied goes: the next measurement finds what it made itself. */
  async clear(): Promise<void> {
    await this.client.query(`
      with gone as (delete from inbox_waiting returning received_at, id)
      delete from inbox i using gone where i.received_at = gone.received_at and i.id = gone.id`);
  }

  /** Makes a backlog, and beside its tables two like them and files of its rows for `copy`. */
  async unload(items: number): Promise<void> {
    await this.fill(items);
    await this.client.query(`
      drop table if exists inbox_copy, inbox_waiting_copy;
      create table inbox_copy (like inbox including all);
      create table inbox_waiting_copy (like inbox_waiting including all);
      copy (select i.* from inbox i join inbox_waiting w using (source_id, turn)) to '${this.file}';
      copy inbox_waiting to '${this.file}.waiting'`);
    await this.clear();
    await this.client.query('checkpoint');
  }

  /** Copies those rows into the tables, with all their indexes, in one transaction. Answers the seconds. */
  async copy(): Promise<number> {
    const begun = performance.now();
    const results = (await this.client.query(`
      copy inbox_copy from '${this.file}';
      copy inbox_waiting_copy from '${this.file}.waiting'`)) as unknown as pg.QueryResult[];
    const seconds = (performance.now() - begun) / 1_000;
    for (const { rowCount } of results) {
      if (rowCount !== EVENTS) throw new Error(`${EVENTS} events were to be copied, not ${rowCount}.`);
    }
    return seconds;
  }

  /** Makes a backlog as POST /v1/ingest would have written it; through it, that would take longer than the measurement. */
  async fill(items: number): Promise<void> {
    await this.clear();
    const at = Date.now();
    const payloads = Array.from({ length: EVENTS }, () =>
      eventOf(randomUUID(), skuOf(1 + Math.floor(Math.random() * items))),
    );
    await this.client.query("select make_inbox_day((now() at time zone 'utc')::date)");
    await this.client.query(
      `with kept as (
         insert into inbox (received_at, id, source_id, event_id, payload, content_type, hash, signature, request_id)
         select to_timestamp($1::float8 / 1000), id, $2, payload::json ->> 'id', payload, 'application/json',
                sha256(payload::bytea), '{"scheme":"hmac_sha256"}', 'bench'
           from unnest($3::text[], $4::text[]) as made (id, payload)
         returning source_id, turn, received_at, id)
       insert into inbox_waiting (source_id, turn, received_at, id) select * from kept`,
      [at, this.sourceId, payloads.map(() => mintEventId(at)), payloads],
    );
    await this.client.query('checkpoint');
  }

  /** Lets the service at the backlog. Answers the seconds until nothing waits. */
  async drain(): Promise<number> {
    const begun = performance.now();
    await this.client.query('select pg_advisory_unlock($1, $2)', [SOURCE_LOCK, this.sourceId]);
    try {
      while (await this.waits()) {
        if (performance.now() - begun > PATIENCE_MS)
          throw new Error('The service does not apply what it has received.');
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      return (performance.now() - begun) / 1_000;
    } finally {
      await this.client.query('select pg_advisory_lock($1, $2)', [SOURCE_LOCK, this.sourceId]);
    }
  }

  /** Throws unless every event of the backlog was applied. */
  async check(): Promise<void> {
    const { rowCount } = await this.client.query("delete from event_outcome where status = 'applied'");
    await this.client.query('truncate inbox');
    if (rowCount !== EVENTS) throw new Error(`${EVENTS} events were received, but ${rowCount} applied.`);
  }

  private async waits(): Promise<boolean> {
    // From the end: what was there first leaves dead rows, and looking over them would be part of what is measured. Not by EXISTS,
    // of which PostgreSQL drops the order: that took 3.5 µs an event.
    const last = 'select turn from inbox_waiting where source_id = $1 order by turn desc limit 1';
    const { rowCount } = await this.client.query(last, [this.sourceId]);
    return rowCount === 1;
  }
}
