import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { type ItemStock } from '../../src/availability/availability.repository.js';
import { CacheRelay } from '../../src/availability/cache.relay.js';
import { StockCache } from '../../src/availability/stock.cache.js';
import { StockCopy } from '../../src/availability/stock.copy.js';
import { StockNews } from '../../src/availability/stock.news.js';
import { ItemsBatch } from '../../src/catalog/items-batch.service.js';
import { ReservationsService } from '../../src/reservations/reservations.service.js';
import type { TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import { rowsOf } from '../support/rows.js';
import { until } from './crowd.js';
import {
  askAvailability as ask,
  type Fleet,
  hearing,
  hold,
  itemIdOf,
  keptOf,
  randomFrom,
  startFleet,
  stocked,
  untilKept,
} from './fleet.js';
import { playAtRandom } from './random-play.js';

/** Longer than what the relay leaves to the process that committed, in milliseconds. */
const SETTLED = 250;
const SEED = Number(process.env.SEED ?? 11);

/** Two applications that keep what they are asked for, and a third without Redis: its answers are the database's. */
describeWithRedis(
  'the copy of stock in the process',
  () => {
    let redis: TestRedis;
    let fleet: Fleet;
    let a: TestApp;
    let b: TestApp;
    let bare: TestApp;

    beforeAll(async () => {
      redis = await startRedis({ mayStop: true });
      fleet = await startFleet(3, { redisUrls: [redis.url, redis.url, undefined] });
      [a, b, bare] = fleet.apps as [TestApp, TestApp, TestApp];
    });
    beforeEach(() => hearing(a, b));
    afterEach(() => expectInvariants(fleet.databaseUrl));
    afterAll(async () => {
      await fleet?.close();
      await redis?.kill();
    });

    const copyOf = (app: TestApp) => app.app.get(StockCopy);
    const newsOf = (app: TestApp) => app.app.get(StockNews) as unknown as { hear(message: string): void };
    const idOf = (sku: string) => itemIdOf(fleet.databaseUrl, sku);
    const kept = (app: TestApp, sku: string) => keptOf(fleet, app, sku);
    const caughtUp = (app: TestApp, sku: string, version: number) => untilKept(fleet, app, sku, version);

    it('answers what the database answers, after whatever two applications did at random', async () => {
      const random = randomFrom(SEED);
      const world = await stocked(a, [20, 10]);
      const two = { ...fleet, apps: [a, b], next: () => (random() < 0.5 ? a : b) };
      for (let round = 0; round < 4; round += 1) {
        await playAtRandom(two, { players: 6, moves: 10, skus: 2, random });
        const skus = (await bare.api().get('/v1/items?limit=200')).body.data.map(({ sku }: { sku: string }) => sku);
        const lines = skus.map((sku: string) => ({ sku, quantity: 1 }));
        const answer = (app: TestApp) => app.api().post('/v1/availability/query', { channel: world.channel, lines });
        const truth = (await answer(bare)).body;
        await until('both know', async () => {
          const answers = await Promise.all([answer(a), answer(b)]);
          return answers.every(({ body }) => JSON.stringify(body) === JSON.stringify(truth));
        });
        fleet.clock.advance(Math.floor(random() * 30_000));
        if (round % 2 === 1) await a.app.get(ReservationsService).sweep();
      }
    });

    it('shows to whoever reserved what the reservation left', async () => {
      const { sku, channel } = await stocked(a, [100]);
      for (let left = 99; left > 80; left -= 1) {
        await hold(a, channel, sku).expect(201);
        expect((await ask(a, sku, channel)).available).toBe(left);
      }
    });

    it('never has a version that the database does not have yet, and soon has the last', async () => {
      const { sku, channel } = await stocked(a, [1_000]);
      await ask(b, sku, channel);
      let working = true;
      const reading = (async () => {
        while (working) {
          const shown = (await kept(b, sku))?.positions[0]?.version ?? 0;
          const [row] = await rowsOf<{ version: number }>(
            fleet.databaseUrl,
            'select version::int from position where item_id = $1',
            [await idOf(sku)],
          );
          expect(shown).toBeLessThanOrEqual(row?.version as number);
        }
      })();
      for (let i = 0; i < 15; i += 1) {
        await Promise.all(Array.from({ length: 8 }, () => hold(i % 2 === 0 ? a : b, channel, sku)));
      }
      working = false;
      await reading;
      await caughtUp(b, sku, 121);
      expect((await ask(b, sku, channel)).available).toBe(880);
    });

    it('does not keep a reading that news have overtaken', async () => {
      const { sku, channel } = await stocked(a, [10]);
      await ask(a, sku, channel);
      const old = (await kept(a, sku)) as ItemStock;
      const keep = copyOf(b).begin();
      await hold(a, channel, sku, 4).expect(201);
      await until('it is heard', async () => {
        const unheard = copyOf(b).begin();
        return unheard !== undefined && (await ask(b, sku, channel)).available === 6;
      });
      keep([old.itemId], new Map([[old.itemId, old]]));
      expect((await ask(b, sku, channel)).available).toBe(6);
    });

    it('takes news that come late or twice for what they are', async () => {
      const { sku, channel } = await stocked(a, [10]);
      await ask(b, sku, channel);
      const messages: string[] = [];
      const news = newsOf(b);
      const hear = news.hear.bind(news);
      news.hear = (message) => {
        messages.push(message);
        hear(message);
      };
      await hold(a, channel, sku, 1).expect(201);
      await hold(a, channel, sku, 2).expect(201);
      await caughtUp(b, sku, 3);
      for (const message of [...messages].reverse()) hear(message);
      expect((await kept(b, sku))?.positions[0]).toMatchObject({ version: 3, reserved: 30_000 });
      news.hear = hear;
    });

    it('is emptied when one message is lost', async () => {
      const { sku, channel } = await stocked(a, [10]);
      await ask(b, sku, channel);
      const news = newsOf(b);
      const hear = news.hear.bind(news);
      let lost = 0;
      news.hear = (message) => {
        if (lost === 0 && message.includes('\nstock\n')) lost += 1;
        else hear(message);
      };
      await hold(a, channel, sku, 4).expect(201);
      await until('it is noticed', async () => lost === 1 && (await ask(b, sku, channel)).available === 6);
      news.hear = hear;
    });

    it.each(['has an entry of it', 'has lost its entry'])(
      'hears of what a process committed that could not say so, where Redis %s',
      async (how) => {
        const { sku, channel } = await stocked(a, [10]);
        expect((await ask(b, sku, channel)).available).toBe(10);
        if (how === 'has lost its entry') await flush(redis);
        await hold(bare, channel, sku, 4).expect(201);
        fleet.clock.advance(SETTLED);
        await a.app.get(CacheRelay).relay();
        await until('the other knows', async () => (await ask(b, sku, channel)).available === 6);
      },
    );

    it.each([
      [
        "a channel's rule for the item",
        (sku: string, channel: string) =>
          bare.api().put(`/v1/channels/${channel}/items/${sku}`, { buffer: 3 }).expect(201),
        7,
      ],
      ['the item', (sku: string) => bare.given.item({ sku, active: false }), 0],
      [
        'many items together',
        async (sku: string) => {
          const parts = { fractionDigits: 0, tracked: true, uoms: [], identifiers: [] };
          const body = { name: sku, baseUom: 'EA', active: false, ...parts };
          await bare.app.get(DataSource).transaction((tx) => bare.app.get(ItemsBatch).put(tx, [{ sku, body }]));
        },
        0,
      ],
    ] as const)('hears of a change of %s by a process that could not say so', async (_, change, left) => {
      const { sku, channel } = await stocked(a, [10]);
      expect((await ask(b, sku, channel)).available).toBe(10);
      await change(sku, channel);
      fleet.clock.advance(SETTLED);
      await a.app.get(CacheRelay).relay();
      await until('the other knows', async () => (await ask(b, sku, channel)).available === left);
    });

    it('hears that an item has been deleted by a process that could not say so', async () => {
      const { sku } = await a.given.item();
      const { code } = await a.given.channel();
      expect((await ask(b, sku, code)).status).toBe('not_carried');
      await bare.api().delete(`/v1/items/${sku}`).expect(204);
      fleet.clock.advance(SETTLED);
      await a.app.get(CacheRelay).relay();
      await until('the other knows', async () => {
        const { status } = await b.api().get(`/v1/availability/${sku}?channel=${code}`);
        return status === 404;
      });
    });

    it('is not believed while Redis takes nothing it is told', async () => {
      const { sku, channel } = await stocked(a, [10]);
      for (const app of [a, b]) expect((await ask(app, sku, channel)).available).toBe(10);
      const connection = new Redis(redis.url);
      await connection.config('SET', 'maxmemory-policy', 'noeviction');
      await connection.config('SET', 'maxmemory', '1');
      try {
        await hold(a, channel, sku, 4).expect(201);
        fleet.clock.advance(SETTLED);
        await until('the other knows', async () => (await ask(b, sku, channel)).available === 6);
        await hold(b, channel, sku, 1).expect(201);
        fleet.clock.advance(SETTLED);
        await until('the other knows', async () => (await ask(a, sku, channel)).available === 5);
      } finally {
        await connection.config('SET', 'maxmemory', '0');
        connection.disconnect();
      }
      await hearing(a, b);
      for (const app of [a, b]) expect((await ask(app, sku, channel)).available).toBe(5);
    });

    it('never goes back to what it was before Redis hung', async () => {
      const { sku, channel } = await stocked(a, [10]);
      for (const app of [a, b]) expect((await ask(app, sku, channel)).available).toBe(10);
      redis.pause();
      await until('it is noticed', () => [a, b].every((app) => !app.app.get(StockCache).present));
      await until('nothing is heard', () => [a, b].every((app) => !copyOf(app).trusted));
      await hold(a, channel, sku, 4).expect(201);
      for (const app of [a, b]) expect((await ask(app, sku, channel)).available).toBe(6);
      // The relay, which brings Redis up to date, has not looked yet.
      const relays: { relay?: CacheRelay['relay'] }[] = [a, b].map((app) => app.app.get(CacheRelay));
      for (const each of relays) each.relay = async () => 0;
      try {
        redis.resume();
        await until('Redis is there', () => [a, b].every((app) => app.app.get(StockCache).present));
        for (const app of [a, b]) expect((await ask(app, sku, channel)).available).toBe(6);
      } finally {
        for (const each of relays) delete each.relay;
      }
      await hearing(a, b);
      for (const app of [a, b]) expect((await ask(app, sku, channel)).available).toBe(6);
    });

    it.each(['is killed', 'hangs', 'loses all it has'])('answers from the database while Redis %s', async (how) => {
      const { sku, channel } = await stocked(a, [10]);
      await ask(a, sku, channel);
      await ask(b, sku, channel);
      if (how === 'is killed') await redis.kill();
      if (how === 'hangs') redis.pause();
      if (how === 'loses all it has') await flush(redis);
      await hold(a, channel, sku, 4).expect(201);
      expect((await ask(a, sku, channel)).available).toBe(6);
      // What could not be published, because Redis was still taken for gone, the relay says once it has settled.
      fleet.clock.advance(SETTLED);
      await until('the other knows', async () => (await ask(b, sku, channel)).available === 6);
      if (how === 'is killed') await redis.restart();
      if (how === 'hangs') redis.resume();
      await hearing(a, b);
      await until('both are right', async () => (await ask(b, sku, channel)).available === 6);
      await hold(b, channel, sku, 1).expect(201);
      expect((await ask(b, sku, channel)).available).toBe(5);
      fleet.clock.advance(SETTLED);
      await until('the other knows', async () => (await ask(a, sku, channel)).available === 5);
    });

    it('follows a change of a channel and of an item', async () => {
      const { sku, channel, locations } = await stocked(a, [10]);
      expect((await ask(b, sku, channel)).available).toBe(10);
      await a.given.channel({ code: channel, locations, buffer: 2 });
      await until('the channel is known', async () => (await ask(b, sku, channel)).available === 8);
      await a.api().put(`/v1/channels/${channel}/items/${sku}`, { buffer: 3 }).expect(201);
      await until('the item is known', async () => (await ask(b, sku, channel)).available === 7);
    });
  },
  { mayStop: true },
);

/** Redis loses all it has, as one does that keeps nothing on disk and starts again. */
async function flush({ url }: TestRedis): Promise<void> {
  const connection = new Redis(url);
  await connection.flushall();
  connection.disconnect();
}
