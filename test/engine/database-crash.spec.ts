import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/postgres/embedded.js';
import { migrate } from '../../src/postgres/migrate.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import { whenWeAreGone } from '../support/watchdog.js';
import { until } from './crowd.js';
import { askAvailability as ask, atOnce, expectNothingOversold, hold, positionOf, stocked, tally } from './fleet.js';
import { Standby } from './standby.js';
import { Wire } from './wire.js';

/** Milliseconds: a server is made, killed, and recovers. */
const PATIENCE = 60_000;

describe('a database server that is killed', () => {
  let directory: string;
  let watchdog: { release(): void };
  let server: EmbeddedPostgres;
  let at: TestApp;
  /** The second test's: two processes with Redis, which reach the database by an address that moves with the primary. */
  let redis: TestRedis | undefined;
  let wire: Wire | undefined;
  let standbyDirectory: string;
  let standby: Standby | undefined;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-crash-'));
    standbyDirectory = await mkdtemp(join(tmpdir(), 'holdfast-standby-'));
    watchdog = whenWeAreGone('kill -INT "$(head -n 1 "$0/data/postmaster.pid")"; sleep 3; rm -rf "$0"', directory);
    server = await startEmbeddedPostgres({ directory });
    await migrate(server.url);
    at = await startApp({ databaseUrl: server.url });
  }, PATIENCE);
  afterAll(async () => {
    for (const app of apps) await app.close();
    await at?.close();
    await wire?.close();
    await standby?.stop();
    await server?.stop();
    await redis?.stop();
    watchdog?.release();
    for (const each of [directory, standbyDirectory]) await rm(each, { recursive: true, force: true });
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

  // Behind the first: it leaves the server stopped.
  describeWithRedis('a database whose place a standby takes that lacks its last commits', () => {
    it(
      'answers what that one has, although Redis and every process know of newer versions',
      async () => {
        redis = await startRedis();
        standby = await Standby.of(server.url, directory, standbyDirectory);
        let url: string;
        ({ wire, url } = await Wire.before(server.url));
        for (const redisUrl of [redis.url, redis.url]) apps.push(await startApp({ databaseUrl: url, redisUrl }));
        const [a, b] = apps as [TestApp, TestApp];
        const { sku, channel, locations } = await stocked(a, [100]);
        const everywhere = async (wanted: object) => {
          for (const app of apps) {
            await until('both answer it', async () => {
              const answer = await app.api().get(`/v1/availability/${sku}?channel=${channel}`);
              return Object.entries(wanted).every(([name, value]) => answer.body[name] === value);
            });
          }
        };
        const first = await hold(a, channel, sku, 4).expect(201);
        await everywhere({ available: 96, version: 2 });
        await standby.caughtUp();
        await standby.cutOff();

        // What nobody will know of: stock, a rule of the item, a rule of the channel, and an item.
        await a.given.channel({ code: channel, locations, buffer: 5 });
        await a.api().put(`/v1/channels/${channel}/items/${sku}`, { buffer: 7 }).expect(201);
        for (let i = 0; i < 5; i += 1) await hold(b, channel, sku, 10).expect(201);
        await a.given.item({ sku: 'LOST' });
        await everywhere({ available: 100 - 54 - 7, version: 7 });

        await server.stop();
        await standby.promote();
        wire.leadTo(standby.url);
        await everywhere({ available: 96, version: 2 });
        for (const app of apps) await app.api().get(`/v1/availability/LOST?channel=${channel}`).expect(404);

        // The same versions again, of other figures; and ids that meant something else.
        await until('it takes reservations', async () => (await hold(a, channel, sku, 1)).status === 201);
        await everywhere({ available: 95, version: 3 });
        const other = await stocked(b, [8]);
        expect((await ask(a, other.sku, other.channel)).available).toBe(8);
        await b.api().post(`/v1/reservations/${first.body.id}/release`).expect(200);
        await everywhere({ available: 99, version: 4 });
        await expectInvariants(standby.url);
        await expectNothingOversold(standby.url);
      },
      PATIENCE,
    );
  });
});
