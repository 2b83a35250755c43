import { randomUUID } from 'node:crypto';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, World } from './world.js';

/** `POST /v1/reservations/batch`: 207, each decided on its own. */
describe('a batch of reservations', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const batch = (reservations: object[]) => at.api().post('/v1/reservations/batch', { reservations });

  it('decides each on its own, in order, each after what the ones before it took', async () => {
    const shop = await world.shop([5]);
    const { channel, sku } = shop;
    const { status, body } = await batch([
      { channel, orderRef: 'A', lines: [{ sku, quantity: 4 }] },
      { channel, orderRef: 'B', lines: [{ sku, quantity: 2 }] },
      { channel, orderRef: 'C', mode: 'partial', lines: [{ sku, quantity: 2 }] },
      { channel, lines: [{ sku: 'never-was', quantity: 1 }] },
      { channel: 'nowhere', lines: [{ sku, quantity: 1 }] },
      { channel, ttlSeconds: 90_000, lines: [{ sku, quantity: 1 }] },
      { lines: [{ sku, quantity: 1 }] },
    ]);
    expect(status).toBe(207);
    expect(body.results).toMatchObject([
      { status: 201, reservation: { orderRef: 'A', status: 'held', lines: [{ reserved: 4 }] } },
      { status: 409, problem: { code: 'insufficient_stock', shortages: [{ line: 1, requested: 2, available: 1 }] } },
      { status: 201, reservation: { orderRef: 'C', lines: [{ requested: 2, reserved: 1 }] } },
      { status: 422, problem: { code: 'unknown_sku', type: '/problems/unknown_sku' } },
      { status: 422, problem: { code: 'unknown_channel' } },
      { status: 400, problem: { code: 'validation_failed' } },
      { status: 400, problem: { code: 'validation_failed' } },
    ]);
    for (const { reservation } of body.results.filter((each: { status: number }) => each.status === 201)) {
      expect(await world.reservation(reservation.id)).toEqual(reservation);
    }
    expect(await world.available(sku, channel)).toBe(0);
  });

  it('is refused whole only when the request itself is not as documented', async () => {
    const shop = await world.shop([5]);
    const sound = { channel: shop.channel, lines: [{ sku: shop.sku, quantity: 1 }] };
    const answer = await batch([sound, { ...sound, lines: [{ sku: shop.sku, quantity: 0 }] }]);
    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body.errors).toMatchObject([{ pointer: '/reservations/1/lines/0/quantity' }]);
    expect(await world.available(shop.sku, shop.channel)).toBe(5);
  });

  it('answers 207 also when none of it could be held', async () => {
    const shop = await world.shop([0]);
    const { status, body } = await batch([{ channel: shop.channel, lines: [{ sku: shop.sku, quantity: 1 }] }]);
    expect([status, body.results[0].status]).toEqual([207, 409]);
  });

  it('takes 100 at once, and the same request again changes nothing', async () => {
    const shop = await world.shop([60]);
    const reservations = Array.from({ length: 100 }, (_, i) => ({
      channel: shop.channel,
      orderRef: `SO-${i}`,
      commit: i % 2 === 0,
      lines: [{ sku: shop.sku, quantity: 1 }],
    }));
    const key = randomUUID();
    const first = await batch(reservations).set('Idempotency-Key', key);
    const granted = first.body.results.filter(({ status }: { status: number }) => status === 201);
    expect([first.body.results.length, granted.length]).toEqual([100, 60]);
    const again = await batch(reservations).set('Idempotency-Key', key);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 60, reserved: 60 });
  });
});
