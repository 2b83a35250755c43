import pg from 'pg';
import { AvailabilityRepository } from '../../src/availability/availability.repository.js';
import { CacheRelay } from '../../src/availability/cache.relay.js';
import { CopyForesight } from '../../src/availability/copy.foresight.js';
import { StockCache } from '../../src/availability/stock.cache.js';
import { StockCopy } from '../../src/availability/stock.copy.js';
import { StockReader } from '../../src/availability/stock.reader.js';
import { CLOCK, CONFIG } from '../../src/config.module.js';
import { ReservationsService, SWEEP } from '../../src/reservations/reservations.service.js';
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
  startFleet,
  stocked,
  untilKept,
} from './fleet.js';

/** Longer than what the relay leaves to the process that committed, in milliseconds. */
const SETTLED = 250;

/** Two applications that keep what they are asked for, and a third without Redis: its answers are the database's. */
describeWithRedis('the copy of an item of which holds expire', () => {
  let redis: TestRedis;
  let fleet: Fleet;
  let a: TestApp;
  let b: TestApp;
  let bare: TestApp;

  beforeAll(async () => {
    redis = await startRedis();
    fleet = await startFleet(3, { redisUrls: [redis.url, redis.url, undefined] });
    [a, b, bare] = fleet.apps as [TestApp, TestApp, TestApp];
    for (const { app } of fleet.apps) await app.get(CopyForesight).beforeApplicationShutdown();
  });
  beforeEach(() => hearing(a, b));
  afterEach(() => expectInvariants(fleet.databaseUrl));
  afterAll(async () => {
    await fleet?.close();
    await redis?.kill();
  });

  /** One that looks when it is told to. */
  const foresightOf = ({ app }: TestApp, reader: Pick<StockReader, 'read'> = app.get(StockReader)) =>
    new CopyForesight(app.get(CONFIG), app.get(CLOCK), app.get(StockCopy), app.get(StockCache), reader as StockReader);
  const idOf = (sku: string) => itemIdOf(fleet.databaseUrl, sku);
  const kept = (app: TestApp, sku: string) => keptOf(fleet, app, sku);
  /** Asks until the answer is kept: not one that news of the item overtake, as the relay's of how it was stocked. */
  const asked = (app: TestApp, sku: string, channel: string) =>
    until('it is at hand', async () => {
      await ask(app, sku, channel);
      return (await kept(app, sku)) !== undefined;
    });
  const caughtUp = (app: TestApp, sku: string, version: number) => untilKept(fleet, app, sku, version);

  it('is not asked once a hold has expired (semantics.md 16)', async () => {
    const { sku, channel } = await stocked(a, [10]);
    await hold(a, channel, sku, 4, { ttlSeconds: 60 }).expect(201);
    await asked(b, sku, channel);
    expect((await ask(b, sku, channel)).available).toBe(6);
    expect(await kept(b, sku)).toBeDefined();
    fleet.clock.advance(59_999);
    expect((await ask(b, sku, channel)).available).toBe(6);
    fleet.clock.advance(1);
    expect(await kept(b, sku)).toBeUndefined();
    expect((await ask(b, sku, channel)).available).toBe(10);
    // Nobody has let go of it yet. The same version without its expiry, as the relay writes it for Redis, says less.
    expect(await kept(b, sku)).toMatchObject({ overdue: true });
    const { state, items } = await a.app.get(AvailabilityRepository).read([await idOf(sku)], fleet.clock.now());
    const cache = a.app.get(StockCache);
    await cache.fill(state, items.values(), cache.losses);
    const other = await stocked(a, [1]);
    await ask(b, other.sku, other.channel);
    await hold(a, other.channel, other.sku).expect(201);
    await caughtUp(b, other.sku, 2);
    expect(await kept(b, sku)).toMatchObject({ overdue: true });
    await a.app.get(ReservationsService).sweep();
    await caughtUp(b, sku, 3);
    expect((await ask(b, sku, channel)).available).toBe(10);
  });

  it('answers past each that follows within a second without asking, and as the database does (semantics.md 16)', async () => {
    const { sku, channel } = await stocked(a, [200]);
    // Milliseconds after which the hold is placed, for ten seconds. Two of one moment; the last a second after the reading.
    const holds = [
      [0, 1],
      [400, 110],
      [0, 2],
      [400, 4],
      [100, 8],
      [400, 16],
    ] as const;
    for (const [after, quantity] of holds) {
      fleet.clock.advance(after);
      await hold(a, channel, sku, quantity, { ttlSeconds: 10 }).expect(201);
    }
    await hold(a, channel, sku, 32, { commit: true }).expect(201);
    const shown: [boolean, number][] = [];
    for (const after of [10_000 - 1_300, 399, 1, 400, 100, 99, 1, 300]) {
      fleet.clock.advance(after);
      const known = (await kept(b, sku)) !== undefined;
      const { available } = await ask(b, sku, channel);
      shown.push([known, available]);
      expect((await ask(bare, sku, channel)).available).toBe(available);
    }
    expect(shown).toEqual([
      [false, 28], // read, with what is still to expire
      [true, 28],
      [true, 140],
      [true, 144],
      [true, 152],
      [true, 152],
      [false, 152], // read again
      [true, 168],
    ]);
    await a.app.get(ReservationsService).sweep();
  });

  it.each([
    ['committed', (id: string) => a.api().post(`/v1/reservations/${id}/commit`)],
    ['given more time', (id: string) => a.api().post(`/v1/reservations/${id}/extend`).send({ ttlSeconds: 30 })],
  ])('hears when one of the others is %s at the moment at which it is read', async (_, step) => {
    const { sku, channel } = await stocked(a, [10]);
    await hold(a, channel, sku, 1, { ttlSeconds: 10 }).expect(201);
    fleet.clock.advance(500);
    const { body } = await hold(a, channel, sku, 4, { ttlSeconds: 10 }).expect(201);
    await hold(a, channel, sku, 1, { ttlSeconds: 60 }).expect(201);
    fleet.clock.advance(9_499);
    const client = new pg.Client({ connectionString: fleet.databaseUrl });
    await client.connect();
    try {
      await client.query('begin');
      await client.query('select from position where item_id = $1 for update', [await idOf(sku)]);
      // Decided by a clock by which nothing has expired yet, and written once the lock is free.
      const stepping = step(body.id).then((answer) => answer.status);
      await until('it waits', async () => {
        const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
        return (await rowsOf(fleet.databaseUrl, waiting)).length > 0;
      });
      fleet.clock.advance(1);
      expect((await ask(b, sku, channel)).available).toBe(5);
      await client.query('commit');
      expect(await stepping).toBe(200);
    } finally {
      await client.end();
    }
    const other = await stocked(a, [1]);
    await ask(b, other.sku, other.channel);
    await hold(a, other.channel, other.sku).expect(201);
    await caughtUp(b, other.sku, 2);
    fleet.clock.advance(500);
    expect((await ask(bare, sku, channel)).available).toBe(5);
    expect((await ask(b, sku, channel)).available).toBe(5);
    await a.app.get(ReservationsService).sweep();
  });

  it('is read before they do, and again behind it, so that nobody waits for it', async () => {
    const shops = [await stocked(a, [10]), await stocked(a, [10]), await stocked(a, [10])];
    for (const { sku, channel } of shops) {
      await hold(a, channel, sku, 4, { ttlSeconds: 60 }).expect(201);
      await asked(b, sku, channel);
      expect((await ask(b, sku, channel)).available).toBe(6);
    }
    const ids = await Promise.all(shops.map(({ sku }) => idOf(sku)));
    const reserved = () => {
      const items = b.app.get(StockCopy).read(ids, fleet.clock.now());
      return ids.map((id) => items.get(id)?.positions[0]?.reserved);
    };
    const looked = async () => {
      await foresightOf(b).foresee();
      return reserved();
    };
    const held = 4 * 10_000;
    fleet.clock.advance(59_499);
    await looked();
    fleet.clock.advance(501);
    expect(reserved()).toEqual([undefined, undefined, undefined]); // it was too early to know
    fleet.clock.advance(-500);
    expect(await looked()).toEqual([held, held, held]);
    fleet.clock.advance(500);
    expect(reserved()).toEqual([0, 0, 0]);
    for (const { sku, channel } of shops) expect((await ask(b, sku, channel)).available).toBe(10);
    fleet.clock.advance(1);
    expect(await looked()).toEqual([0, 0, 0]);
    fleet.clock.advance(60_000);
    expect(await looked()).toEqual([0, 0, 0]);
    await a.app.get(ReservationsService).sweep();
  });

  it('is read with the next look where one has failed', async () => {
    const { sku, channel } = await stocked(a, [10]);
    await hold(a, channel, sku, 4, { ttlSeconds: 60 }).expect(201);
    await asked(b, sku, channel);
    expect((await ask(b, sku, channel)).available).toBe(6);
    fleet.clock.advance(59_600);
    const failing = foresightOf(b, { read: () => Promise.reject(new Error('too many wait')) });
    await expect(failing.foresee()).rejects.toThrow('too many wait');
    await foresightOf(b).foresee();
    fleet.clock.advance(400);
    expect((await kept(b, sku))?.positions[0]?.reserved).toBe(0);
    await a.app.get(ReservationsService).sweep();
  });

  it('is not kept, nor is anything, where it is read of another database than the one before', async () => {
    const { sku, channel } = await stocked(a, [10]);
    await hold(a, channel, sku, 4, { ttlSeconds: 60 }).expect(201);
    const other = await stocked(a, [10]);
    for (const shop of [{ sku, channel }, other]) await ask(b, shop.sku, shop.channel);
    fleet.clock.advance(59_600);
    const reader = b.app.get(StockReader);
    const elsewhere = foresightOf(b, {
      read: async (ids) => {
        const read = await reader.read(ids);
        return { ...read, state: { ...read.state, epoch: 'another' } };
      },
    });
    await elsewhere.foresee();
    for (const shop of [sku, other.sku]) expect(await kept(b, shop)).toBeUndefined();
    await until('it has found back', async () => (await ask(b, other.sku, other.channel)).available === 10);
    fleet.clock.advance(400);
    await a.app.get(ReservationsService).sweep();
  });

  it('knows what expires where nothing was said, when something is of another location', async () => {
    const { sku, channel, locations } = await stocked(a, [10, 10]);
    await hold(a, channel, sku, 10, { ttlSeconds: 60 }).expect(201);
    expect((await ask(b, sku, channel)).available).toBe(10);
    fleet.clock.advance(59_600);
    await foresightOf(b).foresee();
    await a.given.stock(sku, locations[1] as string, 15);
    await until('it is heard', async () => (await ask(b, sku, channel)).available === 15);
    fleet.clock.advance(400);
    expect((await kept(b, sku))?.positions.map(({ reserved }) => reserved)).toEqual([0, 0]);
    expect((await ask(b, sku, channel)).available).toBe(25);
    await a.app.get(ReservationsService).sweep();
  });

  describe('that is to expire earlier', () => {
    const isKnown = (app: TestApp, sku: string) =>
      until('it is known', async () => (await kept(app, sku))?.positions[0]?.nextExpiry === fleet.clock.now() + 4_750);

    it('does, where a reading of before comes behind the news of it (semantics.md 16)', async () => {
      const { sku, channel } = await stocked(a, [10]);
      const { body } = await hold(a, channel, sku, 4, { ttlSeconds: 600 }).expect(201);
      for (const app of [a, b]) expect((await ask(app, sku, channel)).available).toBe(6);
      const cache = b.app.get(StockCache);
      const { state, items } = await b.app.get(AvailabilityRepository).read([await idOf(sku)], fleet.clock.now());
      await a.api().post(`/v1/reservations/${body.id}/extend`).send({ ttlSeconds: 5 }).expect(200);
      await cache.fill(state, items.values(), cache.losses);
      fleet.clock.advance(SETTLED);
      for (const app of [a, b]) await isKnown(app, sku);
      fleet.clock.advance(4_750);
      for (const app of [a, b, bare]) expect((await ask(app, sku, channel)).available).toBe(10);
      await a.app.get(ReservationsService).sweep();
    });

    it('does, where the process that was asked could not say so (semantics.md 16)', async () => {
      const { sku, channel } = await stocked(a, [10]);
      const { body } = await hold(a, channel, sku, 4, { ttlSeconds: 600 }).expect(201);
      for (const app of [a, b]) expect((await ask(app, sku, channel)).available).toBe(6);
      await bare.api().post(`/v1/reservations/${body.id}/extend`).send({ ttlSeconds: 5 }).expect(200);
      fleet.clock.advance(SETTLED);
      for (const app of [a, b]) await isKnown(app, sku);
      fleet.clock.advance(4_750);
      for (const app of [a, b, bare]) expect((await ask(app, sku, channel)).available).toBe(10);
      await a.app.get(ReservationsService).sweep();
    });
  });

  it('is told that they are let go of with the last, or with what else changes there', async () => {
    const { sku, channel } = await stocked(a, [2 * SWEEP]);
    const one = { channel, ttlSeconds: 30, lines: [{ sku, quantity: 1 }] };
    await a
      .api()
      .post('/v1/reservations/batch', { reservations: Array(SWEEP).fill(one) })
      .expect(207);
    await hold(a, channel, sku, 1, { ttlSeconds: 30 }).expect(201);
    fleet.clock.advance(30_000);
    const { available, version } = await ask(b, sku, channel);
    expect(available).toBe(2 * SWEEP);
    expect(await a.app.get(ReservationsService).sweep()).toBe(SWEEP);
    const other = await stocked(a, [1]);
    await ask(b, other.sku, other.channel);
    await hold(a, other.channel, other.sku).expect(201);
    await caughtUp(b, other.sku, 2);
    // The relay has no notice of it either.
    fleet.clock.advance(SETTLED);
    await a.app.get(CacheRelay).relay();
    await caughtUp(b, other.sku, 2);
    expect(await kept(b, sku)).toMatchObject({ positions: [{ version }] });
    expect(await ask(b, sku, channel)).toMatchObject({ available, version });
    await hold(a, channel, sku, 3).expect(201);
    await until('it is heard', async () => (await ask(b, sku, channel)).available === available - 3);
  });
});
