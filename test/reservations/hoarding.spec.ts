import { atOnce, type Fleet, startFleet, stocked, tally } from '../engine/fleet.js';
import type { Api, TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';

/** Two applications on one database, so that what is counted is counted in the database. */
describe('a cap on what one client holds of an item', () => {
  let fleet: Fleet;
  let app: TestApp;
  beforeAll(async () => {
    fleet = await startFleet(2);
    app = fleet.first;
  });
  afterEach(() => expectInvariants(fleet.databaseUrl));
  afterAll(() => fleet?.close());

  /** An item of which there is plenty, in a channel with these caps, and a client of the channel on both applications. */
  const world = async (caps: object) => {
    const { sku, channel } = await stocked(app, [1_000, 1_000], caps);
    const { key } = await app.given.key({ channel, scopes: ['reservations:write', 'reservations:read'] });
    const hold = (
      quantity: number,
      { api = fleet.next().api(key), ...more }: { api?: Api; [more: string]: unknown } = {},
    ) => api.post('/v1/reservations', { lines: [{ sku, quantity }], ...more });
    return { sku, channel, api: app.api(key), hold };
  };

  it('lets exactly 5 of 40 holds through that come at once', async () => {
    const { hold } = await world({ maxOpenHolds: 5 });
    expect(tally(await atOnce(40, () => hold(1)))).toEqual({ 201: 5, '409 hold_cap_reached': 35 });
  });

  it('lets exactly as much be held, whatever comes at once', async () => {
    const { hold } = await world({ maxHeldQuantity: 20 });
    expect(tally(await atOnce(40, () => hold(3)))).toEqual({ 201: 6, '409 hold_cap_reached': 34 });
    await hold(2).expect(201);
    const { body } = await hold(1).expect(409);
    expect(body).toMatchObject({ code: 'hold_cap_reached', cap: { name: 'maxHeldQuantity', most: 20, held: 20 } });
  });

  it('names the cap, the item, the most and what is held', async () => {
    const { hold, sku } = await world({ maxOpenHolds: 1 });
    await hold(1).expect(201);
    const { body } = await hold(1).expect(409);
    expect(body.cap).toEqual({ name: 'maxOpenHolds', sku, most: 1, held: 1 });
    expect(body.detail).toContain(sku);
  });

  it('is free again for what was committed, released or has expired', async () => {
    const { hold, api } = await world({ maxOpenHolds: 1 });
    const first = await hold(1).expect(201);
    await hold(1).expect(409);
    await api.post(`/v1/reservations/${first.body.id}/commit`, {}).expect(200);
    const second = await hold(1).expect(201);
    await hold(1).expect(409);
    await api.post(`/v1/reservations/${second.body.id}/release`).expect(200);
    await hold(1, { ttlSeconds: 60 }).expect(201);
    await hold(1).expect(409);
    fleet.clock.advance(60_000);
    await hold(1).expect(201);
    await hold(1).expect(409);
  });

  it('is one for each client, each item and each channel', async () => {
    const { hold, sku, channel } = await world({ maxOpenHolds: 1 });
    await hold(1).expect(201);
    const neighbour = await app.given.key({ channel, scopes: ['reservations:write'] });
    await hold(1, { api: app.api(neighbour.key) }).expect(201);
    const { locations } = (await app.api().get(`/v1/channels/${channel}`)).body;
    const { sku: other } = await app.given.item();
    await app.given.stock(other, locations[0], 10);
    await hold(1, { lines: [{ sku: other, quantity: 1 }] }).expect(201);
    const { code: elsewhere } = await app.given.channel({ locations, maxOpenHolds: 1 });
    const lines = [{ sku, quantity: 1 }];
    await app.api().post('/v1/reservations', { channel, lines }).expect(201);
    await app.api().post('/v1/reservations', { channel: elsewhere, lines }).expect(201);
    await app.api().post('/v1/reservations', { channel: elsewhere, lines }).expect(409);
  });

  it('does not stand in the way of a commitment from the start', async () => {
    const { hold } = await world({ maxOpenHolds: 1, maxHeldQuantity: 1 });
    await hold(1).expect(201);
    await hold(50, { commit: true }).expect(201);
    await hold(1).expect(409);
  });

  it('refuses of a batch only the holds beyond it', async () => {
    const { api, sku } = await world({ maxOpenHolds: 2 });
    const reservations = Array.from({ length: 4 }, () => ({ lines: [{ sku, quantity: 1 }] }));
    const { body } = await api.post('/v1/reservations/batch', { reservations }).expect(207);
    expect(body.results.map(({ status }: { status: number }) => status)).toEqual([201, 201, 409, 409]);
    expect(body.results[3].problem).toMatchObject({ code: 'hold_cap_reached' });
  });

  it('holds for an edit that asks for more, and never for one that asks for less', async () => {
    const { hold, api, sku, channel } = await world({ maxHeldQuantity: 10 });
    const { body } = await hold(8).expect(201);
    await hold(2).expect(201);
    const edit = (quantity: number, version: number) =>
      api.put(`/v1/reservations/${body.id}/lines`, { lines: [{ sku, quantity }] }).set('If-Match', `"${version}"`);
    expect((await edit(9, 1).expect(409)).body.code).toBe('hold_cap_reached');
    const { name, locations, sourcing } = (await app.api().get(`/v1/channels/${channel}`)).body;
    await app.api().put(`/v1/channels/${channel}`, { name, locations, sourcing, maxHeldQuantity: 5 }).expect(200);
    await edit(7, 1).expect(200);
    await edit(3, 2).expect(200);
    expect((await edit(4, 3).expect(409)).body.cap).toMatchObject({ most: 5, held: 5 });
  });
});
