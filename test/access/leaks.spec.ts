import { randomUUID } from 'node:crypto';
import { event, Sender } from '../ingestion/sender.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoLeaks, lookThroughAnswer, lookThroughLine, secretsIn } from '../support/leaks.js';
import { rowsOf } from '../support/rows.js';

const KEY = `hf_${'0'.repeat(9)}_${'A'.repeat(39)}`;

describe('the watch over everything the service says', () => {
  it.each([
    `{"msg":"GET /v1/items?key=${KEY}"}`,
    '{"secret":"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}',
    `Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl`,
    'the-administrator-of-the-tests',
  ])('sees the secret in %s', (line) => {
    lookThroughLine(line);
    expect(expectNoLeaks).toThrow('in the log');
    lookThroughAnswer({ method: 'GET', url: '/v1/keys', status: 200, headers: {}, body: Buffer.from(line) });
    expect(expectNoLeaks).toThrow('in the answer to GET /v1/keys 200');
  });

  it('lets a prefix pass, and what is shown once', () => {
    lookThroughLine('hf_0aB3dE5fG, whsec_…, Bearer …');
    const body = Buffer.from(KEY);
    lookThroughAnswer({ method: 'POST', url: '/v1/clients/shop/keys', status: 201, headers: {}, body });
    expectNoLeaks();
  });
});

describe('a secret', () => {
  let test: TestApp;
  const secrets: string[] = [];
  beforeAll(async () => {
    test = await startApp({ env: { TRUSTED_PROXIES: '127.0.0.1' } });
  });
  afterAll(() => test.close());

  /** All text of all tables. */
  const everythingKept = async (): Promise<string> => {
    const tables = await rowsOf<{ name: string }>(
      test.databaseUrl,
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition`,
    );
    const rows = await Promise.all(
      tables.map(({ name }) => rowsOf(test.databaseUrl, `select t::text as row from ${name} t`)),
    );
    return JSON.stringify(rows);
  };

  it('is nowhere but in the one answer that shows it, whatever is done with it', async () => {
    const api = test.api();
    const source = {
      ...{ name: 'WMS', kind: 'wms', profile: 'canonical', quantityBasis: 'on_hand', freshnessSeconds: 60, owns: [] },
      signature: { scheme: 'standard_webhooks' },
    };
    const made = await api.put('/v1/sources/wms', source).expect(201);
    const rotatedSecret = await api.post('/v1/sources/wms/rotate-secret', { overlapSeconds: 60 }).expect(201);
    const key = await test.given.key({ scopes: ['stock:read'] });
    const rotated = await api.post(`/v1/keys/${key.id}/rotate`, {}).expect(201);
    secrets.push(made.body.secret, rotatedSecret.body.secret, key.key, rotated.body.key);
    expect(secrets.flatMap(secretsIn)).toHaveLength(4);

    for (const secret of secrets) {
      const bearer = test.api(secret);
      await bearer.get('/v1/clients'); // wrong scope, or no key at all
      await bearer.get('/v1/stock').set('X-Forwarded-For', secret);
      await bearer.post('/v1/clients', { code: secret, name: secret, [secret]: 1 });
      const path = encodeURIComponent(secret);
      for (const place of [`items/${path}`, `keys/${path}`, `keys?prefix=${path}`, `clients/${path}/keys`, path]) {
        await api.get(`/v1/${place}`);
        await bearer.get(`/v1/${place}`);
      }
      await api.delete(`/v1/keys/${path}`);
      await api.get('/v1/items').set('traceparent', secret);
      await new Sender(test.url, 'wms', made.body.secret).send(event(randomUUID()));
      await test.http.post('/v1/ingest/wms').set('Authorization', `Bearer ${secret}`).send({});
    }
    await api.get('/v1/sources/wms').expect(200);
    await api.get(`/v1/clients/${key.client}/keys`).expect(200);
    await api.get('/v1/audit?limit=200').expect(200);
    await test.http.get('/metrics').expect(200);
    const kept = await everythingKept();
    expect(secrets.filter((secret) => kept.includes(secret) || kept.includes(secret.slice(-30)))).toEqual([]);
    expect(secretsIn(kept)).toEqual([]);
  });
});
