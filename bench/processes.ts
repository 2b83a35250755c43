import type { Finding, Study } from './finding.js';
import { spread, table } from './markdown.js';
import { Generator, ServiceProcess } from './service.js';
import { ratiosOf, spreadOf } from './statistics.js';
import type { World } from './world.js';

const CASES = ['S2-read', 'S2-reserve'] as const;
type Name = (typeof CASES)[number];
const WORK = { 'S2-read': 'read', 'S2-reserve': 'reserve' } as const;
const ITEMS = 10_000;
/** In all, whether one process has them or two. */
const CONNECTIONS = 128;
/** Seconds of a stretch of both at once that is not measured: the code is compiled, and every item read once. */
const WARM_UP: Readonly<Record<Name, number>> = { 'S2-read': 10, 'S2-reserve': 4 };
/** The most of each. */
const MOST = { rounds: 3, seconds: 4 };

/** What was done a second by one process, and by two. */
interface Compared {
  readonly one: number[];
  readonly two: number[];
}

/** Two service processes against one, on the same database, Redis and cores. */
export const processes: Study = {
  cases: CASES,
  measure: async (world) => {
    const settings = { REDIS_URL: (await world.redis()).url };
    const first = await world.service(settings);
    const second = await ServiceProcess.start(world.server.serviceUrl, settings);
    const generators = [world.generator, new Generator()] as const;
    const compared: Record<Name, Compared> = { 'S2-read': { one: [], two: [] }, 'S2-reserve': { one: [], two: [] } };
    const measure = (name: Name, services: readonly ServiceProcess[], seconds: number) =>
      askAll(world, generators, name, services, seconds);
    try {
      for (const name of CASES) await measure(name, [first, second], WARM_UP[name]);
      for (let round = 1; round <= Math.min(MOST.rounds, world.options.rounds); round += 1) {
        for (const name of CASES) {
          const seconds = Math.min(MOST.seconds, world.options.seconds);
          const one = await measure(name, [first], seconds);
          const two = await measure(name, [first, second], seconds);
          compared[name].one.push(one);
          compared[name].two.push(two);
          console.log(`  round ${round}: ${name}: one ${one.toFixed(0)}/s, two ${two.toFixed(0)}/s`);
        }
      }
    } finally {
      generators[1].stop();
      await second.stop();
    }
    return Object.fromEntries(CASES.map((name) => [name, findingOf(compared[name])]));
  },
};

/** A second, of all these services together. */
async function askAll(
  { server, access }: World,
  generators: readonly Generator[],
  name: Name,
  services: readonly ServiceProcess[],
  seconds: number,
): Promise<number> {
  await server.checkpoint();
  const load = { work: WORK[name], key: access.key, items: ITEMS, connections: CONNECTIONS / services.length, seconds };
  const answered = await Promise.all(
    services.map(({ url }, at) => (generators[at] as Generator).generate({ ...load, url })),
  );
  for (const { errors } of answered) {
    if (Object.keys(errors).length > 0) throw new Error(`Not every answer was right: ${JSON.stringify(errors)}`);
  }
  return answered.reduce((sum, { accepted, seconds: taken }) => sum + accepted / taken, 0);
}

function findingOf({ one, two }: Compared): Finding {
  return {
    ...ratiosOf(two, one),
    measured: { one, two },
    told: [
      `${CONNECTIONS} connections in all, uniform over ${ITEMS.toLocaleString('en')} SKUs, with Redis. Processes, PostgreSQL, Redis and load generators share the cores of this machine: where one process fills them, a second cannot add.`,
      '',
      ...table(
        ['processes', 'a second'],
        [
          ['one', spread(spreadOf(one), 0)],
          ['two', spread(spreadOf(two), 0)],
        ],
      ),
    ],
  };
}
