import { World } from '../reservations/world.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';

describe('the ledger', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterAll(async () => {
    await expectInvariants(at.databaseUrl);
    await at.close();
  });

  type Listed = { sku: string; location: string; version: number };
  const pages = async (path: string) => {
    const data: Listed[] = [];
    const sizes: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body }: { body: { data: Listed[]; nextCursor: string | null } } = await at
        .api()
        .get(`${path}${cursor && `&cursor=${cursor}`}`)
        .expect(200);
      data.push(...body.data);
      sizes.push(body.data.length);
      cursor = body.nextCursor;
    }
    return { data, sizes };
  };

  it('is read ascending, by version without gap, page by page', async () => {
    const shop = await world.shop([0]);
    for (let i = 1; i < 125; i += 1) await world.adjust(shop.sku, shop.locations[0], { delta: 1 });
    const { data, sizes } = await pages(`/v1/stock/movements?sku=${shop.sku}&limit=50`);
    expect(sizes).toEqual([50, 50, 24]);
    expect(data.map(({ version }) => version)).toEqual(Array.from({ length: 124 }, (_, i) => i + 1));
    const since = await pages(`/v1/stock/movements?sku=${shop.sku}&since=100&limit=10`);
    expect(since.data.map(({ version }) => version)).toEqual(Array.from({ length: 24 }, (_, i) => i + 101));
    expect((await pages(`/v1/stock/movements?sku=${shop.sku}&since=124`)).data).toEqual([]);
  });

  it('names every step of a reservation that changed a figure, and what of it', async () => {
    const shop = await world.shop([10]);
    const { id } = await world.held(shop.channel, [{ sku: shop.sku, quantity: 6 }]);
    await world.edit(id, '*', [{ sku: shop.sku, quantity: 8 }]).expect(200);
    await world.step(id, 'extend', { ttlSeconds: 60 }).expect(200);
    await world.step(id, 'commit', { lines: [{ line: 1, quantity: 7 }] }).expect(200);
    await world.step(id, 'ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 4 }] }).expect(200);
    await world.step(id, 'unship', { shipmentRef: 'S1' }).expect(200);
    await world.step(id, 'cancel').expect(200);
    const { id: released } = await world.held(shop.channel, [{ sku: shop.sku, quantity: 1 }]);
    await world.step(released, 'release').expect(200);
    const rows = (await world.movements(shop.sku, shop.locations[0])).slice(1);
    expect(
      rows.map(({ kind, onHandDelta, reservedDelta, reference, reservationId }) => [
        kind,
        onHandDelta,
        reservedDelta,
        reference,
        reservationId,
      ]),
    ).toEqual([
      ['hold', 0, 6, null, id],
      ['edit', 0, 2, null, id],
      ['commit', 0, -1, null, id],
      ['ship', -4, -4, 'S1', id],
      ['unship', 4, 4, 'S1', id],
      ['cancel', 0, -7, null, id],
      ['hold', 0, 1, null, released],
      ['release', 0, -1, null, released],
    ]);
  });

  it('is filtered by SKU and location, and empty for what there is not', async () => {
    const shop = await world.shop([1, 2]);
    const of = async (query: string) =>
      (await pages(`/v1/stock/movements?${query}`)).data.map(({ sku, location }) => [sku, location]);
    expect(await of(`sku=${shop.sku}`)).toEqual(shop.locations.map((location) => [shop.sku, location]));
    expect(await of(`location=${shop.locations[1]}`)).toEqual([[shop.sku, shop.locations[1]]]);
    expect(await of('sku=never-was')).toEqual([]);
    expect(await of('location=moon')).toEqual([]);
  });

  it('can be neither changed nor shortened: not by the role of the service, nor by one that may do more', async () => {
    await world.shop([5]);
    for (const role of ['holdfast_app', 'none']) {
      for (const statement of ['update movement set on_hand_delta = 0', 'delete from movement', 'truncate movement']) {
        await expect(rowsOf(at.databaseUrl, `set role ${role}; ${statement}`)).rejects.toMatchObject({ code: '42501' });
      }
    }
  });

  it('lists positions by SKU and location, page by page, each once', async () => {
    const shops = [await world.shop([1, 2, 3]), await world.shop([4])];
    const { data, sizes } = await pages('/v1/stock?limit=2');
    expect(sizes.slice(0, -1).every((size) => size === 2)).toBe(true);
    const keys = data.map(({ sku, location }) => `${sku} ${location}`);
    expect(keys).toEqual([...new Set(keys)].sort());
    for (const { sku, locations } of shops) {
      expect(keys.filter((key) => key.startsWith(`${sku} `))).toEqual(
        locations.map((location) => `${sku} ${location}`).sort(),
      );
    }
    expect((await pages('/v1/stock?sku=never-was')).data).toEqual([]);
    expect((await pages('/v1/stock?location=moon')).data).toEqual([]);
  });
});
