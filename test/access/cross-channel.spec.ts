import { randomUUID } from 'node:crypto';
import type { Test } from 'supertest';
import { send as sendImport } from '../imports/upload.js';
import { type Api, startApp, type TestApp } from '../support/app.js';

/** Semantics.md 12: what belongs to another channel is answered as if it were not there, or forbidden by its name. */
describe('what belongs to another channel', () => {
  let test: TestApp;
  let sku: string;
  const side = async (locations: string[]) => {
    const { code: channel } = await test.given.channel({ locations });
    const own = await test.given.key({ channel, scopes: ['admin'] });
    return {
      channel,
      location: locations[0] as string,
      client: own.client as string,
      keyId: own.id as string,
      api: test.api(own.key),
    };
  };
  let mine: Awaited<ReturnType<typeof side>>;
  let other: Awaited<ReturnType<typeof side>>;
  let theirs: { id: string };
  const once = 'the-same-key-of-both';
  const hold = { orderRef: 'ORDER-OF-OTHER', lines: [] as object[] };

  beforeAll(async () => {
    test = await startApp();
    ({ sku } = await test.given.item());
    const [a, b] = [(await test.given.location()).code, (await test.given.location()).code];
    mine = await side([a]);
    other = await side([b]);
    await test.given.stock(sku, a, 10);
    await test.given.stock(sku, b, 7);
    hold.lines = [{ sku, quantity: 1, lineRef: 'LINE-OF-OTHER' }];
    theirs = (await other.api.post('/v1/reservations', hold).set('Idempotency-Key', once).expect(201)).body;
  });
  afterAll(() => test.close());

  /** What would tell that the other channel has something there. */
  const traces = () => [
    theirs.id,
    'ORDER-OF-OTHER',
    'LINE-OF-OTHER',
    other.channel,
    other.location,
    other.client,
    other.keyId,
  ];
  /** A trace that the caller has named itself tells nothing. */
  const discloses = (text: string, asked: string) =>
    traces().filter((trace) => text.includes(trace) && !asked.includes(trace));

  const requests = (api: Api): Record<string, Test> => ({
    'its reservation by id': api.get(`/v1/reservations/${theirs.id}`),
    'the history of its reservation': api.get(`/v1/reservations/${theirs.id}/history`),
    'a step of its reservation': api.post(`/v1/reservations/${theirs.id}/release`),
    'a commitment of its reservation': api.post(`/v1/reservations/${theirs.id}/commit`, {}),
    'its key by id': api.get(`/v1/keys/${other.keyId}`),
    'a rotation of its key': api.post(`/v1/keys/${other.keyId}/rotate`, {}),
    'a revocation of its key': api.delete(`/v1/keys/${other.keyId}`),
    'its client': api.get(`/v1/clients/${other.client}`),
    'a change of its client': api.put(`/v1/clients/${other.client}`, { name: 'x', channel: other.channel }),
    'the keys of its client': api.get(`/v1/clients/${other.client}/keys`),
    'a key for its client': api.post(`/v1/clients/${other.client}/keys`, { name: 'x', scopes: ['admin'] }),
    'its location': api.get(`/v1/locations/${other.location}`),
    'a change of its location': api.put(`/v1/locations/${other.location}`, { name: 'x', type: 'store' }),
    'stock at its location': api.put(`/v1/stock/${sku}/${other.location}/policy`, { safetyStock: 1 }),
    'an adjustment at its location': api.post('/v1/stock/adjustments', {
      sku,
      location: other.location,
      delta: 1,
      reason: 'found',
    }),
    'a transfer from its location': api.post('/v1/stock/transfers', {
      sku,
      from: other.location,
      to: mine.location,
      quantity: 1,
    }),
    'the channel itself': api.get(`/v1/channels/${other.channel}`),
    'a change of the channel': api.put(`/v1/channels/${other.channel}`, {
      name: 'x',
      locations: [],
      sourcing: 'listed_order',
    }),
    'its rules for an item': api.get(`/v1/channels/${other.channel}/items/${sku}`),
    'its availability': api.get(`/v1/availability/${sku}?channel=${other.channel}`),
    'its availability in bulk': api.post('/v1/availability/query', { channel: other.channel, lines: [{ sku }] }),
    'a reservation in its name': api.post('/v1/reservations', {
      channel: other.channel,
      lines: [{ sku, quantity: 1 }],
    }),
    'its reservations by filter': api.get(`/v1/reservations?channel=${other.channel}`),
  });

  it('is not found or forbidden by its id, and not a byte of it is said', async () => {
    for (const [what, request] of Object.entries(requests(mine.api))) {
      const { status, text } = await request;
      expect({ what, status, refused: [403, 404, 422].includes(status) }).toMatchObject({ what, refused: true });
      const asked = `${request.url} ${JSON.stringify((request as unknown as { _data?: object })._data ?? '')}`;
      expect({ what, disclosed: discloses(text, asked) }).toEqual({ what, disclosed: [] });
    }
    expect((await other.api.get(`/v1/reservations/${theirs.id}`).expect(200)).body).toMatchObject({
      status: 'held',
      version: 1,
    });
    await other.api.get(`/v1/keys/${other.keyId}`).expect(200);
  });

  it('is answered as what is nowhere, so that nobody learns what there is', async () => {
    const nowhere = theirs.id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const bodyOf = async (request: Test) => {
      const { status, body } = await request;
      const { requestId: _, instance: __, ...rest } = body;
      return JSON.parse(
        JSON.stringify({ status, ...rest })
          .replaceAll(nowhere, 'ID')
          .replaceAll(theirs.id, 'ID'),
      );
    };
    for (const path of ['', '/history']) {
      expect(await bodyOf(mine.api.get(`/v1/reservations/${theirs.id}${path}`))).toEqual(
        await bodyOf(mine.api.get(`/v1/reservations/${nowhere}${path}`)),
      );
    }
    const channels = [other.channel, 'nowhere'].map((channel) =>
      bodyOf(mine.api.get(`/v1/availability/${sku}?channel=${channel}`)),
    );
    const [known, unknown] = await Promise.all(channels);
    expect(known).toEqual(unknown);
  });

  it('is in no list, whatever it is filtered by', async () => {
    const imported = await sendImport(test, 'levels', `sku,location,onHand\n${sku},${mine.location},10\n`);
    for (const path of [
      '/v1/reservations',
      '/v1/reservations?orderRef=ORDER-OF-OTHER',
      `/v1/reservations?sku=${sku}`,
      '/v1/reservations?status=held',
      '/v1/clients',
      '/v1/keys',
      '/v1/channels',
      '/v1/locations',
      `/v1/stock?sku=${sku}`,
      `/v1/stock?location=${other.location}`,
      `/v1/stock/movements?sku=${sku}`,
      `/v1/stock/movements?location=${other.location}`,
      '/v1/audit?outcome=done&limit=200', // a refusal repeats what was asked for
      `/v1/audit?client=${other.client}`,
      '/v1/imports',
    ]) {
      const { status, text } = await mine.api.get(path);
      expect({ path, status, disclosed: discloses(text, path) }).toEqual({ path, status: 200, disclosed: [] });
      expect({ path, imported: text.includes(imported.body.id) }).toEqual({ path, imported: false });
    }
    await mine.api.get(`/v1/imports/${imported.body.id}`).expect(404);
  });

  it('is not had by its Idempotency-Key: the same one of another client is another', async () => {
    const same = await mine.api.post('/v1/reservations', hold).set('Idempotency-Key', once).expect(201);
    expect(same.headers['idempotent-replayed']).toBeUndefined();
    expect(same.body.id).not.toBe(theirs.id);
    const different = { ...hold, lines: [{ sku, quantity: 2 }] };
    await mine.api.post('/v1/reservations', different).set('Idempotency-Key', once).expect(422);
    const untouched = { sku, location: mine.location, delta: 1, reason: 'found' };
    await mine.api.post('/v1/stock/adjustments', untouched).set('Idempotency-Key', randomUUID()).expect(201);
    const again = await other.api.post('/v1/reservations', hold).set('Idempotency-Key', once).expect(201);
    expect([again.headers['idempotent-replayed'], again.body.id]).toEqual(['true', theirs.id]);
  });

  it('is not had by its ETag: neither 304 nor 412 says that it was guessed', async () => {
    const { headers } = await other.api.get(`/v1/availability/${sku}`).expect(200);
    const etag = headers.etag as string;
    await other.api.get(`/v1/availability/${sku}`).set('If-None-Match', etag).expect(304);
    await mine.api.get(`/v1/availability/${sku}?channel=${other.channel}`).set('If-None-Match', etag).expect(403);
    const here = await mine.api.get(`/v1/availability/${sku}`).set('If-None-Match', etag);
    expect([here.status, here.body.channel]).toEqual([200, mine.channel]);
    for (const guess of ['"1"', '"2"', '*']) {
      const lines = { lines: [{ sku, quantity: 1 }] };
      await mine.api.put(`/v1/reservations/${theirs.id}/lines`, lines).set('If-Match', guess).expect(404);
      const change = { name: 'x', channel: other.channel };
      await mine.api.put(`/v1/clients/${other.client}`, change).set('If-Match', guess).expect(404);
      const location = { name: 'x', type: 'store' };
      await mine.api.put(`/v1/locations/${other.location}`, location).set('If-Match', guess).expect(404);
    }
  });
});
