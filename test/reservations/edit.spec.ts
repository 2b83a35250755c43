import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, type Shop, World } from './world.js';

/** `PUT /v1/reservations/{id}/lines` (semantics.md 17). */
describe('editing the lines of a hold', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const held = (shop: Shop, quantity: number, more = {}) =>
    world.held(shop.channel, [{ sku: shop.sku, quantity }], more);

  it('is checked by its difference: its own stock does not stand in its way (semantics.md 17)', async () => {
    const shop = await world.shop([10]);
    const { id, expiresAt } = await held(shop, 8);
    const answer = await world.edit(id, 1, [{ sku: shop.sku, quantity: 10 }]).expect(200);
    expect(answer.headers.etag).toBe('"2"');
    expect(answer.body).toMatchObject({ id, version: 2, expiresAt, lines: [{ requested: 10, reserved: 10 }] });
    const short = await world.edit(id, 2, [{ sku: shop.sku, quantity: 11 }]);
    expectProblem(short, 409, 'insufficient_stock');
    expect(short.body.shortages).toEqual([
      { line: 1, sku: shop.sku, requested: 11, available: 10, reason: 'insufficient' },
    ]);
    expect(await world.reservation(id)).toEqual(answer.body);
  });

  it('to less is always allowed, also where nothing could be held anew (semantics.md 17)', async () => {
    const shop = await world.shop([10]);
    const { id } = await held(shop, 8);
    await world.adjust(shop.sku, shop.locations[0], { onHand: 0, reason: 'count' }).expect(201);
    await at.given.location({ code: shop.locations[0], enabled: false });
    await at.given.item({ sku: shop.sku, active: false });
    const { body } = await world.edit(id, 1, [{ sku: shop.sku, quantity: 3 }]).expect(200);
    expect(body.lines[0]).toMatchObject({ requested: 3, reserved: 3 });
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 3 });
  });

  it('keeps what stands at a location that the channel no longer sells from', async () => {
    const shop = await world.shop([5, 5]);
    const { id } = await held(shop, 8);
    await at.given.channel({ code: shop.channel, locations: [shop.locations[1]] });
    const { body } = await world.edit(id, 1, [{ sku: shop.sku, quantity: 7 }]).expect(200);
    expect(body.lines[0]).toMatchObject({ reserved: 7 });
    expectProblem(await world.edit(id, 2, [{ sku: shop.sku, quantity: 11 }]), 409, 'insufficient_stock');
  });

  it.each([
    ['listed_order', 'listed_order'],
    ['fullest_first', 'fullest_first'],
    ['listed_order', 'single_location'],
  ])('to the same lines changes nothing, not even the version (sourcing %s, then %s)', async (sourcing, later) => {
    const shop = await world.shop([3, 5, 4], { sourcing });
    const lines = [
      { sku: shop.sku, quantity: 4, lineRef: 'a' },
      { sku: shop.sku, quantity: 5 },
    ];
    const { id } = await world.held(shop.channel, lines);
    await at.given.channel({ code: shop.channel, locations: [...shop.locations].reverse(), sourcing: later });
    const before = await world.reservation(id);
    const answer = await world.edit(id, 1, lines).expect(200);
    expect(answer.headers.etag).toBe('"1"');
    expect(await world.reservation(id)).toEqual(before);
    const { body } = await at.api().get(`/v1/reservations/${id}/history`);
    expect(body.data).toHaveLength(1);
  });

  it('swaps one item for another in one step', async () => {
    const shop = await world.shop([5]);
    const { sku: other } = await at.given.item();
    await at.given.stock(other, shop.locations[0] as string, 5);
    const { id } = await world.held(shop.channel, [
      { sku: shop.sku, quantity: 5 },
      { sku: other, quantity: 1 },
    ]);
    const { body } = await world.edit(id, 1, [{ sku: other, quantity: 4 }]).expect(200);
    expect(body.lines).toMatchObject([{ line: 1, sku: other, reserved: 4 }]);
    expect(await world.available(shop.sku, shop.channel)).toBe(5);
    expect(await world.available(other, shop.channel)).toBe(1);
    const kinds = (await world.movements(shop.sku, shop.locations[0])).map(({ kind, reservedDelta }) => [
      kind,
      reservedDelta,
    ]);
    expect(kinds.slice(1)).toEqual([
      ['hold', 5],
      ['edit', -5],
    ]);
  });

  it('tops up what a partial hold did not get', async () => {
    const shop = await world.shop([3]);
    const { id } = await held(shop, 5, { mode: 'partial' });
    expectProblem(await world.edit(id, 1, [{ sku: shop.sku, quantity: 5 }]), 409, 'insufficient_stock');
    await world.adjust(shop.sku, shop.locations[0], { delta: 2, reason: 'receipt' }).expect(201);
    const { body } = await world.edit(id, 1, [{ sku: shop.sku, quantity: 5 }]).expect(200);
    expect(body.lines[0]).toMatchObject({ requested: 5, reserved: 5 });
  });

  it('changes the unit of a line without changing what is held', async () => {
    const shop = await world.shop([8], {}, { uoms: [{ code: 'XCS', factor: 4 }] });
    const { id } = await held(shop, 8);
    const before = await world.position(shop.sku, shop.locations[0]);
    const { body } = await world.edit(id, 1, [{ sku: shop.sku, quantity: 2, uom: 'XCS' }]).expect(200);
    expect(body).toMatchObject({ version: 2, lines: [{ uom: 'XCS', reserved: 2, allocations: [{ quantity: 2 }] }] });
    expect(await world.position(shop.sku, shop.locations[0])).toEqual(before);
  });

  it('needs the version that was read', async () => {
    const shop = await world.shop([10]);
    const { id } = await held(shop, 1);
    const lines = [{ sku: shop.sku, quantity: 2 }];
    const path = `/v1/reservations/${id}/lines`;
    expectProblem(await at.api().put(path, { lines }), 428, 'precondition_required');
    expectProblem(await world.edit(id, 2, lines), 412, 'version_conflict');
    await world.edit(id, 1, lines).expect(200);
    expectProblem(await world.edit(id, 1, [{ sku: shop.sku, quantity: 3 }]), 412, 'version_conflict');
    await world.edit(id, '*', [{ sku: shop.sku, quantity: 3 }]).expect(200);
    expect(await world.available(shop.sku, shop.channel)).toBe(7);
  });

  it('takes the ETag that reading the reservation gave', async () => {
    const shop = await world.shop([10]);
    const { id } = await held(shop, 1);
    await world.step(id, 'extend', { ttlSeconds: 60 }).expect(200);
    const { headers } = await at.api().get(`/v1/reservations/${id}`).expect(200);
    expect(headers.etag).toBe('"2"');
    const edit = at.api().put(`/v1/reservations/${id}/lines`, { lines: [{ sku: shop.sku, quantity: 2 }] });
    const { body } = await edit.set('If-Match', headers.etag as string).expect(200);
    expect(body.version).toBe(3);
  });

  it('lets one of several editors of the same version win', async () => {
    const shop = await world.shop([100]);
    const { id } = await held(shop, 1);
    const answers = await Promise.all(
      [2, 3, 4, 5, 6].map((quantity) => world.edit(id, 1, [{ sku: shop.sku, quantity }]).then((answer) => answer)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412]);
    expect(await world.reservation(id)).toMatchObject({ version: 2 });
  });

  it.each([
    ['an unknown SKU', { sku: 'never-was', quantity: 1 }, 'unknown_sku', '/lines/0/sku'],
    ['an unknown unit', { quantity: 1, uom: 'KGM' }, 'unknown_uom', '/lines/0/uom'],
    [
      'a location that is not the channel’s',
      { quantity: 1, location: 'moon' },
      'unknown_location',
      '/lines/0/location',
    ],
  ])('refuses %s and changes nothing', async (_, line, code, pointer) => {
    const shop = await world.shop([10]);
    const { id } = await held(shop, 1);
    const before = await world.everything(shop);
    const answer = await world.edit(id, 1, [{ sku: shop.sku, ...line }]);
    expectProblem(answer, 422, code);
    expect(answer.body.errors).toMatchObject([{ pointer }]);
    expect(await world.everything(shop)).toEqual(before);
  });

  it('refuses no lines at all: that would be a release', async () => {
    const shop = await world.shop([10]);
    const { id } = await held(shop, 1);
    expectProblem(await world.edit(id, 1, []), 400, 'validation_failed');
  });

  it('knows no reservation that there is not', async () => {
    expectProblem(await world.edit('res_none', 1, [{ sku: 'A', quantity: 1 }]), 404, 'not_found');
  });
});
