import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/postgres/embedded.js';
import { migrate } from '../../src/postgres/migrate.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { whenWeAreGone } from '../support/watchdog.js';
import { atOnce, expectNothingOversold, positionOf, stocked, tally } from './fleet.js';

/** Milliseconds: a server is made, killed, and recovers. */
const PATIENCE = 60_000;

describe('a database server that is killed', () => {
  let directory: string;
  let watchdog: { release(): void };
  let server: EmbeddedPostgres;
  let at: TestApp;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-crash-'));
    watchdog = whenWeAreGone('kill -INT "$(head -n 1 "$0/data/postmaster.pid")"; sleep 3; rm -rf "$0"', directory);
    server = await startEmbeddedPostgres({ directory });
    await migrate(server.url);
    at = await startApp({ databaseUrl: server.url });
  }, PATIENCE);
  afterAll(async () => {
    await at?.close();
    await server?.stop();
    watchdog?.release();
    await rm(directory, { recursive: true, force: true });
  }, PATIENCE);

  it(
    'takes nothing with it that was answered, and the service goes on when it is back',
    async () => {
      const { sku, channel } = await stocked(at, [1_000]);
      const keys = Array.from({ length: 200 }, () => randomUUID());
      const hold = (i: number) =>
        at
          .api()
          .post('/v1/reservations', { channel, lines: [{ sku, quantity: 1 }] })
          .set('Idempotency-Key', keys[i] as string);
      const postmaster = Number((await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
      let answered = 0;
      const answers = await atOnce(keys.length, (i) =>
        hold(i).on('response', () => {
          answered += 1;
          if (answered === 20) process.kill(postmaster, 'SIGKILL');
        }),
      );
      expect(['201', '503 unavailable', '503 overloaded']).toEqual(expect.arrayContaining(Object.keys(tally(answers))));
      expect(tally(answers)[201]).toBeGreaterThanOrEqual(20);

      // It starts itself again, and recovers; until then the answer is 503.
      while ((await hold(0)).status !== 201) await delay(100);
      const again = await atOnce(keys.length, hold);
      expect(tally(again)).toEqual({ 201: keys.length });
      for (const [i, first] of answers.entries()) {
        if (first.status === 201) expect(again[i]?.body).toEqual(first.body);
      }
      expect(await positionOf(at, sku)).toMatchObject({ reserved: keys.length });
      await expectInvariants(server.url);
      await expectNothingOversold(server.url);
    },
    PATIENCE,
  );
});
