import type { Case } from './cases.js';
import { spreadOf } from './statistics.js';

/** How much of a ratio may be lost beyond the noise. */
export const LOSS_TAKEN = 0.15;

export interface Change {
  /** Of what the record has, 0 to 1; below 0: it has become better. */
  readonly loss: number;
  /** Half of the distance between the best and the worst round of this run, of the figure of this run. */
  readonly noise: number;
  readonly lost: boolean;
}

/** What has become of a ratio since the record. Fewer than two rounds have no noise, and nothing is forgiven them. */
export function changeSince(
  record: number,
  { figure, rounds }: { readonly figure: number; readonly rounds: readonly number[] },
  better: Case['better'],
): Change {
  const { min, max } = spreadOf(rounds);
  const noise = (max - min) / 2 / figure;
  const loss = (better === 'more' ? record - figure : figure - record) / record;
  return { loss, noise, lost: loss > LOSS_TAKEN + noise };
}
