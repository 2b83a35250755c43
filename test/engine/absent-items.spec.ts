import { AvailabilityRepository } from '../../src/availability/availability.repository.js';
import { StockCopy } from '../../src/availability/stock.copy.js';
import { StockFinder } from '../../src/availability/stock.finder.js';
import { DirectoryRepository } from '../../src/channels/directory.repository.js';
import { Directory } from '../../src/channels/directory.service.js';
import type { TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import { rowsOf } from '../support/rows.js';
import { until } from './crowd.js';
import { askAvailability as ask, type Fleet, hold, itemIdOf, startFleet, stocked } from './fleet.js';

/** Two applications that keep what they are asked for, also that there is no such item. */
describeWithRedis('an item that there is not', () => {
  let redis: TestRedis;
  let fleet: Fleet;
  let a: TestApp;
  let b: TestApp;
  let shop: { channel: string; locations: string[] };
  beforeAll(async () => {
    redis = await startRedis();
    fleet = await startFleet(2, { redisUrls: [redis.url, redis.url] });
    [a, b] = fleet.apps as [TestApp, TestApp];
    shop = await stocked(a, [1]);
  });
  beforeEach(() => {
    const copies = [a, b].map((app) => app.app.get(StockCopy));
    return until('news are heard', () => copies.every((copy) => copy.configuration !== undefined));
  });
  afterEach(() => expectInvariants(fleet.databaseUrl));
  afterAll(async () => {
    await fleet?.close();
    await redis?.kill();
  });

  const exists = async (app: TestApp, sku: string) => {
    const { status } = await app.api().get(`/v1/availability/${sku}?channel=${shop.channel}`);
    expect([200, 404]).toContain(status);
    return status === 200;
  };
  /** Questions to the database of what is available, each held up until `let go`. */
  const questionsOf = (app: TestApp, letGo: Promise<void> = Promise.resolve()) => {
    const repository = app.app.get(AvailabilityRepository);
    const { read } = repository;
    const seen = { begun: 0, done: 0, forget: () => Object.assign(repository, { read }) };
    repository.read = async (...asked) => {
      seen.begun += 1;
      const answer = await read.apply(repository, asked);
      seen.done += 1;
      await letGo;
      return answer;
    };
    return seen;
  };

  it('is looked for once by a hundred questions at once, and by none of the next', async () => {
    const unknown = () => exists(a, 'NOBODY-MADE-IT');
    const questions = questionsOf(a);
    await Promise.all(Array.from({ length: 100 }, unknown));
    expect(questions.begun).toBeLessThanOrEqual(2);
    const { begun } = questions;
    await unknown();
    expect(questions.begun).toBe(begun);
    questions.forget();
  });

  it('is looked for together with all that are missed while the database is asked', async () => {
    const directory = a.app.get(Directory);
    const repository = a.app.get(DirectoryRepository);
    const { itemsBySku } = repository;
    let looks = 0;
    repository.itemsBySku = (skus) => {
      looks += 1;
      return itemsBySku.call(repository, skus);
    };
    const first = directory.load(['NOT-THERE']);
    await new Promise(setImmediate);
    await Promise.all([first, ...Array.from({ length: 50 }, (_, i) => directory.load([`NOT-THERE-${i}`]))]);
    expect(looks).toBe(2);
    Object.assign(repository, { itemsBySku });
  });

  it('is there as soon as another process has made it, and as soon as it is stocked there', async () => {
    const { channel, locations } = shop;
    for (let i = 0; i < 5; i += 1) {
      const sku = `LATE-${i}`;
      expect(await exists(b, sku)).toBe(false);
      await a.given.item({ sku });
      await until('it is known', () => exists(b, sku));
      expect(await ask(b, sku, channel)).toMatchObject({ status: 'not_carried', available: 0 });
      const id = await itemIdOf(fleet.databaseUrl, sku);
      expect(b.app.get(StockCopy).read([id], fleet.clock.now()).get(id)).toMatchObject({ positions: [] });
      await a.given.stock(sku, locations[0] as string, 3);
      await until('it is in stock', async () => (await ask(b, sku, channel)).available === 3);
    }
  });

  it('is not taken for absent because of a look that began before it was made', async () => {
    const sku = 'MADE-MEANWHILE';
    let letGo = () => {};
    const questions = questionsOf(b, new Promise((resolve) => (letGo = resolve)));
    const asking = exists(b, sku);
    await until('it has looked', () => questions.done > 0);
    const directory = b.app.get(Directory) as unknown as { news: number };
    const { news } = directory;
    await a.given.item({ sku });
    await until('it has heard', () => directory.news > news).finally(letGo);
    await asking; // from before, or looked at again
    expect(await exists(b, sku)).toBe(true);
    questions.forget();
  });

  it('is looked for again where nobody said that it was made, as when the process was killed that did', async () => {
    const sku = 'UNSAID';
    expect(await exists(b, sku)).toBe(false);
    const insert = `insert into item (sku, name, base_uom) values ($1, 'Unsaid', 'EA')`;
    await rowsOf(fleet.databaseUrl, insert, [sku]);
    await until('it is known', () => exists(b, sku), 1_000);
  });

  it('takes a bounded place, however many are made up', async () => {
    const absent = (b.app.get(Directory) as unknown as { absent: { size: number; max: number } }).absent;
    for (let from = 0; from < 12_000; from += 1_000) {
      await b.app.get(StockFinder).find(Array.from({ length: 1_000 }, (_, i) => `MADE-UP-${from + i}`));
    }
    expect(absent.size).toBeLessThanOrEqual(absent.max);
    expect(absent.max).toBe(10_000);
    expect(await exists(b, 'MADE-UP-0')).toBe(false);
  });

  it('is refused to whoever wants to reserve it only after a look', async () => {
    const sku = 'RESERVED-AT-ONCE';
    expect(await exists(b, sku)).toBe(false);
    await rowsOf(
      fleet.databaseUrl,
      `insert into item (sku, name, base_uom, tracked) values ($1, 'At once', 'EA', false)`,
      [sku],
    );
    await hold(b, shop.channel, sku).expect(201);
  });
});
