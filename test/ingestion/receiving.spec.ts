import { createHmac } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import request, { type Test } from 'supertest';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';
import { event, Sender, statusesOf } from './sender.js';

describe('POST /v1/ingest/{source}', () => {
  let test: TestApp;
  let wms: Sender;
  let made = 0;

  const source = async (overrides: object = {}): Promise<{ code: string; secret: string }> => {
    const body = { name: 'A source', kind: 'wms', signature: { scheme: 'standard_webhooks' }, ...overrides };
    const code = `source-${++made}`;
    return { code, secret: (await test.api().put(`/v1/sources/${code}`, body).expect(201)).body.secret };
  };
  const sender = async (overrides: object = {}): Promise<Sender> => {
    const { code, secret } = await source(overrides);
    return new Sender(test.url, code, secret, test.clock.now);
  };
  const inbox = (code: string) =>
    rowsOf<Record<string, never>>(
      test.databaseUrl,
      `select i.event_id, i.payload, i.payload_base64, i.status, i.problem ->> 'code' as problem, i.headers, i.signature,
              i.traceparent, i.content_type, e.kind
         from event i join source s on s.id = i.source_id left join exception e on e.inbox_id = i.id
        where s.code = $1 order by i.turn`,
      [code],
    );

  beforeAll(async () => {
    test = await startApp({ env: { INGEST_POLL_MS: '0' } }); // nobody applies what is looked at here
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    wms = await sender();
  });

  describe('takes', () => {
    it('one event, byte for byte, with how it was proved', async () => {
      const text = '{ "id" : "a-1", "n": 9007199254740993, "q": 1.10 }';
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const answer = await wms
        .send(text)
        .set('traceparent', traceparent)
        .set('X-Shop', 'east')
        .set('X-Api-Key', 'not to be kept')
        .expect(202);
      expect(answer.body).toEqual({
        events: [{ id: expect.stringMatching(/^evt_[0-9a-z]{26}$/), eventId: 'a-1', status: 'received' }],
      });
      expect(await inbox(wms.source)).toEqual([
        {
          event_id: 'a-1',
          payload: text,
          payload_base64: false,
          status: expect.any(String),
          problem: null,
          headers: expect.objectContaining({ 'x-shop': 'east' }),
          signature: {
            scheme: 'standard_webhooks',
            secretId: expect.stringMatching(/^sec_/),
            timestamp: expect.stringMatching(/Z$/),
          },
          traceparent,
          content_type: 'application/json',
          kind: null,
        },
      ]);
      expect(JSON.stringify(await inbox(wms.source))).not.toContain('not to be kept');
    });

    it('a list, lines, and CloudEvents one or a batch, in order', async () => {
      const events = ['l-1', 'l-2', 'l-3'].map((id) => event(id));
      expect(statusesOf(await wms.send(events).expect(202))).toEqual(['received', 'received', 'received']);
      const lines = ['n-1', 'n-2'].map((id) => JSON.stringify(event(id))).join('\n');
      const { body } = await wms.send(lines, { type: 'application/x-ndjson' }).expect(202);
      expect(body.events.map(({ eventId }: { eventId: string }) => eventId)).toEqual(['n-1', 'n-2']);
      await wms.send(event('c-1'), { type: 'application/cloudevents+json' }).expect(202);
      await wms.send([event('c-2')], { type: 'application/cloudevents-batch+json; charset=utf-8' }).expect(202);
      expect((await inbox(wms.source)).map(({ event_id }) => event_id)).toEqual([
        ...['l-1', 'l-2', 'l-3', 'n-1', 'n-2', 'c-1', 'c-2'],
      ]);
    });

    it('an empty list, and then nothing', async () => {
      expect((await wms.send([]).expect(202)).body).toEqual({ events: [] });
    });

    it('bodies that are compressed, signed before or after', async () => {
      const text = Buffer.from(JSON.stringify(event('z-1')));
      const { code, secret } = await source({ signature: { scheme: 'hmac_sha256', header: 'x-hmac' } });
      const signatureOf = (body: Buffer) => createHmac('sha256', secret).update(body).digest('base64');
      for (const [encoding, body] of [['gzip', gzipSync(text)] as const, ['deflate', deflateSync(text)] as const]) {
        for (const signed of [text, body]) {
          await post(code, body).set('Content-Encoding', encoding).set('X-Hmac', signatureOf(signed)).expect(202);
        }
      }
      expect(await inbox(code)).toMatchObject([{ payload: text.toString() }]);
    });

    it('bytes that are no text, and gives them back as they were', async () => {
      const latin = Buffer.from("UNB+UNOC:3+M\xfcller+B+260301:0830+1'UNZ+0+1'", 'latin1');
      const { code, secret } = await source({
        signature: { scheme: 'hmac_sha256', header: 'x-hmac', encoding: 'hex' },
      });
      const signature = createHmac('sha256', secret).update(latin).digest('hex').toUpperCase();
      await post(code, latin).set('Content-Type', 'application/edifact').set('X-Hmac', signature).expect(202);
      const [row] = await inbox(code);
      expect(row).toMatchObject({ payload: latin.toString('base64'), payload_base64: true });
    });

    it('the same event again as a duplicate, also within one request, and counts its deliveries', async () => {
      const first = await wms.send([event('d-1'), event('d-2'), event('d-1')]).expect(202);
      expect(statusesOf(first)).toEqual(['received', 'received', 'duplicate']);
      const again = await wms.send([event('d-2'), event('d-3')]).expect(202);
      expect(statusesOf(again)).toEqual(['duplicate', 'received']);
      expect(again.body.events[0].id).toBe(first.body.events[1].id);
      expect(
        await rowsOf(
          test.databaseUrl,
          `select k.event_id, k.deliveries from inbox_key k join source s on s.id = k.source_id
            where s.code = $1 order by 1`,
          [wms.source],
        ),
      ).toEqual([
        { event_id: 'd-1', deliveries: 2 },
        { event_id: 'd-2', deliveries: 2 },
        { event_id: 'd-3', deliveries: 1 },
      ]);
    });

    it('another body under a known id as an exception, and that one again as the same exception', async () => {
      await wms.send(event('x-1')).expect(202);
      const other = event('x-1', { type: 'stock.adjusted.v1' });
      const answer = await wms.send(other).expect(202);
      expect(answer.body.events).toMatchObject([{ status: 'rejected', problem: { code: 'conflicting_duplicate' } }]);
      const again = await wms.send(other).expect(202);
      expect(again.body.events[0]).toMatchObject({ id: answer.body.events[0].id, status: 'duplicate' });
      expect(await inbox(wms.source)).toMatchObject([
        { event_id: 'x-1', kind: null },
        { event_id: 'x-1', status: 'exception', problem: 'conflicting_duplicate', kind: 'conflicting_duplicate' },
      ]);
    });

    it('what is no event as an exception, and the others all the same', async () => {
      const answer = await wms.send('[{"id":"g-1"}, null, 17, "x", , {"id":"g-2"}]').expect(202);
      const rejected = { status: 'rejected', problem: { code: 'mapping_failed' } };
      const received = { status: 'received' };
      expect(answer.body.events).toMatchObject([received, rejected, rejected, rejected, rejected, received]);
      const kinds = (await inbox(wms.source)).map(({ kind }) => kind);
      expect(kinds).toEqual([null, ...Array(4).fill('mapping_failed'), null]);
      const whole = await wms.send('[{"id":"h-1"}, {"id":').expect(202);
      expect(whole.body.events).toMatchObject([{ eventId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) }]);
    });

    it('a text with a NUL as an exception, and the others all the same', async () => {
      const answer = await wms.send(Buffer.from('["a\0b", {"id":"nul-1"}]')).expect(202);
      expect(answer.body.events).toMatchObject([
        { status: 'rejected', problem: { detail: 'An event is an object, not "a\ufffdb".' } },
        { status: 'received' },
      ]);
      expect(await inbox(wms.source)).toMatchObject([{ kind: 'mapping_failed', payload_base64: true }, { kind: null }]);
    });

    it('lines of which one breaks off, and that one by itself', async () => {
      const lines = '{"id":"o-1"}\n{"id":"o-2","data":{\n{"id":"o-3"}\n';
      const { body } = await wms.send(lines, { type: 'application/x-ndjson' }).expect(202);
      expect(body.events.map(({ eventId }: { eventId: string }) => eventId.slice(0, 7))).toEqual([
        ...['o-1', 'sha256:', 'o-3'],
      ]);
    });

    it('a document whose events are nested too deep to be cut, whole', async () => {
      const signature = { scheme: 'static_header', header: 'x-feed' };
      const { code, secret } = await source({ profile: 'epcis', signature });
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      const document = Buffer.from(`{"epcisBody":{"eventList":[{"eventID":"urn:uuid:1"},${deep}]}}`);
      expect(statusesOf(await post(code, document).set('X-Feed', secret).expect(202))).toEqual(['received']);
      expect(await inbox(code)).toMatchObject([{ payload: document.toString() }]);
    });

    it('batches that are to be applied whole as two, also under one X-Request-Id', async () => {
      const send = (id: string) => {
        const sent = wms.send([event(`${id}-1`), event(`${id}-2`)]).set('X-Request-Id', 'nightly');
        sent.url += '?atomic=true';
        return sent.expect(202);
      };
      await send('p');
      await send('q');
      const rows = await rowsOf<{ batch: string; events: string[] }>(
        test.databaseUrl,
        `select batch, array_agg(event_id order by turn) as events from inbox
          where request_id = 'nightly' group by batch order by min(turn)`,
      );
      expect(rows.map(({ events }) => events)).toEqual([
        ['p-1', 'p-2'],
        ['q-1', 'q-2'],
      ]);
    });

    it('a batch that is to be applied whole again as duplicates, beside what is new of it', async () => {
      const send = (ids: string[]) => {
        const sent = wms.send(ids.map((id) => event(id)));
        sent.url += '?atomic=true';
        return sent.expect(202);
      };
      const first = await send(['w-1', 'w-2']);
      expect(statusesOf(first)).toEqual(['received', 'received']);
      const again = await send(['w-1', 'w-3', 'w-3']);
      expect(statusesOf(again)).toEqual(['duplicate', 'received', 'duplicate']);
      expect(again.body.events[0].id).toBe(first.body.events[0].id);
      expect(again.body.events[2].id).toBe(again.body.events[1].id);
      expect((await inbox(wms.source)).map(({ event_id }) => event_id)).toEqual(['w-1', 'w-2', 'w-3']);
    });

    it('an id that cannot be kept as an exception', async () => {
      const ids = ['', 'a\u0000b', 'a\nb', 'x'.repeat(256)];
      const { body } = await wms.send(ids.map((id) => event(id))).expect(202);
      for (const { status, eventId } of body.events) {
        expect([status, eventId.slice(0, 7)]).not.toEqual(['received', '']);
        expect(eventId).toMatch(/^sha256:/);
      }
    });

    it('10,000 events at once', async () => {
      const events = Array.from({ length: 10_000 }, (_, i) => event(`k-${i}`));
      expect(statusesOf(await wms.send(events).expect(202)).filter((status) => status === 'received')).toHaveLength(
        10_000,
      );
      const [{ count }] = (await rowsOf<{ count: string }>(
        test.databaseUrl,
        'select count(*) from inbox i join source s on s.id = i.source_id where s.code = $1',
        [wms.source],
      )) as [{ count: string }];
      expect(Number(count)).toBe(10_000);
    });
  });

  describe('refuses', () => {
    /** Nothing of a request that is refused is kept. */
    const refused = async (code: string, answer: Test, status: number, problem: string) => {
      expect((await answer.expect(status)).body).toMatchObject({ code: problem, detail: expect.any(String) });
      expect(await inbox(code)).toEqual([]);
    };

    it('a source that there is not', async () => {
      await refused('nobody', new Sender(test.url, 'nobody', wms.secret).send(event('1')), 404, 'not_found');
    });

    it('a header with a name that every object has', async () => {
      const { code } = await source({ signature: { scheme: 'static_header', header: 'constructor' } });
      expect((await post(code, Buffer.from('{"id":"a"}')).expect(401)).body.code).toBe('signature_invalid');
    });

    it('a signature by another secret, over another body, or none', async () => {
      const other = await sender();
      await refused(wms.source, wms.send(event('1'), { secret: other.secret }), 401, 'signature_invalid');
      const signed = wms.send(event('1'));
      const { header } = signed as unknown as { header: Record<string, string> };
      await refused(wms.source, post(wms.source, JSON.stringify(event('2'))).set(header), 401, 'signature_invalid');
      await refused(wms.source, post(wms.source, '{}'), 401, 'signature_invalid');
      const bare = post(wms.source, '{}').set(header).set('webhook-signature', 'v1,');
      await refused(wms.source, bare, 401, 'signature_invalid');
    });

    it.each([-301, 301])('what was signed %i s from now', async (seconds) => {
      const signedAt = test.clock.now() + seconds * 1_000;
      await refused(wms.source, wms.send(event('1'), { signedAt }), 401, 'timestamp_out_of_tolerance');
      const almost = test.clock.now() + Math.sign(seconds) * 298_000;
      expect(statusesOf(await wms.send(event('1'), { signedAt: almost }).expect(202))).toEqual(['received']);
    });

    it('a batch that is to be applied whole where another body is known under an id of it, and keeps its neighbours', async () => {
      const send = (events: unknown[], query = '?atomic=true') => {
        const sent = wms.send(events);
        sent.url += query;
        return sent;
      };
      const other = event('a-2', { type: 'stock.adjusted.v1' });
      await wms.send(event('a-2')).expect(202);
      const batch = [event('a-1'), other, event('a-3'), event('a-1', { type: 'stock.adjusted.v1' })];
      const [answer, ...neighbours] = await Promise.all([send(batch), send([event('a-4')]), send([event('a-5')], '')]);
      expect(answer?.status).toBe(400);
      expect(answer?.body).toMatchObject({
        code: 'validation_failed',
        errors: [
          { pointer: '/1', code: 'conflicting_duplicate', detail: expect.stringContaining('under the id a-2.') },
          { pointer: '/3', code: 'conflicting_duplicate', detail: expect.stringContaining('under the id a-1.') },
        ],
      });
      expect(neighbours.map(statusesOf)).toEqual([['received'], ['received']]);
      expect((await inbox(wms.source)).map(({ event_id }) => event_id).sort()).toEqual(['a-2', 'a-4', 'a-5']);
      // By itself it is kept as an exception, and still stands in the way.
      await wms.send(other).expect(202);
      const { body } = await send([other, event('a-6')]).expect(400);
      expect(body.errors).toMatchObject([{ pointer: '/0', code: 'conflicting_duplicate' }]);
      expect(await inbox(wms.source)).toHaveLength(4);
      expect(statusesOf(await send([event('a-1'), event('a-3')]).expect(202))).toEqual(['received', 'received']);
    });

    it('10,001 events', async () => {
      const events = Array.from({ length: 10_001 }, (_, i) => ({ id: `t-${i}` }));
      await refused(wms.source, wms.send(events), 413, 'payload_too_large');
    });

    it('5 MB of nulls', async () => {
      const nulls = `[${'null,'.repeat(1_000_000)}null]`;
      await refused(wms.source, wms.send(nulls), 413, 'payload_too_large');
    });

    it.each([['application/json'], ['text/plain'], ['application/edi-x12']])('more than 5 MiB of %s', async (type) => {
      await refused(wms.source, wms.send(Buffer.alloc(5 * 1024 * 1024 + 1, 0x20), { type }), 413, 'payload_too_large');
    });

    it('a bomb, without inflating it', async () => {
      const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
      expect(bomb.length).toBeLessThan(300_000);
      const answer = wms.send(bomb).set('Content-Encoding', 'gzip');
      await refused(wms.source, answer, 413, 'payload_too_large');
    });

    it('what is not compressed as it says, or in a way we do not take', async () => {
      const wrong = wms.send(event('1')).set('Content-Encoding', 'gzip');
      await refused(wms.source, wrong, 400, 'validation_failed');
      await refused(wms.source, wms.send(event('1')).set('Content-Encoding', 'br'), 415, 'unsupported_media_type');
    });

    it('an empty body, and a form', async () => {
      await refused(wms.source, wms.send(''), 400, 'validation_failed');
      const form = wms.send('a=b', { type: 'application/x-www-form-urlencoded' });
      await refused(wms.source, form, 415, 'unsupported_media_type');
    });

    it('more requests than the source may send, and says when to come again', async () => {
      const limited = await sender({ rateLimit: { requestsPerMinute: 1, burst: 2 } });
      await limited.send(event('1'), { secret: wms.secret }).expect(401); // whoever cannot sign uses up nothing
      await limited.send(event('1')).expect(202);
      await limited.send(event('2')).expect(202);
      const { body, headers } = await limited.send(event('3')).expect(429);
      expect(body.code).toBe('rate_limited');
      expect(Number(headers['retry-after'])).toBeGreaterThan(30);
    });
  });

  describe('believes', () => {
    const proofs: [string, object, (body: Buffer, secret: string) => [string, string]][] = [
      [
        'an HMAC in base64, as Shopify sends it',
        { scheme: 'hmac_sha256', header: 'X-Shopify-Hmac-Sha256' },
        (body, secret) => ['x-shopify-hmac-sha256', createHmac('sha256', secret).update(body).digest('base64')],
      ],
      [
        'an HMAC in hex, also behind sha256=',
        { scheme: 'hmac_sha256', header: 'x-hub-signature-256', encoding: 'hex' },
        (body, secret) => ['X-Hub-Signature-256', `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`],
      ],
      ['a header', { scheme: 'static_header', header: 'X-Token' }, (_, secret) => ['X-Token', secret]],
      [
        'a password',
        { scheme: 'basic', username: 'wms' },
        (_, secret) => ['Authorization', `Basic ${Buffer.from(`wms:${secret}`).toString('base64')}`],
      ],
    ];

    it.each(proofs)('%s, and no other', async (_, signature, proof) => {
      const { code, secret } = await source({ signature, secret: 'a secret that the vendor chose' });
      const body = Buffer.from(JSON.stringify(event('p-1')));
      await post(code, body)
        .set(...proof(body, secret))
        .expect(202);
      const { status, headers } = await post(code, body).set(...proof(body, `${secret}.`));
      expect(status).toBe(401);
      expect(headers['www-authenticate'] !== undefined).toBe((signature as { scheme: string }).scheme === 'basic');
      await post(code, body).expect(401);
    });

    it('both secrets while a rotation lasts, and then the new one only', async () => {
      const first = wms.secret;
      const rotation = await test.api().post(`/v1/sources/${wms.source}/rotate-secret`, { overlapSeconds: 600 });
      wms.secret = rotation.body.secret;
      await wms.send(event('r-1')).expect(202);
      await wms.send(event('r-2'), { secret: first }).expect(202);
      test.clock.advance(600_000);
      await wms.send(event('r-3'), { secret: first }).expect(401);
      await wms.send(event('r-3')).expect(202);
    });

    it('a secret that another process has rotated in mid-stream, at once', async () => {
      const other = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
      try {
        const there = new Sender(other.url, wms.source, wms.secret, test.clock.now);
        await there.send(event('s-0')).expect(202);
        test.clock.advance(501); // a copy fresher than that is not read again
        const rotation = await test.api().post(`/v1/sources/${wms.source}/rotate-secret`, {});
        await there.send(event('s-1')).expect(202);
        await there.send(event('s-2'), { secret: rotation.body.secret }).expect(202);
      } finally {
        await other.close();
      }
    });
  });

  it('says when a source was last heard of, by valid events only', async () => {
    const heard = async () => (await test.api().get(`/v1/sources/${wms.source}`)).body.lastHeardAt;
    await wms.send('[null]').expect(202);
    expect(await heard()).toBeNull();
    await wms.send(event('1')).expect(202);
    for (let tries = 0; tries < 50 && (await heard()) === null; tries += 1);
    expect(await heard()).toBe(new Date(test.clock.now()).toISOString());
  });

  it('keeps one of each event that four senders bring at once, in any order, some with another body', async () => {
    const events = Array.from({ length: 300 }, (_, i) => event(`m-${i}`));
    const answers = await Promise.all(
      [0, 1, 2, 3].flatMap((who) =>
        [0, 1, 2].map((turn) => {
          const mine = events.map((each, i) => (who === 3 && i % 10 === 0 ? { ...each, type: 'other' } : each));
          const from = (who * 70 + turn * 110) % 300;
          return wms.send([...mine.slice(from), ...mine.slice(0, from)]).expect(202);
        }),
      ),
    );
    const statuses = answers.flatMap(statusesOf);
    // Of 30 ids there are two bodies, whichever came first; of each body one is kept.
    expect(statuses.filter((status) => status === 'received')).toHaveLength(300);
    expect(statuses.filter((status) => status === 'rejected')).toHaveLength(30);
    const [counts] = await rowsOf(
      test.databaseUrl,
      `select count(*)::int as keys, sum(deliveries)::int as deliveries,
              (select count(*)::int from inbox where source_id = s.id) as kept,
              (select count(*)::int from exception where source_id = s.id and kind = 'conflicting_duplicate') as conflicts
         from inbox_key k join source s on s.id = k.source_id where s.code = $1 group by s.id`,
      [wms.source],
    );
    expect(counts).toEqual({ keys: 330, deliveries: 3_600, kept: 330, conflicts: 30 });
  });

  it('keeps one of an event that fifty send at the same moment, and tells the others its id', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => wms.send(event('f-1')).expect(202)));
    const told = answers.map(({ body }) => body.events[0]);
    expect(told.filter(({ status }) => status === 'received')).toHaveLength(1);
    expect(told.filter(({ status }) => status === 'duplicate')).toHaveLength(49);
    expect(new Set(told.map(({ id }) => id)).size).toBe(1);
    expect(await inbox(wms.source)).toHaveLength(1);
  });

  it('makes the day it needs, and knows an event from the day before', async () => {
    await wms.send(event('y-1')).expect(202);
    test.clock.advance(2 * 86_400_000);
    expect(statusesOf(await wms.send([event('y-1'), event('y-2')]).expect(202))).toEqual(['duplicate', 'received']);
  });

  function post(code: string, body: Buffer | string): Test {
    return request(test.url)
      .post(`/v1/ingest/${code}`)
      .set('Content-Type', 'application/json')
      .serialize((sent: unknown) => sent as string)
      .send(body as never);
  }
});
