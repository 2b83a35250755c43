import { DEMANDS } from './demands.js';
import type { Finding, Study } from './finding.js';
import { spread, waitingTable } from './markdown.js';
import { bestOf, type Measurement, perSecond } from './measurement.js';
import type { Stream, Waited } from './pace.js';
import { mustBeAnswered, Pacer } from './pacer.js';
import { runPgbench } from './pgbench.js';
import { CLIENTS, ofPgbench } from './requests.js';
import { type Quantiles, spreadOf } from './statistics.js';
import type { World } from './world.js';

/** Of the most reservations a second. */
const SHARES = { 'L1-50': 0.5, 'L1-80': 0.8 } as const;
type Share = keyof typeof SHARES;
const NAMES = Object.keys(SHARES) as Share[];

/** Connections of the closed loop that finds the most, and seconds of each. */
const CONNECTIONS = [32, 64, 128, 256];
const SEARCH_SECONDS = 4;
/** A stretch before it, which compiles the code and reads the items. */
const WARM_UP = { connections: 64, seconds: 6 };
const MOST_ROUNDS = 5;

/** A round: how many were asked for a second, and how long each waited; likewise of pgbench, at as much of its own most. */
interface Round {
  readonly rate: number;
  readonly waited: Waited;
  readonly bare: Bare;
}

interface Bare {
  readonly rate: number;
  readonly waited: Quantiles;
}

/**
 * How long a reservation waits at half and at four fifths of the most that the service can do. Beside it, what bare PostgreSQL makes
 * wait in the same minute: a figure in milliseconds is as much the machine's as ours.
 */
export const latency: Study = {
  cases: NAMES,
  prepare: (world) => world.pgbench(),
  measure: async (world) => {
    const { options, server } = world;
    const { seconds } = options;
    const { url } = await world.service();
    const load = closedLoop(world, url);
    const bare = await bareLoops(world);
    await load(WARM_UP.connections, WARM_UP.seconds);
    const { best } = await bestOf('closed loop, connections', CONNECTIONS, (at) => load(at, SEARCH_SECONDS));
    const rounds: Record<Share, Round[]> = { 'L1-50': [], 'L1-80': [] };
    const pacer = new Pacer();
    try {
      for (let round = 1; round <= Math.min(MOST_ROUNDS, options.rounds); round += 1) {
        // Of this round: what a machine can do that others use as well changes by a third within minutes.
        const most = perSecond(await load(best, seconds));
        const bareMost = perSecond(await bare.closed(seconds));
        for (const name of NAMES) {
          const beside = await bare.open(Math.round(bareMost * SHARES[name]), seconds);
          await server.checkpoint();
          const rate = Math.round(most * SHARES[name]);
          const { items, work } = DEMANDS.R6;
          const stream: Stream = { name: 'reservations', work, key: world.access.key, rate, items };
          const answered = await pacer.pace({ url, streams: [stream], seconds });
          mustBeAnswered('201', answered);
          const [waited] = answered as [Waited];
          rounds[name].push({ rate, waited, bare: beside });
          console.log(`  round ${round}: ${told(rate, waited)}; pgbench ${told(beside.rate, beside.waited)}`);
        }
      }
    } finally {
      pacer.stop();
    }
    return Object.fromEntries(NAMES.map((name) => [name, findingOf(rounds[name], world)]));
  },
};

/** What pgbench does at its best number of clients: as much as it can, and as much as is due. */
async function bareLoops(world: World) {
  const { server } = world;
  const { items, work } = DEMANDS.R6;
  const pgbench = await world.pgbench();
  const { title, measure, searchSeconds } = ofPgbench(world, DEMANDS.R6);
  const { best: clients } = await bestOf(title, CLIENTS, (at) => measure(at, searchSeconds));
  return {
    closed: (seconds: number) => measure(clients, seconds),
    open: async (rate: number, seconds: number): Promise<Bare> => {
      await server.checkpoint();
      const { took } = await runPgbench(pgbench, server.baselineUrl, { work, items, clients, seconds, rate });
      return { rate, waited: took };
    },
  };
}

function told(rate: number, { p50, p99 }: Quantiles): string {
  return `${rate}/s: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
}

function closedLoop({ generator, server, access }: World, url: string) {
  const { items, work } = DEMANDS.R6;
  return async (connections: number, seconds: number): Promise<Measurement> => {
    await server.checkpoint();
    const answered = await generator.generate({ url, work, key: access.key, items, connections, seconds });
    if (Object.keys(answered.errors).length > 0)
      throw new Error(`Not every answer was right: ${JSON.stringify(answered.errors)}`);
    return { ...answered, cpu: {} };
  };
}

function findingOf(rounds: readonly Round[], { options }: World): Finding {
  const waited = rounds.map((round) => round.waited);
  const p99 = waited.map((round) => round.p99);
  const bares = rounds.map(({ bare }) => bare);
  const ratesOf = (of: readonly { rate: number }[]) => spread(spreadOf(of.map(({ rate }) => rate)), 0);
  return {
    figure: spreadOf(p99).median,
    rounds: p99,
    measured: rounds,
    told: [
      `${ratesOf(rounds)} reservations a second, uniform over 10,000 SKUs, in an open loop; ${rounds.length} rounds of ${options.seconds} s,`,
      'each behind a closed loop as long that says what the most is.',
      'Each waits from the moment it was due; how late the load generator was itself is in it.',
      '',
      ...waitingTable([
        ['answered, since it was due', waited],
        ['sent later than it was due', waited.map(({ late }) => late)],
        ['pgbench, since it was due', bares.map((bare) => bare.waited)],
      ]),
      '',
      `pgbench: the baseline of R6 in the same round, at as much of its own most, ${ratesOf(bares)} a second, drawn (Poisson) and not even.`,
    ],
  };
}
