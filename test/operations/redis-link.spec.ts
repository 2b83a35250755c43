import { Redis } from 'ioredis';
import { readConfig } from '../../src/config.js';
import { connect } from '../../src/redis/redis.connection.js';
import { RedisLink } from '../../src/redis/redis.link.js';
import { until } from '../engine/crowd.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';

describeWithRedis(
  'the link to Redis',
  () => {
    let server: TestRedis;
    let admin: Redis;
    const open: { redis: Redis; link: RedisLink }[] = [];
    beforeAll(async () => {
      server = await startRedis({ mayStop: true });
      admin = new Redis(server.url, { retryStrategy: () => 20 });
      admin.on('error', () => {}); // it is stopped on purpose
    });
    afterEach(() => {
      for (const { redis, link } of open.splice(0)) {
        link.onApplicationShutdown();
        redis.disconnect();
      }
    });
    afterAll(async () => {
      admin?.disconnect();
      await server?.kill();
    });

    /** `refused`: what INFO was answered where it was an error. */
    const linkTo = () => {
      const config = readConfig({ REDIS_URL: server.url, LOG_LEVEL: 'silent' });
      const redis = connect(config) as Redis;
      const refused: string[] = [];
      const info = redis.info.bind(redis) as (...given: unknown[]) => Promise<string>;
      const watch = (...given: unknown[]) =>
        info(...given).catch((error: Error) => {
          refused.push(error.message);
          throw error;
        });
      Object.assign(redis, { info: watch });
      const link = new RedisLink(config, redis);
      open.push({ redis, link });
      return { link, refused };
    };
    const asked = (link: RedisLink) => link.ask((redis) => redis.get('x'));
    const refusal = (redis: Redis) =>
      redis.get('x').then(
        () => '',
        ({ message }: Error) => message,
      );

    it('gives one name to a start of the server, and another to the next', async () => {
      const [{ link: one }, { link: other }] = [linkTo(), linkTo()];
      await until('both are up', () => one.up && other.up);
      expect(one.start).toBe(other.start);
      const { start } = one;
      await server.restart();
      await until('both are up again', () => one.up && other.up && one.start !== start && other.start !== start);
      expect(one.start).toBe(other.start);
      expect(one.losses).toBeGreaterThan(0);
    });

    it.each(['is connected', 'connects'])(
      'keeps that name while a script holds the server up, where it %s',
      async (how) => {
        const first = linkTo();
        await until('it is up', () => first.link.up);
        // Longer than an answer is waited for: then commands are no longer silent but refused.
        await admin.config('SET', 'lua-time-limit', '400');
        const script = new Redis(server.url);
        const held = script.eval('while true do end', 0).catch((error: Error) => error);
        if (how === 'is connected') await until('it is noticed', () => asked(first.link).then(() => !first.link.up));
        await until('it is busy', () => refusal(admin).then((message) => /BUSY/.test(message)));
        const watched = how === 'is connected' ? first : linkTo();
        const before = watched.refused.length;
        await until('it has asked in vain', () => watched.refused.length > before);
        expect(watched.link.up).toBe(false);
        await admin.call('SCRIPT', 'KILL');
        await held;
        script.disconnect();
        await until('it is up again', () => watched.link.up);
        expect(watched.link.start).toBe((await admin.info('server')).match(/run_id:(\w{12})/)?.[1]);
      },
    );

    it('does without a name where it may not ask for one', async () => {
      const { warn } = console;
      console.warn = () => {}; // ioredis says so too
      await admin.call('ACL', 'SETUSER', 'default', '-info');
      try {
        const { link } = linkTo();
        await until('it is up', () => link.up);
        expect(link.start).toBe('unnamed');
        expect(await link.ask((redis) => redis.ping())).toBe('PONG');
      } finally {
        await admin.call('ACL', 'SETUSER', 'default', '+info');
        console.warn = warn;
      }
    });
  },
  { mayStop: true },
);
