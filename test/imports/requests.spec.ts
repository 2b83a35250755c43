import { request } from 'node:http';
import { connect } from 'node:net';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';
import { bring, CSV, lines, NDJSON, send, settled } from './upload.js';

const LOCATIONS = 'code,name,type\nHAM,Hamburg,warehouse\n';

describe('a request to import', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  const importsOf = async () => (await rowsOf(test.databaseUrl, 'select id from import')).length;
  const piecesOf = async () => (await rowsOf(test.databaseUrl, 'select 1 from import_chunk')).length;

  it('is accepted with an id and where to ask for it, and leaves its body in the database only until it is done', async () => {
    const sent = await send(test, 'locations', LOCATIONS);
    expect(sent.status).toBe(202);
    expect(sent.headers.location).toBe(`/v1/imports/${sent.body.id}`);
    expect(sent.body).toEqual({
      id: expect.stringMatching(/^imp_[0-9a-z]{26}$/),
      kind: 'locations',
      format: 'csv',
      atomic: false,
      status: 'queued',
      rows: 0,
      applied: 0,
      unchanged: 0,
      failed: 0,
      problem: null,
      createdAt: new Date(test.clock.now()).toISOString(),
      startedAt: null,
      finishedAt: null,
      failures: { data: [], nextCursor: null },
    });
    const done = await settled(test, sent);
    expect(done).toMatchObject({ id: sent.body.id, status: 'done', rows: 1, applied: 1, failed: 0 });
    expect(Date.parse(done.startedAt)).toBe(test.clock.now());
    expect(Date.parse(done.finishedAt)).toBe(test.clock.now());
    expect(await piecesOf()).toBe(0);
  });

  it('with the same key and bytes is answered again, and applied once (semantics.md 30)', async () => {
    const key = 'import-1';
    const before = await importsOf();
    const first = await send(test, 'locations', LOCATIONS, { key });
    await settled(test, first);
    const again = await send(test, 'locations', LOCATIONS, { key: `"${key}"` });
    expect(again.body).toEqual(first.body);
    expect(again).toMatchObject({
      status: 202,
      headers: { location: first.headers.location, 'idempotent-replayed': 'true' },
    });
    expect(first.headers).not.toHaveProperty('idempotent-replayed');
    expect(await importsOf()).toBe(before + 1);
    expect(await piecesOf()).toBe(0);
  });

  it.each<[string, string, string, object]>([
    ['bytes', 'locations', `${LOCATIONS}\n`, {}],
    ['kind', 'items', 'sku,name,baseUom\nA,A,EA\n', {}],
    ['atomicity', 'locations', LOCATIONS, { atomic: true }],
    ['format', 'locations', LOCATIONS, { type: NDJSON }],
  ])('with the same key and other %s is refused (semantics.md 30)', async (what, kind, body, options) => {
    const key = `other-${what}`;
    await settled(test, await send(test, 'locations', LOCATIONS, { key }));
    expect(await send(test, kind, body, { key, ...options })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
  });

  it('that arrives twice at once is applied once (semantics.md 30)', async () => {
    const before = await importsOf();
    const sent = await Promise.all(
      Array.from({ length: 5 }, () => send(test, 'locations', LOCATIONS, { key: 'twins' })),
    );
    expect(new Set(sent.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect(sent.filter(({ headers }) => headers['idempotent-replayed']).length).toBe(4);
    expect(await importsOf()).toBe(before + 1);
    await settled(test, sent[0] as (typeof sent)[0]);
    expect(await piecesOf()).toBe(0);
  });

  it.each([
    ['?kind=orders', 'kind'],
    ['?', 'kind'],
    ['?kind=items&atomic=maybe', 'atomic'],
    ['?kind=items&dryRun=true', 'dryRun'],
  ])('of %s is refused', async (query, parameter) => {
    const { body } = await test.http
      .post(`/v1/imports${query}`)
      .set({ Authorization: `Bearer ${test.adminKey}`, 'Content-Type': CSV, 'Idempotency-Key': 'a' })
      .send(LOCATIONS)
      .expect(400);
    expect(body).toMatchObject({ code: 'validation_failed', errors: [{ parameter }] });
  });

  it.each<[string, string, string | Buffer, string | RegExp]>([
    ['without a body', 'items', '', 'The body is empty: send at least one row.'],
    ['with an unknown column', 'items', 'sku,name,baseUom,colour\nA,A,EA,red\n', /"colour" is not a column of items/],
    ['with semicolons', 'items', 'sku;name;baseUom\nA;A;EA\n', /separated by commas/],
    ['without a column that is needed', 'levels', 'sku,location\nA,HAM\n', /levels need the column onHand/],
    ['in Latin-1', 'locations', Buffer.from('code,name,type\nK,Köln,store\n', 'latin1'), /not UTF-8/],
    ['in UTF-16', 'locations', Buffer.from(`\ufeff${LOCATIONS}`, 'utf16le'), /not UTF-8/],
    ['that ends within a character', 'locations', Buffer.from([...Buffer.from(LOCATIONS), 0xc3]), /not UTF-8/],
  ])('%s is refused, and nothing kept', async (_, kind, body, detail) => {
    const before = await importsOf();
    const sent = await send(test, kind, body);
    expect(sent).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(sent.body.detail).toMatch(detail);
    expect(await importsOf()).toBe(before);
    expect(await piecesOf()).toBe(0);
  });

  it.each<[string, Record<string, string>]>([
    ['JSON', { 'Content-Type': 'application/json' }],
    ['a media type nobody knows', { 'Content-Type': 'application/vnd.ms-excel' }],
    ['text in another encoding', { 'Content-Type': 'text/csv; charset=iso-8859-1' }],
    ['a compressed body', { 'Content-Encoding': 'gzip' }],
  ])('with %s is refused', async (_, headers) => {
    const sent = await send(test, 'items', '{}', { headers });
    expect(sent).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  it('may say that its text is UTF-8', async () => {
    const sent = await send(test, 'locations', LOCATIONS, { type: 'Text/CSV; header=present; charset="UTF-8"' });
    expect(sent.status).toBe(202);
  });

  it.each([CSV, NDJSON])('is the only one that takes %s', async (type) => {
    const { body } = await test.http
      .post('/v1/stock/adjustments')
      .set({ Authorization: `Bearer ${test.adminKey}`, 'Content-Type': type, 'Idempotency-Key': 'b' })
      .send('a,b\n')
      .expect(415)
      .expect('Content-Type', /^application\/problem\+json/);
    expect(body.code).toBe('unsupported_media_type');
  });

  it('needs an Idempotency-Key', async () => {
    const sent = await send(test, 'items', 'sku\n', { key: '' });
    expect(sent).toMatchObject({ status: 400, body: { code: 'idempotency_key_missing' } });
  });

  it('is refused as too large before its body is sent, or when that goes past the bound', async () => {
    const announced = await new Promise<number | undefined>((resolve, reject) => {
      const headers = {
        Authorization: `Bearer ${test.adminKey}`,
        'Content-Type': CSV,
        'Idempotency-Key': 'huge',
        'Content-Length': 256 * 1024 * 1024 + 1,
      };
      const outgoing = request(`${test.url}/v1/imports?kind=items`, { method: 'POST', agent: false, headers });
      outgoing.on('response', (answer) => resolve(answer.resume().statusCode)).on('error', reject);
      outgoing.flushHeaders();
    });
    expect(announced).toBe(413);

    const more = (function* () {
      yield 'sku,location,onHand\n';
      for (let i = 0; i < 17; i += 1) yield 'A,HAM,1\n'.repeat(128 * 1024);
    })();
    const sent = await send(test, 'levels', more, { atomic: true });
    expect(sent).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
    expect(await piecesOf()).toBe(0);
  });

  it('that breaks off leaves nothing', async () => {
    const before = await importsOf();
    const { hostname, port } = new URL(test.url);
    const socket = connect(Number(port), hostname);
    const part = 'code,name,type\n'.padEnd(600_000, 'A,A,store\n');
    socket.write(
      `POST /v1/imports?kind=locations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${test.adminKey}\r\n` +
        `Content-Type: text/csv\r\nIdempotency-Key: broken\r\nContent-Length: 900000\r\n\r\n${part}`,
    );
    while ((await piecesOf()) === 0);
    socket.destroy();
    while ((await piecesOf()) > 0);
    expect(await importsOf()).toBe(before);
  });
});

describe('whoever', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  it('has no key may not import', async () => {
    expect(await send(test, 'items', 'sku\n', { as: 'nobody' })).toMatchObject({ status: 401 });
    await test.http.get('/v1/imports').expect(401);
  });

  it.each([
    ['items', 'catalog:write'],
    ['locations', 'catalog:write'],
    ['levels', 'stock:write'],
  ])('imports %s needs the scope %s', async (kind, scope) => {
    const other = scope === 'stock:write' ? 'catalog:write' : 'stock:write';
    const { key: wrong } = await test.given.key({ scopes: [other] });
    expect(await send(test, kind, lines({}), { as: wrong, type: NDJSON })).toMatchObject({
      status: 403,
      body: { code: 'scope_required', requiredScope: scope },
    });
    const { key: none } = await test.given.key({ scopes: ['reservations:write'] });
    expect(await send(test, kind, lines({}), { as: none, type: NDJSON })).toMatchObject({ status: 403 });
    const { key: right } = await test.given.key({ scopes: [scope] });
    expect(await send(test, kind, lines({}), { as: right, type: NDJSON })).toMatchObject({ status: 202 });
  });

  it('sees its own imports, and an administrator those of all', async () => {
    const { code: channel } = await test.given.channel();
    const { key: mine } = await test.given.key({ scopes: ['stock:write'] });
    const { key: other } = await test.given.key({ scopes: ['stock:write'] });
    const { key: bound } = await test.given.key({ scopes: ['stock:write'], channel });
    const { key: boundAdmin } = await test.given.key({ scopes: ['admin'], channel });
    const { body: one } = await send(test, 'levels', lines({}), { as: mine, type: NDJSON });
    const { body: two } = await send(test, 'levels', lines({}), { as: bound, type: NDJSON });
    const seen = async (key: string) => {
      const { body } = await test.api(key).get('/v1/imports').expect(200);
      for (const { id } of [one, two]) {
        const listed = body.data.some((each: { id: string }) => each.id === id);
        const { body: problem } = await test
          .api(key)
          .get(`/v1/imports/${id}`)
          .expect(listed ? 200 : 404);
        if (!listed) expect(problem.code).toBe('not_found');
      }
      return body.data.map(({ id }: { id: string }) => id).filter((id: string) => [one.id, two.id].includes(id));
    };
    expect(await seen(mine)).toEqual([one.id]);
    expect(await seen(other)).toEqual([]);
    expect(await seen(bound)).toEqual([two.id]);
    expect(await seen(boundAdmin)).toEqual([two.id]);
    expect(await seen(test.adminKey)).toEqual([two.id, one.id]);
  });

  it('asks for an import reads its failed rows page by page', async () => {
    const rows = Array.from({ length: 120 }, (_, i) => ({ sku: `NONE-${i}`, location: 'X', onHand: 1 }));
    const { id, failed } = await bring(test, 'levels', lines('', ...rows), { type: NDJSON });
    expect(failed).toBe(120);
    const read: number[] = [];
    let cursor = '';
    do {
      const { body } = await test.api().get(`/v1/imports/${id}?limit=50${cursor}`).expect(200);
      read.push(...body.failures.data.map(({ line }: { line: number }) => line));
      cursor = body.failures.nextCursor ? `&cursor=${body.failures.nextCursor}` : '';
    } while (cursor !== '');
    expect(read).toEqual(rows.map((_, i) => i + 2));
    await test.api().get(`/v1/imports/${id}?cursor=nonsense`).expect(400);
    await test.api().get('/v1/imports/imp_none').expect(404);
  });

  it('lists imports reads them newest first, page by page', async () => {
    const { body: all } = await test.api().get('/v1/imports?limit=200').expect(200);
    const { body: first } = await test.api().get('/v1/imports?limit=2').expect(200);
    const { body: second } = await test.api().get(`/v1/imports?limit=2&cursor=${first.nextCursor}`).expect(200);
    const ids = (page: { data: { id: string }[] }) => page.data.map(({ id }) => id);
    expect([...ids(first), ...ids(second)]).toEqual(ids(all).slice(0, 4));
  });
});
