import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Response } from 'supertest';
import type { OpenApiDocument } from '../../src/openapi-document.js';
import { send as sendImport } from '../imports/upload.js';
import { Feed } from '../ingestion/applying-world.js';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

/** What changes nothing, or what has a history of its own that names who: GET /v1/reservations/{id}/history. */
const NOT_AUDITED = ['queryAvailability', 'tryProfile', 'receiveIngest'];
const OWN_HISTORY = /Reservation/;

let test: TestApp;
beforeAll(async () => {
  test = await startApp();
});
afterAll(() => test.close());

const trail = async (query: string, key?: string) =>
  (await test.api(key).get(`/v1/audit?${query}`).expect(200)).body.data;

describe('the audit trail', () => {
  let document: OpenApiDocument;
  let audited: string[];
  beforeAll(async () => {
    document = JSON.parse(await readFile(new URL('../../openapi/v1.json', import.meta.url), 'utf8'));
    const all = Object.values(document.paths).flatMap((path) => Object.values(path));
    audited = all.filter((operation) => 'x-audited' in operation).map(({ operationId }) => operationId);
  });

  it('is said to hold every call that changes something, but those that have a history of their own', () => {
    const changing = Object.values(document.paths).flatMap(({ get: _, ...others }) => Object.values(others));
    const ids = changing.map(({ operationId }) => operationId);
    const expected = ids.filter((id) => !OWN_HISTORY.test(id) && !NOT_AUDITED.includes(id));
    expect(audited.toSorted()).toEqual(expected.toSorted());
  });

  it('holds what each of them changed: who, what, as it was and as it is, the request and the address', async () => {
    const api = test.api();
    await test.given.location({ code: 'A' });
    const wms = await Feed.of(test);
    const exceptionOf = async (sku: string) => {
      const data = { sku, location: 'A', quantity: 2, uom: 'XPX' };
      const [event] = await wms.send({ type: 'stock.received.v1', id: randomUUID(), data });
      const { body } = await api.get(`/v1/exceptions?status=open&eventId=${event}`).expect(200);
      return { event, id: body.data[0].id as string };
    };
    const item = { name: 'Cable', baseUom: 'EA' };
    const shop = { name: 'Shop', locations: ['A'], sourcing: 'listed_order' };
    const source = {
      ...{ name: 'ERP', kind: 'erp', profile: 'canonical', quantityBasis: 'on_hand', freshnessSeconds: 60, owns: [] },
      signature: { scheme: 'standard_webhooks' },
    };
    const own = { title: 'Ours', base: 'shopify' };
    await test.given.item({ sku: 'USED' });
    await test.given.stock('USED', 'A', 10);
    await test.given.location({ code: 'B' });
    const parked = [await exceptionOf('USED'), await exceptionOf('USED'), await exceptionOf('USED')] as const;
    let key = '';
    let successor = '';
    const NDJSON = 'application/x-ndjson';
    const steps: [
      action: string,
      () => PromiseLike<{ status: number; body: Response['body'] }>,
      resource: string | RegExp,
      object | null,
      object | null,
    ][] = [
      [
        'createClient',
        () => api.post('/v1/clients', { code: 'shop', name: 'Shop' }),
        'clients/shop',
        null,
        { code: 'shop', tier: 'unlimited' },
      ],
      [
        'putClient',
        () => api.put('/v1/clients/shop', { name: 'Shop', tier: 'trial' }),
        'clients/shop',
        { tier: 'unlimited', version: 1 },
        { tier: 'trial', version: 2 },
      ],
      [
        'createKey',
        async () => {
          const made = await api.post('/v1/clients/shop/keys', { name: 'k', scopes: ['stock:read'] });
          key = made.body.id;
          return made;
        },
        /^keys\/key_/,
        null,
        { client: 'shop', scopes: ['stock:read'] },
      ],
      [
        'rotateKey',
        async () => {
          const made = await api.post(`/v1/keys/${key}/rotate`, { overlapSeconds: 0 });
          successor = made.body.id;
          return made;
        },
        /^keys\/key_/,
        { successor: null },
        { successor: expect.stringMatching(/^key_/) },
      ],
      ['revokeKey', () => api.delete(`/v1/keys/${successor}`), /^keys\/key_/, { client: 'shop' }, null],
      ['putChannel', () => api.put('/v1/channels/web', shop), 'channels/web', null, { locations: ['A'] }],
      ['putItem', () => api.put('/v1/items/CABLE%2F2M', item), 'items/CABLE%2F2M', null, { name: 'Cable' }],
      [
        'putItemRules',
        () => api.put('/v1/channels/web/items/CABLE%2F2M', { buffer: 2 }),
        'channels/web/items/CABLE%2F2M',
        null,
        { buffer: 2 },
      ],
      [
        'putItem',
        () => api.put('/v1/items/CABLE%2F2M', { ...item, name: 'Wire' }),
        'items/CABLE%2F2M',
        { name: 'Cable', version: 1 },
        { name: 'Wire', version: 2 },
      ],
      ['removeItem', () => api.delete('/v1/items/CABLE%2F2M'), 'items/CABLE%2F2M', { name: 'Wire' }, null],
      [
        'putLocation',
        () => api.put('/v1/locations/B', { name: 'B', type: 'store' }),
        'locations/B',
        { type: 'warehouse' },
        { type: 'store' },
      ],
      [
        'adjustStock',
        () =>
          api.post('/v1/stock/adjustments', {
            sku: 'USED',
            location: 'A',
            onHand: 7,
            reason: 'count',
            note: 'shelf 4',
            reference: 'CC-1',
          }),
        'stock/USED/A',
        { onHand: 10 },
        { onHand: 7, reason: 'count', note: 'shelf 4', reference: 'CC-1' },
      ],
      [
        'changeCondition',
        () =>
          api.post('/v1/stock/condition-changes', {
            sku: 'USED',
            location: 'A',
            quantity: 1,
            from: 'sellable',
            to: 'damaged',
            reason: 'dropped',
          }),
        'stock/USED/A',
        { available: 7 },
        { available: 6 },
      ],
      [
        'transferStock',
        () => api.post('/v1/stock/transfers', { sku: 'USED', from: 'A', to: 'B', quantity: 2 }),
        'stock/USED',
        { from: expect.objectContaining({ onHand: 7 }) },
        { from: expect.objectContaining({ onHand: 5 }), to: expect.objectContaining({ onHand: 2 }) },
      ],
      [
        'setStockPolicy',
        () => api.put('/v1/stock/USED/A/policy', { safetyStock: 1 }),
        'stock/USED/A',
        { safetyStock: 0 },
        { safetyStock: 1 },
      ],
      ['repairStock', () => api.post('/v1/stock/audit/repair'), 'stock/audit', {}, { repaired: 0 }],
      [
        'createImport',
        () => sendImport(test, 'levels', 'sku,location,onHand\nUSED,A,9\n'),
        /^imports\/imp_/,
        null,
        { kind: 'levels', format: 'csv' },
      ],
      ['putSource', () => api.put('/v1/sources/erp', source), 'sources/erp', null, { name: 'ERP' }],
      [
        'putSource',
        () => api.put('/v1/sources/erp', { ...source, freshnessSeconds: 90 }),
        'sources/erp',
        { freshnessSeconds: 60 },
        { freshnessSeconds: 90 },
      ],
      [
        'rotateSource',
        () => api.post('/v1/sources/erp/rotate-secret', { overlapSeconds: 60 }),
        /^sources\/erp\/secrets\/sec_/,
        null,
        { id: expect.stringMatching(/^sec_/) },
      ],
      [
        'createEventImport',
        () =>
          api
            .post('/v1/events/import?source=erp')
            .set('Content-Type', NDJSON)
            .send(
              `${JSON.stringify({ specversion: '1.0', id: 'e1', source: 'erp', type: 'source.heartbeat.v1', time: '2026-03-01T08:30:00Z', data: {} })}\n`,
            ),
        /^imports\/imp_/,
        null,
        { kind: 'events', source: 'erp' },
      ],
      [
        'replaySource',
        () => api.post('/v1/sources/erp/replay', { since: '2026-03-01T00:00:00Z' }),
        'sources/erp',
        null,
        { since: '2026-03-01T00:00:00Z' },
      ],
      ['putProfile', () => api.put('/v1/profiles/ours', own), 'profiles/ours', null, { name: 'ours' }],
      [
        'retryException',
        () => api.post(`/v1/exceptions/${parked[0].id}/retry`, { note: 'again' }),
        `exceptions/${parked[0].id}`,
        { notes: [] },
        { notes: [expect.objectContaining({ action: 'retry' })] },
      ],
      [
        'noteException',
        () => api.post(`/v1/exceptions/${parked[1].id}/note`, { note: 'asked' }),
        `exceptions/${parked[1].id}`,
        {},
        { note: 'asked' },
      ],
      [
        'resolveException',
        () => api.post(`/v1/exceptions/${parked[1].id}/resolve`, { note: 'done by hand' }),
        `exceptions/${parked[1].id}`,
        { status: 'open' },
        { status: 'resolved' },
      ],
      [
        'discardException',
        () => api.post(`/v1/exceptions/${parked[2].id}/discard`, { note: 'a test' }),
        `exceptions/${parked[2].id}`,
        { status: 'open' },
        { status: 'discarded' },
      ],
      [
        'replayEvent',
        () => api.post(`/v1/events/${parked[0].event}/replay`),
        `events/${parked[0].event}`,
        null,
        { status: expect.any(String) },
      ],
    ];
    const { id: administrator } = (await api.get('/v1/clients/administrator/keys')).body.data[0];
    for (const [action, call, resource, before, after] of steps) {
      test.clock.advance(1_000);
      const since = new Date(test.clock.now()).toISOString();
      const { status, body } = await call();
      if (status >= 300) throw new Error(`${action} answered ${status}: ${JSON.stringify(body)}`);
      const entries = await trail(`since=${since}&action=${action}`);
      const entry = entries.find((each: { resource: string }) =>
        typeof resource === 'string'
          ? each.resource === resource
          : resource.test(each.resource) && (action !== 'rotateKey' || each.resource.endsWith(key)),
      );
      expect({ action, entry }).toMatchObject({
        action,
        entry: {
          ...{ client: 'administrator', key: administrator, action, outcome: 'done', reason: null, times: 1 },
          ...{ requestId: expect.stringMatching(/^[0-9a-f-]{36}$/), address: '127.0.0.1', at: since },
          before: before && expect.objectContaining(before),
          after: after && expect.objectContaining(after),
        },
      });
    }
    expect([...new Set(steps.map(([action]) => action))].toSorted()).toEqual(audited.toSorted());
  });

  it('has no line of what changed nothing', async () => {
    const { sku } = await test.given.item();
    const { code } = await test.given.location();
    await test.given.stock(sku, code, 5);
    test.clock.advance(1_000);
    const since = new Date(test.clock.now()).toISOString();
    await test.given.item({ sku });
    await test.given.location({ code });
    await test.given.stock(sku, code, 5);
    await test.api().post('/v1/stock/adjustments', { sku, location: code, delta: -9, reason: 'loss' }).expect(409);
    await test.api().put('/v1/clients/administrator', { name: 'Administrator' }).expect(200);
    expect(await trail(`since=${since}`)).toEqual([]);
  });

  it('has one line of a change that is repeated with its Idempotency-Key, however often at once', async () => {
    const { sku } = await test.given.item();
    const { code } = await test.given.location();
    const key = randomUUID();
    const adjust = () =>
      test
        .api()
        .post('/v1/stock/adjustments', { sku, location: code, delta: 3, reason: 'found' })
        .set('Idempotency-Key', key)
        .set('X-Request-Id', 'my-request');
    await Promise.all([adjust(), adjust(), adjust()]);
    await adjust().expect(201);
    expect(await trail(`resource=stock/${sku}`)).toMatchObject([{ requestId: 'my-request', after: { onHand: 3 } }]);
  });

  it('is written with the change or the change is not made', async () => {
    const { sku } = await test.given.item({ name: 'before' });
    const { code } = await test.given.location();
    await rowsOf(test.databaseUrl, 'alter table audit_entry add constraint broken check (action is null) not valid');
    await test.api().put(`/v1/items/${sku}`, { name: 'after', baseUom: 'EA' }).expect(500);
    await test.api().post('/v1/stock/adjustments', { sku, location: code, delta: 3, reason: 'found' }).expect(500);
    await test.api().post('/v1/clients', { code: 'ghost', name: 'x' }).expect(500);
    await rowsOf(test.databaseUrl, 'alter table audit_entry drop constraint broken');
    expect((await test.api().get(`/v1/items/${sku}`)).body.name).toBe('before');
    expect((await test.api().get(`/v1/stock?sku=${sku}`)).body.data).toEqual([]);
    await test.api().get('/v1/clients/ghost').expect(404);
  });

  it.each(['update audit_entry set key_id = $$x$$', 'delete from audit_entry', 'truncate audit_entry'])(
    'takes no "%s": neither from the service nor from its owner',
    async (statement) => {
      await test.given.client();
      const before = await rowsOf(test.databaseUrl, 'select count(*) from audit_entry');
      await expect(rowsOf(test.databaseUrl, statement)).rejects.toMatchObject({ code: '42501' });
      await expect(rowsOf(test.databaseUrl, `set role holdfast_app; ${statement}`)).rejects.toThrow(
        'permission denied',
      );
      expect(await rowsOf(test.databaseUrl, 'select count(*) from audit_entry')).toEqual(before);
    },
  );

  it('is found by client, key, action, resource, outcome and time, newest first and page by page', async () => {
    const { key, id, client } = await test.given.key();
    const made: string[] = [];
    const times: string[] = [];
    for (let i = 0; i < 7; i += 1) {
      test.clock.advance(1_000);
      times.push(new Date(test.clock.now()).toISOString());
      const code = `found-${i}`;
      await test.api(key).put(`/v1/locations/${code}`, { name: 'x', type: 'store' }).expect(201);
      made.unshift(`locations/${code}`);
    }
    const resources = async (query: string) =>
      (await trail(query)).map(({ resource }: { resource: string }) => resource);
    expect(await resources(`key=${id}`)).toEqual(made);
    expect(await resources(`client=${client}&action=putLocation`)).toEqual(made);
    expect(await resources(`client=${client}&action=putItem`)).toEqual([]);
    expect(await resources(`client=${client}&outcome=refused`)).toEqual([]);
    expect(await resources('resource=locations/found-3')).toEqual(['locations/found-3']);
    expect(await resources('resource=/v1/locations/found-3/')).toEqual(['locations/found-3']);
    expect(await resources(`key=${id}&resource=locations`)).toEqual(made);
    expect(await resources('resource=locations/found')).toEqual([]);
    expect(await resources(`key=${id}&since=${times[2]}&until=${times[4]}`)).toEqual(made.slice(3, 5));
    const pages: string[] = [];
    let cursor = '';
    do {
      const { body } = await test
        .api()
        .get(`/v1/audit?key=${id}&limit=3${cursor && `&cursor=${cursor}`}`)
        .expect(200);
      pages.push(...body.data.map(({ resource }: { resource: string }) => resource));
      cursor = body.nextCursor ?? '';
    } while (cursor);
    expect(pages).toEqual(made);
  });

  it.each(['since=yesterday', 'outcome=maybe', 'client=a%20b', 'cursor=x', 'limit=0'])(
    'is not asked with %s',
    (query) =>
      test
        .api()
        .get(`/v1/audit?${query}`)
        .expect(400)
        .then(() => {}),
  );

  it('is for administrators, and shows those of a channel what its clients did', async () => {
    const { code: channel } = await test.given.channel();
    const { key, id, client } = await test.given.key({ channel });
    await test.api(key).post('/v1/clients', { code: 'of-channel', name: 'x', channel }).expect(201);
    expect(await trail('limit=200', key)).toMatchObject([{ resource: 'clients/of-channel', key: id, client }]);
    expect(await trail('client=administrator', key)).toEqual([]);
    const { key: reader } = await test.given.key({ scopes: ['stock:read'] });
    await test.api(reader).get('/v1/audit').expect(403);
  });

  it('begins with the first key, which the service itself has made', async () => {
    const entries = await trail('key=holdfast');
    expect(entries).toMatchObject([{ action: 'firstKey', after: { name: 'ADMIN_API_KEY' }, address: null }]);
  });
});

describe('a refusal in the audit trail', () => {
  it('says which scope, channel or address was missing, for what and from where', async () => {
    const { code: mine } = await test.given.channel();
    const { code: other } = await test.given.channel();
    const { key, id } = await test.given.key({ channel: mine, scopes: ['availability:read'] });
    await test.api(key).get('/v1/items/CABLE%2F2M').set('X-Request-Id', 'r-1').expect(403);
    await test.api(key).get(`/v1/availability/X?channel=${other}`).expect(403);
    const fenced = await test.given.client({ allowedAddresses: ['192.0.2.1'] });
    const outside = await test.given.key({ client: fenced.code });
    await test.api(outside.key).get('/v1/items').expect(403);
    const entries = await trail(`key=${id}&outcome=refused`);
    expect(
      new Set(
        entries.map(({ action, resource, reason }: Record<string, string>) => [action, resource, reason].join(' ')),
      ),
    ).toEqual(new Set(['getItem items/CABLE%2F2M scope_required', 'getAvailability availability/X channel_forbidden']));
    expect(await trail(`key=${id}&action=getItem`)).toMatchObject([
      { times: 1, before: null, after: null, requestId: 'r-1', address: '127.0.0.1' },
    ]);
    expect(await trail(`key=${outside.id}`)).toMatchObject([{ reason: 'address_forbidden', resource: 'items' }]);
  });

  it('counts, where the same is refused again and again', async () => {
    const { key, id } = await test.given.key({ scopes: ['stock:read'] });
    await Promise.all(Array.from({ length: 200 }, () => test.api(key).get('/v1/items').expect(403)));
    const entries: { times: number }[] = await trail(`key=${id}`);
    expect(entries.reduce((sum, { times }) => sum + times, 0)).toBe(200);
    expect(entries.length).toBeLessThan(20);
  });

  it('is written at the end by who is told to stop', async () => {
    const other = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
    const { key, id } = await test.given.key({ scopes: ['stock:read'] });
    await other.api(key).get('/v1/items').expect(403);
    await other.close();
    expect(await trail(`key=${id}`)).toHaveLength(1);
  });

  it('has no key in it that somebody has put into a path', async () => {
    const secret = (await test.given.key()).key as string;
    const { key, id } = await test.given.key({ scopes: ['stock:read'] });
    const { body } = await test.api(key).get(`/v1/keys/${secret}`).expect(403);
    const entries = await trail(`key=${id}`);
    expect(entries).toMatchObject([{ resource: `keys/${secret.slice(0, 12)}…` }]);
    expect(JSON.stringify([body, entries])).not.toContain(secret.slice(13));
  });
});
