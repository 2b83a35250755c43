import { Redis } from 'ioredis';
import { prepareRedis, startRedis } from '../test/support/redis.js';

/** A Redis of the bench's own. It writes nothing to disk: the service keeps nothing there that it could not lose. */
export class BenchRedis {
  private constructor(
    readonly url: string,
    readonly pid: number,
    readonly version: string,
    private readonly client: Redis,
    private readonly end: () => Promise<void>,
  ) {}

  /** As root on Debian, installs a Redis where there is none. Else throws, and says what to do. */
  static async start(): Promise<BenchRedis> {
    await prepareRedis();
    const server = await startRedis({ mayStop: true });
    const client = new Redis(server.url);
    const about = await client.info('server');
    const pid = Number(/^process_id:(\d+)/m.exec(about)?.[1]);
    const version = /^redis_version:(\S+)/m.exec(about)?.[1] ?? '';
    return new BenchRedis(server.url, pid, version, client, () => server.stop());
  }

  async set(values: ReadonlyMap<string, string>): Promise<void> {
    await this.client.mset(values);
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await this.end();
  }
}
