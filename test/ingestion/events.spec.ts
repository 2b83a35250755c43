import { InboxDaysWorker } from '../../src/ingestion/inbox-days.worker.js';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';
import { event, Sender } from './sender.js';

const DAY_MS = 86_400_000;

describe('events', () => {
  let test: TestApp;
  let wms: Sender;
  let made = 0;

  const sender = async (overrides: object = {}): Promise<Sender> => {
    const code = `events-${++made}`;
    const body = { name: code, kind: 'wms', signature: { scheme: 'standard_webhooks' }, ...overrides };
    const { secret } = (await test.api().put(`/v1/sources/${code}`, body).expect(201)).body;
    return new Sender(test.url, code, secret, test.clock.now);
  };
  const list = async (query: string) => (await test.api().get(`/v1/events?${query}`).expect(200)).body;

  beforeAll(async () => {
    test = await startApp({ env: { INGEST_POLL_MS: '0' } }); // nobody applies what is looked at here
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    wms = await sender();
  });

  it('are listed newest first, page by page, by source and status', async () => {
    for (let i = 0; i < 5; i += 1) {
      await wms.send(event(`n-${i}`)).expect(202);
      test.clock.advance(1);
    }
    await wms.send('[null]').expect(202);
    const found: { eventId: string; status: string }[] = [];
    let cursor = '';
    do {
      const page = await list(`source=${wms.source}&limit=2${cursor}`);
      found.push(...page.data);
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    expect(found).toHaveLength(6);
    expect(found.slice(1).map(({ eventId }) => eventId)).toEqual(['n-4', 'n-3', 'n-2', 'n-1', 'n-0']);
    const rejected = await list(`source=${wms.source}&status=exception&limit=1`);
    expect(rejected.data[0]).toMatchObject({ source: wms.source, status: 'exception' });
    expect(await list('source=nobody')).toEqual({ data: [], nextCursor: null });
    await test.api().get('/v1/events?status=lost').expect(400);
    const forged = Buffer.from(JSON.stringify([Number.MIN_SAFE_INTEGER, 'evt_'])).toString('base64url');
    await test.api().get(`/v1/events?cursor=${forged}`).expect(400);
  });

  it("are listed by their sender's id, with other bodies that came under it, of one source or of all", async () => {
    const other = await sender();
    for (const by of [wms, other]) await by.send([event('same-1'), event('other-1')]).expect(202);
    await wms.send(event('same-1', { time: '2026-03-01T09:00:00Z' })).expect(202);
    const found = async (query: string) =>
      (await list(query)).data.map(({ source, status }: { source: string; status: string }) => [source, status]);
    expect(await found(`eventId=same-1&source=${wms.source}`)).toEqual(
      expect.arrayContaining([
        [wms.source, 'received'],
        [wms.source, 'exception'],
      ]),
    );
    expect(await found('eventId=same-1')).toHaveLength(3);
    expect(await found('eventId=same-1&status=exception')).toEqual([[wms.source, 'exception']]);
    expect(await found('eventId=unheard-of')).toEqual([]);
  });

  it('are shown with what was sent, how it was proved, and how often it came', async () => {
    const text = '{"id":"d-1","big":9007199254740993}';
    const { body } = await wms.send(text).set('X-Request-Id', 'request-7').set('X-Shop', 'east').expect(202);
    await wms.send(text).expect(202);
    const { id } = body.events[0];
    expect((await test.api().get(`/v1/events/${id}`).expect(200)).body).toMatchObject({
      ...{ id, source: wms.source, eventId: 'd-1', payload: text, payloadEncoding: 'text' },
      ...{ contentType: 'application/json', requestId: 'request-7', importId: null, deliveries: 2, movements: [] },
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      headers: { 'x-shop': 'east' },
      signature: { scheme: 'standard_webhooks', secretId: expect.any(String), timestamp: expect.any(String) },
      receivedAt: new Date(test.clock.now()).toISOString(),
    });
  });

  it('that are exceptions from the start name their exception', async () => {
    const { body } = await wms.send('[17]').expect(202);
    expect((await test.api().get(`/v1/events/${body.events[0].id}`).expect(200)).body).toMatchObject({
      status: 'exception',
      problem: { code: 'mapping_failed', detail: 'An event is an object, not 17.' },
      exceptions: [{ id: body.events[0].id.replace('evt_', 'exc_'), kind: 'mapping_failed', status: 'open' }],
    });
  });

  it.each(['evt_01jqb6sgw6f5ktk3h5n1v0h8yz', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz', 'x'])(
    'are not found by %s',
    async (id) => {
      expect((await test.api().get(`/v1/events/${id}`).expect(404)).body.code).toBe('not_found');
    },
  );

  it('are for keys that read events, and not for those of one channel', async () => {
    await test.given.channel({ code: 'web' });
    const reader = await test.given.key({ scopes: ['events:read'] });
    await test.api(reader.key).get('/v1/events').expect(200);
    await test.api(reader.key).get(`/v1/sources/${wms.source}/health`).expect(200);
    const stranger = await test.given.key({ scopes: ['stock:read'] });
    await test.api(stranger.key).get('/v1/events').expect(403);
    const bound = await test.given.key({ scopes: ['events:read'], channel: 'web' });
    await test.api(bound.key).get('/v1/events').expect(403);
    await test.api(bound.key).get('/v1/events/evt_01jqb6sgw6f5ktk3h5n1v0h8yz').expect(403);
    await test.api(bound.key).get(`/v1/sources/${wms.source}/health`).expect(403);
  });

  describe('a source', () => {
    const metricsOf = async (code: string) => {
      const { text } = await test.http.get('/metrics').expect(200);
      const lines = text.matchAll(new RegExp(`^holdfast_source_(\\w+){source="${code}"} (\\S+)$`, 'gm'));
      return Object.fromEntries([...lines].map(([, name, figure]) => [name, Number(figure)]));
    };
    const health = async (code: string) => (await test.api().get(`/v1/sources/${code}/health`).expect(200)).body;

    it('says how it is doing, and /metrics says the same', async () => {
      const silent = await sender({ freshnessSeconds: 60 });
      expect(await health(silent.source)).toEqual({
        ...{ source: silent.source, lastHeardAt: null, lastEventAt: null, freshnessSeconds: 60, stale: false },
        ...{ lagSeconds: 0, backlog: { received: 0, parked: 0 }, exceptionsOpen: 0, eventsPerMinute: 0 },
      });
      await silent.send([event('h-1'), null]).expect(202);
      const at = new Date(test.clock.now()).toISOString();
      for (let tries = 0; tries < 100 && (await health(silent.source)).lastHeardAt === null; tries += 1);
      expect(await health(silent.source)).toMatchObject({
        ...{ lastHeardAt: at, lastEventAt: at, stale: false, eventsPerMinute: 2 },
      });
      expect((await health(silent.source)).exceptionsOpen).toBeGreaterThanOrEqual(1);
      test.clock.advance(61_000);
      const late = await health(silent.source);
      expect(late).toMatchObject({ stale: true, lagSeconds: 61, backlog: { received: 1 }, eventsPerMinute: 0 });
      expect(await metricsOf(silent.source)).toEqual({
        ...{
          last_heard_timestamp_seconds: Date.parse(at) / 1_000,
          last_event_timestamp_seconds: Date.parse(at) / 1_000,
        },
        ...{ freshness_seconds: 60, stale: 1, lag_seconds: 61, backlog_received: 1, backlog_parked: 0 },
        ...{ exceptions_open: late.exceptionsOpen, events_per_minute: 0 },
      });
      await test.api().get('/v1/sources/nobody/health').expect(404);
    });
  });

  describe('are kept by days', () => {
    const days = async () =>
      (
        await rowsOf<{ day: string }>(
          test.databaseUrl,
          `select right(c.relname, 8) as day from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'inbox'::regclass order by 1`,
        )
      ).map(({ day }) => day);
    const dayOf = (offset: number) =>
      new Date(test.clock.now() + offset * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');

    it('made ahead, and dropped when they are older than is kept, with what is known of their events', async () => {
      const worker = test.app.get(InboxDaysWorker);
      await wms.send(event('old-1')).expect(202);
      const old = dayOf(0);
      // As if it had been applied: what is not settled is not dropped.
      await rowsOf(test.databaseUrl, 'delete from inbox_waiting');
      await rowsOf(test.databaseUrl, `update event_outcome set status = 'applied' where status <> 'applied'`);
      await rowsOf(
        test.databaseUrl,
        `update exception set status = 'resolved', resolved_at = now() where status = 'open'`,
      );
      await worker.look();
      expect(await days()).toEqual(expect.arrayContaining([old, dayOf(1), dayOf(2), dayOf(3)]));
      test.clock.advance(90 * DAY_MS);
      await worker.look();
      expect(await days()).toContain(old); // it is 90 days old, and no more
      test.clock.advance(DAY_MS);
      await worker.look();
      expect(await days()).not.toContain(old);
      expect(await days()).toContain(dayOf(3));
      // Known no more, so it is new again.
      expect((await wms.send(event('old-1')).expect(202)).body.events[0].status).toBe('received');
    });

    it('and not dropped while something of them is not settled', async () => {
      const worker = test.app.get(InboxDaysWorker);
      const { body } = await wms.send('[null]').expect(202);
      const day = dayOf(0);
      test.clock.advance(91 * DAY_MS);
      await worker.look();
      expect(await days()).toContain(day);
      await test.api().get(`/v1/events/${body.events[0].id}`).expect(200);
    });
  });
});
