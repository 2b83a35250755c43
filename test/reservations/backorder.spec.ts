import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, type Shop, World } from './world.js';

describe('a backorder', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const hold = ({ sku, channel }: Shop, quantity: number, more = {}) => world.hold(channel, [{ sku, quantity }], more);
  const held = async (shop: Shop, quantity: number, more = {}) => {
    at.clock.advance(1_000); // so that there is an older one
    return (await hold(shop, quantity, more).expect(201)).body;
  };
  const receive = (shop: Shop, delta: number, location = 0) =>
    world.adjust(shop.sku, shop.locations[location], { delta, reason: 'receipt' }).expect(201);
  const backordered = async (id: string) => (await world.reservation(id)).lines[0].backordered;

  it('is admitted to the limit of the channel and not beyond (semantics.md 20)', async () => {
    const shop = await world.shop([5], { backorderLimit: 3 });
    expect(await world.quote(shop.sku, shop.channel)).toMatchObject({
      available: 5,
      backorderable: 3,
      status: 'in_stock',
    });
    const { lines } = await held(shop, 7);
    expect(lines[0]).toMatchObject({ reserved: 7, backordered: 2, allocations: [{ quantity: 7 }] });
    expect(await world.quote(shop.sku, shop.channel)).toMatchObject({
      available: 0,
      backorderable: 1,
      status: 'backorder',
    });
    const answer = await hold(shop, 2);
    expectProblem(answer, 409, 'insufficient_stock');
    expect(answer.body.shortages).toMatchObject([{ requested: 2, available: 0, reason: 'insufficient' }]);
    await held(shop, 1);
    expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ backorderable: 0, status: 'out_of_stock' });
  });

  it('is admitted without end where the limit is null (semantics.md 20)', async () => {
    const shop = await world.shop([0], { backorderLimit: null });
    expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ backorderable: null, status: 'backorder' });
    const { lines } = await held(shop, 1_000_000);
    expect(lines[0]).toMatchObject({ reserved: 1_000_000, backordered: 1_000_000 });
  });

  it('ends, unlimited or not, where a position cannot count on: refused, not broken', async () => {
    const shop = await world.shop([0], { backorderLimit: null });
    const lines = Array(10).fill({ sku: shop.sku, quantity: 1e11 });
    expectProblem(await world.hold(shop.channel, lines), 409, 'insufficient_stock');
    await world.held(shop.channel, lines.slice(1));
    expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ backorderable: 0, status: 'out_of_stock' });
    expectProblem(await hold(shop, 1), 409, 'insufficient_stock');
  });

  it('has the limit of the item in the channel before that of the channel (semantics.md 11)', async () => {
    const shop = await world.shop([0], { backorderLimit: 10 });
    const rule = (body: object) => at.api().put(`/v1/channels/${shop.channel}/items/${shop.sku}`, body);
    await rule({ backorderLimit: 2 });
    expect((await hold(shop, 3)).status).toBe(409);
    await rule({ backorderLimit: null });
    await held(shop, 300);
    await rule({ backorderLimit: 0 });
    expect((await hold(shop, 1)).status).toBe(409);
  });

  it('counts what is uncovered at all locations of the channel, disabled ones too (semantics.md 20)', async () => {
    const shop = await world.shop([0, 0], { backorderLimit: 5 });
    await held(shop, 3);
    await at.given.location({ code: shop.locations[0], enabled: false });
    expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ backorderable: 2 });
    const { lines } = await held(shop, 2);
    expect(lines[0].allocations).toEqual([{ location: shop.locations[1], quantity: 2 }]);
    expect((await hold(shop, 1)).status).toBe(409);
  });

  it('stands at the first location in sourcing order, behind the stock of all (semantics.md 20)', async () => {
    const shop = await world.shop([1, 4], { backorderLimit: 10 });
    const { lines } = await held(shop, 8);
    expect(lines[0]).toMatchObject({
      backordered: 3,
      allocations: [
        { location: shop.locations[0], quantity: 4 },
        { location: shop.locations[1], quantity: 4 },
      ],
    });
  });

  it('is filled by a receipt, the oldest first (semantics.md 20)', async () => {
    const shop = await world.shop([0], { backorderLimit: null });
    const first = await held(shop, 4);
    const second = await held(shop, 4);
    expect([first, second].map(({ lines }) => lines[0].backordered)).toEqual([4, 4]);
    await receive(shop, 5);
    expect([await backordered(first.id), await backordered(second.id)]).toEqual([0, 3]);
    expect(await world.available(shop.sku, shop.channel)).toBe(0);
    await receive(shop, 5);
    expect([await backordered(first.id), await backordered(second.id)]).toEqual([0, 0]);
    expect(await world.available(shop.sku, shop.channel)).toBe(2);
  });

  it('is filled for the channel of the highest priority first (semantics.md 20)', async () => {
    const shop = await world.shop([0], { backorderLimit: null, priority: 1 });
    const { code } = await at.given.channel({ locations: shop.locations, backorderLimit: null, priority: 9 });
    const before = await held(shop, 4);
    const preferred = await held({ ...shop, channel: code }, 4);
    await receive(shop, 5);
    expect([await backordered(before.id), await backordered(preferred.id)]).toEqual([3, 0]);
    await world.step(preferred.id, 'release').expect(200);
    expect(await backordered(before.id)).toBe(0);
  });

  it('is filled when another reservation lets go', async () => {
    const shop = await world.shop([4], { backorderLimit: null });
    const first = await held(shop, 4);
    const second = await held(shop, 4);
    expect(await backordered(second.id)).toBe(4);
    await world.step(first.id, 'release').expect(200);
    expect(await backordered(second.id)).toBe(0);
  });

  it('is no longer in the way when it expires', async () => {
    const shop = await world.shop([0], { backorderLimit: 4 });
    await held(shop, 4, { ttlSeconds: 60 });
    expect((await hold(shop, 1)).status).toBe(409);
    at.clock.advance(60_000);
    expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ backorderable: 4 });
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ available: 0, shortfall: 0 });
    await held(shop, 4);
  });

  it('is taken first by a commit of less, and by a cancellation', async () => {
    const shop = await world.shop([5], { backorderLimit: null });
    const { id } = await held(shop, 9);
    const commit = await world.step(id, 'commit', { lines: [{ line: 1, quantity: 7 }] }).expect(200);
    expect(commit.body.lines[0]).toMatchObject({ reserved: 7, backordered: 2 });
    const cancelled = await world.step(id, 'cancel', { lines: [{ line: 1, quantity: 2 }] }).expect(200);
    expect(cancelled.body.lines[0]).toMatchObject({ reserved: 5, backordered: 0 });
  });

  describe('that is committed', () => {
    it('ships what is on hand and not what is not (semantics.md 7 and 20)', async () => {
      const shop = await world.shop([5], { backorderLimit: null });
      const { id } = await held(shop, 8, { commit: true });
      const all = await world.step(id, 'ship', { shipmentRef: 'S1' });
      expectProblem(all, 409, 'insufficient_stock');
      expect(all.body.shortages).toEqual([
        { line: 1, sku: shop.sku, requested: 8, available: 5, reason: 'insufficient' },
      ]);
      const part = await world.step(id, 'ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 5 }] }).expect(200);
      expect(part.body.lines[0]).toMatchObject({ shipped: 5, reserved: 3, backordered: 3 });
      expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 0, reserved: 3, shortfall: 0 });
      await receive(shop, 3);
      const rest = await world.step(id, 'ship', { shipmentRef: 'S2' }).expect(200);
      expect(rest.body).toMatchObject({ status: 'shipped', lines: [{ shipped: 8, reserved: 0, backordered: 0 }] });
    });

    it('ships from where it is on hand, not from where the rest is waited for', async () => {
      const shop = await world.shop([0, 5], { backorderLimit: null });
      const { id, lines } = await held(shop, 8, { commit: true });
      expect(lines[0].allocations.map(({ quantity }: { quantity: number }) => quantity).sort()).toEqual([3, 5]);
      const { body } = await world
        .step(id, 'ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 5 }] })
        .expect(200);
      expect(body.lines[0]).toMatchObject({ shipped: 5, allocations: [{ location: shop.locations[0], quantity: 3 }] });
    });
  });

  describe('is no shortfall, which is what a physical fact took away (semantics.md 7)', () => {
    const figures = async (shop: Shop) => {
      const { reserved, available, shortfall } = await world.position(shop.sku, shop.locations[0]);
      return { reserved, available, shortfall };
    };

    it('by a count', async () => {
      const shop = await world.shop([10]);
      const { id } = await held(shop, 8);
      await world.adjust(shop.sku, shop.locations[0], { onHand: 3, reason: 'count' }).expect(201);
      expect(await figures(shop)).toEqual({ reserved: 8, available: 0, shortfall: 5 });
      expect(await backordered(id)).toBe(5);
      await receive(shop, 5);
      expect(await figures(shop)).toEqual({ reserved: 8, available: 0, shortfall: 0 });
    });

    it('by damage, behind what was admitted beyond stock', async () => {
      const shop = await world.shop([5], { backorderLimit: null });
      await held(shop, 8);
      expect(await figures(shop)).toEqual({ reserved: 8, available: 0, shortfall: 0 });
      const damage = { sku: shop.sku, location: shop.locations[0], quantity: 2, from: 'sellable', to: 'damaged' };
      await at
        .api()
        .post('/v1/stock/condition-changes', { ...damage, reason: 'fell' })
        .expect(201);
      expect(await figures(shop)).toEqual({ reserved: 8, available: 0, shortfall: 2 });
    });

    it('after edits of what was admitted beyond stock', async () => {
      const shop = await world.shop([5], { backorderLimit: null });
      const { id } = await held(shop, 8);
      await world.edit(id, '*', [{ sku: shop.sku, quantity: 10 }]).expect(200);
      expect(await figures(shop)).toEqual({ reserved: 10, available: 0, shortfall: 0 });
      await world
        .edit(id, '*', [
          { sku: shop.sku, quantity: 3 },
          { sku: shop.sku, quantity: 3 },
        ])
        .expect(200);
      expect(await figures(shop)).toEqual({ reserved: 6, available: 0, shortfall: 0 });
      await world.adjust(shop.sku, shop.locations[0], { onHand: 3, reason: 'count' }).expect(201);
      expect(await figures(shop)).toEqual({ reserved: 6, available: 0, shortfall: 2 });
    });

    it('at one location lessens no other (semantics.md 4)', async () => {
      const shop = await world.shop([10, 10]);
      await held(shop, 10);
      await world.adjust(shop.sku, shop.locations[0], { onHand: 0, reason: 'count' }).expect(201);
      expect(await world.available(shop.sku, shop.channel)).toBe(10);
    });
  });
});
