import { Catalogue, MOVEMENTS } from './catalogue.js';
import { cpuOf, cpuOfFamily, metered } from './cpu.js';
import type { Finding, Study } from './finding.js';
import { spread, table } from './markdown.js';
import { type Measurement, perSecond } from './measurement.js';
import type { ServiceProcess } from './service.js';
import { spreadOf } from './statistics.js';
import type { World } from './world.js';

/** Positions of the catalogue: the first is what the others are compared with. */
const SIZES = [1_000, 10_000, 100_000, 1_000_000];
const CASES = ['S1-read', 'S1-reserve'] as const;
type Name = (typeof CASES)[number];
const WORK = { 'S1-read': 'read', 'S1-reserve': 'reserve' } as const;
const CONNECTIONS = 64;
/**
 * Seconds of a stretch that is not measured, of each kind: the code is compiled, statements are planned anew for tables that have
 * grown, and the process fills its memory of 100,000 items. Behind 2 s, the first round over a million positions took 302 µs a
 * reservation and the second 256.
 */
const WARM_UP = 6;
/** The most of each size. */
const MOST = { rounds: 3, seconds: 4 };

/** What was measured at one size. */
interface Size {
  readonly positions: number;
  readonly movements: number;
  /** Seconds to make them, beside those of the sizes before. */
  readonly made: number;
  readonly rounds: Readonly<Record<Name, Measurement[]>>;
}

/** What a read and a reservation cost as the catalogue grows; nothing a request does may grow with it. */
export const growth: Study = {
  cases: CASES,
  measure: async (world) => {
    const catalogue = await Catalogue.make(world, 'growth');
    const service = await catalogue.serve();
    const sizes: Size[] = [];
    try {
      for (const positions of SIZES.filter((size) => size <= world.options.positions)) {
        sizes.push(await measureSize(world, catalogue, service, positions));
      }
    } finally {
      await service.stop();
    }
    return Object.fromEntries(CASES.map((name) => [name, findingOf(name, sizes)]));
  },
};

async function measureSize(
  world: World,
  catalogue: Catalogue,
  service: ServiceProcess,
  positions: number,
): Promise<Size> {
  const { rounds, seconds } = world.options;
  const made = await catalogue.grow(positions);
  console.log(
    `  ${positions.toLocaleString('en')} positions and ${(positions * MOVEMENTS).toLocaleString('en')} movements: made in ${made.toFixed(0)} s`,
  );
  const measured: Record<Name, Measurement[]> = { 'S1-read': [], 'S1-reserve': [] };
  for (const name of CASES) await load(world, catalogue, service, name, WARM_UP);
  for (let round = 1; round <= Math.min(rounds, MOST.rounds); round += 1) {
    for (const name of CASES) {
      await world.server.checkpoint();
      const one = await load(world, catalogue, service, name, Math.min(seconds, MOST.seconds));
      measured[name].push(one);
      console.log(`  ${name}: ${perSecond(one).toFixed(0)}/s, ${costOf(one).toFixed(0)} µs of CPU each`);
    }
  }
  return { positions, movements: positions * MOVEMENTS, made, rounds: measured };
}

/** Asks for all items of the catalogue, each as likely as the others. */
async function load(
  { generator, server }: World,
  { access, size }: Catalogue,
  { url, pid }: ServiceProcess,
  name: Name,
  seconds: number,
): Promise<Measurement> {
  const meters = { PostgreSQL: () => cpuOfFamily(server.pid), service: () => cpuOf(pid) };
  const { result, cpu } = await metered(meters, () =>
    generator.generate({ url, work: WORK[name], key: access.key, items: size - 1, connections: CONNECTIONS, seconds }),
  );
  const { errors, ...answered } = result;
  if (Object.keys(errors).length > 0) throw new Error(`Not every answer was right: ${JSON.stringify(errors)}`);
  return { ...answered, cpu };
}

/** Microseconds of CPU time each, of PostgreSQL and of the service. */
function costOf({ cpu, accepted }: Measurement): number {
  return Object.values(cpu).reduce((sum, each) => sum + each, 0) / accepted;
}

function findingOf(name: Name, sizes: readonly Size[]): Finding {
  const costs = sizes.map(({ rounds }) => rounds[name].map(costOf));
  const [least = [], most = []] = [costs.at(0), costs.at(-1)];
  const each = ({ rounds }: Size, process: string) =>
    spread(spreadOf(rounds[name].map(({ cpu, accepted }) => (cpu[process] ?? 0) / accepted)), 0);
  return {
    figure: spreadOf(most).median / spreadOf(least).median,
    rounds: most.map((cost, round) => cost / (least[round] ?? Number.NaN)),
    measured: sizes.map(({ rounds, ...size }) => ({ ...size, rounds: rounds[name] })),
    told: [
      `${CONNECTIONS} connections ask for all items of the catalogue, each as likely as the others; the service has no Redis, so that each read is of PostgreSQL.`,
      `The figure is the CPU time of PostgreSQL and the service at ${sizes.at(-1)?.positions.toLocaleString('en')} positions, to that at ${sizes.at(0)?.positions.toLocaleString('en')}.`,
      '',
      ...table(
        ['positions', 'movements', 's to make', 'a second', 'µs CPU each in PostgreSQL', 'in the service'],
        sizes.map((size) => [
          size.positions.toLocaleString('en'),
          size.movements.toLocaleString('en'),
          size.made.toFixed(0),
          spread(spreadOf(size.rounds[name].map(perSecond)), 0),
          each(size, 'PostgreSQL'),
          each(size, 'service'),
        ]),
      ),
    ],
  };
}
