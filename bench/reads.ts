import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bare } from './bare.js';
import { skuOf } from './cases.js';
import { cpuOf, cpuOfEndedChildren, type Meters, metered } from './cpu.js';
import type { Finding, Study } from './finding.js';
import { type Contender, compare, findingOf, sum } from './measurement.js';
import type { Settings } from './service.js';
import { serve } from './serving.js';
import type { World } from './world.js';
import { type Asked, runWrk } from './wrk.js';

/** Connections of wrk: both sides are measured at their best of these. */
const CONNECTIONS = [16, 64, 256];
const SEARCH_SECONDS = 2;
const WARM_UP = { at: 64, enough: 40_000, seconds: 6 };
const BASELINES = {
  bytes: 'bare node:http',
  get: 'bare node:http and GET',
  mget: 'bare node:http and MGET',
} as const satisfies Record<Bare['work'], string>;
/** While wrk asks, we ask as well, and look at the bodies. */
const SAMPLE_EVERY_MS = 40;
/** Answers of the service differ in a header's digits; more than this would be other answers. */
const BYTES_APART = 0.03;
const ITEMS = 10_000;
const LINES = 100;

/** What is read, and what the bare server does before it sends the same bytes. */
interface Read {
  /** What is counted, and how many of them an answer has. */
  readonly unit: string;
  readonly units: number;
  /** Asked in turn. */
  readonly asked: readonly Asked[];
  /** Beside production's, with Redis. */
  readonly settings: Settings;
  readonly baseline: Bare['work'];
  /** What of the answer to the first request Redis has for the bare server, of its item and likewise of each. */
  readonly entry?: (body: string) => string;
  /** Whether this body answers that request. */
  right(body: Body, of: Asked): boolean;
}

interface Body {
  readonly name?: string;
  readonly sku?: string;
  readonly available?: number;
  readonly fulfillable?: boolean;
  readonly lines?: readonly Body[];
}

const ONE_ITEM: Pick<Read, 'unit' | 'units' | 'asked' | 'right'> = {
  unit: 'answer',
  units: 1,
  asked: Array.from({ length: ITEMS }, (_, index) => ({ path: `/v1/availability/${skuOf(index + 1)}` })),
  right: ({ sku, available }, { path }) => path.endsWith(`/${sku}`) && Number(available) > 0,
};

const READS = {
  R1: { ...ONE_ITEM, settings: {}, baseline: 'bytes' },
  R2: {
    ...ONE_ITEM,
    asked: [{ path: '/v1/profiles/canonical' }],
    settings: {},
    baseline: 'bytes',
    right: ({ name }) => name === 'canonical',
  },
  R3: { ...ONE_ITEM, settings: { AVAILABILITY_COPY: 'off' }, baseline: 'get', entry: (body) => body },
  R4: {
    unit: 'SKU',
    units: LINES,
    asked: Array.from({ length: ITEMS / LINES }, (_, index) => queryOf(index * LINES)),
    settings: {},
    baseline: 'mget',
    entry: (body) => JSON.stringify(JSON.parse(body).lines[0]),
    right: ({ lines, fulfillable }, { body }) =>
      fulfillable === true && JSON.stringify(lines?.map(({ sku }) => sku)) === JSON.stringify(skusOf(body)),
  },
} as const satisfies Record<string, Read>;

/** Reads over HTTP, in the process and through Redis, against a bare server. */
export const reads: readonly Study[] = (Object.keys(READS) as (keyof typeof READS)[]).map((name) => ({
  cases: [name],
  prepare: (world) => world.wrk(),
  measure: async (world) => ({ [name]: await measure(world, READS[name]) }),
}));

async function measure(world: World, read: Read): Promise<Finding> {
  const redis = await world.redis();
  const service = await world.service({ REDIS_URL: redis.url, ...read.settings });
  const first = await ask(service.url, world.access.key, read.asked[0] as Asked);
  const { keys } = world.access;
  const ofAll =
    read.units === 1 ? read.asked : read.asked.map((one, i) => ({ ...one, key: keys[i % keys.length] as string }));
  const entry = read.entry?.(first.body);
  if (entry !== undefined) await redis.set(entriesLike(entry));
  const { headers, body } = first;
  const task: Bare = { headers, body, work: read.baseline, redisUrl: redis.url };
  const bare = await serve('bare.ts', [], task);
  try {
    const ofRedis = { Redis: () => cpuOf(redis.pid) };
    const bareMeters = { 'Node.js': () => cpuOf(bare.pid), ...(entry === undefined ? {} : ofRedis) };
    // It has the same bytes for every request, and so is asked for what they are.
    const asked = entry === undefined ? read.asked.slice(0, 1) : ofAll;
    const { options } = world;
    const comparison = await compare(options, {
      baseline: {
        ...sideOf(world, { ...read, asked }, bare.url, bareMeters, first),
        title: `${BASELINES[read.baseline]}, connections`,
      },
      service: {
        ...sideOf(world, { ...read, asked: ofAll }, service.url, { ...world.meters(service), ...ofRedis }, first),
        title: 'connections',
      },
    });
    const checked = (side: 'baseline' | 'service') => sum(comparison[side].rounds, 'checked');
    return findingOf(comparison, read.unit, [
      `All answers were 200, with ${first.bytes} bytes each within ${100 * BYTES_APART} %; ${checked('service')} bodies of the service were looked at, ${checked('baseline')} of the baseline.`,
    ]);
  } finally {
    bare.stop();
  }
}

/** The entry of the first item, and of all others what differs by the name only. */
function entriesLike(first: string): Map<string, string> {
  const skus = Array.from({ length: ITEMS }, (_, index) => skuOf(index + 1));
  return new Map(skus.map((sku) => [sku, first.replace(skuOf(1), sku)]));
}

/** Measures one side; its answers have as many bytes as this one, or it throws. */
function sideOf(
  world: World,
  { asked, units, right }: Read,
  url: string,
  meters: Meters,
  like: Answered,
): Omit<Contender, 'title'> {
  const { access, options } = world;
  const { key } = access;
  const sample = async (seconds: number) => {
    const until = performance.now() + seconds * 1_000;
    let checked = 0;
    for (; performance.now() < until; checked += 1) {
      const one = asked[Math.floor(Math.random() * asked.length)] as Asked;
      const { body } = await ask(url, one.key ?? key, one);
      if (!right(JSON.parse(body), one)) throw new Error(`${one.path} was answered ${body.slice(0, 400)}`);
      await delay(SAMPLE_EVERY_MS);
    }
    return checked;
  };
  const measureAt: Contender['measure'] = async (connections, seconds) => {
    const wrk = await world.wrk();
    const { result, cpu } = await metered({ ...meters, generator: cpuOfEndedChildren }, () =>
      Promise.all([runWrk(wrk, { url, key, asked, connections, seconds }), sample(seconds)]),
    );
    const [{ requests, bytes, seconds: taken, p99 }, checked] = result;
    const each = bytes / requests;
    if (Math.abs(each / like.bytes - 1) > BYTES_APART) {
      throw new Error(`Answers had ${each.toFixed(0)} bytes where ${like.bytes} were to be.`);
    }
    return { seconds: taken, accepted: requests * units, refused: 0, checked, p99, cpu };
  };
  const numbers = options.connections ? [options.connections] : CONNECTIONS;
  return { numbers, searchSeconds: SEARCH_SECONDS, warmUp: WARM_UP, measure: measureAt };
}

/** An answer of status 200. */
interface Answered {
  /** Name after value, as they were sent; without those that every `node:http` adds by itself. */
  readonly headers: readonly string[];
  readonly body: string;
  /** Of all of it. */
  readonly bytes: number;
}

/** Throws when the status is another than 200. */
async function ask(url: string, key: string, { path, body }: Asked): Promise<Answered> {
  const sent = request(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { Authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
  });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const text = (await answer.setEncoding('utf8').toArray()).join('');
  if (answer.statusCode !== 200) throw new Error(`${path} was answered ${answer.statusCode}: ${text.slice(0, 400)}`);
  const { rawHeaders } = answer;
  const head = rawHeaders.reduce((length, part) => length + part.length + 2, 'HTTP/1.1 200 OK\r\n\r\n'.length);
  const headers = rawHeaders.filter((_, at) => !ADDED.has(rawHeaders[at - (at % 2)]?.toLowerCase() ?? ''));
  return { headers, body: text, bytes: head + Buffer.byteLength(text) };
}

const ADDED = new Set(['date', 'connection', 'keep-alive']);

function queryOf(from: number): Asked {
  const lines = Array.from({ length: LINES }, (_, index) => ({ sku: skuOf(from + index + 1), quantity: 1 }));
  return { path: '/v1/availability/query', body: JSON.stringify({ lines }) };
}

function skusOf(body: string | undefined): string[] {
  return (JSON.parse(body ?? '{"lines":[]}') as { lines: { sku: string }[] }).lines.map(({ sku }) => sku);
}
