import { CASES, type CaseName } from './cases.js';
import { type Spread, spreadOf } from './statistics.js';

/** One stretch of load on the baseline or on the service. */
export interface Measurement {
  /** Accepted reservations, or events, a second. */
  readonly perSecond: number;
  /** CPU time of each in microseconds: of PostgreSQL with all its processes, of the service, of the generator. */
  readonly postgresCpu: number;
  readonly serviceCpu: number | null;
  readonly generatorCpu: number;
  /** How much of the machine's CPU time the generator took, 0 to 1. */
  readonly generatorShare: number;
  readonly accepted: number;
  readonly refused: number;
  /** Answers whose body was compared with its request; pgbench looks at none. */
  readonly checked: number | null;
}

/** At how many clients or connections most was reserved, and what the others did. */
export interface Search {
  readonly best: number;
  readonly tried: readonly { readonly at: number; readonly perSecond: number }[];
}

/** A case, measured in turn. */
export interface Rounds {
  /** Clients of pgbench; undefined: it was none that was measured against. */
  readonly ofBaseline: Search | undefined;
  /** Connections of the service. */
  readonly ofService: Search | undefined;
  readonly baseline: readonly Measurement[];
  readonly service: readonly Measurement[];
}

export interface Verdict {
  readonly ratio: Spread;
  readonly floor: number;
  readonly goal: number;
  readonly met: boolean;
}

/** Of the medians; least and most are those of the rounds, each against its own neighbour. */
export function judge(name: CaseName, { baseline, service }: Rounds): Verdict {
  const { floor, goal } = CASES[name];
  const ofRounds = spreadOf(service.map(({ perSecond }, round) => perSecond / (baseline[round]?.perSecond ?? 0)));
  const median = over(service, 'perSecond').median / over(baseline, 'perSecond').median;
  return { ratio: { ...ofRounds, median }, floor, goal, met: median >= floor };
}

type Figure = 'perSecond' | 'postgresCpu' | 'serviceCpu' | 'generatorCpu' | 'generatorShare';

export function over(measurements: readonly Measurement[], figure: Figure): Spread {
  return spreadOf(measurements.map((measurement) => measurement[figure] ?? 0));
}
