import { setTimeout as delay } from 'node:timers/promises';
import { AccessChanges } from '../../src/access/access.changes.js';
import { startApp, type TestApp } from '../support/app.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';

/** What api.md promises: 5 s with Redis, 30 s without. Here it is 5 s either way. */
const PROMISED_MS = 5_000;

/** Two processes on one database. */
async function startTwo(redisUrl?: string): Promise<{ here: TestApp; there: TestApp; close(): Promise<void> }> {
  const here = await startApp({ redisUrl });
  const there = await startApp({ redisUrl, databaseUrl: here.databaseUrl, clock: here.clock });
  const close = async () => {
    await there.close();
    await here.close();
  };
  return { here, there, close };
}

const use = async (app: TestApp, key: string) => (await app.api(key).get('/v1/items')).status;

/** Waits for the answer, not for a time: the promise is that it comes before the bound. */
async function refusedBefore(until: number, app: TestApp, key: string): Promise<boolean> {
  while (Date.now() < until) {
    if ((await use(app, key)) === 401) return true;
    await delay(50);
  }
  return false;
}

describe('a key that is revoked in one process, without Redis', () => {
  it('is refused by another within 5 seconds', async () => {
    const { here, there, close } = await startTwo();
    const { key, id } = await here.given.key();
    expect(await use(there, key)).toBe(200);
    await here.api().delete(`/v1/keys/${id}`).expect(204);
    expect(await refusedBefore(Date.now() + PROMISED_MS, there, key)).toBe(true);
    await close();
  });
});

describeWithRedis(
  'a key that is revoked in one process, with Redis',
  () => {
    let redis: TestRedis;
    let here: TestApp;
    let there: TestApp;
    let close: () => Promise<void>;
    beforeEach(async () => {
      redis = await startRedis({ mayStop: true });
      ({ here, there, close } = await startTwo(redis.url));
      await listening(there);
    });
    afterEach(async () => {
      await close();
      await redis.stop();
    });

    /** Until a message of `here` reaches `app`: its subscription stands. */
    async function listening(app: TestApp): Promise<void> {
      let heard = false;
      app.app.get(AccessChanges).onChange(() => {
        heard = true;
      });
      const until = Date.now() + 10_000;
      while (!heard && Date.now() < until) {
        await here.app.get(AccessChanges).announce();
        await delay(20);
      }
      expect(heard).toBe(true);
    }

    const hears = (app: TestApp) => new Promise<void>((resolve) => app.app.get(AccessChanges).onChange(resolve));

    it('is refused by another as soon as it hears of it, long before it would look again by itself', async () => {
      const { key, id } = await here.given.key();
      // Old messages come before this: what is remembered now, only the revocation makes forgotten.
      await delay(50);
      expect(await use(there, key)).toBe(200);
      const heard = hears(there);
      await here.api().delete(`/v1/keys/${id}`).expect(204);
      await heard;
      expect(await use(there, key)).toBe(401);
    });

    it('is refused by another after a rotation without overlap, and after the client’s addresses changed', async () => {
      const { key, id, client } = await here.given.key();
      const second = await here.given.key({ client });
      await delay(50);
      expect(await use(there, key)).toBe(200);
      expect(await use(there, second.key)).toBe(200);
      let heard = hears(there);
      await here.api().post(`/v1/keys/${id}/rotate`, { overlapSeconds: 0 }).expect(201);
      await heard;
      expect(await use(there, key)).toBe(401);
      heard = hears(there);
      await here
        .api()
        .put(`/v1/clients/${client}`, { name: 'x', allowedAddresses: ['192.0.2.1'] })
        .expect(200);
      await heard;
      expect(await use(there, second.key)).toBe(403);
    });

    it('is refused by another within the promise when Redis dies, hangs, or comes back', async () => {
      const keys = await Promise.all(Array.from({ length: 3 }, () => here.given.key()));
      const [dead, hung, back] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0]];
      const revoke = async ({ key, id }: { key: string; id: string }) => {
        expect(await use(there, key)).toBe(200);
        await here.api().delete(`/v1/keys/${id}`).expect(204);
        expect(await use(here, key)).toBe(401);
        return refusedBefore(Date.now() + PROMISED_MS, there, key);
      };
      redis.pause();
      expect(await revoke(hung)).toBe(true);
      redis.resume();
      await redis.kill();
      expect(await revoke(dead)).toBe(true);
      await redis.restart();
      await listening(there);
      expect(await revoke(back)).toBe(true);
    });
  },
  { mayStop: true },
);
