import { AdministratorService } from '../../src/access/administrator.service.js';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

describe('the first administrator', () => {
  let test: TestApp;
  let second: TestApp;
  beforeEach(async () => {
    test = await startApp();
    second = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
    await rowsOf(test.databaseUrl, 'delete from api_key');
    await rowsOf(test.databaseUrl, 'delete from client');
  });
  afterEach(async () => {
    await second.close();
    await test.close();
  });

  const ensure = (of: TestApp, key?: string) => of.app.get(AdministratorService).ensure(key);
  const keys = () => rowsOf<{ name: string }>(test.databaseUrl, 'select name from api_key order by name');

  it('gets one key, however many processes start at once', async () => {
    const made = await Promise.all([ensure(test), ensure(second), ensure(test), ensure(second)]);
    const [key, ...others] = made.filter((each) => each !== undefined);
    expect(others).toEqual([]);
    await test.api(key).get('/v1/clients').expect(200);
    expect(await keys()).toHaveLength(1);
    expect(await ensure(test)).toBeUndefined();
  });

  it('gets one key also where only the client is there already', async () => {
    await ensure(test);
    for (let round = 0; round < 5; round++) {
      await rowsOf(test.databaseUrl, 'delete from api_key');
      await Promise.all([ensure(test), ensure(second), ensure(test), ensure(second)]);
      expect(await keys()).toHaveLength(1);
    }
  });

  it('has the key of ADMIN_API_KEY, however many processes start at once', async () => {
    const key = 'a-key-of-the-automation';
    expect(await Promise.all([ensure(test, key), ensure(second, key), ensure(test, key)])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    await test.api(key).get('/v1/clients').expect(200);
    expect(await keys()).toEqual([{ name: 'ADMIN_API_KEY' }]);
    expect(await ensure(test)).toBeUndefined();
  });

  it('keeps an earlier ADMIN_API_KEY until it is revoked, and one that was revoked stays so', async () => {
    const [before, now] = ['the-key-of-last-year', 'the-key-of-this-year'];
    await ensure(test, before);
    await ensure(test, now);
    await test.api(before).get('/v1/items').expect(200);
    const { data } = (await test.api(now).get('/v1/clients/administrator/keys').expect(200)).body;
    expect(data).toEqual([
      expect.objectContaining({
        name: 'ADMIN_API_KEY',
        prefix: '',
        lastFour: 'year',
        expiresAt: null,
        scopes: ['admin'],
      }),
      expect.objectContaining({ name: 'ADMIN_API_KEY' }),
    ]);
    await test.api(now).delete(`/v1/keys/${data[0].id}`).expect(204);
    await ensure(test, before);
    await test.api(before).get('/v1/items').expect(401);
  });

  it.each([
    ['expired', `update api_key set expires_at = now() - interval '1 minute'`],
    ['revoked', 'update api_key set revoked_at = now()'],
    ['not an administrator', `update api_key set scopes = '{catalog:write}'`],
  ])('gets another key once the first is %s', async (_, end) => {
    const first = await ensure(test);
    await rowsOf(test.databaseUrl, end);
    const next = await ensure(test);
    expect(next).toBeDefined();
    expect(next).not.toBe(first);
  });

  it('gets another key where the only one is bound to a channel', async () => {
    const key = (await ensure(test)) as string;
    const location = await test.api(key).put('/v1/locations/L', { name: 'x', type: 'store' }).expect(201);
    await test.api(key).put('/v1/channels/c', { name: 'x', sourcing: 'listed_order', locations: [location.body.code] });
    await rowsOf(test.databaseUrl, 'update client set channel_id = (select id from channel)');
    expect(await ensure(test)).toBeDefined();
  });
});
