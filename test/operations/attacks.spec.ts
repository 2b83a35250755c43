import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { gzipSync } from 'node:zlib';
import jsonata from 'jsonata';
import { PROBLEMS } from '../../src/problems/problem.js';
import { startApp, type TestApp } from '../support/app.js';

/** What somebody tries who means harm. Slow and large requests: protection.spec.ts. */
describe('an attacker', () => {
  let at: TestApp;
  beforeAll(async () => {
    at = await startApp();
  });
  afterAll(() => at.close());

  /** All that comes back until the connection is closed, or a second answer has come. */
  const raw = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = net.connect(Number(new URL(at.url).port), '127.0.0.1', () => socket.write(bytes, 'latin1'));
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });

  const POST = 'POST /v1/reservations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  const SECOND = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n';

  it.each([
    ['a length and chunks', `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`],
    ['chunks and a length', `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SECOND}`],
    ['two lengths', `${POST}Content-Length: 0\r\nContent-Length: 46\r\n\r\n${SECOND}`],
    ['two lengths in one header', `${POST}Content-Length: 0, 46\r\n\r\n${SECOND}`],
    ['a length that is no number', `${POST}Content-Length: +0\r\n\r\n${SECOND}`],
    ['a length below zero', `${POST}Content-Length: -1\r\n\r\n${SECOND}`],
    ['a length that overflows', `${POST}Content-Length: 18446744073709551616\r\n\r\n${SECOND}`],
    ['chunks that are not the last encoding', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SECOND}`],
    ['chunks by another name', `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SECOND}`],
    ['a space before the colon', `${POST}Content-Length : 46\r\n\r\n${SECOND}`],
    ['a header that goes on in the next line', `${POST}X: y\r\n Content-Length: 46\r\n\r\n${SECOND}`],
    ['a header without a name', `${POST}: 46\r\n\r\n${SECOND}`],
    ['a NUL in a header', `${POST}X: a\0b\r\n\r\n${SECOND}`],
    ['a bare line feed in a header', `${POST}X: a\nContent-Length: 46\r\n\r\n${SECOND}`],
    ['a chunk that is longer than it says', `${POST}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n${SECOND}`],
    ['a chunk of no hexadecimal length', `${POST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n${SECOND}`],
    ['the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${SECOND}`],
    ['a version that is none', `GET / HTTP/9.9\r\nHost: x\r\n\r\n${SECOND}`],
  ])('smuggles no request behind %s: the connection ends', async (_, bytes) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n(?:.*\r\n)*\r\n\{.*"code":"malformed_request"/);
    expect(answer).not.toContain('"pass"');
  });

  it.each([
    ['TRACE', 'TRACE /v1/items HTTP/1.1\r\nHost: x\r\nX-Secret: told\r\nConnection: close\r\n\r\n'],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['a URL for another host', 'GET http://evil.test/v1/items HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['an upgrade', 'GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n'],
    [
      'a method in another header',
      'GET /x HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: PUT\r\nConnection: close\r\n\r\n',
    ],
  ])('gets nothing by %s', async (_, bytes) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d .*\r\n(?:.*\r\n)*content-type: application\/problem\+json/i);
    expect(answer).not.toContain('told');
  });

  it.each([
    ['a prototype', '{"name":"A","baseUom":"EA","__proto__":{"admin":true}}'],
    ['a prototype by escapes', '{"name":"A","baseUom":"EA","\\u005f_proto__":{"admin":true}}'],
    ['the prototype of a constructor', '{"name":"A","baseUom":"EA","constructor":{"prototype":{"admin":true}}}'],
    ['a prototype further down', '{"name":"A","baseUom":"EA","attributes":{"x":{"__proto__":{"admin":true}}}}'],
  ])('puts %s into no body', async (_, body) => {
    const answer = await at.api().put('/v1/items/PROTO').set('Content-Type', 'application/json').send(body);
    expect(answer.status).toBe(400);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    await at.api().get('/v1/items/PROTO').expect(404);
  });

  it('puts no prototype into an event, a row or a query', async () => {
    const code = `polluter-${randomBytes(4).toString('hex')}`;
    const source = await at.api().put(`/v1/sources/${code}`, {
      name: 'Polluter',
      kind: 'wms',
      profile: 'canonical',
      signature: { scheme: 'static_header', header: 'x-secret' },
      owns: [],
      quantityBasis: 'on_hand',
    });
    const event =
      '{"specversion":"1.0","id":"1","source":"x","type":"source.heartbeat.v1","time":"2026-01-01T00:00:00Z",' +
      '"__proto__":{"admin":true},"data":{"__proto__":{"admin":true},"n":12345678901234567890}}';
    await at.http
      .post(`/v1/ingest/${code}`)
      .set('x-secret', source.body.secret)
      .set('Content-Type', 'application/json')
      .send(event)
      .expect(202);
    await at
      .api()
      .post('/v1/imports?kind=items')
      .set('Content-Type', 'application/x-ndjson')
      .send('{"sku":"A","name":"A","baseUom":"EA","__proto__":{"admin":true}}\n')
      .expect(202);
    await at.api().get('/v1/items?__proto__[admin]=true&constructor[prototype][admin]=true').expect(400);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it.each([
    '/docs/..%2f..%2fpackage.json',
    '/docs/%2e%2e%2fstart.js',
    '/docs/..%5c..%5cpackage.json',
    '/docs/package.json',
    '/docs/constructor',
    '/docs/__proto__',
    '/docs/start.js%00.css',
    '/problems/..%2f..%2fpackage.json',
    '/problems/__proto__',
    '/problems/toString',
    '/openapi/..%2fproblems.md',
  ])('reads no file by %s', async (path) => {
    const { status, body } = await at.http.get(path);
    expect([status, body.code]).toEqual([404, 'not_found']);
  });

  it.each([
    ['a line of its own', 'a\tb'],
    ['something for a terminal', 'a\x7f'],
    ['more than an id', 'x'.repeat(65)],
    ['markup and spaces', '<script> alert(1) </script>'],
  ])('writes %s into no log by X-Request-Id', async (_, id) => {
    const answer = await raw(`GET /v1/items HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${id}\r\nConnection: close\r\n\r\n`);
    expect(answer).not.toContain(id);
    expect(answer).toMatch(/(^HTTP\/1\.1 400|x-request-id: [0-9a-f-]{36}\r\n)/i);
  });

  it('bends no link by Host or X-Forwarded-Host', async () => {
    for (const path of ['/docs', '/problems', '/openapi/v1.json', '/v1/items']) {
      const answer = await at.http.get(path).set('Host', 'evil.test').set('X-Forwarded-Host', 'evil.test');
      expect(JSON.stringify([answer.headers, answer.text])).not.toContain('evil.test');
    }
  });

  it('sends no bomb: what inflates to more than 5 MiB is not inflated further', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    const source = await at.api().put('/v1/sources/bomber', {
      name: 'Bomber',
      kind: 'wms',
      profile: 'canonical',
      signature: { scheme: 'static_header', header: 'x-secret' },
      owns: [],
      quantityBasis: 'on_hand',
    });
    const { body } = await at.http
      .post('/v1/ingest/bomber')
      .set('x-secret', source.body.secret)
      .set('Content-Encoding', 'gzip')
      .set('Content-Type', 'application/json')
      .serialize((sent) => sent as never)
      .send(bomb as unknown as string)
      .expect(413);
    expect(body.code).toBe('payload_too_large');
  });

  const fields = (count: number) => Array.from({ length: count }, (_, i) => `"a${i}":0`).join(',');
  it.each([
    ['fields', '/v1/reservations', `{"lines":[],${fields(80_000)}}`, '/a0', 100],
    ['fields of a line', '/v1/reservations', `{"lines":[{${fields(80_000)}}]}`, '/lines/0/a0', 100],
    ['fields further down', '/v1/reservations/batch', `{"reservations":[{"lines":[{${fields(80_000)}}]}]}`, '', 100],
    ['lines', '/v1/reservations', `{"lines":[${'{},'.repeat(300_000)}{}]}`, '/lines', 1],
    ['lines to ask for', '/v1/availability/query', `{"lines":[${'0,'.repeat(400_000)}0]}`, '/lines', 1],
    ['reservations', '/v1/reservations/batch', `{"reservations":[${'{},'.repeat(300_000)}{}]}`, '/reservations', 1],
  ])('gets a short answer to a MiB of %s', async (_, path, body, pointer, most) => {
    const answer = await at.api().post(path).set('Content-Type', 'application/json').send(body);
    expect(answer.text.length).toBeLessThan(20_000);
    if (answer.status === 207) return; // each reservation of a batch is refused on its own
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.errors.length).toBeLessThanOrEqual(most);
    if (pointer !== '') expect(answer.body.errors[0].pointer).toBe(pointer);
  });

  it.each([
    ['a form', 'application/x-www-form-urlencoded', 'name=A&baseUom=EA'],
    ['text', 'text/plain', '{"name":"A","baseUom":"EA"}'],
    ['a form of parts', 'multipart/form-data; boundary=x', '--x--'],
  ])(
    'sends no %s from a page: only application/json is taken, for which a browser asks first',
    async (_, type, body) => {
      const answer = await at.api().put('/v1/items/FORM').set('Content-Type', type).send(body);
      expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
    },
  );

  it('gets no page of ours to run what is in a path', async () => {
    const { headers, text } = await at.http.get('/problems/%3Cscript%3Ealert(1)%3C%2Fscript%3E').expect(404);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(text).not.toContain('<script>');
  });

  it('finds in the codes of problems no name that every object has', () => {
    for (const name of ['constructor', '__proto__', 'toString']) expect(Object.hasOwn(PROBLEMS, name)).toBe(false);
  });
});

describe('an expression of a profile', () => {
  const INPUT = { a: 1, list: [1, 2], text: 's' };
  const run = (expression: string) => jsonata(expression).evaluate(INPUT, { constants: { q: 1 } });

  it.each([
    '$$.constructor',
    '$$.__proto__',
    '$$.list.constructor',
    '$$.text.constructor',
    '$lookup($$, "constructor")',
    '$lookup($$, "__proto__")',
    '$string.constructor',
    '$map.environment',
    '(function($x){$x}).environment',
    '$constants.constructor',
    '$keys($$.__proto__)',
    '$lookup({"a": 1}.__proto__, "constructor")',
  ])('finds nothing of the program by %s', async (expression) => {
    expect(await run(expression)).toBeUndefined();
  });

  it.each([
    '$$.constructor("return process")()',
    '$$.__lookupGetter__("__proto__")',
    '$lookup($$, "constructor")("return process")()',
    '$$.toString()',
  ])('calls nothing of the program by %s', async (expression) => {
    await expect(run(expression)).rejects.toMatchObject({ code: 'T1006' });
  });

  it.each([
    '$merge([{"__proto__": {"admin": true}}])',
    '{"__proto__": {"admin": true}}',
    '$$ ~> | $ | {"__proto__": {"admin": true}} |',
    '$$.__proto__.__defineGetter__("admin", function(){ true })',
  ])('changes nothing for others by %s', async (expression) => {
    await run(expression).catch(() => {});
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});
