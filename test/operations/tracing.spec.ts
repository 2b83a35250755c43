import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { event, Sender } from '../ingestion/sender.js';
import { Api } from '../support/app.js';
import { Given } from '../support/given.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import { whenWeAreGone } from '../support/watchdog.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ADMIN_API_KEY = 'the-administrator-of-the-tests';
const START = ['--enable-source-maps', '--import', './dist/tracing.js'];

/** A span as OTLP has it in JSON. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly links?: { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/** What a collector of OpenTelemetry takes on port 4318, kept as it came. */
class Collector {
  readonly received: string[] = [];
  private readonly server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      if (request.url === '/v1/traces') this.received.push(Buffer.concat(parts).toString());
      response.setHeader('Content-Type', 'application/json').end('{}');
    });
  });

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get spans(): Span[] {
    return this.received.flatMap((text) =>
      JSON.parse(text).resourceSpans.flatMap((of: { scopeSpans: { spans: Span[] }[] }) =>
        of.scopeSpans.flatMap(({ spans }) => spans),
      ),
    );
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

describeWithRedis('tracing', () => {
  const collector = new Collector();
  let database: TestDatabase;
  let redis: TestRedis;
  let service: ChildProcess;
  let said = '';
  let spans: Span[];
  let seen: string;
  /** Of the reservation, as its caller traces it. */
  const TRACE = '0af7651916cd43dd8448eb211c80319c';
  const CALLER = 'b7ad6b7169203331';
  /** Of two events that came in one request, as their sender traces it. */
  const FEED = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

  // One run of the service, and everything is looked for in what it sent until it ended.
  beforeAll(async () => {
    await run('npm', ['run', '--silent', 'build'], { cwd: ROOT });
    database = await createDatabase();
    redis = await startRedis();
    const url = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: await collector.listen(), AVAILABILITY_COPY: 'off' });
    const api = new Api(url, ADMIN_API_KEY);
    const given = new Given(api);
    const { sku } = await given.item({ name: 'A confidential name' });
    const { code: location } = await given.location();
    const { code: channel } = await given.channel({ locations: [location] });
    await given.stock(sku, location, 10);
    const key = await given.key({ scopes: ['reservations:write', 'reservations:read'], channel });
    await new Api(url, key.key)
      .post('/v1/reservations', { orderRef: 'A-CONFIDENTIAL-ORDER', lines: [{ sku, quantity: 2 }] })
      .set('traceparent', `00-${TRACE}-${CALLER}-01`)
      .expect(201);
    for (let i = 0; i < 2; i += 1) await api.get(`/v1/availability/${sku}?channel=${channel}`).expect(200);
    await new Api(url, key.key).get('/v1/reservations?orderRef=A-CONFIDENTIAL-ORDER').expect(200);
    const source = { name: 'WMS', kind: 'wms', signature: { scheme: 'standard_webhooks' } };
    const owns = [{ location, facts: ['on_hand'] }];
    const { secret } = (await api.put('/v1/sources/wms', { ...source, owns }).expect(201)).body;
    const data = { sku, location, quantity: 1 };
    await new Sender(url, 'wms', secret)
      .send([event('traced-1', { data }), event('traced-2', { data })])
      .set('traceparent', `00-${FEED.traceId}-${FEED.spanId}-01`)
      .expect(202);
    for (;;) {
      const { body } = await api.get(`/v1/stock?sku=${sku}`).expect(200);
      if (body.data[0].onHand === 12) break;
      await delay(20);
    }
    await api.get(`/v1/items/${key.key}`).expect(404);
    await api.get(`/v1/items?apikey=${key.key}`).expect(400);
    await api.get('/health/live').expect(200);
    await api.get('/nothing/here').expect(404);
    service.kill('SIGTERM');
    expect((await once(service, 'exit'))[0]).toBe(0);
    ({ spans } = collector);
    seen = collector.received.join('\n');
    secrets = [ADMIN_API_KEY, key.key, new URL(database.url).password, 'CONFIDENTIAL', 'A confidential name'];
  });
  let secrets: string[] = [];

  afterAll(async () => {
    if (service?.exitCode === null) service.kill('SIGKILL');
    collector.close();
    await redis?.stop();
    await database?.drop();
  });

  async function start(env: Record<string, string>): Promise<string> {
    service = spawn(process.execPath, [...START, 'dist/main.js'], {
      cwd: ROOT,
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        LOG_LEVEL: 'warn',
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        ADMIN_API_KEY,
        SECRET_ENCRYPTION_KEY: 'what-the-tests-encrypt-secrets-under',
        OTEL_SERVICE_NAME: 'holdfast-under-test',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    whenWeAreGone('kill -9 "$0"', String(service.pid));
    for (const stream of [service.stdout, service.stderr]) stream?.on('data', (data) => (said += data));
    for (;;) {
      const url = /API {4}(http:\S+)/.exec(said)?.[1];
      if (url) return url;
      if (service.exitCode !== null) throw new Error(said);
      await delay(20);
    }
  }

  const named = (name: string) => spans.filter((span) => span.name === name);
  const attribute = ({ attributes }: Span, name: string) => {
    const [value] = Object.values(attributes.find(({ key }) => key === name)?.value ?? {});
    return value;
  };

  it('goes on with the trace of the caller, under the pattern of the route', () => {
    const [request, ...others] = named('POST /v1/reservations');
    expect(others).toEqual([]);
    expect(request).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, kind: 2 });
    expect(attribute(request as Span, 'http.route')).toBe('/v1/reservations');
    expect(
      attribute(request as Span, 'http.response.status_code') ?? attribute(request as Span, 'http.status_code'),
    ).toBe(201);
  });

  it('shows what was posted together as a trace of its own, linked with each request both ways', () => {
    const request = named('POST /v1/reservations')[0] as Span;
    const batch = named('post batch').find(({ links = [] }) => links.some(({ spanId }) => spanId === request.spanId));
    expect(batch).toMatchObject({ links: [{ traceId: TRACE, spanId: request.spanId }] });
    expect(batch?.parentSpanId ?? '').toBe('');
    expect(batch?.traceId).not.toBe(TRACE);
    expect(attribute(batch as Span, 'holdfast.batch.commands')).toBe(1);
    expect(request.links).toEqual([expect.objectContaining({ traceId: batch?.traceId, spanId: batch?.spanId })]);

    const statements = spans.filter(({ parentSpanId }) => parentSpanId === batch?.spanId);
    expect(statements.length).toBeGreaterThan(4);
    for (const statement of statements) expect(statement).toMatchObject({ traceId: batch?.traceId, kind: 3 });
    expect(statements.map((each) => attribute(each, 'db.query.text') ?? attribute(each, 'db.statement'))).toEqual(
      expect.arrayContaining(['begin', expect.stringMatching(/insert into reservation/), 'commit']),
    );
  });

  it('links what was posted of events with the request that their sender traces', () => {
    const linked = named('post batch').filter(({ links = [] }) =>
      links.some(({ traceId }) => traceId === FEED.traceId),
    );
    expect(linked).toHaveLength(1);
    expect(linked[0]?.links).toEqual(expect.arrayContaining([expect.objectContaining(FEED)]));
    expect(linked[0]?.parentSpanId ?? '').toBe('');
    const statements = spans.filter(({ parentSpanId }) => parentSpanId === linked[0]?.spanId);
    expect(statements.map((each) => attribute(each, 'db.query.text') ?? attribute(each, 'db.statement'))).toEqual(
      expect.arrayContaining([expect.stringMatching(/insert into movement/)]),
    );
  });

  it('shows how much of what was asked for stood in the cache', () => {
    const requests = named('GET /v1/availability/:sku');
    const readings = named('read cache').filter(({ parentSpanId }) =>
      requests.some(({ spanId }) => spanId === parentSpanId),
    );
    expect(
      readings.map((span) => [attribute(span, 'holdfast.cache.asked'), attribute(span, 'holdfast.cache.found')]),
    ).toEqual(expect.arrayContaining([[1, 1]]));
  });

  it('says whose spans they are, and nothing of probes', () => {
    expect(seen).toContain('"stringValue":"holdfast-under-test"');
    expect(spans.length).toBeGreaterThan(10);
    expect(spans.filter(({ name }) => name.includes('/health'))).toEqual([]);
    expect(named('GET')).toHaveLength(1); // a path that is no route is no name
  });

  it('holds no key, no password and nothing of a body or a query', () => {
    for (const secret of secrets) expect(seen).not.toContain(secret);
    expect(seen).not.toMatch(/url\.query|apikey|orderRef=/);
    for (const { status } of spans) expect(status.message).toBeUndefined();
  });

  it('is not even loaded where nobody says where spans go', async () => {
    const loaded = 'Object.keys(require.cache).filter((file) => file.includes("opentelemetry")).length';
    const count = async (env: Record<string, string>) => {
      const { stdout } = await run(process.execPath, [...START, '-p', loaded], {
        cwd: ROOT,
        env: { PATH: process.env.PATH, ...env },
      });
      return Number(stdout);
    };
    expect(await count({})).toBe(0);
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
    expect(await count({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBe(0);
    expect(await count(endpoint)).toBeGreaterThan(10);
  });
});
