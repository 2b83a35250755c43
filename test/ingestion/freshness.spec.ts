import { FreshnessWorker } from '../../src/ingestion/freshness.worker.js';
import { startApp, type TestApp } from '../support/app.js';
import { event, Sender } from './sender.js';

const SECONDS = 1_000;
const BUDGET = 600;

let app: TestApp;
let wms: Sender;
beforeAll(async () => {
  app = await startApp({ env: { SECRET_ENCRYPTION_KEY: 'what-the-tests-encrypt-secrets-under' } });
  for (const code of ['A', 'B']) await app.given.location({ code });
  const source = {
    ...{ name: 'WMS', kind: 'wms', profile: 'canonical', signature: { scheme: 'standard_webhooks' } },
    ...{ quantityBasis: 'on_hand', freshnessSeconds: BUDGET, owns: [{ location: 'A', facts: ['on_hand'] }] },
  };
  const { body } = await app.api().put('/v1/sources/wms', source).expect(201);
  wms = new Sender(app.url, 'wms', body.secret, app.clock.now);
  await app.given.item({ sku: 'X' });
  await app.given.stock('X', 'A', 10);
  await app.given.stock('X', 'B', 5);
  await app.given.channel({ code: 'serves', locations: ['A', 'B'] });
  await app.given.channel({ code: 'buffers', locations: ['A', 'B'], stalePolicy: 'buffer', staleBuffer: 4 });
  await app.given.channel({ code: 'refuses', locations: ['A', 'B'], stalePolicy: 'refuse' });
  await app.given.channel({ code: 'elsewhere', locations: ['B'], stalePolicy: 'refuse' });
  await wms.send([event('heartbeat', { type: 'source.heartbeat.v1', data: {} })]).expect(202);
  await app.app.get(FreshnessWorker, { strict: false }).refresh();
});
afterAll(() => app.close());

const ask = (channel: string) => app.api().get(`/v1/availability/X?channel=${channel}&expand=locations`);

describe('figures of a source that is silent past its budget (semantics.md 28)', () => {
  let heardAt: string;

  it('are fresh until then', async () => {
    heardAt = new Date(app.clock.now()).toISOString();
    app.clock.advance(BUDGET * SECONDS - 1);
    expect((await ask('refuses').expect(200)).body).toMatchObject({ available: 15, stale: false });
  });

  it('say that they are stale, and as of when they were true', async () => {
    app.clock.advance(1);
    const { body } = await ask('serves').expect(200);
    expect(body).toMatchObject({ available: 15, stale: true, asOf: heardAt });
    expect(body.locations).toMatchObject([
      { location: 'A', stale: true, asOf: heardAt },
      { location: 'B', stale: false },
    ]);
  });

  it('are less by the buffer, or refused, where the channel says so; quoted as admitted', async () => {
    expect((await ask('buffers').expect(200)).body).toMatchObject({ available: 11, stale: true });
    const hold = (channel: string, quantity: number) =>
      app.api().post('/v1/reservations', { channel, lines: [{ sku: 'X', quantity }] });
    await hold('buffers', 12).expect(409);
    const refused = await ask('refuses').expect(409);
    expect(refused.body).toMatchObject({ code: 'stale_availability', location: 'A', asOf: heardAt });
    expect((await hold('refuses', 1).expect(409)).body.code).toBe('stale_availability');
    const lines = [{ sku: 'X', quantity: 1 }];
    const { body } = await app.api().post('/v1/availability/query', { channel: 'refuses', lines }).expect(200);
    expect(body.lines).toMatchObject([
      { sku: 'X', available: 0, fulfillable: false, problem: { code: 'stale_availability' } },
    ]);
  });

  it('leave other locations alone', async () => {
    expect((await ask('elsewhere').expect(200)).body).toMatchObject({ available: 5, stale: false });
  });

  it('are fresh again as soon as it is heard', async () => {
    await wms.send([event('alive', { type: 'source.heartbeat.v1', data: {} })]).expect(202);
    expect((await ask('refuses').expect(200)).body).toMatchObject({ available: 15, stale: false });
  });
});

it('a source that was never heard counts from when it was set up, for its health and for availability', async () => {
  await app.given.location({ code: 'C' });
  await app.given.stock('X', 'C', 3);
  await app.given.channel({ code: 'new', locations: ['C'] });
  const signature = { scheme: 'standard_webhooks' };
  const owns = [{ location: 'C', facts: ['on_hand'] }];
  await app
    .api()
    .put('/v1/sources/new', { name: 'New', kind: 'wms', signature, freshnessSeconds: 60, owns })
    .expect(201);
  await app.app.get(FreshnessWorker, { strict: false }).refresh();
  const stale = async () => {
    const { body } = await app.api().get('/v1/sources/new/health').expect(200);
    return [body.stale, (await ask('new').expect(200)).body.stale];
  };
  app.clock.advance(60 * SECONDS - 1);
  expect(await stale()).toEqual([false, false]);
  app.clock.advance(1);
  expect(await stale()).toEqual([true, true]);
});

it('what is parked is counted, in the health of its source and in the metrics', async () => {
  await wms.send([event('parked', { data: { sku: 'unheard-of', location: 'A', quantity: 1 } })]).expect(202);
  const health = async () => (await app.api().get('/v1/sources/wms/health').expect(200)).body;
  for (let tries = 0; tries < 200 && (await health()).backlog.parked === 0; tries += 1);
  expect(await health()).toMatchObject({ backlog: { received: 0, parked: 1 }, exceptionsOpen: 1 });
  const { text } = await app.http.get('/metrics').expect(200);
  expect(text).toMatch(/^holdfast_source_backlog_parked{source="wms"} 1$/m);
  expect(text).toMatch(/^holdfast_source_exceptions_open{source="wms"} 1$/m);
});
