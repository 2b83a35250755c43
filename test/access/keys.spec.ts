import { KeyRing } from '../../src/access/key-ring.service.js';
import { SCOPES } from '../../src/access/principal.js';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

describe('keys', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  const at = (milliseconds: number) => new Date(test.clock.now() + milliseconds).toISOString();

  it('are shown once, and kept as a hash', async () => {
    const { code } = await test.given.client();
    const answer = await test
      .api()
      .post(`/v1/clients/${code}/keys`, { name: 'checkout', scopes: ['catalog:read', 'stock:read'] })
      .expect(201)
      .expect('Cache-Control', 'no-store');
    const { key, ...rest } = answer.body;
    expect(key).toMatch(/^hf_[0-9A-Za-z]{9}_[0-9A-Za-z]{39}$/);
    expect(rest).toEqual({
      id: expect.stringMatching(/^key_[0-9a-z]{26}$/),
      client: code,
      name: 'checkout',
      prefix: key.slice(0, 12),
      lastFour: key.slice(-4),
      scopes: ['catalog:read', 'stock:read'],
      createdAt: at(0),
      expiresAt: at(YEAR_MS),
      lastUsedAt: null,
      successor: null,
    });
    const list = await test.api().get(`/v1/clients/${code}/keys`).expect(200);
    expect(list.body).toEqual({ data: [rest], nextCursor: null });
    expect((await test.api().get(`/v1/keys/${rest.id}`).expect(200)).body).toEqual(rest);
    expect((await test.api().get(`/v1/keys?prefix=${rest.prefix}`).expect(200)).body.data).toEqual([rest]);
    const rows = await rowsOf(test.databaseUrl, 'select * from api_key where id = $1', [rest.id]);
    expect(JSON.stringify(rows)).not.toContain(key.slice(13, -4));
  });

  it('may do what their scopes say, and nothing else', async () => {
    const { key } = await test.given.key({ scopes: ['catalog:read'] });
    await test.api(key).get('/v1/items').expect(200);
    const { body } = await test.api(key).get('/v1/clients').expect(403);
    expect(body).toMatchObject({ code: 'scope_required', requiredScope: 'admin' });
    expect(body.detail).toContain('admin');
  });

  it('with every scope but admin cannot administer', async () => {
    const { key } = await test.given.key({ scopes: SCOPES.filter((scope) => scope !== 'admin') });
    const api = test.api(key);
    for (const request of [
      api.post('/v1/clients', { code: 'x', name: 'x' }),
      api.get('/v1/clients'),
      api.get('/v1/clients/administrator'),
      api.post('/v1/clients/administrator/keys', { name: 'x', scopes: ['admin'] }),
      api.get('/v1/clients/administrator/keys'),
      api.delete('/v1/keys/key_x'),
    ]) {
      await request.expect(403);
    }
  });

  it.each([
    ['no name', { name: undefined }, '/name'],
    ['no scopes', { scopes: undefined }, '/scopes'],
    ['an empty list of scopes', { scopes: [] }, '/scopes'],
    ['a scope nobody knows', { scopes: ['catalog:read', 'everything'] }, '/scopes'],
    ['a scope twice', { scopes: ['admin', 'admin'] }, '/scopes'],
    ['an expiry in the past', { expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    ['an expiry in a hundred years', { expiresAt: '2126-01-01T00:00:00Z' }, '/expiresAt'],
    ['a day as expiry', { expiresAt: '2027-01-01' }, '/expiresAt'],
    ['a day that never comes', { expiresAt: '2027-02-31T00:00:00Z' }, '/expiresAt'],
    ['a number as expiry', { expiresAt: 1_800_000_000 }, '/expiresAt'],
  ])('are refused with %s', async (_, change, pointer) => {
    const { code } = await test.given.client();
    const body = { name: 'x', scopes: ['admin'], ...change };
    const answer = await test.api().post(`/v1/clients/${code}/keys`, body).expect(400);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });

  it('belong to a client that exists', async () => {
    const { body } = await test
      .api()
      .post('/v1/clients/none/keys', { name: 'x', scopes: ['admin'] })
      .expect(404);
    expect(body.code).toBe('not_found');
    await test.api().get('/v1/clients/none/keys').expect(404);
  });

  it('are refused from the instant they expire', async () => {
    const { key } = await test.given.key({ expiresAt: at(MINUTE_MS) });
    test.clock.advance(MINUTE_MS - 1);
    await test.api(key).get('/v1/items').expect(200);
    test.clock.advance(1);
    const { body, headers } = await test.api(key).get('/v1/items').expect(401);
    expect(body).toMatchObject({ code: 'unauthenticated', detail: expect.stringContaining('expired') });
    expect(headers['www-authenticate']).toBe('Bearer realm="holdfast"');
  });

  it('are refused once they are revoked: here at once, and again is no error', async () => {
    const { key, id, client } = await test.given.key();
    await test.api(key).get('/v1/items').expect(200);
    await test.api().delete(`/v1/keys/${id}`).expect(204);
    await test.api(key).get('/v1/items').expect(401);
    await test.api().delete(`/v1/keys/${id}`).expect(204);
    expect((await test.api().get(`/v1/clients/${client}/keys`)).body.data).toEqual([]);
    await test.api().get(`/v1/keys/${id}`).expect(404);
    await test.api().delete('/v1/keys/key_01jqb6sgw6f5ktk3h5n1v0h8yz').expect(404);
  });

  it('that are revoked while many requests use them let nobody in afterwards', async () => {
    const { key, id } = await test.given.key();
    const use = async () => (await test.api(key).get('/v1/items')).status;
    const during = Array.from({ length: 30 }, use);
    await test.api().delete(`/v1/keys/${id}`).expect(204);
    const after = await Promise.all(Array.from({ length: 10 }, use));
    expect(after).toEqual(Array(10).fill(401));
    expect((await Promise.all(during)).every((status) => status === 200 || status === 401)).toBe(true);
  });

  it('that were looked up before a revocation are not remembered after it', async () => {
    const { key, id } = await test.given.key();
    const ring = test.app.get(KeyRing);
    const asked = ring.identify(key, '127.0.0.1');
    ring.forget();
    expect((await asked).principal.keyId).toBe(id);
    await rowsOf(test.databaseUrl, 'update api_key set revoked_at = now() where id = $1', [id]);
    await expect(ring.identify(key, '127.0.0.1')).rejects.toThrow('revoked');
  });

  it('say when they were used, to within five minutes', async () => {
    const { key, client } = await test.given.key();
    const used = async () => (await test.api().get(`/v1/clients/${client}/keys`)).body.data[0].lastUsedAt;
    expect(await used()).toBeNull();
    const first = at(0);
    await Promise.all(Array.from({ length: 5 }, () => test.api(key).get('/v1/items').expect(200)));
    expect(await used()).toBe(first);
    // Another process has not seen the key yet, so it looks it up.
    const other = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
    try {
      test.clock.advance(4 * MINUTE_MS);
      await other.api(key).get('/v1/items').expect(200);
      expect(await used()).toBe(first);
    } finally {
      await other.close();
    }
    const third = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
    try {
      test.clock.advance(2 * MINUTE_MS);
      await third.api(key).get('/v1/items').expect(200);
      expect(await used()).toBe(at(0));
    } finally {
      await third.close();
    }
  });

  it.each([
    ['no Authorization', undefined],
    ['another scheme', 'Basic YWRtaW46YWRtaW4='],
    ['no key', 'Bearer '],
    ['a key nobody has', 'Bearer hf_000000000_000000000000000000000000000000000000000'],
    ['a short word', 'Bearer x'],
    ['a word of somebody', 'Bearer sixteen-characters-or-more'],
  ])('with %s are 401, also where there is no such thing', async (_, header) => {
    for (const path of ['/v1/items', '/v1/items/NONE']) {
      const request = test.http.get(path);
      if (header) request.set('Authorization', header);
      const { body, headers } = await request.expect(401);
      expect(body).toMatchObject({ code: 'unauthenticated', status: 401, instance: path });
      expect(headers['www-authenticate']).toBe('Bearer realm="holdfast"');
    }
  });
});
