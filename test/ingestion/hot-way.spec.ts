import { connect } from 'node:net';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';
import { event } from './sender.js';

describe('The hot way of a plain event', () => {
  let test: TestApp;
  let made = 0;
  let code: string;
  let secret: string;
  const said = (id: string) => JSON.stringify(event(id));
  const head = (length: number | string, ...more: string[]) =>
    [`POST /v1/ingest/${code} HTTP/1.1`, 'Host: here', `X-Token: ${secret}`, `Content-Length: ${length}`, ...more].join(
      '\r\n',
    );
  const asked = (body: string, ...more: string[]) =>
    `${head(body.length, 'X-Request-Id: asked', ...more)}\r\nConnection: close\r\n\r\n${body}`;
  /** What comes back until the other side closes. Each part goes once something has come back for the one before. */
  const exchange = (...parts: string[]) =>
    new Promise<string>((resolve) => {
      let answer = '';
      const socket = connect(Number(new URL(test.url).port), '127.0.0.1');
      const next = () => {
        const part = parts.shift();
        if (part !== undefined) socket.write(part);
      };
      socket.setNoDelay().on('data', (chunk) => {
        answer += chunk;
        next();
      });
      socket.on('connect', next).on('close', () => resolve(answer));
    });
  const plain = (answer: string) =>
    answer
      .replace(/\r\nDate: .*/, '')
      .replace(/evt_\w+/, 'evt_')
      .replace(/e-\d/, 'e-');

  /** The sender's ids of what was kept, in order of arrival. */
  const kept = async () => {
    const rows = await rowsOf<{ id: string }>(
      test.databaseUrl,
      'select i.event_id as id from inbox i join source s on s.id = i.source_id where s.code = $1 order by i.turn',
      [code],
    );
    return rows.map(({ id }) => id);
  };

  beforeAll(async () => {
    test = await startApp({ env: { INGEST_POLL_MS: '0' } }); // nobody applies what is looked at here
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    code = `source-${++made}`;
    const body = { name: 'A source', kind: 'wms', signature: { scheme: 'static_header', header: 'x-token' } };
    ({ secret } = (await test.api().put(`/v1/sources/${code}`, body).expect(201)).body);
  });

  it('speaks the same HTTP as the ordinary one to the byte, also of what it refuses', async () => {
    const hot = 'Content-Type: application/json';
    const ordinary = 'Content-Type: text/plain';
    const trace = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answers = [
      await exchange(asked(said('e-1'), hot, trace)),
      await exchange(asked(said('e-2'), ordinary, trace)),
    ];
    expect(answers[0]).toMatch(/^HTTP\/1.1 202 Accepted\r\n/);
    expect(plain(answers[0] as string)).toBe(plain(answers[1] as string));
    secret = 'another';
    const refusals = [await exchange(asked(said('e-3'), hot)), await exchange(asked(said('e-3'), ordinary))];
    expect(refusals[0]).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n/);
    expect(plain(refusals[0] as string)).toBe(plain(refusals[1] as string));
    expect(await kept()).toEqual(['e-1', 'e-2']);
  });

  it('takes several requests one behind the other, also where one is in pieces, chunked, or waits for a go-ahead', async () => {
    const json = 'Content-Type: application/json';
    const bodies = ['w-1', 'w-2', 'w-3', 'w-4'].map(said);
    const [one = '', two = '', three = '', four = ''] = bodies;
    const answer = await exchange(
      `${head(one.length, json)}\r\n\r\n${one}${head(two.length, json)}\r\n\r\n${two.slice(0, 20)}`,
      `${two.slice(20)}${head(three.length, json, 'Expect: 100-continue')}\r\n\r\n`,
      three,
      `${head(0, json).replace('Content-Length: 0', 'Transfer-Encoding: chunked')}\r\nConnection: close\r\n\r\n` +
        `${four.length.toString(16)}\r\n${four}\r\n0\r\n\r\n`,
    );
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual([
      ...['HTTP/1.1 202', 'HTTP/1.1 202', 'HTTP/1.1 100', 'HTTP/1.1 202', 'HTTP/1.1 202'],
    ]);
    expect(await kept()).toEqual(['w-1', 'w-2', 'w-3', 'w-4']);
  });

  it('outlives senders that hang up before they are answered', async () => {
    const hungUp = Array.from({ length: 20 }, async (_, i) => {
      const body = said(`h-${i}`);
      const socket = connect(Number(new URL(test.url).port), '127.0.0.1').on('error', () => {});
      socket.write(`${head(body.length, 'Content-Type: application/json')}\r\n\r\n${body}`, () =>
        socket.resetAndDestroy(),
      );
      await new Promise((resolve) => socket.on('close', resolve));
    });
    await Promise.all(hungUp);
    expect(await exchange(asked(said('h-0'), 'Content-Type: application/json'))).toMatch(/"(received|duplicate)"/);
  });

  it('keeps nothing of a body that breaks off', async () => {
    const socket = connect(Number(new URL(test.url).port), '127.0.0.1');
    const body = said('t-1');
    socket.on('error', () => {}).end(`${head(body.length + 1, 'Content-Type: application/json')}\r\n\r\n${body}`);
    await new Promise((resolve) => socket.on('close', resolve).resume());
    expect(await exchange(asked(said('t-2'), 'Content-Type: application/json'))).toContain('"received"');
    expect(await kept()).toEqual(['t-2']);
  });
});
