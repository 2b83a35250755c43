import { CASES, type Case, type CaseName } from './cases.js';
import type { World } from './world.js';

/** What the measuring of a case came to. */
export interface Finding {
  /** What is judged, in the unit of the case. */
  readonly figure: number;
  /** The same of each round alone. */
  readonly rounds: readonly number[];
  /** What was measured, in the shape this case has: for results.json. */
  readonly measured: unknown;
  /** What was measured, for a reader: lines of Markdown. */
  readonly told: readonly string[];
}

export type Findings = Partial<Record<CaseName, Finding>>;

/** Measures some cases at once, because they share what is costly; most, one. */
export interface Study {
  readonly cases: readonly CaseName[];
  /** Finds or starts what may be missing on this machine, before anything is measured. */
  prepare?(world: World): Promise<unknown>;
  measure(world: World): Promise<Findings>;
}

export type Verdict = 'met' | 'missed' | 'stated';

export function judge(name: CaseName, figure: number): Verdict {
  const { floor, better }: Case = CASES[name];
  if (floor === null) return 'stated';
  return (better === 'more' ? figure >= floor : figure <= floor) ? 'met' : 'missed';
}
