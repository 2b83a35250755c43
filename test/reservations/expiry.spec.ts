import { ReservationsService } from '../../src/reservations/reservations.service.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, World } from './world.js';

/** The sweeper is stopped: what it does is called where a test is about it. */
describe('an expired hold', () => {
  let at: TestApp;
  let world: World;
  const sweep = () => at.app.get(ReservationsService).sweep();
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  beforeEach(async () => {
    at.clock.advance(86_400_000);
    await sweep();
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  it('does not exist for any answer, while reserved still counts it (semantics.md 16)', async () => {
    const shop = await world.shop([10]);
    const { id } = await world.held(shop.channel, [{ sku: shop.sku, quantity: 6 }], { ttlSeconds: 60 });
    at.clock.advance(60_000);
    expect(await world.quote(shop.sku, shop.channel, '&expand=locations')).toMatchObject({
      available: 10,
      locations: [{ available: 10 }],
    });
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 6, available: 10 });
    const query = await at
      .api()
      .post('/v1/availability/query', { channel: shop.channel, lines: [{ sku: shop.sku, quantity: 10 }] });
    expect(query.body).toMatchObject({ fulfillable: true, lines: [{ available: 10 }] });
    expect(await world.reservation(id)).toMatchObject({ status: 'expired', lines: [{ reserved: 0, allocations: [] }] });
    const list = async (status: string) =>
      (await at.api().get(`/v1/reservations?status=${status}&sku=${shop.sku}`)).body.data.map(
        (each: { id: string }) => each.id,
      );
    expect([await list('held'), await list('expired')]).toEqual([[], [id]]);
  });

  it('is let go by the next admission on its position, which gets its stock (semantics.md 16)', async () => {
    const shop = await world.shop([10]);
    const { id } = await world.held(shop.channel, [{ sku: shop.sku, quantity: 6 }], { ttlSeconds: 60 });
    at.clock.advance(60_000);
    await world.held(shop.channel, [{ sku: shop.sku, quantity: 10 }]);
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 10, available: 0 });
    const movements = (await world.movements(shop.sku, shop.locations[0])).slice(-2);
    expect(movements).toMatchObject([
      { kind: 'expire', reservedDelta: -6, reservationId: id, actor: 'holdfast' },
      { kind: 'hold', reservedDelta: 10 },
    ]);
    const { body } = await at.api().get(`/v1/reservations/${id}/history`);
    expect(body.data.at(-1)).toMatchObject({ action: 'expire', actor: 'holdfast', lines: [{ line: 1, quantity: 6 }] });
  });

  it('that stands at several positions is let go where something is admitted, and later at the others', async () => {
    const shop = await world.shop([10]);
    const other = await world.shop([10], { locations: shop.locations });
    await at.given.stock(other.sku, shop.locations[0] as string, 10);
    const lines = [
      { sku: shop.sku, quantity: 6 },
      { sku: other.sku, quantity: 7 },
    ];
    const { id } = await world.held(shop.channel, lines, { ttlSeconds: 60 });
    at.clock.advance(60_000);
    await world.held(shop.channel, [{ sku: shop.sku, quantity: 10 }]);
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 10 });
    expect(await world.position(other.sku, shop.locations[0])).toMatchObject({ reserved: 7, available: 10 });
    expectProblem(await world.step(id, 'commit'), 409, 'hold_expired');
    await expectInvariants(at.databaseUrl);
    await world.held(shop.channel, [{ sku: other.sku, quantity: 10 }]);
    expect(await world.position(other.sku, shop.locations[0])).toMatchObject({ reserved: 10 });
    expect(await world.reservation(id)).toMatchObject({ status: 'expired' });
  });

  it('is let go by the sweeper where nobody asks, untracked lines too', async () => {
    const shop = await world.shop([10]);
    const service = await world.shop([], { locations: shop.locations }, { tracked: false });
    const lines = [
      { sku: shop.sku, quantity: 6 },
      { sku: service.sku, quantity: 1 },
    ];
    const { id } = await world.held(shop.channel, lines, { ttlSeconds: 60 });
    const { id: alone } = await world.held(shop.channel, lines.slice(1), { ttlSeconds: 60 });
    at.clock.advance(59_999);
    expect(await sweep()).toBe(0);
    at.clock.advance(1);
    expect(await sweep()).toBe(2);
    expect(await sweep()).toBe(0);
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 0, available: 10 });
    for (const each of [id, alone])
      expect(await world.reservation(each)).toMatchObject({ status: 'expired', version: 2 });
  });

  it('is let go with those that the sweeper names, also where requests about other items share its batch', async () => {
    const [swept, asked] = [await world.shop([100]), await world.shop([100])];
    const hold = ({ channel, sku }: typeof swept, more = {}) => world.held(channel, [{ sku, quantity: 1 }], more);
    for (let i = 0; i < 40; i += 1) await hold(swept, { ttlSeconds: 60 });
    at.clock.advance(60_000);
    for (let portion = 0; portion < 4; portion += 1) {
      const requests = Array.from({ length: 20 }, () => hold(asked));
      await at.app.get(ReservationsService).sweep(5);
      await Promise.all(requests);
    }
    expect(await world.position(swept.sku, swept.locations[0])).toMatchObject({ reserved: 20, available: 100 });
    expect(await world.position(asked.sku, asked.locations[0])).toMatchObject({ reserved: 80 });
    await hold(swept);
    expect(await world.position(swept.sku, swept.locations[0])).toMatchObject({ reserved: 1, available: 99 });
  });

  it('was committed, released, extended: then the sweeper leaves it alone', async () => {
    const shop = await world.shop([10]);
    const hold = () => world.held(shop.channel, [{ sku: shop.sku, quantity: 2 }], { ttlSeconds: 60 });
    const [a, b, c] = [await hold(), await hold(), await hold()];
    await world.step(a.id, 'commit').expect(200);
    await world.step(b.id, 'release').expect(200);
    await world.step(c.id, 'extend', { ttlSeconds: 120 }).expect(200);
    at.clock.advance(60_000);
    expect(await sweep()).toBe(0);
    expect(await world.available(shop.sku, shop.channel)).toBe(6);
    at.clock.advance(60_000);
    expect(await world.available(shop.sku, shop.channel)).toBe(8);
    expect(await world.reservation(a.id)).toMatchObject({ status: 'committed' });
  });

  it('and its commit in the same moment end in exactly one of the two (semantics.md 16)', async () => {
    const shop = await world.shop([100]);
    const holds = await Promise.all(
      Array.from({ length: 10 }, () => world.held(shop.channel, [{ sku: shop.sku, quantity: 1 }], { ttlSeconds: 60 })),
    );
    at.clock.advance(59_990);
    const commits = Promise.all(holds.map(({ id }) => world.step(id, 'commit').then((answer) => answer)));
    at.clock.advance(10);
    const [answers] = await Promise.all([commits, sweep()]);
    for (const [i, { status, body }] of answers.entries()) {
      const { status: ended } = await world.reservation(holds[i].id);
      if (status === 200) expect(ended).toBe('committed');
      else expect([status, body.code, ended]).toEqual([409, 'hold_expired', 'expired']);
    }
    const kept = answers.filter(({ status }) => status === 200).length;
    expect(await world.available(shop.sku, shop.channel)).toBe(100 - kept);
  });

  it('does not change the answer to its first request', async () => {
    const shop = await world.shop([10]);
    const body = { channel: shop.channel, ttlSeconds: 60, lines: [{ sku: shop.sku, quantity: 6 }] };
    const send = () => at.api().post('/v1/reservations', body).set('Idempotency-Key', `expiry-${shop.sku}`);
    const first = await send().expect(201);
    at.clock.advance(60_000);
    const again = await send().expect(201);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
  });
});
