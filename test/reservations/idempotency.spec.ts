import { randomUUID } from 'node:crypto';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, type Shop, World } from './world.js';

/** Rule 30: the key row and the stock change are one transaction. */
describe('a request with an Idempotency-Key', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const body = ({ channel, sku }: Shop, quantity = 1) => ({ channel, lines: [{ sku, quantity }] });
  const post = (path: string, key: string, sent?: object, by?: string) =>
    at.api(by).post(path, sent).set('Idempotency-Key', key);
  const hold = (shop: Shop, key: string, quantity = 1, by?: string) =>
    post('/v1/reservations', key, body(shop, quantity), by);

  it('gets the same answer again, flagged, and changes nothing more (semantics.md 30)', async () => {
    const shop = await world.shop([10]);
    const key = randomUUID();
    const first = await hold(shop, key, 3).expect(201);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    const before = await world.everything(shop);
    const again = await hold(shop, key, 3).expect(201);
    expect(again.headers).toMatchObject({ 'idempotent-replayed': 'true', etag: '"1"' });
    expect(again.body).toEqual(first.body);
    expect(await world.everything(shop)).toEqual(before);
  });

  it('gets the first answer however its members are ordered, and after the reservation went on', async () => {
    const shop = await world.shop([10]);
    const key = randomUUID();
    const first = await post('/v1/reservations', key, {
      lines: [{ quantity: 1, sku: shop.sku }],
      channel: shop.channel,
    }).expect(201);
    await world.step(first.body.id, 'commit').expect(200);
    const again = await hold(shop, key).expect(201);
    expect(again.body).toEqual(first.body);
  });

  it.each([
    ['another body', (shop: Shop) => ['/v1/reservations', body(shop, 2)]],
    ['another path', (shop: Shop) => ['/v1/reservations/batch', { reservations: [body(shop)] }]],
    [
      'another feature',
      ({ sku, locations }: Shop) => [
        '/v1/stock/adjustments',
        { sku, location: locations[0], delta: 1, reason: 'found' },
      ],
    ],
  ] as const)('is refused for %s under the same key (semantics.md 30)', async (_, other) => {
    const shop = await world.shop([10]);
    const key = randomUUID();
    await hold(shop, key).expect(201);
    const before = await world.everything(shop);
    const [path, sent] = other(shop) as [string, object];
    expectProblem(await post(path, key, sent), 422, 'idempotency_key_reused');
    expect(await world.everything(shop)).toEqual(before);
  });

  it('without the key is refused on every call that needs one', async () => {
    const paths = [
      '',
      '/batch',
      '/res_1/extend',
      '/res_1/commit',
      '/res_1/release',
      '/res_1/cancel',
      '/res_1/ship',
      '/res_1/unship',
    ];
    const all = [
      ...paths.map((path) => `/v1/reservations${path}`),
      ...['adjustments', 'condition-changes', 'transfers', 'audit/repair'].map((path) => `/v1/stock/${path}`),
    ];
    for (const path of all) {
      expectProblem(await at.api().post(path, {}).unset('Idempotency-Key'), 400, 'idempotency_key_missing');
      expectProblem(await at.api().post(path, {}).set('Idempotency-Key', '  '), 400, 'idempotency_key_missing');
    }
  });

  it('takes the key bare or quoted, up to 255 characters', async () => {
    const shop = await world.shop([10]);
    const key = 'k'.repeat(255);
    await hold(shop, key).expect(201);
    expect((await hold(shop, `"${key}"`)).headers['idempotent-replayed']).toBe('true');
    expectProblem(await hold(shop, `${key}k`), 400, 'validation_failed');
    expect(await world.available(shop.sku, shop.channel)).toBe(9);
  });

  it('sent twenty times at once has one effect; the others get its answer, or hear that it is under way', async () => {
    const shop = await world.shop([100]);
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => hold(shop, key, 2)));
    const made = answers.filter(({ status }) => status === 201);
    expect(new Set(made.map((answer) => answer.body.id)).size).toBe(1);
    expect(made.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectProblem(answer, 409, 'idempotency_in_progress');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 2, version: 2 });
  });

  it('is told apart by client, not by key: two clients, two holds; two keys of one client, one (semantics.md 30)', async () => {
    const shop = await world.shop([10]);
    const scopes = ['reservations:write'];
    const first = await at.given.key({ scopes });
    const rotated = await at.given.key({ scopes, client: first.client });
    const other = await at.given.key({ scopes });
    const key = randomUUID();
    const a = await hold(shop, key, 2, first.key).expect(201);
    const b = await hold(shop, key, 2, rotated.key).expect(201);
    const c = await hold(shop, key, 2, other.key).expect(201);
    expect([b.headers['idempotent-replayed'], c.headers['idempotent-replayed']]).toEqual(['true', undefined]);
    expect(b.body).toEqual(a.body);
    expect(c.body.id).not.toBe(a.body.id);
    expect(await world.available(shop.sku, shop.channel)).toBe(6);
  });

  it('that was refused is decided afresh (semantics.md 30)', async () => {
    const shop = await world.shop([1]);
    const key = randomUUID();
    expectProblem(await hold(shop, key, 3), 409, 'insufficient_stock');
    await world.adjust(shop.sku, shop.locations[0], { delta: 2, reason: 'receipt' }).expect(201);
    const granted = await hold(shop, key, 3).expect(201);
    expect(granted.headers['idempotent-replayed']).toBeUndefined();
  });

  it('is remembered for every step', async () => {
    const shop = await world.shop([20]);
    const { id } = await world.held(shop.channel, [{ sku: shop.sku, quantity: 8 }]);
    const steps: [string, object | undefined][] = [
      ['extend', { ttlSeconds: 60 }],
      ['commit', { lines: [{ line: 1, quantity: 6 }] }],
      ['ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 2 }] }],
      ['cancel', { lines: [{ line: 1, quantity: 1 }] }],
      ['unship', { shipmentRef: 'S1' }],
    ];
    for (const [step, sent] of steps) {
      const key = randomUUID();
      const first = await post(`/v1/reservations/${id}/${step}`, key, sent).expect(200);
      const again = await post(`/v1/reservations/${id}/${step}`, key, sent).expect(200);
      expect([step, again.headers['idempotent-replayed'], again.body]).toEqual([step, 'true', first.body]);
    }
    expect(await world.reservation(id)).toMatchObject({
      status: 'committed',
      version: 6,
      lines: [{ reserved: 5, committed: 5 }],
    });
    const key = randomUUID();
    const { id: other } = await world.held(shop.channel, [{ sku: shop.sku, quantity: 1 }]);
    await post(`/v1/reservations/${other}/release`, key).expect(200);
    expect((await post(`/v1/reservations/${other}/release`, key)).headers['idempotent-replayed']).toBe('true');
  });
});
