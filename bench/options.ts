import { CASES, type CaseName } from './cases.js';

export interface Options {
  readonly cases: readonly CaseName[];
  /** Rounds of baseline and service in turn. */
  readonly rounds: number;
  /** Seconds of each measurement. */
  readonly seconds: number;
  /** Connections of the load generator, each with one request under way. undefined: as many as do most. */
  readonly connections: number | undefined;
  /** Positions of the largest catalogue. */
  readonly positions: number;
  /** Compares the ratios with the record, and fails where one was lost, instead of where a floor is missed. */
  readonly check: boolean;
  /** Profiles the service and lists its statements, instead of measuring against the baseline. */
  readonly profile: boolean;
}

const NAMES = Object.keys(CASES) as CaseName[];

export const USAGE = `npm run bench -- [${NAMES.join('] [')}] [--rounds 5] [--seconds 10] [--connections 256] [--positions 100000] [--check] [--profile]`;

const BOUNDS = {
  rounds: [5, 1, 100],
  seconds: [10, 1, 600],
  connections: [64, 1, 1_000],
  positions: [1_000_000, 10_000, 1_000_000],
} as const;

/** Reads the words behind `npm run bench --`. Throws an Error that says how to write them. */
export function readOptions(words: readonly string[]): Options {
  const cases: CaseName[] = [];
  const numbers = new Map<string, number>();
  let check = false;
  let profile = false;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] as string;
    const named = NAMES.filter((name) => name === word || name.startsWith(`${word}-`));
    if (named.length > 0) cases.push(...named);
    else if (word === '--check') check = true;
    else if (word === '--profile') profile = true;
    else if (word.startsWith('--') && word.slice(2) in BOUNDS) {
      i += 1;
      numbers.set(word.slice(2), Number(words[i]));
    } else throw new Error(`${word} is no case and no option of the bench. ${USAGE}`);
  }
  const number = (name: keyof typeof BOUNDS): number => {
    const [fallback, least, most] = BOUNDS[name];
    const value = numbers.get(name) ?? fallback;
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new Error(`--${name} takes a whole number from ${least} to ${most}. ${USAGE}`);
    }
    return value;
  };
  return {
    cases: cases.length === 0 ? NAMES : NAMES.filter((name) => cases.includes(name)),
    rounds: number('rounds'),
    seconds: number('seconds'),
    connections: numbers.has('connections') ? number('connections') : undefined,
    positions: number('positions'),
    check,
    profile,
  };
}
