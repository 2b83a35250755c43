import type { Finding } from './finding.js';
import type { Comparison, Measurement, Side } from './measurement.js';
import { type Line, type Panel, svgOf } from './plot.js';
import { spreadOf } from './statistics.js';

/** What S1 has of one size of the catalogue. */
interface Size {
  readonly positions: number;
  readonly rounds: readonly Measurement[];
}

/** The plots of a record by the names of their files. */
export function plotsOf(cases: Readonly<Partial<Record<string, Finding>>>): Map<string, string> {
  const { R6, 'S1-read': read, 'S1-reserve': reserve } = cases;
  const plots = new Map<string, string>();
  if (R6) plots.set('concurrency.svg', svgOf(againstConcurrency(R6.measured as Comparison)));
  if (read && reserve) {
    plots.set(
      'growth.svg',
      svgOf([againstSize(read.measured as readonly Size[], reserve.measured as readonly Size[])]),
    );
  }
  return plots;
}

/** Of the search for the best number: a stretch each. */
function againstConcurrency({ service, baseline }: Comparison): Panel[] {
  const lines = (figure: 'perSecond' | 'p99'): Line[] => [
    { name: 'service', points: triedBy(service, figure) },
    { name: 'pgbench', points: triedBy(baseline, figure) },
  ];
  const x = 'connections or clients, each with one request under way';
  return [
    {
      title: 'R6: reservations, uniform over 10,000 SKUs',
      x,
      y: 'reservations a second',
      logarithmic: false,
      lines: lines('perSecond'),
    },
    { title: 'R6: how long they wait for their answer', x, y: 'p99, ms', logarithmic: true, lines: lines('p99') },
  ];
}

function triedBy({ search }: Side, figure: 'perSecond' | 'p99'): Line['points'] {
  return (search?.tried ?? []).map((each) => [each.at, each[figure] ?? Number.NaN] as const);
}

function againstSize(read: readonly Size[], reserve: readonly Size[]): Panel {
  const costs = (sizes: readonly Size[]): Line['points'] =>
    sizes.map(({ positions, rounds }) => [positions, spreadOf(rounds.map(costOf)).median] as const);
  return {
    title: 'S1: what one costs as the catalogue grows',
    x: 'positions',
    y: 'µs of CPU, service and PostgreSQL',
    logarithmic: false,
    lines: [
      { name: 'a reservation', points: costs(reserve) },
      { name: 'a read', points: costs(read) },
    ],
  };
}

/** Microseconds of CPU time each, of all but the generator. */
function costOf({ cpu, accepted }: Measurement): number {
  const { generator: _, ...others } = cpu;
  return Object.values(others).reduce((sum, each) => sum + each, 0) / accepted;
}
