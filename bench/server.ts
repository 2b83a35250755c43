import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/postgres/embedded.js';
import { whenWeAreGone } from '../test/support/watchdog.js';
import { spreadOf } from './statistics.js';

/** On the disk of the working copy: a temporary directory may be memory, where durability costs nothing. */
const PLACE = fileURLToPath(new URL('../.data', import.meta.url));
const ITEMS = fileURLToPath(new URL('items.sql', import.meta.url));
const SCHEMA = fileURLToPath(new URL('baseline.schema.sql', import.meta.url));

/** The bundled PostgreSQL with two databases: the service's and the baseline's. */
export class Server {
  private constructor(
    readonly pid: number,
    /** For the service to migrate. */
    readonly serviceUrl: string,
    readonly baselineUrl: string,
    readonly directory: string,
    readonly stop: () => Promise<void>,
  ) {}

  /** `settings` beside those the bundled server has anyway, which are production's: everything durable. */
  static async start(settings: Readonly<Record<string, string>>): Promise<Server> {
    await mkdir(PLACE, { recursive: true });
    const directory = await mkdtemp(join(PLACE, 'bench-'));
    const watchdog = whenWeAreGone(
      'kill -INT "$(head -n 1 "$0/data/postmaster.pid")"; sleep 3; rm -rf "$0"',
      directory,
    );
    const removeAll = async () => {
      watchdog.release();
      await rm(directory, { recursive: true, force: true });
    };
    try {
      const postgres = await startEmbeddedPostgres({ directory, settings });
      const baseline = new URL(postgres.url);
      baseline.pathname = 'baseline';
      await ask(postgres.url, 'create database baseline');
      await ask(baseline.href, await readFile(SCHEMA, 'utf8'));
      await ask(baseline.href, 'vacuum analyze stock');
      const pid = Number((await readFile(join(directory, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);
      const stop = () => postgres.stop().finally(removeAll);
      return new Server(pid, postgres.url, baseline.href, directory, stop);
    } catch (error) {
      await removeAll();
      throw error;
    }
  }

  /** Makes the items of these numbers, once the service has made its schema and a location. */
  async makeItems(first = 1, last = 10_000): Promise<void> {
    await makeItems(this.serviceUrl, first, last, 1);
  }

  /** An empty database on this server. Gives its address. */
  async makeDatabase(name: string): Promise<string> {
    await ask(this.serviceUrl, `create database ${name}`);
    const url = new URL(this.serviceUrl);
    url.pathname = name;
    return url.href;
  }

  /** Every measurement begins behind a checkpoint, so that none pays for pages that another one has written. */
  async checkpoint(): Promise<void> {
    await ask(this.serviceUrl, 'checkpoint');
  }

  /** Rows of the table, to be compared with what a generator was told. */
  async count(databaseUrl: string, table: string): Promise<number> {
    const [row] = await ask<{ count: string }>(databaseUrl, `select count(*) from ${table}`);
    return Number(row?.count);
  }

  /** The settings that decide what an acknowledged commit is worth, and a few that decide its price. */
  async settings(): Promise<Record<string, string>> {
    const names = [
      'server_version',
      'fsync',
      'synchronous_commit',
      'full_page_writes',
      'wal_sync_method',
      'wal_level',
      'shared_buffers',
      'huge_pages_status',
      'max_wal_size',
      'data_checksums',
    ];
    const rows = await ask<{ name: string; value: string }>(
      this.serviceUrl,
      `select name, current_setting(name) as value from pg_settings where name = any('{${names.join(',')}}')`,
    );
    const found = new Map(rows.map(({ name, value }) => [name, value]));
    return Object.fromEntries(names.map((name) => [name, found.get(name) ?? '']));
  }

  /** Milliseconds that the disk takes to keep 8 kB for good: the least a lone commit can cost here. */
  async syncMilliseconds(): Promise<number> {
    const file = await open(join(this.directory, 'sync-probe'), 'w');
    const page = Buffer.alloc(8_192);
    const times: number[] = [];
    for (let i = 0; i < 200; i += 1) {
      const begun = performance.now();
      await file.write(page, 0, page.length, 0);
      await file.datasync();
      times.push(performance.now() - begun);
    }
    await file.close();
    return spreadOf(times).median;
  }
}

/** Items, each with a position at the location and so many movements behind it. */
export async function makeItems(databaseUrl: string, first: number, last: number, movements: number): Promise<void> {
  await ask(databaseUrl, await readFile(ITEMS, 'utf8'), [first, last, movements]);
  await ask(databaseUrl, 'vacuum analyze item, position, movement');
}

export async function ask<Row>(url: string, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
