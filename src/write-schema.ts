// Writes migrations/schema.sql; with --check says whether it is up to date. Starts the bundled PostgreSQL for it.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from './postgres/embedded.js';
import { migrate } from './postgres/migrate.js';
import { dumpSchema } from './postgres/schema.js';

const HEAD = `-- The schema after the last migration, for reading and for the diff of a review. Never run.
-- Written by "npm run schema:write" from the catalogue of a freshly migrated database.

`;
const FILE = new URL('../migrations/schema.sql', import.meta.url);

const directory = await mkdtemp(join(tmpdir(), 'holdfast-schema-'));
try {
  const postgres = await startEmbeddedPostgres({ directory, settings: { fsync: 'off' } });
  try {
    await migrate(postgres.url);
    const text = HEAD + (await dumpSchema(postgres.url));
    if (!process.argv.includes('--check')) {
      await writeFile(FILE, text);
      console.log('migrations/schema.sql is written.');
    } else if ((await readFile(FILE, 'utf8').catch(() => '')) === text) {
      console.log('migrations/schema.sql is up to date.');
    } else {
      console.error('migrations/schema.sql is stale: run "npm run schema:write", look at what changed, and commit it.');
      process.exitCode = 1;
    }
  } finally {
    await postgres.stop();
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
