import pg from 'pg';
import { AvailabilityRepository } from '../../src/availability/availability.repository.js';
import { StockFinder } from '../../src/availability/stock.finder.js';
import { DirectoryRepository } from '../../src/channels/directory.repository.js';
import { Directory } from '../../src/channels/directory.service.js';
import type { TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { askAvailability as ask, type Fleet, itemIdOf, startFleet, stocked } from './fleet.js';

/** An application that makes items, and one beside it that has not heard of them; neither has a Redis. */
describe('a reading of the database', () => {
  let fleet: Fleet;
  let a: TestApp;
  let b: TestApp;
  beforeAll(async () => {
    fleet = await startFleet(2);
    [a, b] = fleet.apps as [TestApp, TestApp];
  });
  afterEach(() => expectInvariants(fleet.databaseUrl));
  afterAll(() => fleet?.close());

  /** What is asked of the database while `work` goes on: of the catalogue alone, and of it with its stock. */
  const asked = async <T>({ app }: TestApp, work: () => Promise<T>) => {
    const [directory, stock] = [app.get(DirectoryRepository), app.get(AvailabilityRepository)];
    const { itemsBySku } = directory;
    const { read } = stock;
    const seen = { catalogue: 0, stock: [] as { ids: number; skus: number }[] };
    directory.itemsBySku = (skus) => {
      seen.catalogue += 1;
      return itemsBySku.call(directory, skus);
    };
    stock.read = (ids, now, skus = []) => {
      seen.stock.push({ ids: ids.length, skus: skus.length });
      return read.call(stock, ids, now, skus);
    };
    try {
      return { ...seen, answer: await work() };
    } finally {
      Object.assign(directory, { itemsBySku });
      Object.assign(stock, { read });
    }
  };

  /** By a process that was killed before it could say so. */
  const makeUnheard = (sku: string) =>
    rowsOf(fleet.databaseUrl, `insert into item (sku, name, base_uom) values ($1, 'Item', 'EA')`, [sku]);

  /** What `ask` is answered while the process reads an item anew that has changed. */
  const whileReadAnew = async <T>({ app }: TestApp, sku: string, ask: () => Promise<T>): Promise<T> => {
    const directory = app.get(Directory);
    const item = directory.item(sku);
    if (!item) throw new Error(`The process does not know ${sku}.`);
    const readAnew = directory.refresh({ configuration: false, items: [item] });
    const answer = await ask();
    await readAnew;
    return answer;
  };

  /** The rows of an item that is asked for by its SKU, and what is made of them. */
  const sentFor = async ({ app }: TestApp, sku: string) => {
    const pool = app.get(pg.Pool);
    const { query } = pool;
    const rows: { catalogue: unknown }[] = [];
    const watched = async (...what: unknown[]) => {
      const result = await (query as (...what: unknown[]) => Promise<pg.QueryResult>).apply(pool, what);
      rows.push(...result.rows.filter((row) => 'catalogue' in row)); // not what is asked beside it
      return result;
    };
    Object.assign(pool, { query: watched });
    try {
      return { ...(await app.get(AvailabilityRepository).read([], Date.now(), [sku])), rows };
    } finally {
      Object.assign(pool, { query });
    }
  };

  it('brings an item that the process does not know with its units, its rules and its stock', async () => {
    const shop = await stocked(a, [7, 5], {}, { uoms: [{ code: 'BOX', factor: 4 }] });
    await a.api().put(`/v1/channels/${shop.channel}/items/${shop.sku}`, { buffer: 2 }).expect(201);
    await b.app.get(Directory).refreshConfiguration();
    const first = await asked(b, () => ask(b, shop.sku, shop.channel));
    expect(first).toMatchObject({ catalogue: 0, stock: [{ ids: 0, skus: 1 }] });
    expect(first.answer).toEqual(await ask(a, shop.sku, shop.channel));
    const again = await asked(b, () => ask(b, shop.sku, shop.channel));
    expect(again).toMatchObject({ catalogue: 0, stock: [{ ids: 1, skus: 0 }], answer: first.answer });
  });

  it('answers lines of known, unknown and made-up SKUs together, each as it is', async () => {
    const [known, unknown] = [await stocked(a, [3, 4]), await stocked(a, [6])];
    await ask(b, known.sku, known.channel);
    const skus = [unknown.sku, 'MADE-UP', known.sku];
    const { stock, catalogue, answer } = await asked(b, () => b.app.get(StockFinder).find(skus));
    expect({ stock, catalogue }).toEqual({ stock: [{ ids: 1, skus: 2 }], catalogue: 0 });
    expect(answer.found.map((each) => each && [each.item.sku, each.stock.positions.map((at) => at.onHand)])).toEqual([
      [unknown.sku, [60_000]],
      undefined,
      [known.sku, [30_000, 40_000]],
    ]);
  });

  it('counts an item once that is asked for by its id and by its SKU', async () => {
    const { sku } = await stocked(a, [3, 4]);
    const id = await itemIdOf(fleet.databaseUrl, sku);
    const read = await b.app.get(AvailabilityRepository).read([id], Date.now(), [sku]);
    expect(read.items.get(id)?.positions.map((at) => at.onHand)).toEqual([30_000, 40_000]);
    expect(read.catalogue.get(sku)).toMatchObject({ id, sku });
  });

  it('sends what is said of an item once, however many locations have it', async () => {
    const shop = await stocked(a, [1, 2, 3]);
    const { rows, items, catalogue } = await sentFor(b, shop.sku);
    expect(rows.filter(({ catalogue: said }) => said !== null)).toHaveLength(1);
    expect(rows).toHaveLength(3);
    const [item] = await b.app.get(DirectoryRepository).itemsBySku([shop.sku]);
    expect(catalogue.get(shop.sku)).toEqual(item);
    expect(items.get(item?.id as number)?.positions).toHaveLength(3);
  });

  it('that did not find an item says nothing of one that the process has used since', async () => {
    const finder = b.app.get(StockFinder);
    const sku = 'USED-SINCE';
    expect((await finder.find([sku])).found).toEqual([undefined]);
    await makeUnheard(sku);
    await b.app.get(Directory).load([sku]);
    expect(await whileReadAnew(b, sku, () => finder.find([sku]))).toMatchObject({ found: [{ item: { sku } }] });
  });

  it('that an item was made beside says nothing of it', async () => {
    const [directory, repository] = [b.app.get(Directory), b.app.get(AvailabilityRepository)];
    const finder = b.app.get(StockFinder);
    const { read } = repository;
    const sku = 'MADE-BESIDE';
    repository.read = async (...what) => {
      const nothing = await read.apply(repository, what);
      await makeUnheard(sku);
      await directory.load([sku]);
      return nothing;
    };
    try {
      await finder.find([sku]);
    } finally {
      Object.assign(repository, { read });
    }
    expect(await whileReadAnew(b, sku, () => finder.find([sku]))).toMatchObject({ found: [{ item: { sku } }] });
  });

  it('says which database answered also where there is no such item', async () => {
    const { state, items, catalogue } = await b.app.get(AvailabilityRepository).read([0], Date.now(), ['MADE-UP']);
    expect(state).toEqual({ epoch: expect.any(String), configuration: expect.any(Number) });
    expect([items.size, catalogue.size]).toEqual([0, 0]);
  });

  it('is of all who ask for a few items meanwhile', async () => {
    const rows = await rowsOf<{ sku: string }>(
      fleet.databaseUrl,
      `insert into item (sku, name, base_uom)
       select 'TOGETHER-' || number, 'Item', 'EA' from generate_series(1, 100) as number returning sku`,
    );
    await b.app.get(Directory).refreshConfiguration();
    const finder = b.app.get(StockFinder);
    const { stock, answer } = await asked(b, () => Promise.all(rows.map(({ sku }) => finder.find([sku]))));
    expect(stock).toEqual([{ ids: 0, skus: 100 }]);
    expect(answer.map(({ found: [one] }) => one?.item.sku)).toEqual(rows.map(({ sku }) => sku));
  });

  it('of a few items does not wait for one of many', async () => {
    const { channel, sku } = await stocked(a, [9]);
    const repository = b.app.get(AvailabilityRepository);
    const { read } = repository;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    repository.read = async (ids, now, skus = []) => {
      if (skus.length > 100) await held;
      return read.call(repository, ids, now, skus);
    };
    try {
      const many = b.app.get(StockFinder).find(Array.from({ length: 2_000 }, (_, i) => `ONE-OF-MANY-${i}`));
      expect((await ask(b, sku, channel)).available).toBe(9);
      letGo();
      expect((await many).found.filter((each) => each !== undefined)).toEqual([]);
    } finally {
      letGo();
      Object.assign(repository, { read });
    }
  });

  it('that hangs does not hold up who asks for other items', async () => {
    const [stuck, ...others] = await Promise.all(Array.from({ length: 12 }, () => stocked(a, [9])));
    await b.app.get(Directory).refreshConfiguration();
    const repository = b.app.get(AvailabilityRepository);
    const finder = b.app.get(StockFinder);
    const { read } = repository;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    let begin = () => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    repository.read = async (ids, now, skus = []) => {
      begin();
      if (skus.includes(stuck?.sku as string)) await held;
      return read.call(repository, ids, now, skus);
    };
    try {
      const late = finder.find([stuck?.sku as string]);
      await begun;
      const waiting = others.map(({ sku }) => finder.find([sku]));
      for (const { found } of await Promise.all(waiting)) expect(found[0]?.stock.positions[0]?.onHand).toBe(90_000);
      letGo();
      expect((await late).found[0]?.item.sku).toBe(stuck?.sku);
    } finally {
      letGo();
      Object.assign(repository, { read });
    }
  });

  it('of another database answers of its own items, also where an id is of another', async () => {
    const { sku } = await stocked(a, [5]);
    const finder = b.app.get(StockFinder);
    expect((await finder.find([sku])).found[0]?.item.sku).toBe(sku);
    const id = await itemIdOf(fleet.databaseUrl, sku);
    await rowsOf(fleet.databaseUrl, `update item set sku = 'ANOTHER-ONE' where id = $1`, [id]);
    await rowsOf(fleet.databaseUrl, 'update configuration set installation = gen_random_uuid()');
    const { found } = await finder.find([sku, 'ANOTHER-ONE']);
    expect(found.map((each) => each?.item.sku)).toEqual([undefined, 'ANOTHER-ONE']);
  });
});
