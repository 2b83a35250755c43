import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import type { Tx } from './connections.js';

const MIGRATIONS = new URL('../../migrations/', import.meta.url);
/** Names the lock that lets one process migrate while the others that start beside it wait. "hold" in ASCII. */
const MIGRATION_LOCK = 0x686f6c64;

/**
 * Brings the database at `url` to the newest schema. Any number of processes may call it at once.
 * The role of `url` must be allowed to create tables, and the role `holdfast_app` unless it exists.
 * `count`: go no further than the first so many migrations; the test that proves every `down` stops midway.
 */
export async function migrate(url: string, count?: number): Promise<void> {
  const lock = new pg.Client({ connectionString: url });
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const migrations = (await readMigrations()).slice(0, count);
    const dataSource = await new DataSource({ type: 'postgres', url, migrations }).initialize();
    try {
      await dataSource.runMigrations({ transaction: 'each' });
      // TypeORM's own table: the service reads it to say whether it is ready.
      await dataSource.query('grant select on migrations to holdfast_app');
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await lock.end(); // and with the session its lock
  }
}

/** Takes back the newest migration. Used by the test that proves every `down`. */
export async function revertLastMigration(url: string): Promise<void> {
  const dataSource = await new DataSource({ type: 'postgres', url, migrations: await readMigrations() }).initialize();
  try {
    await dataSource.undoLastMigration({ transaction: 'each' });
  } finally {
    await dataSource.destroy();
  }
}

/** Names of the migrations that this release has and the database has not had. Any role may ask. */
export async function missingMigrations(tx: Tx): Promise<string[]> {
  const names = (await readMigrations()).map((Migration) => new Migration().name as string);
  const [{ exists }] = await tx.query(`select to_regclass('migrations') is not null as exists`);
  const rows: { name: string }[] = exists ? await tx.query('select name from migrations') : [];
  const done = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !done.has(name));
}

/** A file `<timestamp>-<what>.sql` holds what goes up behind a line `-- up`, and what takes it back behind `-- down`. */
async function readMigrations(): Promise<(new () => MigrationInterface)[]> {
  const files = (await readdir(MIGRATIONS)).filter((file) => /^\d{13}-.*\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(new URL(file, MIGRATIONS), 'utf8');
      const [, up, down] = /^-- up$([\s\S]*)^-- down$([\s\S]*)/m.exec(text) ?? [];
      if (!up || !down) throw new Error(`migrations/${file} lacks its "-- up" or its "-- down" line.`);
      const [, timestamp, what] = /^(\d{13})-(.*)\.sql$/.exec(file) ?? [];
      const name = `${what?.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}${timestamp}`;
      return class implements MigrationInterface {
        readonly name = name;
        async up(runner: QueryRunner): Promise<void> {
          await runner.query(up);
        }
        async down(runner: QueryRunner): Promise<void> {
          await runner.query(down);
        }
      };
    }),
  );
}
