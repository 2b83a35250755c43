import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import helmet from 'helmet';
import { PROTECTIVE_HEADERS } from '../../src/protection.js';
import { startApp, type TestApp } from '../support/app.js';

/** What helmet sets beside ours, and why we do not. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'is about windows; no page of ours opens one',
  'origin-agent-cluster': 'is about windows of the same site',
  'strict-transport-security': 'must not be sent over plain HTTP (RFC 6797, 7.2): it is for the proxy that speaks TLS',
  'x-dns-prefetch-control': 'there is nothing on our pages to look up',
  'x-download-options': 'is for Internet Explorer',
  'x-frame-options': 'frame-ancestors says the same to every browser since 2018',
  'x-permitted-cross-domain-policies': 'is for Flash',
  'x-xss-protection': 'is for browsers that are gone; the value of helmet turns it off',
};

/** A socket, and what came back on it. */
class Line {
  answer = '';
  readonly socket: net.Socket;
  readonly closed: Promise<void>;

  constructor({ url }: TestApp, read = true) {
    this.socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    if (read) this.socket.on('data', (chunk) => (this.answer += chunk.toString('latin1')));
    else this.socket.pause();
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  /** Sends one byte after the other until the other side has had enough. */
  async drip(bytes: string): Promise<void> {
    for (const byte of bytes) {
      if (this.socket.destroyed || !this.socket.writable) break;
      this.socket.write(byte);
      await delay(20);
    }
    await this.closed;
  }

  /** The problem of the last answer. */
  get code(): string {
    return JSON.parse(this.answer.slice(this.answer.lastIndexOf('\r\n\r\n'))).code;
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

describe('what every answer says of itself', () => {
  let at: TestApp;
  beforeAll(async () => {
    at = await startApp();
  });
  afterAll(() => at.close());

  it.each([
    ['a success', '/health/live', 200],
    ['a refusal', '/v1/items', 401],
    ['an unknown path', '/nothing/here', 404],
    ['a path that is no UTF-8', '/v1/items/%ff', 400],
    ['a part of a path that is too long', `/v1/items/${'x'.repeat(2_000)}`, 414],
    ['the contract', '/openapi/v1.json', 200],
  ])('%s may do nothing in a browser, is what it says, and tells nobody where it was', async (_, path, status) => {
    const { headers } = await at.http.get(path).expect(status);
    for (const [name, value] of PROTECTIVE_HEADERS) expect([name, headers[name]]).toEqual([name, value]);
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers.server).toBeUndefined();
  });

  it('what is answered without a request says so too', async () => {
    const line = new Line(at);
    line.socket.write('HELO holdfast\r\n\r\n');
    await line.closed;
    for (const [name, value] of PROTECTIVE_HEADERS) expect(line.answer).toContain(`\r\n${name}: ${value}\r\n`);
  });

  it('a page may load what it needs from here, and nothing from elsewhere', async () => {
    const docs = (await at.http.get('/docs').expect(200)).headers;
    expect(docs['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
    );
    expect(docs['content-security-policy']).not.toMatch(/https?:|script-src[^;]*unsafe/);
    const problem = await at.http.get('/problems/not_found').expect(200);
    expect(problem.headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'; /,
    );
    for (const headers of [docs, problem.headers]) expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('has every header of helmet, or a reason not to', () => {
    const theirs = new Set<string>();
    const response = { setHeader: (name: string) => theirs.add(name.toLowerCase()), removeHeader: () => {} };
    helmet()({} as IncomingMessage, response as unknown as ServerResponse, () => {});
    const ours = PROTECTIVE_HEADERS.map(([name]) => name as string);
    expect([...theirs].sort()).toEqual([...new Set([...ours, ...Object.keys(LEFT_OUT)])].sort());
  });
});

describe('other origins', () => {
  const SHOP = 'https://shop.example.com';
  const preflight = (at: TestApp, origin: string) =>
    at.http
      .options('/v1/reservations')
      .set('Origin', origin)
      .set('Access-Control-Request-Method', 'POST')
      .set('Access-Control-Request-Headers', 'authorization, idempotency-key');
  const allowances = (headers: IncomingHttpHeaders) =>
    Object.keys(headers).filter((name) => name.startsWith('access-control-'));

  it('are allowed nothing unless they are named', async () => {
    const at = await startApp();
    const asked = await preflight(at, SHOP);
    expect([asked.status, asked.body.code, allowances(asked.headers)]).toEqual([404, 'not_found', []]);
    const { headers } = await at.api().get('/v1/items').set('Origin', SHOP).expect(200);
    expect(allowances(headers)).toEqual([]);
    await at.close();
  });

  it('may call, and read what they need of the answer, where they are named exactly', async () => {
    const at = await startApp({ env: { CORS_ORIGINS: `${SHOP}, http://localhost:5173` } });
    const { headers } = await preflight(at, SHOP).expect(204);
    expect(headers['access-control-allow-origin']).toBe(SHOP);
    expect(headers['access-control-allow-methods']).toBe('GET, POST, PUT, DELETE');
    expect(headers['access-control-allow-headers']).toMatch(/Authorization.*Idempotency-Key/);
    expect(headers['access-control-allow-credentials']).toBeUndefined();

    const { sku } = await at.given.item();
    const channel = await at.given.channel();
    const answer = await at
      .api()
      .get(`/v1/availability/${sku}?channel=${channel.code}`)
      .set('Origin', 'http://localhost:5173')
      .expect(200);
    expect(answer.headers['access-control-allow-origin']).toBe('http://localhost:5173');
    expect(answer.headers['access-control-expose-headers']).toMatch(/ETag.*Retry-After.*X-Request-Id/);
    // A copy that was kept for one origin is not for another.
    expect(answer.headers.vary).toMatch(/\bOrigin\b/);

    const refused = await at.http.get('/v1/items').set('Origin', SHOP).expect(401);
    expect(refused.headers['access-control-allow-origin']).toBe(SHOP);
    for (const stranger of ['https://shop.example.com.evil.test', 'http://shop.example.com', 'null']) {
      const { headers } = await preflight(at, stranger);
      expect([stranger, headers['access-control-allow-origin']]).toEqual([stranger, undefined]);
    }
    await at.close();
  });

  it.each(['*', 'https://shop.example.com/', 'shop.example.com', 'null'])('cannot be %s', async (origin) => {
    await expect(startApp({ env: { CORS_ORIGINS: origin } })).rejects.toThrow('it takes exact origins');
  });
});

describe('a request that is too much', () => {
  let at: TestApp;
  beforeAll(async () => {
    at = await startApp({ env: { BODY_MEMORY_MB: '5' } });
  });
  afterAll(() => at.close());

  it('has a URL of more than 8 KiB', async () => {
    const { body } = await at.http.get(`/v1/items?cursor=${'x'.repeat(8_200)}`).expect(414);
    expect(body.code).toBe('url_too_long');
  });

  it('has more than 100 headers', async () => {
    const request = at.http.get('/health/live');
    for (let i = 0; i < 100; i += 1) request.set(`X-${i}`, '1');
    expect((await request.expect(431)).body.code).toBe('headers_too_large');
  });

  it('is one of HTTP/1.1 without a Host', async () => {
    const line = new Line(at);
    line.socket.write('GET /health/live HTTP/1.1\r\n\r\n');
    await line.closed;
    expect(line.code).toBe('malformed_request');
  });

  it('has a body for which there is no more memory, until others are done', async () => {
    const MIB = 1024 * 1024;
    const announce = `PUT /v1/items/X HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
    const lines = Array.from({ length: 5 }, (_, i) => {
      const line = new Line(at);
      // What is sent in chunks may become as large as bodies may be.
      line.socket.write(`${announce}${i === 0 ? 'Transfer-Encoding: chunked' : `Content-Length: ${MIB}`}\r\n\r\n`);
      return line;
    });
    const large = { name: 'x'.repeat(20_000) };
    await until(async () => (await at.api().put('/v1/items/X', large)).status === 503);
    const refused = await at.api().put('/v1/items/X', large);
    expect([refused.body.code, refused.headers['retry-after']]).toEqual(['overloaded', '1']);
    await at.api().put('/v1/items/X', { name: 'Small', baseUom: 'EA' }).expect(201);
    lines[0]?.socket.destroy();
    await until(async () => (await at.api().put('/v1/items/X', large)).status === 400);
    for (const { socket } of lines) socket.destroy();
  });
});

describe('a client that takes its time', () => {
  let at: TestApp;
  beforeAll(async () => {
    at = await startApp({ env: { HEADERS_TIMEOUT_MS: '200', REQUEST_TIMEOUT_MS: '200', MAX_CONNECTIONS: '20' } });
  });
  afterAll(() => at.close());

  const HEAD = 'PUT /v1/items/X HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

  it('with its headers is told so and cut off', async () => {
    const line = new Line(at);
    await line.drip(`GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: ${'x'.repeat(1_000)}`);
    expect(line.answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(line.code).toBe('request_timeout');
  });

  it('and never begins is cut off', async () => {
    await new Line(at).closed;
  });

  it.each([
    ['with its body', `${HEAD}Content-Length: 1000\r\n\r\n`],
    ['with a body in chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n3e8\r\n`],
    ['with its events', 'POST /v1/ingest/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'],
    ['with a body that nobody wants', 'POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'],
    [
      'with a file that it may not send',
      'POST /v1/imports?kind=items HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\n',
    ],
  ])('%s is told so and cut off', async (_, head) => {
    const line = new Line(at);
    line.socket.write(head);
    await line.drip('x'.repeat(1_000));
    expect(line.answer).toMatch(/HTTP\/1\.1 408 Request Timeout\r\n(.*\r\n)*\r\n.*request_timeout/);
  });

  it('may take it with a file, as long as it moves', async () => {
    const body = 'sku,name,baseUom\nA,A,EA\n';
    const line = new Line(at);
    line.socket.write(
      `POST /v1/imports?kind=items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${at.adminKey}\r\n` +
        `Idempotency-Key: slow\r\nContent-Type: text/csv\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    for (const byte of body) {
      line.socket.write(byte);
      await delay(30); // 700 ms in all: three times what a body has
    }
    await until(() => line.answer !== '');
    expect(line.answer).toMatch(/^HTTP\/1\.1 202 /);
    line.socket.destroy();
  });

  it('with the answers it has asked for is cut off', async () => {
    const line = new Line(at, false);
    line.socket.write('GET /openapi/v1.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50));
    // Who does not read does not hear the end either, but cannot write any more.
    await until(() => {
      if (!line.socket.destroyed) line.socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
      return line.socket.destroyed;
    });
  });

  it('leaves the others their answers, up to as many connections as there may be', async () => {
    const slow = Array.from({ length: 19 }, () => new Line(at));
    for (const { socket } of slow) socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n');
    await at.http.get('/health/live').expect(200);
    await Promise.all(slow.map(({ closed }) => closed));
    await at.http.get('/health/live').expect(200);
  });

  it('and comes in numbers is turned away at the door', async () => {
    const lines = Array.from({ length: 40 }, () => new Line(at));
    await Promise.all(lines.map(({ closed }) => closed));
    const told = lines.filter(({ answer }) => answer.startsWith('HTTP/1.1 408'));
    expect(told.length).toBeLessThanOrEqual(20);
  });
});
