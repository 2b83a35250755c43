import { startApp, type TestApp } from '../support/app.js';

/** What a proxy on this machine would say of its caller. */
const FROM = (address: string) => ({ 'X-Forwarded-For': address });

describe('a client with allowed addresses', () => {
  let behindProxy: TestApp;
  let direct: TestApp;
  beforeAll(async () => {
    behindProxy = await startApp({ env: { TRUSTED_PROXIES: '127.0.0.0/8, ::1' } });
    direct = await startApp({ databaseUrl: behindProxy.databaseUrl, clock: behindProxy.clock });
  });
  afterAll(async () => {
    await direct.close();
    await behindProxy.close();
  });

  const use = async (app: TestApp, key: string, address?: string) => {
    const request = app.api(key).get('/v1/items');
    return (await (address === undefined ? request : request.set(FROM(address)))).status;
  };

  it('is served there and nowhere else, by what a trusted proxy says of the caller', async () => {
    const client = await direct.given.client({ allowedAddresses: ['203.0.113.0/24', '2001:db8::/32'] });
    const { key } = await direct.given.key({ client: client.code });
    const statuses = [];
    for (const from of ['203.0.113.9', '2001:db8::9', '203.0.114.9', undefined, '203.0.113.9, 198.51.100.1']) {
      statuses.push(await use(behindProxy, key, from));
    }
    expect(statuses).toEqual([200, 200, 403, 403, 403]);
    const { body } = await behindProxy.api(key).get('/v1/items').set(FROM('198.51.100.1')).expect(403);
    expect(body).toMatchObject({ code: 'address_forbidden', detail: expect.stringContaining('198.51.100.1') });
  });

  it('is not fooled by a header where no proxy is trusted', async () => {
    const client = await direct.given.client({ allowedAddresses: ['203.0.113.0/24'] });
    const { key } = await direct.given.key({ client: client.code });
    expect(await use(direct, key, '203.0.113.9')).toBe(403);
    await direct
      .api()
      .put(`/v1/clients/${client.code}`, { name: 'x', allowedAddresses: ['127.0.0.1'] })
      .expect(200);
    expect(await use(direct, key, '203.0.113.9')).toBe(200);
  });

  it('is refused before its scopes are looked at', async () => {
    const client = await direct.given.client({ allowedAddresses: ['192.0.2.1'] });
    const { key } = await direct.given.key({ client: client.code, scopes: ['catalog:read'] });
    const { body } = await direct.api(key).get('/v1/clients').expect(403);
    expect(body.code).toBe('address_forbidden');
  });

  it('cannot be oneself without one’s own address: nobody could let one in again', async () => {
    const body = { name: 'Administrator', allowedAddresses: ['192.0.2.1'] };
    const { errors } = (await direct.api().put('/v1/clients/administrator', body).expect(400)).body;
    expect(errors[0]).toMatchObject({ pointer: '/allowedAddresses', code: 'locks_out' });
    await direct
      .api()
      .put('/v1/clients/administrator', { ...body, allowedAddresses: ['127.0.0.1'] })
      .expect(200);
    await direct.api().put('/v1/clients/administrator', { name: 'Administrator' }).expect(200);
  });
});
