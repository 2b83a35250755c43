import { AccessChanges } from '../../src/access/access.changes.js';
import { mintKey } from '../../src/access/api-key.js';
import { pepperOf } from '../../src/access/pepper.js';
import { RedisLink } from '../../src/redis/redis.link.js';
import { until } from '../engine/crowd.js';
import { startApp, type TestApp } from '../support/app.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';

const LIMIT = 10;
const ENV = { FAILED_ATTEMPTS_PER_MINUTE: String(LIMIT), TRUSTED_PROXIES: '127.0.0.1' };
/** Of the right shape, and nobody's. */
const stranger = () => mintKey(pepperOf('a pepper of somebody else, of any length')).key;

let addresses = 0;
const newAddress = () => `198.51.100.${++addresses}`;

const attempt = (app: TestApp, address: string, key: string = stranger()) =>
  app.api(key).get('/v1/items').set('X-Forwarded-For', address);

const countOf = (statuses: readonly number[], status: number) => statuses.filter((each) => each === status).length;

describe('keys that nobody has', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp({ env: ENV });
  });
  afterAll(() => test.close());

  it('are refused with 429 once too many came from an address, however many come at once', async () => {
    const address = newAddress();
    const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await attempt(test, address)).status));
    expect([countOf(statuses, 401), countOf(statuses, 429)]).toEqual([LIMIT, 60 - LIMIT]);
    const { body, headers } = await attempt(test, address).expect(429);
    expect(body.code).toBe('rate_limited');
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
    await attempt(test, newAddress()).expect(401);
  });

  it('count also where they are mistyped, and not where none was sent', async () => {
    const address = newAddress();
    for (let i = 0; i < 2 * LIMIT; i += 1) {
      await test.http.get('/v1/items').set('X-Forwarded-For', address).expect(401);
    }
    for (let i = 0; i < LIMIT; i += 1) await attempt(test, address, 'hf_typo').expect(401);
    await attempt(test, address, 'hf_typo').expect(429);
  });

  it('do not hold up a key that was valid before at the same address', async () => {
    const address = newAddress();
    const { key } = await test.given.key();
    await attempt(test, address, key).expect(200);
    for (let i = 0; i < LIMIT; i += 1) await attempt(test, address).expect(401);
    await attempt(test, address).expect(429);
    await attempt(test, address, key).expect(200);
    await test.given.client(); // other changes have every key looked up again
    const other = await test.given.key();
    await test.api().delete(`/v1/keys/${other.id}`).expect(204);
    await attempt(test, address, key).expect(200);
  });

  it('count for a whole /64 of IPv6, of which one subscriber has all addresses', async () => {
    for (let i = 0; i < LIMIT; i += 1) await attempt(test, `2001:db8:5:6::${i}`).expect(401);
    await attempt(test, '2001:db8:5:6:7::1').expect(429);
    await attempt(test, '2001:db8:5:7::1').expect(401);
  });
});

describeWithRedis(
  'keys that nobody has, tried at several processes',
  () => {
    let redis: TestRedis;
    let apps: TestApp[];
    beforeAll(async () => {
      redis = await startRedis({ mayStop: true });
      // Without the copy of stock nothing but what is tested here asks Redis all the time, and finds that it hangs.
      const env = { ...ENV, AVAILABILITY_COPY: 'off' };
      const first = await startApp({ env, redisUrl: redis.url });
      apps = [first, await startApp({ env, redisUrl: redis.url, databaseUrl: first.databaseUrl })];
    });
    afterAll(async () => {
      for (const app of apps.toReversed()) await app.close();
      await redis.stop();
    });

    it('are counted together', async () => {
      const address = newAddress();
      const statuses = await Promise.all(
        Array.from({ length: 60 }, async (_, i) => (await attempt(apps[i % 2] as TestApp, address)).status),
      );
      expect([countOf(statuses, 401), countOf(statuses, 429)]).toEqual([LIMIT, 60 - LIMIT]);
    });

    it('and what tells of revoked keys, find out once that Redis hangs, and ask it no more until it answers', async () => {
      const up = () => apps.every(({ app }) => app.get(RedisLink).up);
      await until('Redis is there', up);
      redis.pause();
      const address = newAddress();
      const attempts = Array.from({ length: 20 }, (_, i) => attempt(apps[i % 2] as TestApp, address).expect(401));
      await Promise.all(attempts);
      for (const { app } of apps) expect(app.get(RedisLink).up).toBe(false);
      await attempt(apps[0] as TestApp, address).expect(429);
      redis.resume();
      await until('Redis is there', up);
      redis.pause();
      await apps[0]?.app.get(AccessChanges).announce();
      expect(apps[0]?.app.get(RedisLink).up).toBe(false);
      redis.resume();
      await until('Redis is there', up);
    });

    it('are counted by each for itself while Redis is gone, and no valid key is refused for it', async () => {
      await redis.kill();
      const address = newAddress();
      const statuses = await Promise.all(
        Array.from({ length: 60 }, async (_, i) => (await attempt(apps[i % 2] as TestApp, address)).status),
      );
      expect([countOf(statuses, 401), countOf(statuses, 429)]).toEqual([2 * LIMIT, 60 - 2 * LIMIT]);
      const { key } = await (apps[0] as TestApp).given.key();
      await attempt(apps[1] as TestApp, newAddress(), key).expect(200);
    });
  },
  { mayStop: true },
);
