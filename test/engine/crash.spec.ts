import { randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { Given } from '../support/given.js';
import { expectInvariants } from '../support/invariants.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';
import { rowsOf } from '../support/rows.js';
import { lockStockOf, until, waitingForLocks } from './crowd.js';
import { expectNothingOversold, randomFrom, stocked, tally } from './fleet.js';
import { ServiceProcess } from './process.js';

/** Milliseconds: a process takes seconds to start while others work. */
const PATIENCE = 120_000;

describe('a service process that ends', () => {
  let database: TestDatabase;
  const running: ServiceProcess[] = [];
  const start = async () => {
    const service = await ServiceProcess.start({ DATABASE_URL: database.url });
    running.push(service);
    return service;
  };

  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((service) => service.kill()));
    await expectInvariants(database.url);
    await expectNothingOversold(database.url);
    await database.drop();
  }, PATIENCE);

  const reservations = () => rowsOf<{ id: string }>(database.url, 'select id from reservation');

  it(
    'by kill -9 has lost nothing that it answered, holds up nobody, and doubles nothing when it is asked again',
    async () => {
      const random = randomFrom(9);
      const [first, second] = await Promise.all([start(), start()]);
      const { sku, channel } = await stocked({ given: new Given(first.api) }, [10_000]);
      const intents = Array.from({ length: 400 }, () => ({
        key: randomUUID(),
        body: { channel, commit: random() < 0.3, lines: [{ sku, quantity: 1 + Math.floor(random() * 3) }] },
      }));
      const send = (to: ServiceProcess, { key, body }: (typeof intents)[number]) =>
        to.api.post('/v1/reservations', body).set('Idempotency-Key', key);
      const answered = new Map<string, Response>();
      const remaining = [...intents];
      /** Keeps `to` busy until so many answers are there, and kills it in the midst of the others. */
      const workUntil = async (to: ServiceProcess, killAt: number) => {
        let killing: Promise<void> | undefined;
        const client = async () => {
          for (let intent = remaining.shift(); intent && !killing; intent = remaining.shift()) {
            const answer = await send(to, intent).catch(() => undefined);
            if (answer) answered.set(intent.key, answer);
            if (answered.size >= killAt) killing ??= to.kill();
          }
        };
        await Promise.all(Array.from({ length: 25 }, client));
        await killing;
      };

      // The second goes on with the first one's work left open, on the same item.
      await Promise.all([workUntil(first, 60), workUntil(second, 200)]);
      expect(answered.size).toBeGreaterThanOrEqual(200);
      expect(answered.size).toBeLessThan(400);
      expect(tally([...answered.values()])).toEqual({ 201: answered.size });

      const third = await start();
      const again = await Promise.all(intents.map((intent) => send(third, intent).then((answer) => answer)));
      expect(tally(again)).toEqual({ 201: 400 });
      for (const [i, { key }] of intents.entries()) {
        const before = answered.get(key);
        if (before) expect(again[i]?.body).toEqual(before.body);
      }
      expect(new Set(again.map(({ body }) => body.id)).size).toBe(400);
      expect(await reservations()).toHaveLength(400);
    },
    PATIENCE,
  );

  it(
    'by SIGTERM answers everything that it has accepted, ends with 0 and leaves no connection',
    async () => {
      const service = await start();
      const { sku, channel } = await stocked({ given: new Given(service.api) }, [500]);
      const lock = await lockStockOf(database.url, sku);
      const body = { channel, lines: [{ sku, quantity: 1 }] };
      const accepted = Array.from({ length: 80 }, () =>
        service.api.post('/v1/reservations', body).then((answer) => answer),
      );
      await until('one waits for the lock', async () => (await waitingForLocks(database.url)) > 0);
      await fetch(`${service.url}/health/live`); // came later and is answered: the others have arrived
      const stopped = service.stop();
      await until('it takes no more', () =>
        fetch(`${service.url}/health/live`).then(
          () => false,
          () => true,
        ),
      );
      await lock.release();
      expect(tally(await Promise.all(accepted))).toEqual({ 201: 80 });
      expect(await stopped).toBe(0);
      expect(await reservations()).toHaveLength(80);
      const left = await rowsOf(
        database.url,
        `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      );
      expect(left).toEqual([]);
    },
    PATIENCE,
  );
});
