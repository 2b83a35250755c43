import { DEMANDS } from './demands.js';
import type { Finding, Study } from './finding.js';
import { waitingTable } from './markdown.js';
import { bestOf, type Measurement } from './measurement.js';
import type { Stream, Waited } from './pace.js';
import { mustBeAnswered, Pacer } from './pacer.js';
import { spreadOf } from './statistics.js';
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

/** How long a reservation waits at half and at four fifths of the most that the service can do. */
export const latency: Study = {
  cases: NAMES,
  measure: async (world) => {
    const { options, server } = world;
    const { seconds } = options;
    const { url } = await world.service();
    const most = await mostASecond(world, url);
    const waited: Record<Share, Waited[]> = { 'L1-50': [], 'L1-80': [] };
    const pacer = new Pacer();
    try {
      for (let round = 1; round <= Math.min(MOST_ROUNDS, options.rounds); round += 1) {
        for (const name of NAMES) {
          await server.checkpoint();
          const rate = Math.round(most * SHARES[name]);
          const { items, work } = DEMANDS.R6;
          const stream: Stream = { name: 'reservations', work, key: world.access.key, rate, items };
          const answered = await pacer.pace({ url, streams: [stream], seconds });
          mustBeAnswered('201', answered);
          const [measured] = answered as [Waited];
          waited[name].push(measured);
          console.log(
            `  round ${round}: ${rate}/s: p50 ${measured.p50.toFixed(1)} ms, p99 ${measured.p99.toFixed(1)} ms`,
          );
        }
      }
    } finally {
      pacer.stop();
    }
    return Object.fromEntries(NAMES.map((name) => [name, findingOf(waited[name], most * SHARES[name], world)]));
  },
};

/** Reservations a second of a closed loop, with the connections that do most. */
async function mostASecond({ generator, server, access }: World, url: string): Promise<number> {
  const { items, work } = DEMANDS.R6;
  const load = async (connections: number, seconds: number): Promise<Measurement> => {
    await server.checkpoint();
    const answered = await generator.generate({ url, work, key: access.key, items, connections, seconds });
    if (Object.keys(answered.errors).length > 0)
      throw new Error(`Not every answer was right: ${JSON.stringify(answered.errors)}`);
    return { ...answered, cpu: {} };
  };
  await load(WARM_UP.connections, WARM_UP.seconds);
  const { tried } = await bestOf('closed loop, connections', CONNECTIONS, (at) => load(at, SEARCH_SECONDS));
  return Math.max(...tried.map(({ perSecond }) => perSecond));
}

function findingOf(rounds: readonly Waited[], rate: number, { options }: World): Finding {
  const p99 = rounds.map((round) => round.p99);
  return {
    figure: spreadOf(p99).median,
    rounds: p99,
    measured: rounds,
    told: [
      `${rate.toFixed(0)} reservations a second, uniform over 10,000 SKUs, in an open loop; ${rounds.length} rounds of ${options.seconds} s.`,
      'Each waits from the moment it was due; how late the load generator was itself is in it.',
      '',
      ...waitingTable([
        ['answered, since it was due', rounds],
        ['sent later than it was due', rounds.map(({ late }) => late)],
      ]),
    ],
  };
}
