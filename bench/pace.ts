import { Redis } from 'ioredis';
import { skuOf } from './cases.js';
import { type Quantiles, quantilesOf } from './statistics.js';
import { Connection, REQUESTS, type Taker, type Work } from './wire.js';

/**
 * An open loop, in a process of its own: requests are sent at a fixed rate whether or not the ones before are answered,
 * and each waits since the moment it was due, also where it was this process that sent it late. So a service that stalls
 * is seen to stall. How late we were ourselves is told apart.
 */

export interface Paced {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly streams: readonly Stream[];
  readonly seconds: number;
}

export interface Stream {
  readonly name: string;
  readonly work: Work;
  readonly key: string;
  /** Of the key, where it is not `bench`. */
  readonly channel?: string;
  /** Requests a second. */
  readonly rate: number;
  /** Items that are asked for, each as likely as the others; of a watched stream, those watched, in turn. */
  readonly items: number | readonly WatchedItem[];
  readonly watch?: Watch;
}

/** An item that nothing else changes meanwhile. */
export interface WatchedItem {
  readonly id: number;
  readonly sku: string;
}

/** Where it is looked for what the requests of a stream have changed. */
export interface Watch {
  /** Of the service that is asked over and over until it shows the new version, and a key for it. */
  readonly url: string;
  readonly key: string;
  /** A Redis whose messages are listened to: they are sent in the same script that writes its entries. */
  readonly redisUrl: string;
}

/** Of one stream, in milliseconds. */
export interface Waited extends Quantiles {
  readonly name: string;
  /** How late requests were sent. Included in the quantiles, which count from when they were due. */
  readonly late: Quantiles;
  /** How many answers of each status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Of a watched stream: each request that was accepted. */
  readonly seen: readonly Seen[];
}

/** When, in milliseconds since 1970, to the microsecond. */
export interface Seen {
  readonly item: number;
  readonly due: number;
  readonly inRedis: number;
  /** The first answer that showed it was there. */
  readonly atService: number;
}

/** How often it is looked what is due, and whether a change shows, in milliseconds. */
const LOOK_MS = 1;
const WATCH_MS = 1;
/**
 * Connections, opened before the first request is due, as clients keep theirs; more requests wait for one, and that is part of
 * what they wait. Opened one by one as they were needed, they were what was measured: at 5,000 requests a second the first 100 ms
 * of a round went by with it, and each stall of a moment opened hundreds more.
 */
const CONNECTIONS = 256;
/** Milliseconds from then to the first request, in which the service is done with having taken them. */
const SETTLE_MS = 250;
/** Of those who look whether a change shows: a few dozen are watched a second. */
const WATCHING = 32;
/** Milliseconds after the last request was due in which all must be answered and seen. */
const PATIENCE_MS = 30_000;

/** Connections to one service. */
class Pool {
  private readonly free: Connection[] = [];
  private readonly waiting: [string, Taker][] = [];
  /** Who is told when the connection is lost. */
  private readonly underWay = new Map<Connection, Taker>();

  static async open(port: number, connections: number): Promise<Pool> {
    const pool = new Pool();
    await Promise.all(Array.from({ length: connections }, () => pool.connect(port)));
    return pool;
  }

  ask(request: string, taker: Taker): void {
    const connection = this.free.pop();
    if (connection) this.use(connection, request, taker);
    else this.waiting.push([request, taker]);
  }

  end(): void {
    for (const connection of this.free) connection.end();
  }

  /** Has one answer, so that the service has taken it as well. */
  private connect(port: number): Promise<void> {
    const opening = `GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    return new Promise((resolve) => {
      const connection: Connection = new Connection(
        port,
        (why) => this.underWay.get(connection)?.(why, ''),
        () => {
          const at = this.free.indexOf(connection);
          if (at >= 0) this.free.splice(at, 1);
        },
      );
      this.use(connection, opening, () => resolve());
    });
  }

  private use(connection: Connection, request: string, taker: Taker): void {
    this.underWay.set(connection, taker);
    connection.ask(request, (status, body) => {
      const next = this.waiting.shift();
      if (next) this.use(connection, ...next);
      else this.free.push(connection);
      taker(status, body);
    });
  }
}

/** Looks until a change shows, at a service and in Redis. */
class Watcher {
  private readonly request: (sku: string) => string;
  private readonly redis: Redis;
  private readonly versions = new Map<string, number>();
  private readonly heard = new Map<number, (at: number) => void>();

  private constructor(
    { key, redisUrl }: Watch,
    port: number,
    private readonly pool: Pool,
  ) {
    this.request = REQUESTS.read(key, port);
    this.redis = new Redis(redisUrl, { lazyConnect: true });
    // `<process>\n<count>\nstock\n<item>\n…`
    this.redis.on('pmessage', (_pattern, _channel, message: string) => {
      const [, , kind, item] = message.split('\n', 4);
      if (kind === 'stock') this.heard.get(Number(item))?.(performance.now());
    });
  }

  /** Reads the versions that the items have now, so that they stand where they are looked for. */
  static async of(watch: Watch, items: readonly WatchedItem[]): Promise<Watcher> {
    const port = Number(new URL(watch.url).port);
    const watcher = new Watcher(watch, port, await Pool.open(port, WATCHING));
    await watcher.redis.psubscribe('hf:*:news');
    for (const { sku } of items) watcher.versions.set(sku, await watcher.version(sku));
    return watcher;
  }

  /** To be called before the change is asked for. `inRedis`: Infinity, it was never heard of. */
  async follow({ id, sku }: WatchedItem, answered: Promise<unknown>): Promise<{ inRedis: number; atService: number }> {
    let inRedis = Number.POSITIVE_INFINITY;
    const message = new Promise<void>((resolve) => {
      this.heard.set(id, (at) => {
        inRedis = Math.min(inRedis, at);
        resolve();
      });
    });
    await answered;
    const before = this.versions.get(sku) as number;
    for (let version = before; version <= before; ) {
      version = await this.version(sku);
      this.versions.set(sku, version);
      if (version <= before) await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    }
    const atService = performance.now();
    await message;
    this.heard.delete(id);
    return { inRedis, atService };
  }

  end(): void {
    this.pool.end();
    this.redis.disconnect();
  }

  private version(sku: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.pool.ask(this.request(sku), (status, body) => {
        if (status === '200') resolve(JSON.parse(body).version);
        else reject(new Error(`A look at what is available was answered ${status}: ${body}`));
      });
    });
  }
}

/** One stream under way. */
class Running {
  readonly latencies: number[] = [];
  readonly late: number[] = [];
  readonly statuses: Record<string, number> = {};
  readonly seen: Promise<Seen>[] = [];
  readonly done: Promise<void>;
  private readonly total: number;
  private readonly request: (sku: string) => string;
  private sent = 0;
  private finish: () => void = () => {};

  constructor(
    readonly stream: Stream,
    readonly watcher: Watcher | undefined,
    private readonly pool: Pool,
    port: number,
    seconds: number,
    private readonly begun: number,
  ) {
    this.total = Math.floor(stream.rate * seconds);
    this.request = REQUESTS[stream.work](stream.key, port, stream.channel);
    this.done = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  /** Sends what is due. */
  send(): void {
    for (; this.sent < this.total; this.sent += 1) {
      const due = this.begun + (this.sent * 1_000) / this.stream.rate;
      const now = performance.now();
      if (due > now) return;
      this.late.push(now - due);
      const { items } = this.stream;
      if (typeof items === 'number') void this.ask(due, skuOf(1 + Math.floor(Math.random() * items)));
      else this.watch(due, items[this.sent % items.length] as WatchedItem);
    }
  }

  private ask(due: number, sku: string): Promise<void> {
    return new Promise((resolve) => {
      this.pool.ask(this.request(sku), (status) => {
        this.latencies.push(performance.now() - due);
        this.statuses[status] = (this.statuses[status] ?? 0) + 1;
        if (this.latencies.length === this.total) this.finish();
        resolve();
      });
    });
  }

  private watch(due: number, item: WatchedItem): void {
    const followed = (this.watcher as Watcher).follow(item, this.ask(due, item.sku));
    this.seen.push(
      followed.then(({ inRedis, atService }) => {
        const { timeOrigin } = performance;
        return {
          item: item.id,
          due: timeOrigin + due,
          inRedis: timeOrigin + inRedis,
          atService: timeOrigin + atService,
        };
      }),
    );
  }
}

async function pace({ url, streams, seconds }: Paced): Promise<Waited[]> {
  const port = Number(new URL(url).port);
  const pool = await Pool.open(port, CONNECTIONS);
  const watchers = await Promise.all(
    streams.map(({ watch, items }) => (watch && typeof items === 'object' ? Watcher.of(watch, items) : undefined)),
  );
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const begun = performance.now();
  const running = streams.map((stream, index) => new Running(stream, watchers[index], pool, port, seconds, begun));
  const timer = setInterval(() => {
    for (const each of running) each.send();
  }, LOOK_MS);
  const patience = setTimeout(
    () => {
      throw new Error('Not every request was answered and seen.');
    },
    seconds * 1_000 + PATIENCE_MS,
  );
  const waited = await Promise.all(running.map(waitedOf));
  clearInterval(timer);
  clearTimeout(patience);
  pool.end();
  for (const watcher of watchers) watcher?.end();
  return waited;
}

async function waitedOf({ stream, done, latencies, late, statuses, seen }: Running): Promise<Waited> {
  await done;
  return {
    name: stream.name,
    ...quantilesOf(latencies),
    late: quantilesOf(late),
    statuses,
    seen: await Promise.all(seen),
  };
}

process.on('message', async (paced: Paced) => process.send?.(await pace(paced)));
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; who started us tells us when to end
