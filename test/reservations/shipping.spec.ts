import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, type Shop, World } from './world.js';

describe('a shipment by instruction', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const committed = (shop: Shop, quantity: number, more = {}) =>
    world.committed(shop.channel, [{ sku: shop.sku, quantity, ...more }]);
  const ship = (id: string, shipmentRef: string, ...lines: object[]) =>
    world.step(id, 'ship', { shipmentRef, ...(lines.length > 0 ? { lines } : {}) });
  const figures = async (shop: Shop, location = 0) => {
    const { onHand, reserved, available } = await world.position(shop.sku, shop.locations[location]);
    return { onHand, reserved, available };
  };

  it('lowers on hand and reserved together, and may be partial (semantics.md 19)', async () => {
    const shop = await world.shop([10]);
    const { id } = await committed(shop, 6);
    const part = await ship(id, 'S1', { line: 1, quantity: 2 }).expect(200);
    expect(part.body).toMatchObject({
      status: 'partially_shipped',
      lines: [{ shipped: 2, reserved: 4, committed: 6 }],
    });
    expect(await figures(shop)).toEqual({ onHand: 8, reserved: 4, available: 4 });
    const rest = await ship(id, 'S2').expect(200);
    expect(rest.body).toMatchObject({ status: 'shipped', lines: [{ shipped: 6, reserved: 0, allocations: [] }] });
    expect(await figures(shop)).toEqual({ onHand: 4, reserved: 0, available: 4 });
    const last = (await world.movements(shop.sku, shop.locations[0])).at(-1);
    expect(last).toMatchObject({
      kind: 'ship',
      onHandDelta: -4,
      reservedDelta: -4,
      reference: 'S2',
      reservationId: id,
    });
  });

  it('under the same reference counts once, whatever the second one says (semantics.md 19)', async () => {
    const shop = await world.shop([10]);
    const { id } = await committed(shop, 6);
    const first = await ship(id, 'S1', { line: 1, quantity: 2 }).expect(200);
    for (const again of [
      ship(id, 'S1', { line: 1, quantity: 2 }),
      ship(id, 'S1'),
      ship(id, 'S1', { line: 1, quantity: 4 }),
    ]) {
      expect((await again).body).toEqual(first.body);
    }
    expect(await figures(shop)).toEqual({ onHand: 8, reserved: 4, available: 4 });
    const { id: other } = await committed(shop, 1);
    expect((await ship(other, 'S1').expect(200)).body.status).toBe('shipped');
  });

  it('under the same reference counts once when it comes twenty times at once', async () => {
    const shop = await world.shop([10]);
    const { id } = await committed(shop, 6);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ship(id, 'S1', { line: 1, quantity: 1 })));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await figures(shop)).toEqual({ onHand: 9, reserved: 5, available: 4 });
  });

  it('from another location lowers reserved where it stood and on hand where it leaves (semantics.md 19)', async () => {
    const shop = await world.shop([6, 5]);
    const { id } = await committed(shop, 6);
    await ship(id, 'S1', { line: 1, quantity: 4, location: shop.locations[1] }).expect(200);
    expect(await figures(shop, 0)).toEqual({ onHand: 6, reserved: 2, available: 4 });
    expect(await figures(shop, 1)).toEqual({ onHand: 1, reserved: 0, available: 1 });
    const mixed = await ship(
      id,
      'S2',
      { line: 1, quantity: 1, location: shop.locations[1] },
      { line: 1, quantity: 1, location: shop.locations[0] },
    );
    expect(mixed.body.status).toBe('shipped');
    expect(await figures(shop, 0)).toEqual({ onHand: 5, reserved: 0, available: 5 });
    expect(await figures(shop, 1)).toEqual({ onHand: 0, reserved: 0, available: 0 });
  });

  it('takes what stands at the location named before what stands elsewhere', async () => {
    const shop = await world.shop([6, 6]);
    const { id } = await committed(shop, 10);
    const { body } = await ship(id, 'S1', { line: 1, quantity: 5, location: shop.locations[1] }).expect(200);
    expect(body.lines[0].allocations).toEqual([{ location: shop.locations[0], quantity: 5 }]);
  });

  it('is refused past what is on hand, and changes nothing (semantics.md 7 and 31)', async () => {
    const shop = await world.shop([6, 1]);
    const { id } = await committed(shop, 6);
    await world.adjust(shop.sku, shop.locations[0], { onHand: 4, reason: 'count' }).expect(201);
    const damage = {
      sku: shop.sku,
      location: shop.locations[0],
      quantity: 1,
      from: 'sellable',
      to: 'damaged',
      reason: 'fell',
    };
    await at.api().post('/v1/stock/condition-changes', damage).expect(201);
    const before = await world.everything(shop);
    const all = await ship(id, 'S1');
    expectProblem(all, 409, 'insufficient_stock');
    expect(all.body.shortages).toEqual([
      { line: 1, sku: shop.sku, requested: 6, available: 3, reason: 'insufficient' },
    ]);
    const elsewhere = await ship(id, 'S1', { line: 1, quantity: 2, location: shop.locations[1] });
    expect(elsewhere.body.shortages).toMatchObject([{ requested: 2, available: 1, reason: 'insufficient' }]);
    expect(await world.everything(shop)).toEqual(before);
    await ship(id, 'S1', { line: 1, quantity: 3 }).expect(200);
  });

  it('is refused at a location that never had the item, or that there is not', async () => {
    const shop = await world.shop([6, null]);
    const { id } = await committed(shop, 6);
    const never = await ship(id, 'S1', { line: 1, quantity: 1, location: shop.locations[1] });
    expect(never.body.shortages).toMatchObject([{ available: 0, reason: 'not_stocked' }]);
    const nowhere = await ship(id, 'S1', { line: 1, quantity: 1, location: 'moon' });
    expectProblem(nowhere, 422, 'unknown_location');
    expect(nowhere.body.errors).toMatchObject([{ pointer: '/lines/0/location' }]);
  });

  it('is refused past what is open, a line at a time (semantics.md 18)', async () => {
    const shop = await world.shop([20]);
    const { id } = await committed(shop, 6);
    expectProblem(await ship(id, 'S1', { line: 1, quantity: 7 }), 409, 'exceeds_commitment');
    expectProblem(await ship(id, 'S1', { line: 1, quantity: 4 }, { line: 1, quantity: 3 }), 409, 'exceeds_commitment');
    expectProblem(await ship(id, 'S1', { line: 2, quantity: 1 }), 400, 'validation_failed');
    await ship(id, 'S1', { line: 1, quantity: 4 }, { line: 1, quantity: 2 }).expect(200);
  });

  it('ships lines of one item from what they share', async () => {
    const shop = await world.shop([10]);
    const { sku } = shop;
    const { id } = await world.committed(shop.channel, [
      { sku, quantity: 5 },
      { sku, quantity: 5 },
    ]);
    await world.adjust(sku, shop.locations[0], { onHand: 9, reason: 'count' }).expect(201);
    expect((await ship(id, 'S1')).body.shortages).toMatchObject([{ line: 2, requested: 5, available: 4 }]);
    await ship(id, 'S1', { line: 1, quantity: 5 }, { line: 2, quantity: 4 }).expect(200);
  });

  it('ships packages whole, in the unit of the line', async () => {
    const shop = await world.shop([10], {}, { uoms: [{ code: 'XCS', factor: 4 }] });
    const { id } = await committed(shop, 2, { uom: 'XCS' });
    expectProblem(await ship(id, 'S1', { line: 1, quantity: 0.5 }), 400, 'validation_failed');
    const { body } = await ship(id, 'S1', { line: 1, quantity: 1 }).expect(200);
    expect(body.lines[0]).toMatchObject({ uom: 'XCS', shipped: 1, reserved: 1 });
    expect(await figures(shop)).toEqual({ onHand: 6, reserved: 4, available: 2 });
  });

  describe('taken back', () => {
    it('puts the units back and reserves them again (semantics.md 19)', async () => {
      const shop = await world.shop([10]);
      const { id } = await committed(shop, 6);
      await ship(id, 'S1', { line: 1, quantity: 4 }).expect(200);
      const { body } = await world.step(id, 'unship', { shipmentRef: 'S1' }).expect(200);
      expect(body).toMatchObject({ status: 'committed', lines: [{ shipped: 0, reserved: 6 }] });
      expect(await figures(shop)).toEqual({ onHand: 10, reserved: 6, available: 4 });
      const again = await world.step(id, 'unship', { shipmentRef: 'S1' }).expect(200);
      expect(again.body).toEqual(body);
      expect(await figures(shop)).toEqual({ onHand: 10, reserved: 6, available: 4 });
    });

    it('reserves where the units came back to', async () => {
      const shop = await world.shop([6, 5]);
      const { id } = await committed(shop, 6);
      await ship(id, 'S1', { line: 1, quantity: 4, location: shop.locations[1] }).expect(200);
      await world.step(id, 'unship', { shipmentRef: 'S1' }).expect(200);
      expect(await figures(shop, 0)).toEqual({ onHand: 6, reserved: 2, available: 4 });
      expect(await figures(shop, 1)).toEqual({ onHand: 5, reserved: 4, available: 1 });
    });

    it('can leave again under the same reference, with other quantities', async () => {
      const shop = await world.shop([10]);
      const { id } = await committed(shop, 6);
      await ship(id, 'S1').expect(200);
      await world.step(id, 'unship', { shipmentRef: 'S1' }).expect(200);
      expect((await ship(id, 'S1', { line: 1, quantity: 5 }).expect(200)).body.status).toBe('partially_shipped');
      await world.step(id, 'unship', { shipmentRef: 'S1' }).expect(200);
      expect(await figures(shop)).toEqual({ onHand: 10, reserved: 6, available: 4 });
    });

    it('is refused if it never left (unknown_shipment)', async () => {
      const shop = await world.shop([10]);
      const { id } = await committed(shop, 6);
      expectProblem(await world.step(id, 'unship', { shipmentRef: 'S1' }), 409, 'unknown_shipment');
      const { id: other } = await committed(shop, 2);
      await ship(other, 'S1').expect(200);
      expectProblem(await world.step(id, 'unship', { shipmentRef: 'S1' }), 409, 'unknown_shipment');
    });

    it('in the same moment as it leaves, from wherever, ends in one of the two', async () => {
      const shop = await world.shop([6, 6]);
      const { id } = await committed(shop, 6);
      const answers = await Promise.all([
        ship(id, 'S1', { line: 1, quantity: 6, location: shop.locations[1] }),
        world.step(id, 'unship', { shipmentRef: 'S1' }),
      ]);
      expect(answers[0]?.status).toBe(200);
      expect([200, 409]).toContain(answers[1]?.status);
    });
  });
});
