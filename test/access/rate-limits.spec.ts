import { Processes } from '../../src/access/processes.worker.js';
import { atOnce, tally } from '../engine/fleet.js';
import { startApp, type TestApp } from '../support/app.js';
import { leftIn, limitedChannel, slow } from './limited.js';

describe('a limit', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  it('is said in every answer to a key, with what is left of it', async () => {
    const { api, sku } = await limitedChannel(test, { ofChannel: { requestsPerMinute: 600, burst: 50 } });
    const policy = '"channel-burst";q=50;w=5, "channel-sustained";q=600;w=60';
    const answers = [
      await api.get(`/v1/availability/${sku}`).expect(200),
      await api.get('/v1/availability/nothing').expect(404),
      await api.get('/v1/items').expect(403),
      await api.get(`/v1/availability/${sku}?expand=everything`).expect(400),
      await api.post('/v1/reservations', { lines: [{ sku, quantity: 1 }] }).expect(201),
    ];
    expect(answers.map(({ headers }) => headers['ratelimit-policy'])).toEqual(answers.map(() => policy));
    expect(answers.map((answer) => leftIn(answer)['channel-burst'])).toEqual([49, 48, 47, 46, 40]);
  });

  it('is answered by 429 when it is used up, with the policy and the time to wait', async () => {
    const { api, sku } = await limitedChannel(test, { ofChannel: { requestsPerMinute: 6, burst: 2 } });
    await api.get(`/v1/availability/${sku}`).expect(200);
    await api.get(`/v1/availability/${sku}`).expect(200);
    const { body, headers } = await api.get(`/v1/availability/${sku}`).expect(429);
    expect(body).toMatchObject({
      type: '/problems/rate_limited',
      status: 429,
      code: 'rate_limited',
      violatedPolicies: ['channel-burst'],
    });
    expect(headers).toMatchObject({
      'retry-after': '5',
      'ratelimit-policy': '"channel-burst";q=2;w=10, "channel-sustained";q=6;w=60',
      ratelimit: '"channel-burst";r=0;t=5',
    });
    test.clock.advance(4_999);
    await api.get(`/v1/availability/${sku}`).expect(429);
    test.clock.advance(1);
    await api.get(`/v1/availability/${sku}`).expect(200);
  });

  it('of 50 lets exactly 50 of 500 through that come at once', async () => {
    const { api, sku } = await limitedChannel(test, { ofChannel: slow(50) });
    const answers = await atOnce(500, () => api.get(`/v1/availability/${sku}`));
    expect(tally(answers)).toEqual({ 200: 50, '429 rate_limited': 450 });
  });

  it('lets no more than the burst through across the edge of a window', async () => {
    const { api, sku } = await limitedChannel(test, { ofChannel: { requestsPerMinute: 60, burst: 20 } });
    test.clock.advance(59_900 - (test.clock.now() % 60_000));
    const before = await atOnce(30, () => api.get(`/v1/availability/${sku}`));
    test.clock.advance(200);
    const behind = await atOnce(30, () => api.get(`/v1/availability/${sku}`));
    expect(tally([...before, ...behind])).toEqual({ 200: 20, '429 rate_limited': 40 });
  });

  it('takes from a channel and its client together, and from neither what it refuses', async () => {
    const { api, sku, code } = await limitedChannel(test, { ofChannel: slow(50), ofClient: slow(5) });
    const answers = await atOnce(30, () => api.get(`/v1/availability/${sku}`));
    expect(tally(answers)).toEqual({ 200: 5, '429 rate_limited': 25 });
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.body.violatedPolicies).toEqual(['client-burst', 'client-sustained']);
    const neighbour = test.api((await test.given.key({ channel: code, scopes: ['availability:read'] })).key);
    expect(leftIn(await neighbour.get(`/v1/availability/${sku}`).expect(200))).toEqual({
      'channel-burst': 44,
      'channel-sustained': 44,
    });
  });

  it('counts the work: a line each of a query, five more for a hold, and all holds of a batch', async () => {
    const { api, sku } = await limitedChannel(test, { ofChannel: slow(1_000) });
    const line = { sku, quantity: 1 };
    const left = async (request: PromiseLike<{ headers: Record<string, string> }>) =>
      leftIn(await request)['channel-burst'];
    expect(await left(api.post('/v1/availability/query', { lines: Array(100).fill(line) }))).toBe(900);
    expect(await left(api.post('/v1/reservations', { lines: [line, line] }))).toBe(893);
    const batch = { reservations: [{ lines: [line] }, { lines: [line, line, line] }] };
    expect(await left(api.post('/v1/reservations/batch', batch))).toBe(879);
  });

  it('counts a line once for every ten locations of the channel', async () => {
    const { sku } = await test.given.item();
    const locations = await Promise.all(Array.from({ length: 11 }, async () => (await test.given.location()).code));
    const { code } = await test.given.channel({ locations, rateLimit: slow(100) });
    const { key } = await test.given.key({ channel: code, scopes: ['availability:read'] });
    const query = { lines: [{ sku }, { sku }, { sku }] };
    expect(leftIn(await test.api(key).post('/v1/availability/query', query))['channel-burst']).toBe(94);
  });

  it('lets a request pass that costs more than all of it, when nothing was taken before', async () => {
    const { api, sku } = await limitedChannel(test, { ofChannel: slow(10) });
    const query = { lines: Array(50).fill({ sku, quantity: 1 }) };
    await api.post('/v1/availability/query', query).expect(200);
    const { headers } = await api.post('/v1/availability/query', query).expect(429);
    expect(Number(headers['retry-after'])).toBe(600);
  });

  it('is changed live', async () => {
    const { api, sku, code } = await limitedChannel(test, { ofChannel: slow(1) });
    await api.get(`/v1/availability/${sku}`).expect(200);
    await api.get(`/v1/availability/${sku}`).expect(429);
    const { name, locations, sourcing } = (await test.api().get(`/v1/channels/${code}`)).body;
    const put = (rateLimit?: object) =>
      test.api().put(`/v1/channels/${code}`, { name, locations, sourcing, rateLimit }).expect(200);
    await put({ requestsPerMinute: 6_000, burst: 100 });
    await api.get(`/v1/availability/${sku}`).expect(200);
    await put(slow(2));
    await api.get(`/v1/availability/${sku}`);
    await api.get(`/v1/availability/${sku}`);
    await api.get(`/v1/availability/${sku}`).expect(429);
    await put(undefined);
    const { headers } = await api.get(`/v1/availability/${sku}`).expect(200);
    expect(headers).not.toHaveProperty('ratelimit');
  });

  it('of a client bound to no channel is its own', async () => {
    const { code: client } = await test.given.client({ rateLimit: slow(1) });
    const { key } = await test.given.key({ client, scopes: ['catalog:read'] });
    const { headers } = await test.api(key).get('/v1/items').expect(200);
    expect(headers['ratelimit-policy']).toBe('"client-burst";q=1;w=10, "client-sustained";q=1;w=60');
    await test.api(key).get('/v1/items').expect(429);
  });

  it('is not there, nor said, for keys that nothing limits, for no key, and for the pages of the service', async () => {
    const { api, sku } = await limitedChannel(test, {});
    const answers = [
      await api.get(`/v1/availability/${sku}`).expect(200),
      await test.api().get('/v1/items').expect(200),
      await test.http.get('/v1/items').expect(401),
      ...(await Promise.all(
        ['/health/live', '/metrics', '/openapi/v1.json', '/docs', '/problems'].map((path) =>
          test.http.get(path).expect(200),
        ),
      )),
    ];
    for (const { headers } of answers) {
      expect(headers).not.toHaveProperty('ratelimit');
      expect(headers).not.toHaveProperty('ratelimit-policy');
    }
  });

  it('is counted by channel and policy', async () => {
    const { api, sku, code } = await limitedChannel(test, { ofChannel: slow(2) });
    await atOnce(5, () => api.get(`/v1/availability/${sku}`));
    const { text } = await test.http.get('/metrics').expect(200);
    const counted = (metric: string, labels: string) =>
      Number(new RegExp(`^${metric}\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1]);
    const decisions = 'holdfast_rate_limit_decisions_total';
    expect(counted(decisions, `channel="${code}",outcome="accepted",mode="process"`)).toBe(2);
    expect(counted(decisions, `channel="${code}",outcome="limited",mode="process"`)).toBe(3);
    expect(counted('holdfast_rate_limited_total', `channel="${code}",policy="channel-burst"`)).toBe(3);
  });

  it('that one channel exceeds ten times over costs another channel nothing', async () => {
    const edi = await limitedChannel(test, { ofChannel: slow(60) });
    const web = await limitedChannel(test, { ofChannel: slow(700) });
    const hold = ({ api, sku }: typeof web) => api.post('/v1/reservations', { lines: [{ sku, quantity: 1 }] });
    // A hold costs 6: ten times what EDI may, in between a hundred of the web shop.
    const answers = await atOnce(200, (i) => hold(i % 2 === 0 ? edi : web));
    expect(tally(answers.filter((_, i) => i % 2 === 0))).toEqual({ 201: 10, '429 rate_limited': 90 });
    expect(tally(answers.filter((_, i) => i % 2 === 1))).toEqual({ 201: 100 });
  });

  it('lets each of two processes have its half, when there is no Redis in which they could count together', async () => {
    const { api, sku } = await limitedChannel(test, { ofChannel: slow(50) });
    const { key } = api as unknown as { key: string };
    const other = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
    try {
      await test.app.get(Processes).beat();
      const [here, there] = [test, other].map((app) => app.api(key));
      const answers = await atOnce(200, (i) => (i % 2 === 0 ? here : there)?.get(`/v1/availability/${sku}`) as never);
      expect(tally(answers)).toEqual({ 200: 50, '429 rate_limited': 150 });
    } finally {
      await other.close();
    }
    await test.app.get(Processes).beat();
    expect(test.app.get(Processes).running).toBe(1);
  });
});
