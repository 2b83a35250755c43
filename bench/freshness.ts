import { setTimeout as delay } from 'node:timers/promises';
import { type Finding, type Study } from './finding.js';
import { waitingTable } from './markdown.js';
import type { Seen, Stream, Waited, Watch, WatchedItem } from './pace.js';
import { mustBeAnswered, Pacer } from './pacer.js';
import { ask, type Server } from './server.js';
import { ServiceProcess } from './service.js';
import { type Quantiles, quantilesOf, spreadOf } from './statistics.js';
import type { World } from './world.js';

/** Items that only watched requests change, and how many of these are sent a second, beside the others. */
const WATCHED = { first: 10_001, last: 11_000, rate: 40 };
/** Items of all other requests. */
const ITEMS = 10_000;
/** Reservations a second beside the watched ones: some load, far from the most. */
const RESERVATIONS = 500;
/** The most rounds and seconds of one: each has some hundreds of watched requests. */
const MOST = { rounds: 3, seconds: 10 };
/** Seconds of a stretch that is not measured: the code is compiled, the items read. */
const WARM_UP = 3;
/** Seconds of the load that shows how many events a second are received and applied, once to compile the code for them. */
const SEARCH_SECONDS = 5;
const CONNECTIONS = 64;
/** Milliseconds between two looks whether all is applied, and how long we look. */
const LOOK_MS = 20;
const PATIENCE_MS = 120_000;

/** What was measured in one, in milliseconds: from what is judged until it shows. */
interface Round {
  readonly beside: Waited;
  /** How many. */
  readonly watched: number;
  readonly inRedis: Quantiles;
  readonly atService: Quantiles;
}

/** From the commit of a reservation until Redis has it, and until another process says so. */
const ofReservations: Study = {
  cases: ['L2-redis', 'L2-process'],
  measure: async (world) => {
    const settings = { REDIS_URL: (await world.redis()).url };
    const service = await world.service(settings);
    const other = await ServiceProcess.start(world.server.serviceUrl, settings);
    try {
      const reserve = { work: 'reserve', key: world.access.key } as const;
      const watched = { ...reserve, ...(await watchedAt(world, other)) };
      const beside: Stream = { ...reserve, name: 'reservations', rate: RESERVATIONS, items: ITEMS };
      const since = (seen: readonly Seen[]) => commitsOf(world.server, seen);
      const rounds = await roundsOf(world, { status: '201', since }, service.url, [beside, watched]);
      const told = [
        `${WATCHED.rate} reservations a second, each of an item of its own, were watched beside ${RESERVATIONS} others; ${asking(rounds)}`,
        'It counts from the time that PostgreSQL gives the commit, which it takes before it writes the commit to disk.',
      ];
      return {
        'L2-redis': findingOf(rounds, told, 'inRedis', 'in Redis, since the commit'),
        'L2-process': findingOf(rounds, told, 'atService', 'at another process, since the commit'),
      };
    } finally {
      await other.stop();
    }
  },
};

/** From the moment an event was due to be sent until availability shows it, at half the rate that can be kept up. */
const ofEvents: Study = {
  cases: ['L3'],
  measure: async (world) => {
    const service = await world.service({ REDIS_URL: (await world.redis()).url });
    await sustainedRate(world, service);
    const sustained = await sustainedRate(world, service);
    const send = { work: 'send', key: world.access.secret } as const;
    const watched = { ...send, ...(await watchedAt(world, service)) };
    const rate = Math.round(sustained / 2) - WATCHED.rate;
    const beside: Stream = { ...send, name: 'events', rate, items: ITEMS };
    const rounds = await roundsOf(world, { status: '202', since: dueOf }, service.url, [beside, watched]);
    const told = [
      `The service received and applied ${sustained.toFixed(0)} events a second, as fast as they came: half of that was sent, each a signed request of its own.`,
      `${WATCHED.rate} of them a second, each of an item of its own, were watched; ${asking(rounds)}`,
    ];
    return { L3: findingOf(rounds, told, 'atService', 'availability shows it, since the event was due') };
  },
};

export const freshness: readonly Study[] = [ofReservations, ofEvents];

/** A stream of watched requests but for what they ask: `key` is of the channel whose availability is looked at. */
async function watchedAt(world: World, { url }: ServiceProcess) {
  const watch: Watch = { url, key: world.access.key, redisUrl: (await world.redis()).url };
  return { name: 'watched', rate: WATCHED.rate, items: await watchedItems(world.server), watch };
}

/** Made when they are first asked for. */
async function watchedItems(server: Server): Promise<WatchedItem[]> {
  const { first, last } = WATCHED;
  const read = () =>
    ask<WatchedItem>(server.serviceUrl, 'select id::int, sku from item order by sku limit $1 offset $2', [
      last - first + 1,
      first - 1,
    ]);
  const there = await read();
  if (there.length > 0) return there;
  await server.makeItems(first, last);
  return read();
}

/** The streams side by side, over and over; the first time only compiles the code and reads the items. */
async function roundsOf(
  world: World,
  { status, since }: { status: string; since: (seen: readonly Seen[]) => Promise<number[]> },
  url: string,
  streams: readonly [beside: Stream, watched: Stream],
): Promise<Round[]> {
  const seconds = Math.min(MOST.seconds, world.options.seconds);
  const pacer = new Pacer();
  const rounds: Round[] = [];
  try {
    for (let round = 0; round <= Math.min(MOST.rounds, world.options.rounds); round += 1) {
      await world.server.checkpoint();
      const waited = await pacer.pace({ url, streams, seconds: round === 0 ? Math.min(WARM_UP, seconds) : seconds });
      mustBeAnswered(status, waited);
      await untilApplied(world.server);
      if (round === 0) continue;
      const [beside, { seen }] = waited as [Waited, Waited];
      const begun = await since(seen);
      const after = (when: 'inRedis' | 'atService') =>
        quantilesOf(seen.map((each, at) => each[when] - (begun[at] ?? Number.NaN)));
      const measured = { beside, watched: seen.length, inRedis: after('inRedis'), atService: after('atService') };
      rounds.push(measured);
      console.log(
        `  round ${round}: p99 ${measured.inRedis.p99.toFixed(1)} ms in Redis, ${measured.atService.p99.toFixed(1)} ms at the service`,
      );
    }
    return rounds;
  } finally {
    pacer.stop();
  }
}

async function dueOf(seen: readonly Seen[]): Promise<number[]> {
  return seen.map(({ due }) => due);
}

/** When the last change of each of these items was committed. */
async function commitsOf({ serviceUrl }: Server, seen: readonly Seen[]): Promise<number[]> {
  const rows = await ask<{ item: number; at: number }>(
    serviceUrl,
    `select item_id::int as item, max(extract(epoch from pg_xact_commit_timestamp(xmin)))::float8 * 1000 as at
       from movement where item_id = any($1::int[]) group by item_id`,
    [seen.map(({ item }) => item)],
  );
  const at = new Map(rows.map((row) => [row.item, row.at]));
  return seen.map(({ item }) => at.get(item) ?? Number.NaN);
}

/** Events a second, from the first request of a closed loop until nothing that it sent waits. */
async function sustainedRate({ server, generator, access }: World, { url }: ServiceProcess): Promise<number> {
  await server.checkpoint();
  const begun = performance.now();
  const load = { url, work: 'send', key: access.secret, items: ITEMS, connections: CONNECTIONS } as const;
  const { accepted, errors } = await generator.generate({ ...load, seconds: SEARCH_SECONDS });
  if (Object.keys(errors).length > 0) throw new Error(`Not every answer was right: ${JSON.stringify(errors)}`);
  await untilApplied(server);
  const perSecond = (accepted * 1_000) / (performance.now() - begun);
  console.log(`  received and applied: ${perSecond.toFixed(0)}/s`);
  return perSecond;
}

async function untilApplied({ serviceUrl }: Server): Promise<void> {
  for (const begun = performance.now(); ; await delay(LOOK_MS)) {
    const [row] = await ask<{ waits: boolean }>(serviceUrl, 'select exists (select from inbox_waiting) as waits');
    if (!row?.waits) return;
    if (performance.now() - begun > PATIENCE_MS) throw new Error('The service does not apply what it has received.');
  }
}

function asking(rounds: readonly Round[]): string {
  const count = rounds.reduce((sum, { watched }) => sum + watched, 0);
  return `${count.toLocaleString('en')} in ${rounds.length} rounds. It was asked every millisecond whether it shows.`;
}

function findingOf(
  rounds: readonly Round[],
  told: readonly string[],
  when: 'inRedis' | 'atService',
  title: string,
): Finding {
  const p99 = rounds.map((round) => round[when].p99);
  return {
    figure: spreadOf(p99).median,
    rounds: p99,
    measured: rounds,
    told: [
      ...told,
      '',
      ...waitingTable([
        [title, rounds.map((round) => round[when])],
        ['the others answered, since they were due', rounds.map(({ beside }) => beside)],
        ['sent later than they were due', rounds.map(({ beside }) => beside.late)],
      ]),
    ],
  };
}
