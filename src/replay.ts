// Fills an empty database with what another was told, so that everything is applied there again (docs/operating.md, Replay).
import { readConfig } from './config.js';
import { replayInto } from './ingestion/replay.repository.js';
import { migrate } from './postgres/migrate.js';

try {
  const [from] = process.argv.slice(2);
  const { databaseUrl } = readConfig();
  if (!from || !databaseUrl) {
    throw new Error(
      'Give the URL of the database to read: DATABASE_URL=<the empty one> npm run replay -- <the other one>',
    );
  }
  await migrate(databaseUrl);
  const { events, waiting, rowsByHand } = await replayInto(from, databaseUrl);
  console.log(
    `${events} events are carried over, and ${waiting} wait to be applied: start the service on DATABASE_URL.`,
  );
  if (rowsByHand > 0) {
    console.log(
      `${rowsByHand} rows that somebody corrected or gave up one by one are tried as they were sent: see to their exceptions.`,
    );
  }
} catch (error) {
  console.error(`Nothing was carried over. ${(error as Error).message}`);
  process.exitCode = 1;
}
