import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { migrate, revertLastMigration } from '../../src/postgres/migrate.js';
import { dumpSchema } from '../../src/postgres/schema.js';
import { createDatabase, TestDatabase } from '../support/postgres.js';

const MIGRATIONS = new URL('../../migrations/', import.meta.url);

describe('migrations/schema.sql', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(() => database.drop());

  it('shows the schema that the migrations make', async () => {
    expect(await readSchemaFile()).toBe(await dumpSchema(database.url));
  });

  it('leaves nothing out: run on an empty database it makes the same schema', async () => {
    for (const _ of await migrationFiles()) await revertLastMigration(database.url);
    await run(database.url, await readSchemaFile());
    expect(await dumpSchema(database.url)).toBe(await readSchemaFile());
  });

  it('is refused rather than incomplete when the database holds what the writer does not know', async () => {
    await run(database.url, 'create materialized view everything as select * from item');
    await expect(dumpSchema(database.url)).rejects.toThrow('does not know how to write relation "everything"');
  });
});

describe('a migration', () => {
  it('is taken back to the schema of the step before', async () => {
    const database = await createDatabase();
    const { length } = await migrationFiles();
    const takenBack: string[] = [];
    for (let step = length - 1; step >= 0; step -= 1) {
      await revertLastMigration(database.url);
      takenBack[step] = await dumpSchema(database.url);
    }
    expect(takenBack[0]).toBe('');
    for (let step = 1; step < length; step += 1) {
      await migrate(database.url, step);
      expect(await dumpSchema(database.url)).toBe(takenBack[step]);
    }
    await database.drop();
  });

  it('is run once, however many processes start at the same moment', async () => {
    const database = await createDatabase();
    await revertLastMigration(database.url);
    await Promise.all([1, 2, 3].map(() => migrate(database.url)));
    expect(await dumpSchema(database.url)).toBe(await readSchemaFile());
    await database.drop();
  });
});

async function readSchemaFile(): Promise<string> {
  const text = await readFile(new URL('schema.sql', MIGRATIONS), 'utf8');
  return text.slice(text.indexOf('create sequence'));
}

async function migrationFiles(): Promise<string[]> {
  return (await readdir(MIGRATIONS)).filter((file) => /^\d{13}-/.test(file));
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
