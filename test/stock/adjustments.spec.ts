import { randomUUID } from 'node:crypto';
import { expectProblem, World } from '../reservations/world.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';

describe('a manual adjustment', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  it('by a delta answers the movement and the position', async () => {
    const shop = await world.shop([10]);
    const [location] = shop.locations;
    at.clock.advance(1_000);
    const key = await at.given.key({ scopes: ['stock:write'] });
    const body = { sku: shop.sku, location, delta: -2, reason: 'loss', note: 'Gone.', reference: 'R-1' };
    const answer = await at.api(key.key).post('/v1/stock/adjustments', body).expect(201);
    const now = new Date(at.clock.now()).toISOString();
    expect(answer.body).toEqual({
      movement: {
        sku: shop.sku,
        location,
        version: 2,
        kind: 'adjustment',
        onHandDelta: -2,
        reservedDelta: 0,
        unsellableDelta: 0,
        condition: null,
        reason: 'loss',
        note: 'Gone.',
        reference: 'R-1',
        source: null,
        eventId: null,
        event: null,
        reservationId: null,
        actor: key.id,
        at: now,
      },
      position: {
        sku: shop.sku,
        location,
        onHand: 8,
        unsellable: { damaged: 0, expired: 0, recalled: 0, quarantined: 0, inspection: 0 },
        reserved: 0,
        incoming: 0,
        safetyStock: 0,
        available: 8,
        shortfall: 0,
        version: 2,
        asOf: now,
      },
    });
    expect(await world.position(shop.sku, location)).toEqual(answer.body.position);
  });

  it.each([
    ['correction', 'adjustment'],
    ['count', 'count'],
    ['damage', 'adjustment'],
    ['loss', 'adjustment'],
    ['found', 'adjustment'],
    ['receipt', 'receipt'],
    ['return', 'return'],
    ['other', 'adjustment'],
  ])('for the reason %s is a movement of the kind %s', async (reason, kind) => {
    const shop = await world.shop([10]);
    const { body } = await world.adjust(shop.sku, shop.locations[0], { delta: 1, reason }).expect(201);
    expect(body.movement).toMatchObject({ kind, reason });
  });

  it('to the figure that is there is no movement (semantics.md 6)', async () => {
    const shop = await world.shop([10]);
    const before = await world.everything(shop);
    const { body } = await world.adjust(shop.sku, shop.locations[0], { onHand: 10, reason: 'count' }).expect(201);
    expect(body).toMatchObject({ movement: null, position: { onHand: 10, version: 1 } });
    expect(await world.everything(shop)).toEqual(before);
  });

  it('below zero is refused and changes nothing (semantics.md 6 and 31)', async () => {
    const shop = await world.shop([10]);
    const before = await world.everything(shop);
    expectProblem(await world.adjust(shop.sku, shop.locations[0], { delta: -11 }), 409, 'negative_on_hand');
    const ofDamaged = await world.adjust(shop.sku, shop.locations[0], { delta: -1, condition: 'damaged' });
    expectProblem(ofDamaged, 409, 'negative_on_hand');
    expect(await world.everything(shop)).toEqual(before);
  });

  it('that is refused leaves an item not carried where nobody stocks it; a count of none there does not', async () => {
    const shop = await world.shop([null]);
    const positions = async () => (await at.api().get(`/v1/stock?sku=${shop.sku}`).expect(200)).body.data;
    expectProblem(await world.adjust(shop.sku, shop.locations[0], { delta: -1 }), 409, 'negative_on_hand');
    expect(await positions()).toEqual([]);
    const both = [
      world.adjust(shop.sku, shop.locations[0], { delta: -1 }),
      world.adjust(shop.sku, shop.locations[0], { onHand: 0 }),
    ];
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([409, 201]);
    expect(await positions()).toMatchObject([{ onHand: 0, version: 0 }]);
  });

  it('below what is reserved is recorded: a count is a fact (semantics.md 7)', async () => {
    const shop = await world.shop([10]);
    const { id } = await world.committed(shop.channel, [{ sku: shop.sku, quantity: 8 }]);
    const { body } = await world.adjust(shop.sku, shop.locations[0], { onHand: 3, reason: 'count' }).expect(201);
    expect(body.position).toMatchObject({ onHand: 3, reserved: 8, available: 0, shortfall: 5 });
    expect(await world.position(shop.sku, shop.locations[0])).toEqual(body.position);
    expect(await world.reservation(id)).toMatchObject({
      status: 'committed',
      lines: [{ reserved: 8, backordered: 5 }],
    });
  });

  it('never touches what is reserved or incoming (semantics.md 5)', async () => {
    const shop = await world.shop([10]);
    await world.held(shop.channel, [{ sku: shop.sku, quantity: 4 }]);
    for (const field of ['reserved', 'incoming', 'available']) {
      const answer = await world.adjust(shop.sku, shop.locations[0], { delta: 1, [field]: 0 });
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toMatchObject([{ pointer: `/${field}`, code: 'unknown_field' }]);
    }
    await world.adjust(shop.sku, shop.locations[0], { onHand: 20, reason: 'count' }).expect(201);
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({
      onHand: 20,
      reserved: 4,
      incoming: 0,
      available: 16,
    });
  });

  it('with a condition adds and removes units of that condition', async () => {
    const shop = await world.shop([10]);
    const [location] = shop.locations;
    const came = await world
      .adjust(shop.sku, location, { delta: 3, condition: 'inspection', reason: 'receipt' })
      .expect(201);
    expect(came.body.movement).toMatchObject({ onHandDelta: 3, unsellableDelta: 3, condition: 'inspection' });
    expect(came.body.position).toMatchObject({ onHand: 13, unsellable: { inspection: 3 }, available: 10 });
    const went = await world
      .adjust(shop.sku, location, { delta: -2, condition: 'inspection', reason: 'loss' })
      .expect(201);
    expect(went.body.position).toMatchObject({ onHand: 11, unsellable: { inspection: 1 }, available: 10 });
  });

  it('that leaves less than is unsellable takes unsellable units with it', async () => {
    const shop = await world.shop([10]);
    const [location] = shop.locations;
    await world.adjust(shop.sku, location, { delta: 5, condition: 'damaged' }).expect(201);
    const { body } = await world.adjust(shop.sku, location, { onHand: 2, reason: 'count' }).expect(201);
    expect(body.position).toMatchObject({ onHand: 2, unsellable: { damaged: 2 }, available: 0, version: 4 });
  });

  it('is counted in any unit of the item (semantics.md 2)', async () => {
    const shop = await world.shop([0], {}, { uoms: [{ code: 'XCS', factor: 4 }] });
    const [location] = shop.locations;
    await world.adjust(shop.sku, location, { delta: 3, uom: 'XCS', reason: 'receipt' }).expect(201);
    expect(await world.position(shop.sku, location)).toMatchObject({ onHand: 12 });
    const { body } = await world.adjust(shop.sku, location, { onHand: 2, uom: 'XCS', reason: 'count' }).expect(201);
    expect(body).toMatchObject({ movement: { onHandDelta: -4 }, position: { onHand: 8 } });
    expectProblem(await world.adjust(shop.sku, location, { delta: 0.5, uom: 'XCS' }), 400, 'validation_failed');
    const unknown = await world.adjust(shop.sku, location, { delta: 1, uom: 'KGM' });
    expectProblem(unknown, 422, 'unknown_uom');
    expect(unknown.body.errors).toMatchObject([{ pointer: '/uom' }]);
  });

  it('adds up fractions exactly: ten times 0.1 is 1 (semantics.md 1)', async () => {
    const shop = await world.shop([0], {}, { baseUom: 'KGM', fractionDigits: 4 });
    for (let i = 0; i < 10; i += 1) await world.adjust(shop.sku, shop.locations[0], { delta: 0.1 }).expect(201);
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 1 });
    await world.adjust(shop.sku, shop.locations[0], { delta: -0.9999 }).expect(201);
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 0.0001 });
    await world.adjust(shop.sku, shop.locations[0], { onHand: 99_999_999_999.9999 }).expect(201);
    expect((await world.position(shop.sku, shop.locations[0])).onHand).toBeCloseTo(1e11, 0);
  });

  it.each([
    ['neither', {}],
    ['both', { delta: 1, onHand: 1 }],
  ])('needs a delta or a figure, and is refused with %s', async (_, change) => {
    const shop = await world.shop([10]);
    const answer = await world.adjust(shop.sku, shop.locations[0], change);
    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body.errors).toMatchObject([{ pointer: '/delta', code: 'one_of' }]);
  });

  it.each([
    ['reason', { reason: 'because' }],
    ['condition', { condition: 'fine' }],
    ['condition', { condition: null }],
  ])('is refused for a %s that there is not', async (field, change) => {
    const shop = await world.shop([10]);
    const answer = await world.adjust(shop.sku, shop.locations[0], { delta: 1, ...change });
    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body.errors).toMatchObject([{ pointer: `/${field}` }]);
  });

  it('is refused for an item or a location that there is not, with the pointer', async () => {
    const shop = await world.shop([10]);
    const item = await world.adjust('never-was', shop.locations[0], { delta: 1 });
    expectProblem(item, 422, 'unknown_sku');
    expect(item.body.errors).toMatchObject([{ pointer: '/sku' }]);
    const location = await world.adjust(shop.sku, 'moon', { delta: 1 });
    expectProblem(location, 422, 'unknown_location');
    expect(location.body.errors).toMatchObject([{ pointer: '/location' }]);
  });

  it('is refused above what a position can count, one after the other', async () => {
    const shop = await world.shop([1e11]);
    for (let i = 0; i < 8; i += 1) await world.adjust(shop.sku, shop.locations[0], { delta: 1e11 }).expect(201);
    expectProblem(await world.adjust(shop.sku, shop.locations[0], { delta: 1 }), 400, 'validation_failed');
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 9e11, available: 9e11 });
    const { code } = await at.given.location();
    await at.given.stock(shop.sku, code, 1);
    const transfer = { sku: shop.sku, from: code, to: shop.locations[0], quantity: 1 };
    expectProblem(await at.api().post('/v1/stock/transfers', transfer), 400, 'validation_failed');
  });

  it('is done once under one key, and replayed (semantics.md 30)', async () => {
    const shop = await world.shop([10]);
    const key = randomUUID();
    const send = () => world.adjust(shop.sku, shop.locations[0], { delta: 5 }).set('Idempotency-Key', key);
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(9);
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 15, version: 2 });
  });
});
