import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type CaseName, skuOf } from './cases.js';
import { Catalogue } from './catalogue.js';
import type { Finding, Study } from './finding.js';
import { spread, table } from './markdown.js';
import type { Waited } from './pace.js';
import { mustBeAnswered, Pacer } from './pacer.js';
import { BenchRedis } from './redis.js';
import { ask } from './server.js';
import { ratiosOf, spreadOf } from './statistics.js';
import type { World } from './world.js';

const HOLDS = 10_000;
/** Reservations that one request places. */
const BATCH = 100;
/** Readings a second: about a fifth of what one process answers, beside database and load generator on two cores. */
const RATE = 1_000;
/** Seconds in which the holds are placed, and in which reading goes on behind their expiry: until none is left. 18 were once too few to place them. */
const PLACING = 30;
const BEHIND = 45;
/**
 * Before each round, readings a second for so many seconds, and holds that are let go of meanwhile: until the code is compiled and
 * the items are at hand, p99 was 4 to 16 ms without any hold that expires, and 1.5 to 4 behind it.
 */
const WARMING = { rate: 4_000, seconds: 6, holds: 2_000 };
const MOST_ROUNDS = 3;

/** Over how many items the holds are spread: each of its own, or all of one, which is then the one that is read. */
const ITEMS = { 'sweep-many': HOLDS, 'sweep-one': 1 } as const;
type Spread = keyof typeof ITEMS;

interface Swept {
  /** Readings before any hold expired, and from half a second before all did. */
  readonly before: Waited;
  readonly during: Waited;
  /** Seconds from the expiry until the last was let go of. */
  readonly seconds: number;
}

/** What reading waits while the sweeper lets go of 10,000 holds that expire in one second. */
export const sweep: Study = {
  cases: Object.keys(ITEMS) as Spread[],
  measure: async (world) => {
    const { options } = world;
    const wanted = (Object.keys(ITEMS) as Spread[]).filter((name) => options.cases.includes(name));
    // Of its own: up to a million holds of the cases before expire in the same minutes, most of them of one item.
    const catalogue = await Catalogue.make(world, 'sweep');
    await catalogue.grow(HOLDS + 1);
    const redis = await BenchRedis.start();
    const service = await catalogue.serve({ REDIS_URL: redis.url });
    const findings: Partial<Record<CaseName, Finding>> = {};
    const pacer = new Pacer();
    try {
      for (const name of wanted) {
        const rounds: Swept[] = [];
        for (let round = 1; round <= Math.min(MOST_ROUNDS, options.rounds); round += 1) {
          const swept = await measure(world, catalogue, service.url, pacer, ITEMS[name]);
          console.log(
            `  round ${round}: p99 ${swept.before.p99.toFixed(1)} ms before, ${swept.during.p99.toFixed(1)} ms during, ` +
              `most ${swept.during.most.toFixed(1)} ms; swept in ${swept.seconds.toFixed(1)} s`,
          );
          rounds.push(swept);
        }
        findings[name] = findingOf(rounds);
      }
    } finally {
      pacer.stop();
      await service.stop();
      await redis.stop();
    }
    return findings;
  },
};

async function measure(
  { server }: World,
  { access, databaseUrl }: Catalogue,
  url: string,
  pacer: Pacer,
  items: number,
): Promise<Swept> {
  const read = async (seconds: number, rate = RATE) => {
    const stream = { name: 'readings', work: 'read', key: access.key, rate, items } as const;
    const waited = await pacer.pace({ url, streams: [stream], seconds });
    mustBeAnswered('200', waited);
    return waited[0] as Waited;
  };
  const soon = Date.now() + 2_000;
  for (let placed = 0; placed < WARMING.holds; placed += BATCH) await place(url, access.key, placed, items, soon);
  await read(WARMING.seconds, WARMING.rate);
  await untilNoneIsHeld(databaseUrl);
  await server.checkpoint();
  const expiry = Date.now() + PLACING * 1_000;
  for (let placed = 0; placed < HOLDS; placed += BATCH) await place(url, access.key, placed, items, expiry);
  await delay(3_000); // until the relay has seen to what was placed
  const before = await read(Math.max(1, Math.floor((expiry - Date.now()) / 1_000) - 2));
  await delay(expiry - 500 - Date.now());
  const counting = untilNoneIsHeld(databaseUrl);
  const during = await read(BEHIND);
  return { before, during, seconds: ((await counting) - expiry) / 1_000 };
}

/** Reservations that expire in the second before `expiry`. */
async function place(url: string, key: string, from: number, items: number, expiry: number): Promise<void> {
  const ttlSeconds = Math.max(1, Math.floor((expiry - Date.now()) / 1_000));
  const reservations = Array.from({ length: BATCH }, (_, i) => ({
    channel: 'bench',
    ttlSeconds,
    lines: [{ sku: skuOf(1 + ((from + i) % items)), quantity: 1 }],
  }));
  const answer = await fetch(`${url}/v1/reservations/batch`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${key}`,
      'Content-Type': 'application/json',
      'Idempotency-Key': randomUUID(),
    },
    body: JSON.stringify({ reservations }),
  });
  if (answer.status !== 207) throw new Error(`Reservations were answered ${answer.status}: ${await answer.text()}`);
}

/** When the last hold was gone, in milliseconds since 1970, to a fifth of a second. */
async function untilNoneIsHeld(databaseUrl: string): Promise<number> {
  for (;;) {
    const [row] = await ask<{ held: boolean }>(
      databaseUrl,
      `select exists (select from reservation where status = 'held') as held`,
    );
    if (!row?.held) return Date.now();
    await delay(200);
  }
}

function findingOf(rounds: readonly Swept[]): Finding {
  return {
    ...ratiosOf(
      rounds.map(({ during }) => during.p99),
      rounds.map(({ before }) => before.p99),
    ),
    measured: rounds,
    told: [
      `${HOLDS.toLocaleString('en')} holds expire in one second; ${RATE.toLocaleString('en')} readings a second in an open loop, through copy and Redis; ` +
        `all were let go of within ${spread(spreadOf(rounds.map(({ seconds }) => seconds)), 1)} s.`,
      '',
      ...table(
        ['ms from when it was due', 'p50', 'p99', 'most'],
        [
          row(
            'before',
            rounds.map(({ before }) => before),
          ),
          row(
            'during',
            rounds.map(({ during }) => during),
          ),
        ],
      ),
    ],
  };
}

function row(title: string, waited: readonly Waited[]): string[] {
  const of = (figure: 'p50' | 'p99' | 'most') => spread(spreadOf(waited.map((each) => each[figure])), 1);
  return [title, of('p50'), of('p99'), of('most')];
}
