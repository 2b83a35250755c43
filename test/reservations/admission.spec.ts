import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, type Shop, World } from './world.js';

describe('what a hold gets', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const allocations = (
    { locations }: Shop,
    reservation: { lines: { allocations: { location: string; quantity: number }[] }[] },
  ) =>
    reservation.lines.map((line) =>
      line.allocations.map(({ location, quantity }) => [locations.indexOf(location), quantity]),
    );

  describe('all or nothing', () => {
    it('names every short line with what was left for it, and changes nothing (semantics.md 15 and 31)', async () => {
      const shop = await world.shop([3, 4]);
      const other = await world.shop([1], { locations: shop.locations });
      const before = await world.everything(shop);
      const answer = await world.hold(shop.channel, [
        { sku: shop.sku, quantity: 5 },
        { sku: other.sku, quantity: 2, lineRef: 'second' },
        { sku: shop.sku, quantity: 5 },
      ]);
      expectProblem(answer, 409, 'insufficient_stock');
      expect(answer.body.shortages).toEqual([
        { line: 2, sku: other.sku, requested: 2, available: 0, reason: 'not_carried' },
        { line: 3, sku: shop.sku, requested: 5, available: 2, reason: 'insufficient' },
      ]);
      expect(await world.everything(shop)).toEqual(before);
    });

    it('holds several items of several locations in one step, one movement a position', async () => {
      const shop = await world.shop([3, 4]);
      const { sku: second } = await at.given.item();
      await at.given.stock(second, shop.locations[1] as string, 9);
      const held = await world.held(shop.channel, [
        { sku: shop.sku, quantity: 2 },
        { sku: second, quantity: 5 },
        { sku: shop.sku, quantity: 3 },
      ]);
      expect(allocations(shop, held)).toEqual([
        [[0, 2]],
        [[1, 5]],
        [
          [0, 1],
          [1, 2],
        ],
      ]);
      const [count, hold] = await world.movements(shop.sku, shop.locations[0]);
      expect(count).toMatchObject({ version: 1, kind: 'count', onHandDelta: 3, reservedDelta: 0 });
      expect(hold).toMatchObject({
        version: 2,
        kind: 'hold',
        onHandDelta: 0,
        reservedDelta: 3,
        reservationId: held.id,
      });
    });
  });

  describe('mode partial', () => {
    it('holds what there is and says what is short a line (semantics.md 15)', async () => {
      const shop = await world.shop([3, 4]);
      const held = await world.held(
        shop.channel,
        [
          { sku: shop.sku, quantity: 5 },
          { sku: shop.sku, quantity: 5 },
          { sku: shop.sku, quantity: 1 },
        ],
        { mode: 'partial' },
      );
      expect(held.lines).toMatchObject([
        { requested: 5, reserved: 5 },
        { requested: 5, reserved: 2 },
        { requested: 1, reserved: 0, allocations: [] },
      ]);
      expect(await world.available(shop.sku, shop.channel)).toBe(0);
    });

    it('is refused where there is nothing at all', async () => {
      const shop = await world.shop([0]);
      const answer = await world.hold(shop.channel, [{ sku: shop.sku, quantity: 1 }], { mode: 'partial' });
      expectProblem(answer, 409, 'insufficient_stock');
      expect(answer.body.shortages).toMatchObject([{ requested: 1, available: 0, reason: 'insufficient' }]);
    });

    it('commits what it got, and no more', async () => {
      const shop = await world.shop([3]);
      const { id } = await world.held(shop.channel, [{ sku: shop.sku, quantity: 5 }], { mode: 'partial' });
      expectProblem(await world.step(id, 'commit', { lines: [{ line: 1, quantity: 4 }] }), 409, 'exceeds_hold');
      const { body } = await world.step(id, 'commit');
      expect(body.lines[0]).toMatchObject({ requested: 5, reserved: 3, committed: 3 });
    });
  });

  describe('from where', () => {
    const sourced = async (sourcing: string, stock: number[], quantity: number) => {
      const shop = await world.shop(stock, { sourcing });
      return { shop, answer: await world.hold(shop.channel, [{ sku: shop.sku, quantity }]) };
    };

    it.each([
      [
        'listed_order',
        [10, 15],
        13,
        [
          [0, 10],
          [1, 3],
        ],
      ],
      [
        'fullest_first',
        [10, 15],
        18,
        [
          [0, 3],
          [1, 15],
        ],
      ],
      ['single_location', [10, 15], 13, [[1, 13]]],
    ])('sources by %s (semantics.md 13)', async (sourcing, stock, quantity, expected) => {
      const { shop, answer } = await sourced(sourcing, stock, quantity);
      expect(answer.status).toBe(201);
      expect(allocations(shop, answer.body)).toEqual([expected]);
    });

    it('lists the allocations in sourcing order, however they were made and whenever they are read', async () => {
      const shop = await world.shop([3, 5, 4], { sourcing: 'fullest_first' });
      await at.given.channel({ code: shop.channel, locations: [...shop.locations].reverse() });
      const held = await world.held(shop.channel, [{ sku: shop.sku, quantity: 11 }]);
      expect(allocations(shop, held)).toEqual([
        [
          [2, 4],
          [1, 5],
          [0, 2],
        ],
      ]);
      expect(await world.reservation(held.id)).toEqual(held);
    });

    it('refuses with no_single_location what no one location has (semantics.md 13)', async () => {
      const { shop, answer } = await sourced('single_location', [10, 15], 16);
      expectProblem(answer, 409, 'insufficient_stock');
      expect(answer.body.shortages).toEqual([
        { line: 1, sku: shop.sku, requested: 16, available: 15, reason: 'no_single_location' },
      ]);
      const partial = await world.held(shop.channel, [{ sku: shop.sku, quantity: 16 }], { mode: 'partial' });
      expect(allocations(shop, partial)).toEqual([[[1, 15]]]);
    });

    it('insists on the location a line names, before the lines that name none', async () => {
      const shop = await world.shop([5, 5]);
      const held = await world.held(shop.channel, [
        { sku: shop.sku, quantity: 5 },
        { sku: shop.sku, quantity: 4, location: shop.locations[0] },
      ]);
      expect(allocations(shop, held)).toEqual([
        [
          [0, 1],
          [1, 4],
        ],
        [[0, 4]],
      ]);
    });

    it('says of a location that has none of it: not_stocked', async () => {
      const shop = await world.shop([5, null]);
      const answer = await world.hold(shop.channel, [{ sku: shop.sku, quantity: 1, location: shop.locations[1] }]);
      expect(answer.body.shortages).toMatchObject([{ available: 0, reason: 'not_stocked' }]);
    });

    it('knows no location that the channel does not sell from (semantics.md 12)', async () => {
      const shop = await world.shop([5]);
      const { code } = await at.given.location();
      await at.given.stock(shop.sku, code, 5);
      const answer = await world.hold(shop.channel, [{ sku: shop.sku, quantity: 1, location: code }]);
      expectProblem(answer, 422, 'unknown_location');
      expect(answer.body.errors).toMatchObject([{ pointer: '/lines/0/location' }]);
    });

    it('says of an item that nobody in the channel stocks: not_carried (semantics.md 10)', async () => {
      const shop = await world.shop([null], { backorderLimit: null });
      const answer = await world.hold(shop.channel, [{ sku: shop.sku, quantity: 1 }]);
      expect(answer.body.shortages).toMatchObject([{ available: 0, reason: 'not_carried' }]);
    });
  });

  describe('in which channel', () => {
    it('takes from the stock of all channels at once (semantics.md 11)', async () => {
      const shop = await world.shop([10]);
      const { code: other } = await at.given.channel({ locations: shop.locations });
      await world.held(shop.channel, [{ sku: shop.sku, quantity: 7 }]);
      expect(await world.available(shop.sku, other)).toBe(3);
      expect((await world.hold(other, [{ sku: shop.sku, quantity: 4 }])).status).toBe(409);
      await world.held(other, [{ sku: shop.sku, quantity: 3 }]);
      expect(await world.available(shop.sku, shop.channel)).toBe(0);
    });

    it('withholds the buffer of the channel from that channel only (semantics.md 11)', async () => {
      const shop = await world.shop([10], { buffer: 4 });
      const { code: other } = await at.given.channel({ locations: shop.locations });
      expect(await world.available(shop.sku, shop.channel)).toBe(6);
      expect(await world.available(shop.sku, other)).toBe(10);
      const answer = await world.hold(shop.channel, [{ sku: shop.sku, quantity: 7 }]);
      expect(answer.body.shortages).toMatchObject([{ available: 6 }]);
      await world.held(shop.channel, [{ sku: shop.sku, quantity: 6 }]);
      await world.held(other, [{ sku: shop.sku, quantity: 4 }]);
    });

    it('withholds what the channel says of this item instead (semantics.md 11)', async () => {
      const shop = await world.shop([10], { buffer: 4 });
      await at.api().put(`/v1/channels/${shop.channel}/items/${shop.sku}`, { buffer: 9 }).expect(201);
      expect((await world.hold(shop.channel, [{ sku: shop.sku, quantity: 2 }])).status).toBe(409);
      await at.api().put(`/v1/channels/${shop.channel}/items/${shop.sku}`, { buffer: 0 }).expect(200);
      await world.held(shop.channel, [{ sku: shop.sku, quantity: 10 }]);
    });

    it('knows no channel that there is not', async () => {
      const shop = await world.shop([10]);
      expectProblem(await world.hold('nowhere', [{ sku: shop.sku, quantity: 1 }]), 422, 'unknown_channel');
    });

    it('must be named by a key that is bound to none', async () => {
      const shop = await world.shop([10]);
      const answer = await at.api().post('/v1/reservations', { lines: [{ sku: shop.sku, quantity: 1 }] });
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toMatchObject([{ pointer: '/channel', code: 'required' }]);
    });
  });

  it('keeps the safety stock of a position out of every promise (semantics.md 4)', async () => {
    const shop = await world.shop([10, 10]);
    await at.api().put(`/v1/stock/${shop.sku}/${shop.locations[0]}/policy`, { safetyStock: 8 }).expect(200);
    expect(await world.available(shop.sku, shop.channel)).toBe(12);
    const held = await world.held(shop.channel, [{ sku: shop.sku, quantity: 12 }]);
    expect(allocations(shop, held)).toEqual([
      [
        [0, 2],
        [1, 10],
      ],
    ]);
    expect((await world.hold(shop.channel, [{ sku: shop.sku, quantity: 1 }])).status).toBe(409);
  });

  it('takes nothing from a disabled location, whose holds stay valid and shippable (semantics.md 9)', async () => {
    const shop = await world.shop([10, 10]);
    const { id } = await world.held(shop.channel, [{ sku: shop.sku, quantity: 4 }]);
    const [first] = shop.locations as [string];
    const before = await world.movements(shop.sku, first);
    await at.given.location({ code: first, enabled: false });
    expect(await world.movements(shop.sku, first)).toEqual(before);
    expect(await world.available(shop.sku, shop.channel)).toBe(10);
    expect(await world.position(shop.sku, first)).toMatchObject({ onHand: 10, reserved: 4, available: 0 });
    const held = await world.held(shop.channel, [{ sku: shop.sku, quantity: 3 }]);
    expect(allocations(shop, held)).toEqual([[[1, 3]]]);
    await world.step(id, 'commit').expect(200);
    const { body } = await world.step(id, 'ship', { shipmentRef: 'S1' }).expect(200);
    expect(body.status).toBe('shipped');
    await at.given.location({ code: first });
    expect(await world.available(shop.sku, shop.channel)).toBe(13);
  });

  describe('of an untracked item', () => {
    it('is always there and changes no figure (semantics.md 8)', async () => {
      const shop = await world.shop([null], {}, { tracked: false });
      const { id, lines } = await world.committed(shop.channel, [{ sku: shop.sku, quantity: 1_000_000 }]);
      expect(lines[0]).toMatchObject({ reserved: 1_000_000, committed: 1_000_000, allocations: [] });
      const { body } = await world.step(id, 'ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 400_000 }] });
      expect(body).toMatchObject({ status: 'partially_shipped', lines: [{ shipped: 400_000, reserved: 600_000 }] });
      await world.step(id, 'unship', { shipmentRef: 'S1' }).expect(200);
      await world.step(id, 'cancel').expect(200);
      expect(await world.position(shop.sku, shop.locations[0])).toBeUndefined();
    });

    it('loses nothing when tracking is switched off and on (semantics.md 8)', async () => {
      const shop = await world.shop([10]);
      const item = (tracked: boolean) => at.given.item({ sku: shop.sku, tracked });
      const { id: before } = await world.committed(shop.channel, [{ sku: shop.sku, quantity: 4 }]);
      await item(false);
      const { id: between } = await world.committed(shop.channel, [{ sku: shop.sku, quantity: 50 }]);
      expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ status: 'untracked' });
      await world.step(before, 'ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 1 }] }).expect(200);
      await item(true);
      expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 9, reserved: 3, available: 6 });
      await world.step(between, 'ship', { shipmentRef: 'S2' }).expect(200);
      await world.step(before, 'ship', { shipmentRef: 'S3' }).expect(200);
      expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 6, reserved: 0, available: 6 });
    });
  });

  describe('in which unit', () => {
    const cased = { uoms: [{ code: 'XCS', factor: 4 }] };

    it('takes a case of 4 as 4 pieces; 7 pieces are 1 case (semantics.md 2)', async () => {
      const shop = await world.shop([7], {}, cased);
      const answer = await world.hold(shop.channel, [{ sku: shop.sku, quantity: 2, uom: 'XCS' }]);
      expect(answer.body.shortages).toEqual([
        { line: 1, sku: shop.sku, requested: 2, available: 1, reason: 'insufficient' },
      ]);
      const held = await world.held(shop.channel, [
        { sku: shop.sku, quantity: 1, uom: 'XCS' },
        { sku: shop.sku, quantity: 3 },
      ]);
      expect(held.lines).toMatchObject([
        { uom: 'XCS', requested: 1, reserved: 1, allocations: [{ quantity: 1 }] },
        { uom: 'EA', requested: 3, reserved: 3 },
      ]);
      expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 7, available: 0 });
    });

    it('takes packages whole from each location (semantics.md 2)', async () => {
      const shop = await world.shop([7, 6], {}, cased);
      const held = await world.held(shop.channel, [{ sku: shop.sku, quantity: 2, uom: 'XCS' }]);
      expect(allocations(shop, held)).toEqual([
        [
          [0, 1],
          [1, 1],
        ],
      ]);
      expect((await world.hold(shop.channel, [{ sku: shop.sku, quantity: 1, uom: 'XCS' }])).status).toBe(409);
      await world.held(shop.channel, [{ sku: shop.sku, quantity: 5 }]);
    });

    it('keeps the unit a line was made in, whatever the item’s units are later', async () => {
      const shop = await world.shop([40], {}, cased);
      const { id } = await world.committed(shop.channel, [{ sku: shop.sku, quantity: 3, uom: 'XCS' }]);
      await at.given.item({ sku: shop.sku, uoms: [{ code: 'XCS', factor: 6 }] });
      const { body } = await world.step(id, 'ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 1 }] });
      expect(body.lines[0]).toMatchObject({ uom: 'XCS', shipped: 1, reserved: 2 });
      expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 36, reserved: 8 });
    });

    it('counts fractions exactly: 49.5 − 0.25 is 49.25 (semantics.md 1)', async () => {
      const shop = await world.shop([49.5], {}, { baseUom: 'MTR', fractionDigits: 2 });
      await world.held(shop.channel, [{ sku: shop.sku, quantity: 0.25 }]);
      expect(await world.available(shop.sku, shop.channel)).toBe(49.25);
      for (let i = 0; i < 3; i += 1) await world.held(shop.channel, [{ sku: shop.sku, quantity: 0.1 }]);
      expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 0.55, available: 48.95 });
      expectProblem(await world.hold(shop.channel, [{ sku: shop.sku, quantity: 0.125 }]), 400, 'validation_failed');
    });

    it.each([
      ['a unit the item has not', { quantity: 1, uom: 'KGM' }, 422, 'unknown_uom', '/lines/0/uom'],
      ['half a piece', { quantity: 0.5 }, 400, 'validation_failed', '/lines/0/quantity'],
      ['half a case', { quantity: 0.5, uom: 'XCS' }, 400, 'validation_failed', '/lines/0/quantity'],
      [
        'more than 10^11 pieces of cases',
        { quantity: 1e11, uom: 'XCS' },
        400,
        'validation_failed',
        '/lines/0/quantity',
      ],
    ])('refuses %s', async (_, line, status, code, pointer) => {
      const shop = await world.shop([7], {}, cased);
      const answer = await world.hold(shop.channel, [{ sku: shop.sku, ...line }]);
      expectProblem(answer, status, code);
      expect(answer.body.errors).toMatchObject([{ pointer }]);
    });
  });

  describe('for how long', () => {
    it.each([
      ['what the channel says', {}, 120],
      ['what it asks for', { ttlSeconds: 30 }, 30],
      ['the most the channel allows', { ttlSeconds: 600 }, 600],
    ])('lasts %s', async (_, more, seconds) => {
      const shop = await world.shop([7], { holdTtlSeconds: 120, maxHoldTtlSeconds: 600 });
      const held = await world.held(shop.channel, [{ sku: shop.sku, quantity: 1 }], more);
      expect(held.expiresAt).toBe(new Date(at.clock.now() + seconds * 1_000).toISOString());
    });

    it('refuses more than the channel allows (api.md)', async () => {
      const shop = await world.shop([7], { holdTtlSeconds: 120, maxHoldTtlSeconds: 600 });
      const answer = await world.hold(shop.channel, [{ sku: shop.sku, quantity: 1 }], { ttlSeconds: 601 });
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toMatchObject([{ pointer: '/ttlSeconds' }]);
    });

    it('never expires if it was committed in the same step', async () => {
      const shop = await world.shop([7]);
      const made = await world.hold(shop.channel, [{ sku: shop.sku, quantity: 2 }], { commit: true }).expect(201);
      expect(made.body).toMatchObject({ status: 'committed', expiresAt: null, version: 2, lines: [{ committed: 2 }] });
      expect(made.headers).toMatchObject({ etag: '"2"', location: `/v1/reservations/${made.body.id}` });
      at.clock.advance(10 * 86_400_000);
      expect(await world.available(shop.sku, shop.channel)).toBe(5);
      expect(await world.reservation(made.body.id)).toEqual(made.body);
    });
  });

  it('knows no SKU that there is not, nor one that was deleted', async () => {
    const shop = await world.shop([null]);
    await at.api().delete(`/v1/items/${shop.sku}`).expect(204);
    for (const sku of [shop.sku, 'never-was']) {
      const answer = await world.hold(shop.channel, [{ sku, quantity: 1 }]);
      expectProblem(answer, 422, 'unknown_sku');
      expect(answer.body.errors).toMatchObject([{ pointer: '/lines/0/sku', code: 'unknown_sku' }]);
    }
  });

  it('takes nothing of an item that was taken off sale, tracked or not, as availability says', async () => {
    for (const tracked of [true, false]) {
      const shop = await world.shop([5], {}, { tracked });
      await at.given.item({ sku: shop.sku, tracked, active: false });
      const answer = await world.hold(shop.channel, [{ sku: shop.sku, quantity: 1 }]);
      expect(answer.body.shortages).toMatchObject([{ available: 0, reason: 'not_carried' }]);
      expect(await world.quote(shop.sku, shop.channel)).toMatchObject({ available: 0, status: 'not_carried' });
    }
  });

  it('takes 500 lines at once', async () => {
    const shop = await world.shop([500]);
    const held = await world.held(shop.channel, Array(500).fill({ sku: shop.sku, quantity: 1 }));
    expect(held.lines).toHaveLength(500);
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 500, version: 2 });
    await world.step(held.id, 'release').expect(200);
  });
});
