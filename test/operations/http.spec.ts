import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import net from 'node:net';
import { Processes } from '../../src/access/processes.worker.js';
import { limitedChannel, slow } from '../access/limited.js';
import { startApp, type TestApp } from '../support/app.js';

describe('HTTP itself', () => {
  let at: TestApp;

  beforeAll(async () => {
    at = await startApp();
  });
  afterAll(() => at.close());

  /** Sends bytes as they are; resolves with what comes back until the connection is closed. */
  const raw = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = net.connect(Number(new URL(at.url).port), '127.0.0.1', () => socket.write(bytes));
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });

  it('answers what is not HTTP with a problem document', async () => {
    const answer = await raw('HELO holdfast\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n(.*\r\n)*content-type: application\/problem\+json/);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] as string).code).toBe('malformed_request');
  });

  it('answers headers of more than 16 KiB with a problem document', async () => {
    const answer = await raw(`GET /health/live HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] as string).code).toBe('headers_too_large');
  });

  it('takes an empty body that calls itself JSON as no body', async () => {
    const { sku } = await at.given.item();
    const { code: location } = await at.given.location();
    await at.given.stock(sku, location, 1);
    const { code: channel } = await at.given.channel({ locations: [location] });
    const hold = await at.api().post('/v1/reservations', { channel, lines: [{ sku, quantity: 1 }] });
    const answer = await at
      .api()
      .post(`/v1/reservations/${hold.body.id}/release`)
      .set('Content-Type', 'application/json');
    expect(answer.status).toBe(200);
    expect(answer.body.status).toBe('released');
  });

  it('asks for a body where one is needed', async () => {
    const answer = await at.api().post('/v1/reservations').set('Content-Type', 'application/json');
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('validation_failed');
  });

  it('gives back the request id and the trace it was given', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answer = await at.http.get('/v1/items').set('X-Request-Id', 'order-4711').set('traceparent', traceparent);
    expect(answer.headers['x-request-id']).toBe('order-4711');
    expect(answer.headers.traceparent).toBe(traceparent);
    expect(answer.body.requestId).toBe('order-4711');
  });
});

describe('the hot way', () => {
  let at: TestApp;
  /** Of the same database, with every route through Nest. */
  let ordinary: TestApp;
  beforeAll(async () => {
    at = await startApp();
    ordinary = await startApp({ databaseUrl: at.databaseUrl, clock: at.clock, hot: false });
  });
  // Each lets half of a limit pass.
  beforeEach(async () => {
    for (const { app } of [at, ordinary]) await app.get(Processes).beat();
  });
  afterAll(async () => {
    await ordinary?.close();
    await at?.close();
  });

  interface Sent {
    /** Default: POST where there is a body, else GET. */
    readonly method?: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** Of a POST; a text goes as it is. */
    readonly body?: unknown;
  }

  /** All that was answered but what no two answers have in common: the time, and ids of what was made. */
  async function answerOf(
    { url }: TestApp,
    key: string | undefined,
    { method, path, headers, body }: Sent,
  ): Promise<string[]> {
    const sent = request(url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        'X-Request-Id': 'order-4711',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
    });
    sent.end(typeof body === 'string' ? body : JSON.stringify(body));
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const { statusCode, rawHeaders } = answer;
    const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []));
    const text = (await answer.setEncoding('utf8').toArray()).join('');
    return [String(statusCode), ...lines.filter((line) => !line.startsWith('Date:')), text].map((line) =>
      line.replaceAll(/res_[0-9a-z]{26}/g, 'res_…'),
    );
  }

  /** Sends each to both, and compares: the statuses that they had. */
  async function statusesOf(key: string | undefined, requests: readonly Sent[]): Promise<number[]> {
    const statuses: number[] = [];
    for (const each of requests) {
      const expected = await answerOf(ordinary, key, each);
      expect(await answerOf(at, key, each)).toEqual(expected);
      statuses.push(Number(expected[0]));
    }
    return statuses;
  }

  const shop = async () => {
    const { sku } = await at.given.item();
    const { code: location } = await at.given.location();
    await at.given.stock(sku, location, 100);
    const { code: channel } = await at.given.channel({ locations: [location] });
    return { sku, channel };
  };

  it('answers about one item as Nest does, to the byte', async () => {
    const { sku, channel } = await shop();
    const [, , ...first] = await answerOf(at, at.adminKey, { path: `/v1/availability/${sku}?channel=${channel}` });
    const tag = first.find((line) => line.startsWith('etag: '))?.slice(6) as string;
    const asking = (more: string, headers = {}) => ({ path: `/v1/availability/${more}`, headers });
    const statuses = await statusesOf(at.adminKey, [
      asking(`${sku}?channel=${channel}`),
      asking(`${sku}?channel=${channel}&uom=EA`),
      { ...asking(`${sku}?channel=${channel}`), method: 'HEAD' },
      asking(`${sku}?channel=${channel}`, { 'If-None-Match': tag }),
      asking(`${sku}?channel=${channel}`, { 'If-None-Match': 'W/"other"' }),
      asking(sku),
      asking(`${sku}?channel=no-such`),
      asking(`${sku}?channel=${channel}&channel=${channel}`),
      asking(`${sku}?channel=a%20b`),
      asking(`${sku}?channel=${channel}&more=1`),
      asking(`NO-SUCH?channel=${channel}`),
      asking('%20'),
    ]);
    expect(statuses).toEqual([200, 200, 200, 304, 200, 400, 404, 400, 400, 400, 404, 400]);
    const { key } = await at.given.key({ scopes: ['availability:read'], channel });
    expect(await statusesOf(key, [asking(sku), asking(`${sku}?channel=another`)])).toEqual([200, 403]);
    const { key: other } = await at.given.key({ scopes: ['stock:read'] });
    expect(await statusesOf(other, [asking(sku), asking('%20')])).toEqual([403, 403]);
    expect(await statusesOf(undefined, [asking(sku), asking('%20')])).toEqual([401, 401]);
  });

  it('answers about many items as Nest does, to the byte', async () => {
    const { sku, channel } = await shop();
    const { sku: another } = await at.given.item({ uoms: [{ code: 'XCS', factor: 4 }] });
    const asking = (body: unknown) => ({ path: '/v1/availability/query', body });
    const lines = [{ sku, quantity: 3 }, { sku: another }, { sku, quantity: 98 }, { sku: another, uom: 'XCS' }];
    const statuses = await statusesOf(at.adminKey, [
      asking({ channel, lines }),
      asking({ channel, lines: [{ sku }] }),
      asking({
        channel,
        lines: [{ sku, quantity: 1 }, { sku: 'NO-SUCH' }, { sku, quantity: 0.5 }, { sku, uom: 'XBX' }],
      }),
      asking({ channel, lines: [] }),
      asking({ channel, lines: [{ sku, quantity: '1' }] }),
      asking({ channel: 'no-such', lines: [{ sku }] }),
      asking({ lines: [{ sku }] }),
      asking({ channel, lines: [{ sku }], more: 1 }),
      asking('{'),
    ]);
    expect(statuses).toEqual([200, 200, 200, 400, 400, 422, 400, 400, 400]);
  });

  it('answers a hold as Nest does, to the byte, and replays what went the other way', async () => {
    const { sku, channel } = await shop();
    const lines = [{ sku, quantity: 2 }];
    const holding = (key: string | undefined, body: unknown): Sent => ({
      path: '/v1/reservations',
      body,
      ...(key === undefined ? {} : { headers: { 'Idempotency-Key': key } }),
    });
    const held = (app: TestApp, key: string) => answerOf(app, at.adminKey, holding(key, { channel, lines }));
    expect(await held(at, 'directly')).toEqual(await held(ordinary, 'ordinarily'));
    const statuses = await statusesOf(at.adminKey, [
      holding('directly', { channel, lines }),
      holding('ordinarily', { channel, lines }),
      holding('directly', { channel, lines: [{ sku, quantity: 3 }] }),
      holding('short', { channel, lines: [{ sku, quantity: 1_000 }] }),
      holding('bad key\u00e9', { channel, lines }),
      holding(undefined, { channel, lines }),
      holding(undefined, { channel }),
      holding('unknown', { channel, lines: [{ sku: 'NO-SUCH', quantity: 1 }] }),
      holding('nothing', '{"'),
    ]);
    expect(statuses).toEqual([201, 201, 422, 409, 400, 400, 400, 422, 400]);
  });

  it('knows an item by a name that has to be decoded, and only if it can be', async () => {
    const { channel } = await shop();
    const { sku } = await at.given.item({ sku: 'CABLE/2M 50%25 ü' });
    const asking = (name: string) => ({ path: `/v1/availability/${name}?channel=${channel}` });
    const encoded = encodeURIComponent(sku);
    const names = [encoded, encoded.replace('%2F', '/'), encoded.replaceAll('%20', '+'), `${encoded}%`, '%FF', 'A#B'];
    expect(await statusesOf(at.adminKey, names.map(asking))).toEqual([200, 404, 404, 400, 400, 400]);
  });

  it('answers pages and programs alike where pages of other origins may ask', async () => {
    const { sku, channel } = await shop();
    const env = { CORS_ORIGINS: 'https://shop.example' };
    const both = await Promise.all(
      [true, false].map((hot) => startApp({ databaseUrl: at.databaseUrl, clock: at.clock, hot, env })),
    );
    try {
      const [one, other] = both as [TestApp, TestApp];
      const path = `/v1/availability/${sku}?channel=${channel}`;
      const body = { channel, lines: [{ sku, quantity: 1 }] };
      const requests = (key: string): Sent[] => [
        { path },
        { path },
        { path, headers: { Origin: 'https://shop.example' } },
        { path: '/v1/availability/query', body },
        { path: '/v1/reservations', body, headers: { 'Idempotency-Key': key } },
      ];
      const hot = requests('hotly sent');
      const varying: unknown[] = [];
      for (const [i, each] of requests('ordinarily sent').entries()) {
        const expected = await answerOf(other, at.adminKey, each);
        varying.push(expected.find((line) => line.startsWith('vary')));
        expect(await answerOf(one, at.adminKey, hot[i] as Sent)).toEqual(expected);
      }
      expect(varying).toEqual([...Array(3).fill('vary: Authorization, Origin'), ...Array(2).fill('vary: Origin')]);
    } finally {
      await Promise.all(both.map((app) => app.close()));
    }
  });

  it('hears of a key that may be used from few addresses, and of one that has expired', async () => {
    const { sku, channel } = await shop();
    const asking = { path: `/v1/availability/${sku}` };
    const of = async (more: object) => (await at.given.key({ scopes: ['availability:read'], channel, ...more })).key;
    const key = await of({ expiresAt: new Date(at.clock.now() + 60_000).toISOString() });
    expect(await statusesOf(key, [asking, asking])).toEqual([200, 200]);
    at.clock.advance(60_000);
    expect(await statusesOf(key, [asking])).toEqual([401]);
  });

  it('charges a limit once, also for what it hands to Nest', async () => {
    const { sku, code } = await limitedChannel(at, { ofChannel: slow(16) });
    const { key } = await at.given.key({ scopes: ['availability:read'], channel: code });
    const asking = (more: string) => ({ path: `/v1/availability/${sku}${more}` });
    const query = { path: '/v1/availability/query', body: { lines: [{ sku }, { sku, quantity: 1 }] } };
    const wrong = { path: '/v1/availability/query', body: { lines: [{ sku: 1 }, { sku: 2 }] } };
    const broken = { path: '/v1/availability/query', body: '{"' };
    const requests = [
      asking(''),
      asking('?uom=EA'),
      query,
      broken,
      wrong,
      asking('?more=1'),
      asking(''),
      asking('?uom=EA'),
    ];
    expect(await statusesOf(key, requests)).toEqual([200, 200, 200, 400, 400, 400, 200, 429]);
  });
});
