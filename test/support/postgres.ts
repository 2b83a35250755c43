import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/postgres/embedded.js';
import { migrate } from '../../src/postgres/migrate.js';
import { whenWeAreGone } from './watchdog.js';

/** A migrated database of a test file's own. */
export interface TestDatabase {
  readonly url: string;
  /** Drops it. Fails if a connection is still open two seconds later: whoever opened it should have closed it. */
  drop(): Promise<void>;
}

/** Global set-up tells the workers with these where the server is and what the databases of this run are called. */
const SERVER = 'HOLDFAST_TEST_POSTGRES_URL';
const PREFIX = 'HOLDFAST_TEST_DATABASE_PREFIX';

const IN_MEMORY = '/dev/shm';
/** What the server of a run takes with its write-ahead log at most, and as much again, in bytes. */
const ROOM = 4 * 1024 ** 3;

/** A new database, copied from the template that was migrated once for the whole run. */
export async function createDatabase(): Promise<TestDatabase> {
  const server = process.env[SERVER];
  const prefix = process.env[PREFIX];
  if (!server || !prefix) {
    throw new Error('No PostgreSQL was started for the tests. Run them with "npm test", which does so first.');
  }
  const name = `${prefix}_${randomBytes(5).toString('hex')}`;
  // To copy the files took 16 ms, and to write them to the write-ahead log 29.
  await ask(server, `create database ${name} template ${prefix}_template strategy file_copy`);
  return { url: urlOf(server, name), drop: () => dropDatabase(server, name) };
}

/** Starts the server of a test run, or takes the one at TEST_DATABASE_URL. Answers how to clean up after the run. */
export async function preparePostgres(): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const server = given ? { url: given, stop: async () => {} } : await startTemporaryServer();
  const prefix = `holdfast_test_${process.pid}`;
  const template = `${prefix}_template`;
  const cleanUp = async () => {
    if (given) await dropDatabasesOf(given, prefix);
    await server.stop();
  };
  try {
    await ask(server.url, `create database ${template}`);
    await migrate(urlOf(server.url, template));
    process.env[SERVER] = server.url;
    process.env[PREFIX] = prefix;
  } catch (error) {
    // Jest does not run its global teardown when its global set-up fails.
    await cleanUp();
    throw error;
  }
  return cleanUp;
}

async function startTemporaryServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(await roomInMemory(), 'holdfast-test-'));
  const watchdog = whenWeAreGone('kill -INT "$(head -n 1 "$0/data/postmaster.pid")"; sleep 3; rm -rf "$0"', directory);
  const removeAll = async () => {
    watchdog.release();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    // Durability stays on as in production: the service refuses to be ready on a server without it.
    const server = await startEmbeddedPostgres({ directory });
    return { url: server.url, stop: () => server.stop().finally(removeAll) };
  } catch (error) {
    await removeAll();
    throw new Error('The tests need PostgreSQL: mend the cause, or set TEST_DATABASE_URL to one of your own.', {
      cause: error,
    });
  }
}

/**
 * A file system in memory, where there is one and room for a run. A test file's database is 500 files: to create and
 * drop one took 170 to 430 ms on a disk, and takes 25 there.
 */
async function roomInMemory(): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(IN_MEMORY);
    if (Math.min(bavail * bsize, freemem()) > ROOM) return IN_MEMORY;
  } catch {
    // Only Linux has it.
  }
  return tmpdir();
}

async function dropDatabase(server: string, name: string): Promise<void> {
  const deadline = Date.now() + 2_000;
  let users: unknown[] = [];
  do {
    users = await ask(
      server,
      `select application_name as application, state, query from pg_stat_activity
        where datname = '${name}' and backend_type = 'client backend'`,
    );
    if (users.length > 0) await delay(20);
  } while (users.length > 0 && Date.now() < deadline);
  await ask(server, `drop database if exists ${name} with (force)`);
  if (users.length > 0) throw new Error(`Connections were left open: ${JSON.stringify(users)}`);
}

async function dropDatabasesOf(server: string, prefix: string): Promise<void> {
  const databases = await ask<{ datname: string }>(
    server,
    `select datname from pg_database where starts_with(datname, '${prefix}_')`,
  );
  for (const { datname } of databases) await ask(server, `drop database if exists ${datname} with (force)`);
}

async function ask<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
  } catch (cause) {
    const { host } = new URL(url);
    throw new Error(
      `No PostgreSQL answers at ${host}. Start it, or unset TEST_DATABASE_URL so that the tests start one themselves.`,
      { cause },
    );
  }
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
