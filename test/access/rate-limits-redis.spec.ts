import fc from 'fast-check';
import { Redis } from 'ioredis';
import { givenBack, owedAt, type Policy, policy, take } from '../../src/access/gcra.js';
import { Processes } from '../../src/access/processes.worker.js';
import { limitsOf } from '../../src/access/rate-limit.js';
import { TAKE } from '../../src/access/rate-limiter.script.js';
import { RateLimiter } from '../../src/access/rate-limiter.service.js';
import { RedisLink } from '../../src/redis/redis.link.js';
import { until } from '../engine/crowd.js';
import { atOnce, type Fleet, startFleet, tally } from '../engine/fleet.js';
import type { TestApp } from '../support/app.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import { limitedChannel, slow } from './limited.js';

type WithTake = Redis & { take(keys: number, ...args: (string | number)[]): Promise<number[]> };

describeWithRedis('the script that takes from budgets', () => {
  let server: TestRedis;
  let redis: WithTake;
  let made = 0;
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url) as WithTake;
    redis.defineCommand('take', { lua: TAKE });
  });
  afterAll(async () => {
    redis?.disconnect();
    await server?.stop();
  });

  const numbersOf = (policies: readonly Policy[]) => policies.flatMap(({ quota, interval }) => [quota, interval]);
  const keys = (count: number) => Array.from({ length: count }, () => `{budgets}:${++made}`);

  it('decides to the microsecond as the rule does, whatever is asked of whichever budgets', async () => {
    // Windows from a tenth of a millisecond to a minute, so that in some of them budgets come back while we ask.
    const aPolicy = fc
      .tuple(fc.integer({ min: 1, max: 1_000 }), fc.constantFrom(0.0001, 0.001, 0.01, 1, 60))
      .map(([quota, seconds]) => policy(quota, seconds));
    const costs = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });
    const step = fc.record({ costs, back: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 })) });
    const requests = fc.array(step, { minLength: 1, maxLength: 8 });
    const budgets = fc
      .integer({ min: 1, max: 3 })
      .chain((n) => fc.array(aPolicy, { minLength: 2 * n, maxLength: 2 * n }));
    await fc.assert(
      fc.asyncProperty(budgets, requests, async (policies, steps) => {
        const names = keys(policies.length / 2);
        const wholeAt = policies.map(() => 0);
        // The last step takes nothing, and says what the one before has left.
        for (const { costs, back } of [...steps, { costs: [], back: 0 }]) {
          const answer = await redis.take(names.length, ...names, costs.join(' '), back, ...numbersOf(policies));
          const [now, ...owed] = answer as [number, ...number[]];
          const before = policies.map((each, i) => owedAt(each, wholeAt[i] as number, now));
          expect(owed).toEqual(policies.map((each, i) => givenBack(each, before[i] as number, back)));
          for (const [i, each] of owed.entries()) wholeAt[i] = now + each;
          for (const cost of costs) take(policies, wholeAt, cost, now);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keeps nothing longer than it takes until the budgets are whole', async () => {
    const names = keys(2);
    const policies = [policy(10, 0.01), policy(10, 0.02), policy(10, 60), policy(10, 3_600)];
    await redis.take(2, ...names, 5, 0, ...numbersOf(policies));
    expect(await redis.pttl(names[1] as string)).toBeGreaterThan(1_790_000);
    expect(await redis.pttl(names[1] as string)).toBeLessThanOrEqual(1_800_001);
    await until('the first is gone', async () => (await redis.exists(names[0] as string)) === 0);
  });

  it.each([
    ['a text', (key: string) => redis.set(key, 'not ours')],
    ['a hash', (key: string) => redis.hset(key, 'a', 'b')],
    ['a time in a thousand years', (key: string) => redis.set(key, '33352300800000000 33352300800000000')],
  ])('takes %s that stands in its place for a budget that is whole', async (_, plant) => {
    const [name] = keys(1);
    await plant(name as string);
    const budgets = numbersOf([policy(10, 60), policy(10, 60)]);
    const answer = await redis.take(1, name as string, 10, 0, ...budgets);
    expect(answer.slice(1)).toEqual([0, 0]);
    expect((await redis.take(1, name as string, 1, 0, ...budgets))[1]).toBeGreaterThan(54_000_000);
  });
});

describeWithRedis(
  'a limit that processes count together in Redis',
  () => {
    let redis: TestRedis;
    let fleet: Fleet;
    beforeAll(async () => {
      redis = await startRedis({ mayStop: true });
      fleet = await startFleet(2, { redisUrls: [redis.url, redis.url] });
      await Promise.all(fleet.apps.map((app) => app.app.get(Processes).beat()));
    });
    beforeEach(connected);
    afterAll(async () => {
      await fleet?.close();
      await redis?.kill();
    });

    const linkOf = (app: TestApp) => app.app.get(RedisLink);
    function connected(): Promise<void> {
      return until('Redis is there', () => fleet.apps.every((app) => linkOf(app).up));
    }
    /** Asks both processes in turn. */
    const reading = async (ofChannel: object) => {
      const { api, sku } = await limitedChannel(fleet.first, { ofChannel });
      const { key } = api as unknown as { key: string };
      return (app: TestApp = fleet.next()) => app.api(key).get(`/v1/availability/${sku}`);
    };
    const modeOf = async (app: TestApp) => {
      const limits = limitsOf([
        { name: 'client', key: `{mode}`, limit: { requestsPerMinute: 100_000, burst: 100_000 } },
      ]);
      return (await app.app.get(RateLimiter).take(limits as never, 1)).mode;
    };

    it('of 50 lets exactly 50 of 500 through one process', async () => {
      const read = await reading(slow(50));
      expect(tally(await atOnce(500, () => read(fleet.first)))).toEqual({ 200: 50, '429 rate_limited': 450 });
    });

    it('of 50 lets exactly 50 of 500 through two processes', async () => {
      const read = await reading(slow(50));
      expect(tally(await atOnce(500, () => read()))).toEqual({ 200: 50, '429 rate_limited': 450 });
    });

    it('lets exactly as many through as were agreed when it has given some of them in advance, to two processes', async () => {
      const { api, sku } = await limitedChannel(fleet.first, { ofChannel: slow(2_000) });
      const { key } = api as unknown as { key: string };
      const statuses: number[] = [];
      const ask = async (app: TestApp, times: number) => {
        for (let i = 0; i < times; i += 1) {
          const { status } = await app.api(key).get(`/v1/availability/${sku}`);
          statuses.push(status);
        }
      };
      // Each sends one after the other, on several connections: enough of them to be given more than it asks for.
      await Promise.all([...Array(8).keys()].map((i) => ask(fleet.apps[i % 2] as TestApp, 300)));
      expect(statuses.filter((status) => status === 200)).toHaveLength(2_000);
      expect(statuses.filter((status) => status === 429)).toHaveLength(400);
    });

    it('charges nothing in either budget for what one of them refuses', async () => {
      const { api, sku } = await limitedChannel(fleet.first, { ofChannel: slow(50), ofClient: slow(5) });
      const answers = await atOnce(40, () => api.get(`/v1/availability/${sku}`));
      expect(tally(answers)).toEqual({ 200: 5, '429 rate_limited': 35 });
      const left = answers.flatMap(
        ({ headers }) => /"channel-burst";r=(\d+)/.exec(headers.ratelimit as string)?.[1] ?? [],
      );
      expect(left.map(Number).sort((a, b) => b - a)).toEqual([49, 48, 47, 46, 45]);
    });

    it('fails no request when Redis is killed among them', async () => {
      const read = await reading({ requestsPerMinute: 100_000, burst: 10_000 });
      const answers = atOnce(300, () => read());
      await redis.kill();
      const later = atOnce(100, () => read());
      expect(tally([...(await answers), ...(await later)])).toEqual({ 200: 400 });
      await redis.restart();
    });

    it('lets no more through than was agreed while Redis is away: each process its share', async () => {
      const read = await reading(slow(50));
      await redis.kill();
      await until('Redis is gone', () => fleet.apps.every((app) => !linkOf(app).up));
      expect(tally(await atOnce(500, () => read()))).toEqual({ 200: 50, '429 rate_limited': 450 });
      expect(await modeOf(fleet.first)).toBe('insurance');
      await redis.restart();
      await connected();
      expect(await modeOf(fleet.first)).toBe('redis');
    });

    it('is asked for in vain once, not once a request, while Redis hangs', async () => {
      const read = await reading({ requestsPerMinute: 100_000, burst: 10_000 });
      await read(fleet.first).expect(200);
      redis.pause();
      try {
        expect(tally(await atOnce(20, () => read(fleet.first)))).toEqual({ 200: 20 });
        expect(linkOf(fleet.first).up).toBe(false);
        const asked: string[] = [];
        const client = (linkOf(fleet.first) as unknown as { redis: Redis }).redis;
        const { sendCommand } = client;
        client.sendCommand = (command, ...rest) => {
          asked.push(command.name);
          return sendCommand.call(client, command, ...rest);
        };
        expect(tally(await atOnce(50, () => read(fleet.first)))).toEqual({ 200: 50 });
        client.sendCommand = sendCommand;
        // Of budgets and of stock; a beat of the news that was under way may still say its last.
        expect(asked.filter((name) => ['eval', 'evalsha', 'hgetall'].includes(name))).toEqual([]);
      } finally {
        redis.resume();
      }
      await connected();
      expect(await modeOf(fleet.first)).toBe('redis');
    });
  },
  { mayStop: true },
);
