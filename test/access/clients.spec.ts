import { startApp, type TestApp } from '../support/app.js';

describe('clients', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  it('are registered, with what is left out left out', async () => {
    const { code } = await test.given.channel();
    const plain = await test.api().post('/v1/clients', { code: 'erp', name: 'ERP' }).expect(201).expect('ETag', '"1"');
    expect(plain.body).toEqual({
      ...{ code: 'erp', name: 'ERP', tier: 'unlimited', version: 1, createdAt: expect.any(String) },
    });
    const full = { code: 'shop', name: 'Shop', channel: code, rateLimit: { requestsPerMinute: 60, burst: 5 } };
    expect((await test.api().post('/v1/clients', full).expect(201)).body).toMatchObject(full);
    expect((await test.api().get('/v1/clients/shop').expect(200)).body).toMatchObject(full);
    const { data } = (await test.api().get('/v1/clients').expect(200)).body;
    expect(data.map((client: { code: string }) => client.code)).toEqual(['administrator', 'erp', 'shop']);
  });

  it('have a code of their own, also when two register at once', async () => {
    const statuses = await Promise.all(
      Array.from(
        { length: 10 },
        async () => (await test.api().post('/v1/clients', { code: 'twin', name: 'x' })).status,
      ),
    );
    expect(statuses.toSorted()).toEqual([201, ...Array(9).fill(409)]);
    const { body } = await test.api().post('/v1/clients', { code: 'twin', name: 'y' }).expect(409);
    expect(body.code).toBe('already_exists');
  });

  it.each([
    ['no code', { code: undefined }, 400, '/code'],
    ['a code with a space', { code: 'a b' }, 400, '/code'],
    ['no name', { name: undefined }, 400, '/name'],
    ['a channel nobody knows', { channel: 'none' }, 422, '/channel'],
    ['a tier nobody knows', { tier: 'gold' }, 400, '/tier'],
    ['an address that is none', { allowedAddresses: ['10.0.0.0/8', 'localhost'] }, 400, '/allowedAddresses'],
    ['a range wider than an address', { allowedAddresses: ['10.0.0.0/33'] }, 400, '/allowedAddresses'],
    ['half a limit', { rateLimit: { burst: 1 } }, 400, '/rateLimit/requestsPerMinute'],
    ['scopes', { scopes: ['admin'] }, 400, '/scopes'],
  ])('are refused with %s', async (_, change, status, pointer) => {
    const { body } = await test
      .api()
      .post('/v1/clients', { code: 'bad', name: 'x', ...change })
      .expect(status);
    expect(body.errors[0].pointer).toBe(pointer);
  });

  it('that do not exist are 404', async () => {
    expect((await test.api().get('/v1/clients/none').expect(404)).body.code).toBe('not_found');
  });

  it('of other channels are out of reach for an administrator bound to one', async () => {
    const channel = await test.given.channel();
    const other = await test.given.client({ channel: (await test.given.channel()).code });
    const otherKey = await test.given.key({ client: other.code });
    const { key, client } = await test.given.key({ channel: channel.code });
    const bound = test.api(key);

    const { data } = (await bound.get('/v1/clients').expect(200)).body;
    expect(data.map(({ code }: { code: string }) => code)).toEqual([client]);
    await bound.get(`/v1/clients/${other.code}`).expect(404);
    await bound.get(`/v1/clients/${other.code}/keys`).expect(404);
    await bound.post('/v1/clients/administrator/keys', { name: 'x', scopes: ['admin'] }).expect(404);
    await bound.delete(`/v1/keys/${otherKey.id}`).expect(404);
    await test.api(otherKey.key).get('/v1/clients').expect(200);

    await bound.post('/v1/clients', { code: 'mine', name: 'x', channel: channel.code }).expect(201);
    for (const elsewhere of [undefined, other.channel]) {
      const { body } = await bound.post('/v1/clients', { code: 'out', name: 'x', channel: elsewhere }).expect(403);
      expect(body.code).toBe('channel_forbidden');
    }
  });

  it('are changed as a whole, by who has read them, and keep their channel', async () => {
    const { code: channel } = await test.given.channel();
    await test.given.client({ code: 'partner', channel, tier: 'trial' });
    const change = { name: 'Partner', channel, tier: 'high', allowedAddresses: ['203.0.113.0/24', '2001:db8::17'] };
    const put = (body: object) => test.api().put('/v1/clients/partner', body);
    const { body } = await put(change).set('If-Match', '"1"').expect(200).expect('ETag', '"2"');
    expect(body).toMatchObject({ ...change, version: 2 });
    await put(change).set('If-Match', '"1"').expect(412);
    await put({ ...change, allowedAddresses: change.allowedAddresses.toReversed() }).expect('ETag', '"2"');
    const bare = (await put({ name: 'Partner', channel }).expect(200)).body;
    expect(bare).toEqual({
      ...{ code: 'partner', name: 'Partner', channel, tier: 'unlimited', version: 3, createdAt: body.createdAt },
    });
    const { errors } = (await put({ name: 'Partner' }).expect(400)).body;
    expect(errors[0]).toMatchObject({ pointer: '/channel', code: 'read_only' });
    await test.api().put('/v1/clients/none', { name: 'x' }).expect(404);
  });

  it('of a channel are not changed by the administrator of another', async () => {
    const { code: channel } = await test.given.channel();
    const { code } = await test.given.client({ channel });
    const { key } = await test.given.key({ channel: (await test.given.channel()).code });
    await test.api(key).put(`/v1/clients/${code}`, { name: 'x', channel }).expect(404);
  });
});
