import { expectProblem, World } from '../reservations/world.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';

/** `GET /v1/availability/{sku}`. */
describe('the availability of an item', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const get = (sku: string, channel: string, more = '') =>
    at.api().get(`/v1/availability/${encodeURIComponent(sku)}?channel=${channel}${more}`);

  it('says what the channel may promise, since when and of which version', async () => {
    const shop = await world.shop([10, 10]);
    at.clock.advance(5_000);
    await world.held(shop.channel, [{ sku: shop.sku, quantity: 3 }]);
    expect(await world.quote(shop.sku, shop.channel)).toEqual({
      sku: shop.sku,
      channel: shop.channel,
      uom: 'EA',
      available: 17,
      backorderable: 0,
      status: 'in_stock',
      stale: false,
      asOf: new Date(at.clock.now()).toISOString(),
      version: 3,
    });
  });

  it('adds up two locations of 10 to 20 (semantics.md 4)', async () => {
    const shop = await world.shop([10, 10]);
    expect(await world.available(shop.sku, shop.channel)).toBe(20);
  });

  it('is on hand less what is unsellable, reserved and kept as safety stock (semantics.md 4)', async () => {
    const shop = await world.shop([20]);
    const [location] = shop.locations;
    const damage = { sku: shop.sku, location, quantity: 3, from: 'sellable', to: 'damaged', reason: 'fell' };
    await at.api().post('/v1/stock/condition-changes', damage).expect(201);
    await at.api().put(`/v1/stock/${shop.sku}/${location}/policy`, { safetyStock: 4 }).expect(200);
    await world.held(shop.channel, [{ sku: shop.sku, quantity: 5 }]);
    expect(await world.available(shop.sku, shop.channel)).toBe(8);
    expect(await world.position(shop.sku, location)).toMatchObject({
      onHand: 20,
      reserved: 5,
      safetyStock: 4,
      available: 8,
    });
  });

  it('lists every location of the channel in sourcing order, disabled ones with 0 (semantics.md 9)', async () => {
    const shop = await world.shop([4, null, 6, 2], { buffer: 1 });
    await at.given.location({ code: shop.locations[2], enabled: false });
    const quoted = await world.quote(shop.sku, shop.channel, '&expand=locations');
    expect(quoted).toMatchObject({ available: 5 });
    expect(quoted.locations).toEqual(
      [
        [0, 4],
        [2, 0],
        [3, 2],
      ].map(([i, available]) => ({
        location: shop.locations[i as number],
        available,
        stale: false,
        asOf: expect.any(String),
      })),
    );
    expect(await world.quote(shop.sku, shop.channel)).not.toHaveProperty('locations');
  });

  describe('is told apart (semantics.md 10)', () => {
    it.each<[string, (number | null)[], object, object, object]>([
      ['in stock', [1], {}, {}, { available: 1, status: 'in_stock' }],
      ['out of stock', [0], {}, {}, { available: 0, status: 'out_of_stock' }],
      ['backorder', [0], { backorderLimit: 2 }, {}, { available: 0, backorderable: 2, status: 'backorder' }],
      ['backorder without end', [0], { backorderLimit: null }, {}, { backorderable: null, status: 'backorder' }],
      ['not carried', [null], { backorderLimit: null }, {}, { available: 0, backorderable: 0, status: 'not_carried' }],
      ['untracked (semantics.md 8)', [null], {}, { tracked: false }, { backorderable: null, status: 'untracked' }],
      ['withheld by the buffer', [5], { buffer: 5 }, {}, { available: 0, status: 'out_of_stock' }],
    ])('%s', async (_, stock, channel, item, expected) => {
      const shop = await world.shop(stock, channel, item);
      expect(await world.quote(shop.sku, shop.channel)).toMatchObject(expected);
    });

    it('not carried where it stands only at locations of another channel', async () => {
      const shop = await world.shop([null]);
      const { code } = await at.given.location();
      await at.given.stock(shop.sku, code, 10);
      expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ available: 0, status: 'not_carried' });
    });
  });

  it('counts packages that are whole at one location (semantics.md 2)', async () => {
    const shop = await world.shop([7, 6], {}, { uoms: [{ code: 'XCS', factor: 4 }] });
    expect(await world.quote(shop.sku, shop.channel, '&uom=XCS&expand=locations')).toMatchObject({
      uom: 'XCS',
      available: 2,
      locations: [{ available: 1 }, { available: 1 }],
    });
    const { status, body } = await get(shop.sku, shop.channel, '&uom=KGM');
    expect([status, body.code, body.errors[0].parameter]).toEqual([400, 'validation_failed', 'uom']);
  });

  it('shows at once what the catalogue and the channels say now', async () => {
    const shop = await world.shop([10, 10], {}, { uoms: [{ code: 'XCS', factor: 4 }] });
    expect(await world.available(shop.sku, shop.channel)).toBe(20);
    await at.api().put(`/v1/channels/${shop.channel}/items/${shop.sku}`, { buffer: 3 });
    expect(await world.available(shop.sku, shop.channel)).toBe(17);
    await at.given.channel({ code: shop.channel, locations: [shop.locations[0]] });
    expect(await world.available(shop.sku, shop.channel)).toBe(7);
    await at.given.location({ code: shop.locations[0], enabled: false });
    expect(await world.available(shop.sku, shop.channel)).toBe(0);
    await at.given.location({ code: shop.locations[0] });
    await at.given.item({ sku: shop.sku, uoms: [{ code: 'XCS', factor: 5 }] });
    expect(await world.quote(shop.sku, shop.channel, '&uom=XCS')).toMatchObject({ available: 1 });
  });

  describe('with an ETag', () => {
    it('answers 304 while nothing has changed, in any of the ways to ask', async () => {
      const shop = await world.shop([10]);
      const first = await get(shop.sku, shop.channel).expect(200);
      const tag = first.headers.etag as string;
      expect(tag).toMatch(/^W\/"[^"]+"$/);
      expect(first.headers['cache-control']).toBe('private, no-cache');
      expect(first.headers.vary).toMatch('Authorization');
      for (const asked of [tag, tag.slice(2), `"other", ${tag}`, '*']) {
        const again = await get(shop.sku, shop.channel).set('If-None-Match', asked);
        expect([asked, again.status, again.text, again.headers.etag]).toEqual([asked, 304, '', tag]);
      }
      await get(shop.sku, shop.channel).set('If-None-Match', '"other"').expect(200);
      await get(shop.sku, shop.channel, '&expand=locations').set('If-None-Match', tag).expect(200);
    });

    it.each<[string, (shop: { sku: string; channel: string; locations: string[] }) => Promise<unknown>]>([
      ['a hold', ({ sku, channel }) => world.held(channel, [{ sku, quantity: 1 }])],
      ['a receipt', ({ sku, locations }) => world.adjust(sku, locations[0], { delta: 1 }).expect(201)],
      ['a rule', ({ sku, channel }) => at.api().put(`/v1/channels/${channel}/items/${sku}`, { buffer: 1 }).expect(201)],
      ['a location that was disabled', ({ locations }) => at.given.location({ code: locations[0], enabled: false })],
    ])('answers anew after %s', async (_, change) => {
      const shop = await world.shop([10]);
      const { headers } = await get(shop.sku, shop.channel).expect(200);
      await change(shop);
      await get(shop.sku, shop.channel)
        .set('If-None-Match', headers.etag as string)
        .expect(200);
    });

    it('answers anew when a hold has expired, which nobody has written yet (semantics.md 16)', async () => {
      const shop = await world.shop([10]);
      await world.held(shop.channel, [{ sku: shop.sku, quantity: 4 }], { ttlSeconds: 60 });
      const { headers } = await get(shop.sku, shop.channel).expect(200);
      at.clock.advance(60_000);
      const { body } = await get(shop.sku, shop.channel)
        .set('If-None-Match', headers.etag as string)
        .expect(200);
      expect(body.available).toBe(10);
    });
  });

  it('is refused for what there is not', async () => {
    const shop = await world.shop([10]);
    expectProblem(await get('never-was', shop.channel), 404, 'unknown_sku');
    expectProblem(await get(shop.sku, 'nowhere'), 404, 'unknown_channel');
    const unnamed = await at.api().get(`/v1/availability/${shop.sku}`);
    expectProblem(unnamed, 400, 'validation_failed');
    expect(unnamed.body.errors).toMatchObject([{ parameter: 'channel' }]);
  });

  it('is unknown once the item was deleted, and new when it was made again', async () => {
    const shop = await world.shop([null]);
    expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ status: 'not_carried' });
    await at.api().delete(`/v1/items/${shop.sku}`).expect(204);
    expectProblem(await get(shop.sku, shop.channel), 404, 'unknown_sku');
    await at.given.item({ sku: shop.sku });
    await at.given.stock(shop.sku, shop.locations[0] as string, 3);
    expect(await world.available(shop.sku, shop.channel)).toBe(3);
  });
});
