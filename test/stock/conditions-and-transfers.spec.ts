import { expectProblem, type Shop, World } from '../reservations/world.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';

describe('stock that is there', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const change = ({ sku, locations }: Shop, quantity: number, from: string, to: string, more = {}) =>
    at.api().post('/v1/stock/condition-changes', {
      sku,
      location: locations[0],
      quantity,
      from,
      to,
      reason: 'looked at',
      ...more,
    });
  const transfer = ({ sku, locations }: Shop, quantity: number, more = {}) =>
    at.api().post('/v1/stock/transfers', { sku, from: locations[0], to: locations[1], quantity, ...more });

  describe('changes its condition', () => {
    it('from sellable to damaged and back, and on hand by nothing', async () => {
      const shop = await world.shop([10]);
      const damaged = await change(shop, 4, 'sellable', 'damaged', { reference: 'QC-1' }).expect(201);
      expect(damaged.body.movements).toMatchObject([
        {
          kind: 'condition_change',
          onHandDelta: 0,
          unsellableDelta: 4,
          condition: 'damaged',
          reason: 'looked at',
          reference: 'QC-1',
        },
      ]);
      expect(damaged.body.position).toMatchObject({ onHand: 10, unsellable: { damaged: 4 }, available: 6 });
      expect(await world.available(shop.sku, shop.channel)).toBe(6);
      const back = await change(shop, 3, 'damaged', 'sellable').expect(201);
      expect(back.body.position).toMatchObject({ onHand: 10, unsellable: { damaged: 1 }, available: 9 });
    });

    it('from one unsellable condition to another, in two movements of one step', async () => {
      const shop = await world.shop([10]);
      await change(shop, 4, 'sellable', 'quarantined').expect(201);
      const { body } = await change(shop, 3, 'quarantined', 'recalled').expect(201);
      expect(body.movements).toMatchObject([
        { version: 3, condition: 'quarantined', unsellableDelta: -3 },
        { version: 4, condition: 'recalled', unsellableDelta: 3 },
      ]);
      expect(body.position.unsellable).toEqual({ damaged: 0, expired: 0, recalled: 3, quarantined: 1, inspection: 0 });
    });

    it('also of what is reserved: damage is a fact (semantics.md 7)', async () => {
      const shop = await world.shop([10]);
      await world.committed(shop.channel, [{ sku: shop.sku, quantity: 8 }]);
      const { body } = await change(shop, 5, 'sellable', 'damaged').expect(201);
      expect(body.position).toMatchObject({ onHand: 10, reserved: 8, available: 0, shortfall: 3 });
    });

    it('of no more than is in that condition', async () => {
      const shop = await world.shop([10]);
      await change(shop, 4, 'sellable', 'damaged').expect(201);
      const before = await world.everything(shop);
      for (const [quantity, from] of [
        [7, 'sellable'],
        [5, 'damaged'],
        [1, 'expired'],
      ] as const) {
        expectProblem(await change(shop, quantity, from, 'inspection'), 409, 'insufficient_stock');
      }
      expect(await world.everything(shop)).toEqual(before);
    });

    it.each([
      ['the same condition', 1, 'damaged', 'damaged', {}, 400, 'validation_failed', '/to'],
      ['a condition that there is not', 1, 'sellable', 'lost', {}, 400, 'validation_failed', '/to'],
      ['half a piece', 0.5, 'sellable', 'damaged', {}, 400, 'validation_failed', '/quantity'],
      ['a unit that the item has not', 1, 'sellable', 'damaged', { uom: 'KGM' }, 422, 'unknown_uom', '/uom'],
      ['an item that there is not', 1, 'sellable', 'damaged', { sku: 'never-was' }, 422, 'unknown_sku', '/sku'],
      [
        'a location that there is not',
        1,
        'sellable',
        'damaged',
        { location: 'moon' },
        422,
        'unknown_location',
        '/location',
      ],
    ])('not to or of %s', async (_, quantity, from, to, more, status, code, pointer) => {
      const shop = await world.shop([10]);
      const answer = await change(shop, quantity, from, to, more);
      expectProblem(answer, status, code);
      expect(answer.body.errors).toMatchObject([{ pointer }]);
    });
  });

  describe('is transferred', () => {
    it('in one step, with a movement on either side', async () => {
      const shop = await world.shop([10, 1], {}, { uoms: [{ code: 'XCS', factor: 4 }] });
      const { body } = await transfer(shop, 2, { uom: 'XCS', reference: 'TO-1' }).expect(201);
      expect(body).toMatchObject({
        movements: [
          { kind: 'transfer_out', location: shop.locations[0], onHandDelta: -8, reference: 'TO-1' },
          { kind: 'transfer_in', location: shop.locations[1], onHandDelta: 8, reference: 'TO-1' },
        ],
        from: { location: shop.locations[0], onHand: 2, version: 2 },
        to: { location: shop.locations[1], onHand: 9, version: 2 },
      });
      expect(await world.available(shop.sku, shop.channel)).toBe(11);
    });

    it('to where the item never was', async () => {
      const shop = await world.shop([10, null]);
      await transfer(shop, 3).expect(201);
      expect(await world.position(shop.sku, shop.locations[1])).toMatchObject({ onHand: 3, version: 1 });
    });

    it('only as far as it is free: not reserved, not unsellable, not safety stock', async () => {
      const shop = await world.shop([10, 0]);
      await world.held(shop.channel, [{ sku: shop.sku, quantity: 3 }]);
      await change(shop, 2, 'sellable', 'damaged').expect(201);
      await at.api().put(`/v1/stock/${shop.sku}/${shop.locations[0]}/policy`, { safetyStock: 1 }).expect(200);
      const before = await world.everything(shop);
      const answer = await transfer(shop, 5);
      expectProblem(answer, 409, 'insufficient_stock');
      expect(answer.body.shortages).toEqual([
        { line: 1, sku: shop.sku, requested: 5, available: 4, reason: 'insufficient' },
      ]);
      expect(await world.everything(shop)).toEqual(before);
      await transfer(shop, 4).expect(201);
    });

    it('out of a disabled location: that is how one is emptied (semantics.md 9)', async () => {
      const shop = await world.shop([10, 0]);
      await at.given.location({ code: shop.locations[0], enabled: false });
      await transfer(shop, 10).expect(201);
      expect(await world.available(shop.sku, shop.channel)).toBe(10);
    });

    it('including what an expired hold has left (semantics.md 16)', async () => {
      const shop = await world.shop([10, 0]);
      await world.held(shop.channel, [{ sku: shop.sku, quantity: 10 }], { ttlSeconds: 60 });
      at.clock.advance(60_000);
      await transfer(shop, 10).expect(201);
    });

    it('back and forth at once without a deadlock, and nothing is lost', async () => {
      const shop = await world.shop([50, 50]);
      const [from, to] = shop.locations;
      const both = Array.from({ length: 40 }, (_, i) => transfer(shop, 1, i % 2 === 0 ? {} : { from: to, to: from }));
      expect((await Promise.all(both)).map(({ status }) => status)).toEqual(Array(40).fill(201));
      expect(await world.position(shop.sku, from)).toMatchObject({ onHand: 50, version: 41 });
    });

    it.each([
      ['to where it is', { to: 'same' }, 400, 'validation_failed', '/to'],
      ['from a location that there is not', { from: 'moon' }, 422, 'unknown_location', '/from'],
      ['to a location that there is not', { to: 'moon' }, 422, 'unknown_location', '/to'],
      ['of an item that there is not', { sku: 'never-was' }, 422, 'unknown_sku', '/sku'],
      ['in a unit that the item has not', { uom: 'KGM' }, 422, 'unknown_uom', '/uom'],
      ['of half a piece', { quantity: 0.5 }, 400, 'validation_failed', '/quantity'],
    ])('not %s', async (_, more, status, code, pointer) => {
      const shop = await world.shop([10, 0]);
      const same = (more as { to?: string }).to === 'same' ? { to: shop.locations[0] } : more;
      const answer = await transfer(shop, 1, same);
      expectProblem(answer, status, code);
      expect(answer.body.errors).toMatchObject([{ pointer }]);
    });

    it('not from where the item never was', async () => {
      const shop = await world.shop([10, null]);
      const answer = await transfer(shop, 1, { from: shop.locations[1], to: shop.locations[0] });
      expectProblem(answer, 409, 'insufficient_stock');
      expect(answer.body.shortages).toMatchObject([{ available: 0, reason: 'not_stocked' }]);
    });
  });

  describe('has a safety stock', () => {
    const policy = (sku: string, location: string | undefined, body: object) =>
      at.api().put(`/v1/stock/${sku}/${location}/policy`, body);

    it('that is set in the base unit and answered with the position; the same again is no movement', async () => {
      const shop = await world.shop([10]);
      const { body } = await policy(shop.sku, shop.locations[0], { safetyStock: 4 }).expect(200);
      expect(body).toMatchObject({ onHand: 10, safetyStock: 4, available: 6, version: 2 });
      expect((await policy(shop.sku, shop.locations[0], { safetyStock: 4 }).expect(200)).body).toEqual(body);
      expect((await policy(shop.sku, shop.locations[0], { safetyStock: 0 })).body).toMatchObject({
        available: 10,
        version: 3,
      });
    });

    it('where the item never was: it is carried there from then on', async () => {
      const shop = await world.shop([null]);
      await policy(shop.sku, shop.locations[0], { safetyStock: 4 }).expect(200);
      expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ available: 0, status: 'out_of_stock' });
    });

    it.each([
      ['a string', { safetyStock: '4' }],
      ['below zero', { safetyStock: -1 }],
      ['half a piece', { safetyStock: 0.5 }],
      ['nothing', {}],
    ])('but not of %s', async (_, body) => {
      const shop = await world.shop([10]);
      const answer = await policy(shop.sku, shop.locations[0], body);
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toMatchObject([{ pointer: '/safetyStock' }]);
    });

    it('but not of what there is not', async () => {
      const shop = await world.shop([10]);
      expectProblem(await policy('never-was', shop.locations[0], { safetyStock: 1 }), 404, 'unknown_sku');
      expectProblem(await policy(shop.sku, 'moon', { safetyStock: 1 }), 404, 'unknown_location');
    });
  });
});
