import { Redis } from 'ioredis';
import { AvailabilityRepository } from '../../src/availability/availability.repository.js';
import { CacheRelay } from '../../src/availability/cache.relay.js';
import { StockCache } from '../../src/availability/stock.cache.js';
import { ReservationsService } from '../../src/reservations/reservations.service.js';
import type { TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import { rowsOf } from '../support/rows.js';
import { until } from './crowd.js';
import { askAvailability as ask, type Fleet, hold, itemIdOf, randomFrom, startFleet, stocked, tally } from './fleet.js';
import { playAtRandom } from './random-play.js';

const SEED = Number(process.env.SEED ?? 10);
/** Longer than what the relay leaves to the process that committed, in milliseconds. */
const SETTLED = 250;

/** Two applications with Redis and a third without, whose answers come from the database alone. */
describeWithRedis(
  'the cache of stock',
  () => {
    let redis: TestRedis;
    let inRedis: Redis;
    let fleet: Fleet;
    let a: TestApp;
    let b: TestApp;
    let bare: TestApp;

    beforeAll(async () => {
      redis = await startRedis({ mayStop: true });
      // What is kept in the process would hide what Redis has: test/engine/copy.spec.ts is about that.
      const env = { AVAILABILITY_COPY: 'off' };
      fleet = await startFleet(3, { env, redisUrls: [redis.url, redis.url, undefined] });
      [a, b, bare] = fleet.apps as [TestApp, TestApp, TestApp];
      inRedis = new Redis(redis.url, { lazyConnect: false, retryStrategy: () => 20 });
      inRedis.on('error', () => {}); // it is stopped on purpose
    });
    beforeEach(() => connected(a, b));
    afterEach(() => expectInvariants(fleet.databaseUrl));
    afterAll(async () => {
      inRedis?.disconnect();
      await fleet?.close();
      await redis?.kill();
    });

    const cacheOf = (app: TestApp) => app.app.get(StockCache);
    const relay = (app: TestApp) => app.app.get(CacheRelay).relay();
    const connected = (...apps: TestApp[]) =>
      until('Redis is there', () => apps.every((app) => cacheOf(app).present && inRedis.status === 'ready'));
    /** What the application does while it has no connection to Redis. */
    const withoutRedis = async (app: TestApp, work: () => PromiseLike<unknown>) => {
      const connection = cacheOf(app) as unknown as { redis: Redis };
      connection.redis.disconnect();
      await work();
      await connection.redis.connect();
      await connected(app);
    };
    const idOf = (sku: string) => itemIdOf(fleet.databaseUrl, sku);
    const keyOf = async (sku: string) => (await inRedis.keys(`*:stock:${await idOf(sku)}`))[0] as string;
    /** What the cache of `app` has of the item, without asking the database. */
    const cached = async (app: TestApp, sku: string) => {
      const id = await idOf(sku);
      return (await cacheOf(app).read([id], fleet.clock.now())).items.get(id);
    };

    it('answers what the database answers, after whatever two applications did at random', async () => {
      const random = randomFrom(SEED);
      const world = await stocked(a, [20, 10]);
      const two = { ...fleet, apps: [a, b], next: () => (random() < 0.5 ? a : b) };
      for (let round = 0; round < 4; round += 1) {
        await playAtRandom(two, { players: 6, moves: 10, skus: 2, random });
        const skus = (await bare.api().get('/v1/items?limit=200')).body.data.map(({ sku }: { sku: string }) => sku);
        const lines = skus.map((sku: string) => ({ sku, quantity: 1 }));
        const answers = await Promise.all(
          [a, b, bare].map((app) => app.api().post('/v1/availability/query', { channel: world.channel, lines })),
        );
        expect(answers[0]?.body).toEqual(answers[2]?.body);
        expect(answers[1]?.body).toEqual(answers[2]?.body);
        fleet.clock.advance(Math.floor(random() * 30_000));
        if (round % 2 === 1) await a.app.get(ReservationsService).sweep();
      }
    });

    it('reads more items than one script of Redis takes, each as it is', async () => {
      const { channel, locations } = await stocked(a, [1]);
      const [location = ''] = locations;
      const quantities = Array.from({ length: 230 }, (_, index) => index + 1);
      const skus: string[] = [];
      for (const quantity of quantities) {
        const { sku } = await a.given.item();
        await a.given.stock(sku, location, quantity);
        skus.push(sku);
      }
      await a
        .api()
        .post('/v1/availability/query', { channel, lines: skus.map((sku) => ({ sku })) })
        .expect(200);
      const rows = await rowsOf<{ id: number }>(
        fleet.databaseUrl,
        'select id::int from item where sku = any($1) order by array_position($1, sku)',
        [skus],
      );
      const { items } = await cacheOf(b).read(
        rows.map(({ id }) => id),
        fleet.clock.now(),
      );
      expect(rows.map(({ id }) => items.get(id)?.positions[0]?.onHand)).toEqual(quantities.map((n) => 10_000 * n));
    });

    it('never shows a version that the database does not have yet', async () => {
      const { sku, channel } = await stocked(a, [1_000]);
      let working = true;
      const reading = (async () => {
        while (working) {
          const shown = await cached(b, sku);
          const [row] = await rowsOf<{ version: number }>(
            fleet.databaseUrl,
            'select version::int from position where item_id = $1',
            [await idOf(sku)],
          );
          expect(shown?.positions[0]?.version ?? 0).toBeLessThanOrEqual(row?.version as number);
        }
      })();
      for (let i = 0; i < 15; i += 1) {
        await Promise.all(Array.from({ length: 8 }, () => hold(i % 2 === 0 ? a : b, channel, sku)));
        await ask(b, sku, channel);
      }
      working = false;
      await reading;
      expect((await ask(b, sku, channel)).available).toBe(880);
      expect((await cached(b, sku))?.positions[0]?.version).toBe(121);
    });

    it('does not let a publication that comes late overwrite a newer one', async () => {
      const { sku, channel } = await stocked(a, [100]);
      await ask(a, sku, channel);
      const old = (await cached(a, sku))?.positions ?? [];
      expect(old).toHaveLength(1);
      await hold(a, channel, sku, 30).expect(201);
      await cacheOf(b).publish(old);
      await cacheOf(b).publish(old.map((position) => ({ ...position, onHand: 0 })));
      expect((await ask(b, sku, channel)).available).toBe(70);
    });

    it.each(['an entry that is there', 'no entry'])(
      'does not let a slow reading bring back what a commit has overtaken: %s',
      async (which) => {
        const { sku, channel } = await stocked(a, [100]);
        await ask(a, sku, channel);
        if (which === 'no entry') await inRedis.del(await keyOf(sku));
        const id = await idOf(sku);
        const slow = await a.app.get(AvailabilityRepository).read([id], fleet.clock.now());
        await hold(b, channel, sku, 30).expect(201);
        await cacheOf(a).fill(slow.state, slow.items.values(), cacheOf(a).losses);
        expect((await ask(a, sku, channel)).available).toBe(70);
        expect((await ask(b, sku, channel)).available).toBe(70);
      },
    );

    it('is not asked for what it had before a hold expired (semantics.md 16)', async () => {
      const { sku, channel } = await stocked(a, [10]);
      await hold(a, channel, sku, 4, { ttlSeconds: 60 }).expect(201);
      await hold(a, channel, sku, 3, { ttlSeconds: 120 }).expect(201);
      expect((await ask(b, sku, channel)).available).toBe(3);
      fleet.clock.advance(59_999);
      expect((await ask(b, sku, channel)).available).toBe(3);
      fleet.clock.advance(1);
      expect(await cached(b, sku)).toBeUndefined();
      expect((await ask(b, sku, channel)).available).toBe(7);
      await a.app.get(ReservationsService).sweep();
      fleet.clock.advance(60_000);
      expect((await ask(b, sku, channel)).available).toBe(10);
    });

    it('does not keep a reading that took a hold for expired which was being extended', async () => {
      const { sku, channel } = await stocked(a, [10]);
      const { id } = (await hold(a, channel, sku, 4, { ttlSeconds: 10 }).expect(201)).body;
      await ask(a, sku, channel);
      const item = await idOf(sku);
      // Read by a clock that is just past the expiry, before the extension that came in time is committed.
      const early = await b.app.get(AvailabilityRepository).read([item], fleet.clock.now() + 10_000);
      expect(early.items.get(item)?.positions[0]?.reserved).toBe(0);
      await a.api().post(`/v1/reservations/${id}/extend`, { ttlSeconds: 100 }).expect(200);
      await cacheOf(b).fill(early.state, early.items.values(), cacheOf(b).losses);
      fleet.clock.advance(10_000);
      expect((await ask(b, sku, channel)).available).toBe(6);
      expect((await ask(a, sku, channel)).available).toBe(6);
    });

    it.each(['a', 'b'])('is repaired by the relay of application %s after a publication was lost', async (by) => {
      const { sku, channel, locations } = await stocked(a, [10]);
      expect((await ask(b, sku, channel)).available).toBe(10);
      await hold(bare, channel, sku, 4).expect(201);
      fleet.clock.advance(SETTLED);
      await relay(bare); // it has no Redis, and leaves the notice to those that have
      await relay(by === 'a' ? a : b);
      expect((await ask(b, sku, channel)).available).toBe(6);
      expect((await cached(b, sku))?.positions.map(({ reserved }) => reserved)).toEqual([40_000]);
      // A position that the entry does not know yet.
      const { code } = await bare.given.location();
      await bare.given.channel({ code: channel, locations: [...locations, code] });
      await ask(b, sku, channel);
      await bare.given.stock(sku, code, 5);
      fleet.clock.advance(SETTLED);
      await relay(by === 'a' ? a : b);
      await until('the channel is known', async () => (await ask(b, sku, channel)).locations.length === 2);
      expect((await ask(b, sku, channel)).available).toBe(11);
    });

    it('is repaired when Redis could not be reached while it was written', async () => {
      const { sku, channel } = await stocked(a, [10]);
      expect((await ask(b, sku, channel)).available).toBe(10);
      await withoutRedis(a, async () => {
        await hold(a, channel, sku, 4).expect(201);
        fleet.clock.advance(SETTLED);
        await relay(a); // it cannot see whether the entry is behind, and must not take the notice for done
      });
      await relay(a);
      expect((await ask(b, sku, channel)).available).toBe(6);
    });

    it('is read when it is back only with what could not be said meanwhile', async () => {
      const { sku, channel } = await stocked(a, [10]);
      expect((await ask(b, sku, channel)).available).toBe(10);
      await withoutRedis(a, () => hold(a, channel, sku, 4).expect(201));
      await relay(a); // the clock has not moved since
      for (const app of [a, b]) expect((await ask(app, sku, channel)).available).toBe(6);
    });

    it('keeps its notices while Redis hangs, and is repaired when it does not', async () => {
      const { sku, channel } = await stocked(a, [10]);
      expect((await ask(b, sku, channel)).available).toBe(10);
      await hold(bare, channel, sku, 4).expect(201);
      fleet.clock.advance(SETTLED);
      redis.pause();
      await relay(a);
      redis.resume();
      await connected(a, b);
      await relay(a);
      expect((await ask(b, sku, channel)).available).toBe(6);
    });

    it('is not read of a Redis that starts again with what it had before', async () => {
      const { sku, channel } = await stocked(a, [10]);
      expect((await ask(b, sku, channel)).available).toBe(10);
      await inRedis.save();
      await hold(a, channel, sku, 4).expect(201);
      fleet.clock.advance(SETTLED);
      await relay(a); // Redis was told: the notice has gone
      await redis.restart();
      await connected(a, b);
      expect(await inRedis.keys(`*:stock:${await idOf(sku)}`)).toHaveLength(1); // the old one
      for (const app of [a, b]) {
        await relay(app);
        expect((await ask(app, sku, channel)).available).toBe(6);
      }
    });

    it('does not keep a reading that Redis was lost behind', async () => {
      const { sku, channel } = await stocked(a, [10]);
      const repository = a.app.get(AvailabilityRepository);
      let letGo = () => {};
      const slow = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      let hasRead = false;
      const read = repository.read;
      repository.read = async (...given) => {
        const found = await read.apply(repository, given);
        hasRead = true;
        await slow;
        return found;
      };
      const asking = ask(a, sku, channel);
      await until('the database has been read', () => hasRead);
      repository.read = read;
      await hold(b, channel, sku, 4).expect(201);
      fleet.clock.advance(SETTLED);
      await relay(b);
      await redis.restart();
      await connected(a, b);
      for (const app of [a, b]) await relay(app);
      letGo();
      await asking;
      expect((await ask(b, sku, channel)).available).toBe(6);
    });

    it('is not held up by something else in the place of an entry', async () => {
      const { sku, channel } = await stocked(a, [10]);
      await ask(a, sku, channel);
      const key = await keyOf(sku);
      await hold(bare, channel, sku, 4).expect(201);
      fleet.clock.advance(SETTLED);
      await inRedis.pipeline().del(key).set(key, 'garbage').exec();
      await relay(a);
      expect(await rowsOf(fleet.databaseUrl, 'select 1 from outbox')).toEqual([]);
      expect((await cached(b, sku))?.positions.map(({ reserved }) => reserved)).toEqual([40_000]);
    });

    it('hears of a change of the catalogue that could not be announced', async () => {
      const { sku, channel } = await stocked(a, [10]);
      await ask(b, sku, channel);
      await withoutRedis(a, () => a.api().put(`/v1/channels/${channel}/items/${sku}`, { buffer: 3 }).expect(201));
      await relay(a);
      expect((await ask(b, sku, channel)).available).toBe(7);
    });

    it('is done with notices in the end, whether there is a Redis or not', async () => {
      const { sku, channel } = await stocked(a, [10]);
      await hold(bare, channel, sku).expect(201);
      const left = () => rowsOf(fleet.databaseUrl, 'select 1 from outbox');
      fleet.clock.advance(SETTLED);
      while ((await relay(a)) > 0);
      expect(await left()).toEqual([]);
      await hold(bare, channel, sku).expect(201);
      fleet.clock.advance(120_000); // no entry lives as long as that
      while ((await relay(bare)) > 0);
      expect(await left()).toEqual([]);
    });

    it('does not live on publications alone: an entry is read anew within its time', async () => {
      const { sku, channel } = await stocked(a, [10]);
      await ask(a, sku, channel);
      await inRedis.pexpire(await keyOf(sku), 5_000);
      await hold(a, channel, sku).expect(201);
      expect(await inRedis.pttl(await keyOf(sku))).toBeLessThanOrEqual(5_000);
      expect(await inRedis.pttl(await keyOf(sku))).toBeGreaterThan(0);
    });

    const configuration = (key: string) => key.replace(/stock:.*/, 'configuration');
    it.each<[string, (key: string, location: string) => Promise<unknown>]>([
      ['a field that is no figure', (key, location) => inRedis.hset(key, location, 'garbage')],
      ['a field of too few figures', (key, location) => inRedis.hset(key, location, '1:[1,2]')],
      ['figures that are no numbers', (key, location) => inRedis.hset(key, location, '1:{"a":1}')],
      [
        'figures that are nulls',
        (key, location) => inRedis.hset(key, location, '1:[null,null,null,null,null,null,0,0,0,0,0]'),
      ],
      ['a revision that is none', (key) => inRedis.hset(key, 'r', 'garbage')],
      ['an announced revision that is none', (key) => inRedis.hset(key, 'n', 'garbage')],
      ['another type', async (key) => inRedis.pipeline().del(key).set(key, 'garbage').exec()],
      ['a configuration that is none', (key) => inRedis.set(configuration(key), 'garbage')],
      [
        'a configuration of another type',
        (key) => inRedis.pipeline().del(configuration(key)).lpush(configuration(key), 'garbage').exec(),
      ],
    ])('takes garbage in Redis for a miss, and mends it: %s', async (_, spoil) => {
      const { sku, channel } = await stocked(a, [10]);
      const other = await stocked(a, [7]);
      await ask(a, sku, channel);
      await a.api().post('/v1/availability/query', { channel, lines: [{ sku }, { sku: other.sku }] });
      const [{ location_id: location } = { location_id: 0 }] = await rowsOf<{ location_id: number }>(
        fleet.databaseUrl,
        'select location_id from position where item_id = $1',
        [await idOf(sku)],
      );
      await spoil(await keyOf(sku), String(location));
      const figures = await ask(a, sku, channel);
      expect(figures).toEqual(await ask(bare, sku, channel));
      await hold(b, channel, sku, 4).expect(201);
      expect(await ask(a, sku, channel)).toEqual(await ask(bare, sku, channel));
      await ask(a, sku, channel);
      expect(await cached(b, sku)).toMatchObject({ positions: [{ onHand: 100_000, reserved: 40_000 }] });
      expect(await cached(b, other.sku)).toBeDefined(); // its neighbours were hits all the time
    });

    it.each(['is killed', 'hangs', 'loses all it has'])('fails no request when Redis %s under load', async (how) => {
      const { sku, channel } = await stocked(a, [200]);
      const requests = Array.from({ length: 120 }, (_, i) => {
        const app = i % 2 === 0 ? a : b;
        return i % 3 === 0
          ? hold(app, channel, sku).then((answer) => answer)
          : app
              .api()
              .get(`/v1/availability/${sku}?channel=${channel}`)
              .then((answer) => answer);
      });
      if (how === 'is killed') await redis.kill();
      if (how === 'hangs') redis.pause();
      if (how === 'loses all it has') await inRedis.flushall();
      expect(tally(await Promise.all(requests))).toEqual({ 200: 80, 201: 40 });
      expect((await ask(a, sku, channel)).available).toBe(160);
      if (how === 'is killed') await redis.restart();
      if (how === 'hangs') redis.resume();
      await connected(a, b);
      expect((await ask(a, sku, channel)).available).toBe(160);
      await hold(b, channel, sku).expect(201);
      expect((await ask(a, sku, channel)).available).toBe(159);
    });
  },
  { mayStop: true },
);
