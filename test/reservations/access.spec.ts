import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, type Shop, World } from './world.js';

describe('who may do what', () => {
  let at: TestApp;
  let world: World;
  let shop: Shop;
  let other: Shop;
  let elsewhere: string;
  /** A key of each scope a test asks for, bound to `shop`’s channel. */
  const bound = async (...scopes: string[]) => at.api((await at.given.key({ scopes, channel: shop.channel })).key);
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
    shop = await world.shop([100]);
    other = await world.shop([50]);
    elsewhere = other.locations[0] as string;
    await at.given.stock(shop.sku, elsewhere, 70);
  });
  afterAll(async () => {
    await expectInvariants(at.databaseUrl);
    await at.close();
  });

  describe('a key bound to a channel (semantics.md 12)', () => {
    it('leaves the channel out, and may not name another', async () => {
      const api = await bound('reservations:write', 'availability:read', 'reservations:read');
      const line = { sku: shop.sku, quantity: 1 };
      expect((await api.post('/v1/reservations', { lines: [line] })).body).toMatchObject({ channel: shop.channel });
      expect((await api.get(`/v1/availability/${shop.sku}`)).body).toMatchObject({ channel: shop.channel });
      expect((await api.post('/v1/availability/query', { lines: [line] })).body.lines[0].channel).toBe(shop.channel);
      for (const channel of [other.channel, 'nowhere']) {
        expectProblem(await api.post('/v1/reservations', { channel, lines: [line] }), 403, 'channel_forbidden');
        expectProblem(await api.get(`/v1/availability/${shop.sku}?channel=${channel}`), 403, 'channel_forbidden');
        expectProblem(await api.post('/v1/availability/query', { channel, lines: [line] }), 403, 'channel_forbidden');
        expectProblem(await api.get(`/v1/reservations?channel=${channel}`), 403, 'channel_forbidden');
        const batch = await api.post('/v1/reservations/batch', {
          reservations: [{ channel, lines: [line] }, { lines: [line] }],
        });
        expect(batch.body.results).toMatchObject([
          { status: 403, problem: { code: 'channel_forbidden' } },
          { status: 201 },
        ]);
      }
    });

    it('is answered of its own locations only', async () => {
      const api = await bound('availability:read', 'stock:read');
      expect(
        (await api.get(`/v1/availability/${shop.sku}?expand=locations`)).body.locations.map(
          ({ location }: { location: string }) => location,
        ),
      ).toEqual(shop.locations);
      const { body } = await api.get(`/v1/stock?sku=${shop.sku}`);
      expect(body.data.map(({ location }: { location: string }) => location)).toEqual(shop.locations);
      expect((await api.get(`/v1/stock?sku=${shop.sku}&location=${elsewhere}`)).body.data).toEqual([]);
      expect((await api.get(`/v1/stock/movements?location=${elsewhere}`)).body.data).toEqual([]);
      expect((await at.api().get(`/v1/stock/movements?location=${elsewhere}`)).body.data).not.toEqual([]);
    });

    it('knows no other location, by any name it could ask with', async () => {
      const api = await bound('stock:write', 'reservations:write');
      const [own] = shop.locations;
      const { sku } = shop;
      const { body: commitment } = await api
        .post('/v1/reservations', { commit: true, lines: [{ sku, quantity: 2 }] })
        .expect(201);
      const refusals = (location: string) => [
        api.post('/v1/reservations', { lines: [{ sku, quantity: 1, location }] }),
        api.post('/v1/stock/adjustments', { sku, location, delta: 1, reason: 'found' }),
        api.post('/v1/stock/condition-changes', {
          sku,
          location,
          quantity: 1,
          from: 'sellable',
          to: 'damaged',
          reason: 'r',
        }),
        api.post('/v1/stock/transfers', { sku, from: own, to: location, quantity: 1 }),
        api.post('/v1/stock/transfers', { sku, from: location, to: own, quantity: 1 }),
        api.post(`/v1/reservations/${commitment.id}/ship`, {
          shipmentRef: 'S',
          lines: [{ line: 1, quantity: 1, location }],
        }),
      ];
      // A location that is not its own is refused as one that is not: neither status nor words tell them apart.
      const ofAnother = await Promise.all(refusals(elsewhere));
      const ofNone = await Promise.all(refusals('moon'));
      for (const [i, answer] of ofAnother.entries()) {
        expectProblem(answer, 422, 'unknown_location');
        expect(answer.body.detail).toBe(ofNone[i]?.body.detail.replace('moon', elsewhere));
      }
      expectProblem(await api.put(`/v1/stock/${sku}/${elsewhere}/policy`, { safetyStock: 1 }), 404, 'unknown_location');
      expect(await world.position(sku, elsewhere)).toMatchObject({ onHand: 70, version: 1 });
    });

    it('knows no reservation of another channel', async () => {
      const api = await bound('reservations:write', 'reservations:read');
      const foreign = await world.held(other.channel, [{ sku: other.sku, quantity: 1 }], { orderRef: 'FOREIGN' });
      const path = `/v1/reservations/${foreign.id}`;
      expectProblem(await api.get(path), 404, 'not_found');
      expectProblem(await api.get(`${path}/history`), 404, 'not_found');
      for (const step of ['commit', 'release', 'cancel'])
        expectProblem(await api.post(`${path}/${step}`), 404, 'not_found');
      expectProblem(await api.post(`${path}/extend`, { ttlSeconds: 5 }), 404, 'not_found');
      expectProblem(await api.post(`${path}/ship`, { shipmentRef: 'S' }), 404, 'not_found');
      expectProblem(await api.post(`${path}/unship`, { shipmentRef: 'S' }), 404, 'not_found');
      const edit = api.put(`${path}/lines`, { lines: [{ sku: other.sku, quantity: 1 }] }).set('If-Match', '*');
      expectProblem(await edit, 404, 'not_found');
      expect((await api.get('/v1/reservations?orderRef=FOREIGN')).body.data).toEqual([]);
      expect(await world.reservation(foreign.id)).toEqual(foreign);
    });

    it('sees its own reservations, whoever of the channel made them', async () => {
      const api = await bound('reservations:read');
      const made = await world.held(shop.channel, [{ sku: shop.sku, quantity: 1 }], { orderRef: 'OWN' });
      expect((await api.get(`/v1/reservations/${made.id}`)).body).toEqual(made);
      expect((await api.get('/v1/reservations?orderRef=OWN')).body.data).toEqual([made]);
    });
  });
});
