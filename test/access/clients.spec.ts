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
    expect(plain.body).toEqual({ code: 'erp', name: 'ERP', version: 1, createdAt: expect.any(String) });
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
});
