import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'supertest';
import { until } from '../engine/crowd.js';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';
import { Feed, positionOf } from './applying-world.js';
import { event } from './sender.js';

const NDJSON = 'application/x-ndjson';

describe('POST /v1/events/import', () => {
  let test: TestApp;
  let made = 0;

  const source = async (profile = 'canonical'): Promise<string> => {
    const code = `files-${++made}`;
    const body = { name: code, kind: 'edi', profile, signature: { scheme: 'standard_webhooks' } };
    await test.api().put(`/v1/sources/${code}`, body).expect(201);
    return code;
  };
  const send = (query: string, type: string, body: string | Buffer, key: string = randomUUID()): Test =>
    test
      .api()
      .post(`/v1/events/import?${query}`)
      .set('Idempotency-Key', key)
      .set('Content-Type', type)
      .serialize((sent: unknown) => sent as string)
      .send(body as never);
  const settled = async (accepted: Test) => {
    const { body } = await accepted.expect(202);
    for (;;) {
      const { body: now } = await test.api().get(`/v1/imports/${body.id}`).expect(200);
      if (now.status === 'done' || now.status === 'failed') return now;
      await delay(20);
    }
  };
  const inbox = (code: string) =>
    rowsOf<{ event_id: string; payload: string }>(
      test.databaseUrl,
      `select i.event_id, i.payload, i.status, i.import_id, i.signature ->> 'scheme' as scheme
         from event i join source s on s.id = i.source_id where s.code = $1 order by i.turn`,
      [code],
    );

  beforeAll(async () => {
    test = await startApp({ env: { INGEST_POLL_MS: '0' } }); // nobody applies what is looked at here
  });
  afterAll(() => test.close());

  it('goes on with the trace of the request that brought the file', async () => {
    const code = await source();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await settled(send(`source=${code}`, NDJSON, JSON.stringify(event('t-1'))).set('traceparent', traceparent));
    const { data } = (await test.api().get(`/v1/events?source=${code}`).expect(200)).body;
    expect((await test.api().get(`/v1/events/${data[0].id}`).expect(200)).body).toMatchObject({ traceparent });
  });

  it('brings in lines byte for byte, in order, and says which are no events', async () => {
    const code = await source();
    const first = `{ "id": "a-1", "n": 9007199254740993 }`;
    const file = ['\ufeff', `${first}\r\n`, '\n', 'null\n', `${JSON.stringify(event('a-2'))}`].join('');
    const done = await settled(send(`source=${code}`, NDJSON, file));
    expect(done).toMatchObject({
      ...{
        kind: 'events',
        format: 'ndjson',
        source: code,
        status: 'done',
        rows: 3,
        applied: 2,
        unchanged: 0,
        failed: 1,
      },
      failures: { data: [{ line: 3, code: 'mapping_failed', detail: 'An event is an object, not null.' }] },
    });
    expect(await inbox(code)).toMatchObject([
      { event_id: 'a-1', payload: first, status: 'received', import_id: done.id, scheme: 'key' },
      { payload: 'null', status: 'exception' },
      { event_id: 'a-2', status: 'received' },
    ]);
    const again = await settled(send(`source=${code}`, NDJSON, file));
    expect(again).toMatchObject({ rows: 3, applied: 2, unchanged: 2, failed: 1 });
    expect(await inbox(code)).toHaveLength(3);
  });

  it('brings in a CSV of levels, each row as counted at the time it names', async () => {
    const code = await source();
    const file = 'sku,location,quantity,uom\nCABLE/2M,HAM,12.5,\n"A ""B""",MUC,0,XCS\nx,HAM\n';
    const done = await settled(send(`source=${code}&asOf=2026-03-01T06:00:00Z`, 'text/csv', file));
    expect(done).toMatchObject({ format: 'csv', rows: 3, applied: 2, failed: 1, failures: { data: [{ line: 4 }] } });
    expect((await inbox(code)).map(({ payload }) => JSON.parse(payload))).toMatchObject([
      {
        ...{ id: `${done.id}:2`, type: 'stock.counted.v1', time: '2026-03-01T06:00:00.000Z' },
        data: { sku: 'CABLE/2M', location: 'HAM', quantity: 12.5 },
      },
      { id: `${done.id}:3`, data: { sku: 'A "B"', location: 'MUC', quantity: 0, uom: 'XCS' } },
    ]);
  });

  it('takes a time of counting with an offset that PostgreSQL does not read', async () => {
    const code = await source();
    await settled(
      send(
        `source=${code}&asOf=${encodeURIComponent('2026-03-01T23:59:00+23:59')}`,
        'text/csv',
        'sku,location,quantity\nA,HAM,1\n',
      ),
    );
    expect(JSON.parse((await inbox(code))[0]?.payload ?? '')).toMatchObject({ time: '2026-03-01T00:00:00.000Z' });
  });

  it('brings in files of EDI, an event an interchange, in whatever characters', async () => {
    const isa = (control: number) =>
      `ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260301*0830*U*00401*00000000${control}*0*P*>~IEA*0*00000000${control}~`;
    const x12 = await source('x12');
    const done = await settled(send(`source=${x12}`, 'application/edi-x12', `${isa(1)}\n${isa(2)}\n${isa(1)}\n`));
    expect(done).toMatchObject({ rows: 3, applied: 3, unchanged: 1, failed: 0 });
    expect((await inbox(x12)).map(({ event_id }) => event_id)).toEqual([
      'SENDER/RECEIVER/000000001',
      'SENDER/RECEIVER/000000002',
    ]);
    const edifact = await source('edifact');
    const latin = Buffer.from("UNB+UNOC:3+M\xfcller+B+260301:0830+1'UNZ+0+1'", 'latin1');
    expect(await settled(send(`source=${edifact}`, 'application/edifact', latin))).toMatchObject({ applied: 1 });
  });

  it('tells lines that have no id and no time apart by where they stand, and takes none of them twice', async () => {
    const code = await source('shiphero');
    const level = (quantity: number) => JSON.stringify({ inventory: [{ sku: 'LAMP', on_hand: quantity }] });
    const done = await settled(send(`source=${code}`, NDJSON, [50, 49, 50].map(level).join('\n')));
    expect(done).toMatchObject({ rows: 3, applied: 3, unchanged: 0 });
    const names = (await inbox(code)).map(({ event_id }) => event_id.split('@')[1]);
    expect(names).toEqual([1, 2, 3].map((line) => `${done.id}:${line}`));
  });

  describe('of a CSV that is complete', () => {
    const complete = (code: string, location: string) => `source=${code}&complete=true&location=${location}`;

    it('is one snapshot of its location', async () => {
      const code = await source();
      const file = 'sku,location,quantity\nA,HAM,1\nB,HAM,2.5\n';
      const done = await settled(send(`${complete(code, 'HAM')}&asOf=2026-03-01T06:00:00Z`, 'text/csv', file));
      expect(done).toMatchObject({ status: 'done', atomic: true, rows: 2, applied: 2, unchanged: 0, failed: 0 });
      const kept = await inbox(code);
      expect(kept).toMatchObject([{ event_id: done.id, import_id: done.id }]);
      expect(JSON.parse(kept[0]?.payload ?? '')).toMatchObject({
        ...{ type: 'stock.snapshot.v1', time: '2026-03-01T06:00:00.000Z' },
        data: { complete: true, locations: ['HAM'], rows: [{ sku: 'A' }, { sku: 'B', quantity: 2.5 }] },
      });
    });

    it('fails whole where one row could be one that it omits', async () => {
      const code = await source();
      for (const row of ['B,HAM', 'B,HAM,many', 'B,MUC,1', '"B,HAM,1']) {
        const file = `sku,location,quantity\nA,HAM,1\n${row}\n`;
        expect(await settled(send(complete(code, 'HAM'), 'text/csv', file))).toMatchObject({
          ...{ status: 'failed', rows: 2, applied: 0, failed: 1, failures: { data: [{ line: 3 }] } },
          problem: { detail: expect.stringMatching(/^1 of 2 rows cannot be applied, so none was/) },
        });
      }
      const empty = await settled(send(complete(code, 'HAM'), 'text/csv', 'sku,location,quantity\n'));
      expect(empty).toMatchObject({ status: 'failed', problem: { code: 'validation_failed' } });
      expect(await inbox(code)).toEqual([]);
    });

    it('is refused where it is not clear what it omits, or is more than an event', async () => {
      const code = await source();
      const file = 'sku,location,quantity\nA,HAM,1\n';
      await send(`source=${code}&complete=true`, 'text/csv', file).expect(400);
      await send(`source=${code}&location=HAM`, 'text/csv', file).expect(400);
      await send(`source=${code}&complete=perhaps&location=HAM`, 'text/csv', file).expect(400);
      await send(complete(code, 'HAM'), NDJSON, '{}').expect(415);
      const large = Buffer.from(`sku,location,quantity\n${'A,HAM,1\n'.repeat(700_000)}`);
      await send(complete(code, 'HAM'), 'text/csv', large).expect(413);
      const key = randomUUID();
      await settled(send(complete(code, 'HAM'), 'text/csv', file, key));
      await send(`source=${code}`, 'text/csv', file, key).expect(422);
    });

    it('sets to 0 what it omits there, and nowhere else', async () => {
      const app = await startApp();
      try {
        for (const location of ['HAM', 'MUC']) await app.given.location({ code: location });
        for (const sku of ['KEPT', 'OMITTED']) {
          await app.given.item({ sku });
          for (const location of ['HAM', 'MUC']) await app.given.stock(sku, location, 5);
        }
        const feed = await Feed.of(app);
        app.clock.advance(1_000);
        const { body } = await app
          .api()
          .post(`/v1/events/import?${complete(feed.code, 'HAM')}`)
          .set('Content-Type', 'text/csv')
          .serialize((sent: unknown) => sent as string)
          .send('sku,location,quantity\nKEPT,HAM,7\n')
          .expect(202);
        const isDone = async () => (await app.api().get(`/v1/imports/${body.id}`).expect(200)).body.status === 'done';
        await until('the file is taken in', isDone);
        await feed.settle();
        const places = [
          ['KEPT', 'HAM', 7],
          ['OMITTED', 'HAM', 0],
          ['KEPT', 'MUC', 5],
          ['OMITTED', 'MUC', 5],
        ] as const;
        for (const [sku, location, onHand] of places) {
          expect(await positionOf(app, sku, location)).toMatchObject({ sku, location, onHand });
        }
        expect(await feed.states()).toEqual({ [body.id]: 'applied' });
      } finally {
        await app.close();
      }
    });
  });

  it('answers a repetition with the same key with the first import', async () => {
    const code = await source();
    const key = randomUUID();
    const first = await send(`source=${code}`, NDJSON, JSON.stringify(event('k-1')), key).expect(202);
    const again = await send(`source=${code}`, NDJSON, JSON.stringify(event('k-1')), key).expect(202);
    expect(again.body.id).toBe(first.body.id);
    await send(`source=${code}`, NDJSON, JSON.stringify(event('k-2')), key).expect(422);
  });

  it('refuses what the profile of the source does not read, unknown sources and keys that may not', async () => {
    const x12 = await source('x12');
    const { body } = await send(`source=${x12}`, NDJSON, '{}').expect(415);
    expect(body.detail).toContain('application/edi-x12');
    const code = await source();
    await send(`source=${code}`, 'application/edifact', "UNB+'").expect(415);
    await send(`source=${code}`, 'application/json', '{}').expect(415);
    await send('source=nobody', NDJSON, '{}').expect(404);
    await send(`source=${code}&asOf=yesterday`, NDJSON, '{}').expect(400);
    await send(`source=${code}&asOf=2026-W10-7T00:00:00Z`, NDJSON, '{}').expect(400);
    await send(`source=${code}`, 'text/csv', 'sku,onHand\nA,1\n').expect(400);
    const { key } = await test.given.key({ scopes: ['stock:write'] });
    await test.api(key).post(`/v1/events/import?source=${code}`).set('Content-Type', NDJSON).send('{}').expect(403);
    expect(await inbox(code)).toEqual([]);
    await test.api().post('/v1/imports?kind=events').set('Content-Type', NDJSON).send('{}').expect(400);
  });
});
