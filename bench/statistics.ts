/** Median with the least and the most: what a handful of rounds can honestly say. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('A spread needs a value.');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] as number;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/**
 * What was measured in turn: each round to its own neighbour, and the median of these. On a machine that becomes slower half way
 * through, the medians of both sides may be of different halves: so R1 came to 0.53, of rounds of which all but one had 0.70 to 0.77.
 */
export function ratiosOf(above: readonly number[], below: readonly number[]): { figure: number; rounds: number[] } {
  const rounds = above.map((each, round) => each / (below[round] ?? Number.NaN));
  return { figure: spreadOf(rounds).median, rounds };
}

/** What of many values is worth saying. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly most: number;
}

/** The least values that half, 99 %, 99.9 % and all of these do not exceed. */
export function quantilesOf(values: readonly number[]): Quantiles {
  if (values.length === 0) throw new Error('Quantiles need a value.');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] as number;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), most: at(1) };
}
