import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';

describe('placing a hold', () => {
  let at: TestApp;

  beforeAll(async () => {
    at = await startApp();
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const world = async (stock: number[], overrides: object = {}, itemOverrides: object = {}) => {
    const { sku } = await at.given.item(itemOverrides);
    const locations: string[] = [];
    for (const onHand of stock) {
      const { code } = await at.given.location();
      locations.push(code);
      await at.given.stock(sku, code, onHand);
    }
    const channel = await at.given.channel({ locations, ...overrides });
    return { sku, locations, channel: channel.code };
  };
  const hold = (channel: string, lines: object[], more: object = {}) =>
    at.api().post('/v1/reservations', { channel, lines, ...more });
  const available = async (sku: string, channel: string) =>
    (await at.api().get(`/v1/availability/${sku}?channel=${channel}`)).body.available;

  it('takes what is available and shows it at once', async () => {
    const { sku, channel, locations } = await world([10]);
    const answer = await hold(channel, [{ sku, quantity: 3 }], { orderRef: 'SO-1', ttlSeconds: 60 });
    expect(answer.status).toBe(201);
    expect(answer.headers.etag).toBe('"1"');
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^res_[0-9a-z]{26}$/),
      channel,
      orderRef: 'SO-1',
      status: 'held',
      createdAt: new Date(at.clock.now()).toISOString(),
      expiresAt: new Date(at.clock.now() + 60_000).toISOString(),
      version: 1,
      lines: [
        {
          line: 1,
          lineRef: null,
          sku,
          uom: 'EA',
          requested: 3,
          reserved: 3,
          backordered: 0,
          committed: 0,
          shipped: 0,
          allocations: [{ location: locations[0], quantity: 3 }],
        },
      ],
    });
    expect(await available(sku, channel)).toBe(7);
  });

  it('refuses 5 + 5 of one item on a stock of 5 whole (semantics.md 15)', async () => {
    const { sku, channel } = await world([5]);
    const answer = await hold(channel, [
      { sku, quantity: 5 },
      { sku, quantity: 5 },
    ]);
    expect(answer.status).toBe(409);
    expect(answer.body.code).toBe('insufficient_stock');
    expect(answer.body.shortages).toEqual([{ line: 2, sku, requested: 5, available: 0, reason: 'insufficient' }]);
    expect(await available(sku, channel)).toBe(5);
  });

  it('takes 13 from (10, 15) as 10 and 3 (semantics.md 13)', async () => {
    const { sku, channel, locations } = await world([10, 15]);
    const answer = await hold(channel, [{ sku, quantity: 13 }]);
    expect(answer.body.lines[0].allocations).toEqual([
      { location: locations[0], quantity: 10 },
      { location: locations[1], quantity: 3 },
    ]);
    expect(await available(sku, channel)).toBe(12);
  });

  it('lets exactly one of 50 holds win the last unit', async () => {
    const { sku, channel } = await world([1]);
    const answers = await Promise.all(Array.from({ length: 50 }, () => hold(channel, [{ sku, quantity: 1 }])));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status, body }) => status === 409 && body.code === 'insufficient_stock')).toHaveLength(49);
  });

  it('ignores an expired hold from the instant of its expiry, with the sweeper stopped (semantics.md 16)', async () => {
    const { sku, channel } = await world([1]);
    const first = await hold(channel, [{ sku, quantity: 1 }], { ttlSeconds: 60 });
    at.clock.advance(59_999);
    expect(await available(sku, channel)).toBe(0);
    at.clock.advance(1);
    expect(await available(sku, channel)).toBe(1);
    expect((await at.api().get(`/v1/reservations/${first.body.id}`)).body.status).toBe('expired');
    expect((await hold(channel, [{ sku, quantity: 1 }])).status).toBe(201);
    const late = await at.api().post(`/v1/reservations/${first.body.id}/commit`);
    expect(late.status).toBe(409);
    expect(late.body.code).toBe('hold_expired');
  });

  it('commits, ships and takes back a shipment', async () => {
    const { sku, channel, locations } = await world([10]);
    const { body: held } = await hold(channel, [{ sku, quantity: 6 }]);
    const commit = await at.api().post(`/v1/reservations/${held.id}/commit`, { lines: [{ line: 1, quantity: 4 }] });
    expect(commit.body).toMatchObject({ status: 'committed', expiresAt: null, version: 2 });
    expect(commit.body.lines[0]).toMatchObject({ reserved: 4, committed: 4, requested: 6 });
    expect(await available(sku, channel)).toBe(6);
    const shipped = await at
      .api()
      .post(`/v1/reservations/${held.id}/ship`, { shipmentRef: 'S1', lines: [{ line: 1, quantity: 3 }] });
    expect(shipped.body.status).toBe('partially_shipped');
    const again = await at.api().post(`/v1/reservations/${held.id}/ship`, { shipmentRef: 'S1' });
    expect(again.body.version).toBe(shipped.body.version);
    const back = await at.api().post(`/v1/reservations/${held.id}/unship`, { shipmentRef: 'S1' });
    expect(back.body).toMatchObject({ status: 'committed' });
    const { body: stock } = await at.api().get(`/v1/stock?sku=${sku}&location=${locations[0]}`);
    expect(stock.data[0]).toMatchObject({ onHand: 10, reserved: 4, available: 6 });
    const cancelled = await at.api().post(`/v1/reservations/${held.id}/cancel`);
    expect(cancelled.body.status).toBe('cancelled');
    expect((await at.api().post(`/v1/reservations/${held.id}/cancel`)).status).toBe(200);
    const { body: history } = await at.api().get(`/v1/reservations/${held.id}/history`);
    expect(history.data.map(({ action }: { action: string }) => action)).toEqual([
      'hold',
      'commit',
      'ship',
      'unship',
      'cancel',
    ]);
  });
});
