import { Catalogue, MOVEMENTS } from './catalogue.js';
import { cpuOf, cpuOfFamily, metered } from './cpu.js';
import type { Finding, Study } from './finding.js';
import { spread, table } from './markdown.js';
import { type Measurement, perSecond } from './measurement.js';
import type { ServiceProcess } from './service.js';
import { ratiosOf, spreadOf } from './statistics.js';
import type { World } from './world.js';

/** Positions of the catalogues. The first is a catalogue of its own, which the last is measured in turn with; the other grows. */
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
const MOST = { rounds: 5, seconds: 4 };

/** What was measured at one size. */
interface Size {
  readonly positions: number;
  readonly movements: number;
  /** Seconds to make them, beside those of the sizes before. */
  readonly made: number;
  readonly rounds: Readonly<Record<Name, Measurement[]>>;
}

/** A catalogue and the service that is asked for it. */
interface Served {
  readonly catalogue: Catalogue;
  readonly service: ServiceProcess;
}

/** A catalogue that has been made so large, and what is measured of it. */
interface Grown {
  readonly served: Served;
  readonly size: Size;
}

/** What a read and a reservation cost as the catalogue grows; nothing a request does may grow with it. */
export const growth: Study = {
  cases: CASES,
  measure: async (world) => {
    const [first = 0, ...others] = SIZES.filter((size) => size <= world.options.positions);
    const small = await serve(world, 'growth_first');
    const growing = await serve(world, 'growth');
    try {
      const least = await grow(world, small, first);
      const sizes = [least.size];
      for (const positions of others) {
        const grown = await grow(world, growing, positions);
        await measureInTurn(world, positions === others.at(-1) ? [least, grown] : [grown]);
        sizes.push(grown.size);
      }
      return Object.fromEntries(CASES.map((name) => [name, findingOf(name, sizes)]));
    } finally {
      await small.service.stop();
      await growing.service.stop();
    }
  },
};

async function serve(world: World, database: string): Promise<Served> {
  const catalogue = await Catalogue.make(world, database);
  return { catalogue, service: await catalogue.serve() };
}

/** Makes it so large, with nothing measured of it yet. */
async function grow(world: World, served: Served, positions: number): Promise<Grown> {
  const made = await served.catalogue.grow(positions);
  const movements = positions * MOVEMENTS;
  console.log(
    `  ${positions.toLocaleString('en')} positions and ${movements.toLocaleString('en')} movements: made in ${made.toFixed(0)} s`,
  );
  for (const name of CASES) await load(world, served, name, WARM_UP);
  return { served, size: { positions, movements, made, rounds: { 'S1-read': [], 'S1-reserve': [] } } };
}

/** Round by round, so that what else the machine does meets all of them. */
async function measureInTurn(world: World, all: readonly Grown[]): Promise<void> {
  const { rounds, seconds } = world.options;
  for (let round = 1; round <= Math.min(rounds, MOST.rounds); round += 1) {
    for (const name of CASES) {
      for (const { served, size } of all) {
        await world.server.checkpoint();
        const one = await load(world, served, name, Math.min(seconds, MOST.seconds));
        size.rounds[name].push(one);
        const what = `${name} of ${size.positions.toLocaleString('en')}`;
        console.log(`  ${what}: ${perSecond(one).toFixed(0)}/s, ${costOf(one).toFixed(0)} µs of CPU each`);
      }
    }
  }
}

/** Asks for all items of the catalogue, each as likely as the others. */
async function load(
  { generator, server }: World,
  { catalogue: { access, size }, service: { url, pid } }: Served,
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
    ...ratiosOf(most, least),
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
