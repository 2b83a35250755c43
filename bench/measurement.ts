import { availableParallelism } from 'node:os';
import type { Finding } from './finding.js';
import { spread, table } from './markdown.js';
import { ratiosOf, spreadOf } from './statistics.js';

/** One stretch of load on the baseline or on the service. */
export interface Measurement {
  /** Seconds from the first request to the last answer. */
  readonly seconds: number;
  /** Of what the case counts: reservations, events, SKUs. */
  readonly accepted: number;
  readonly refused: number;
  /** Answers whose body was compared with what it had to be; pgbench looks at none. */
  readonly checked: number;
  /**
   * Milliseconds until 99 % had their answer. The loop is closed, so this is how long as many wait as come at once; a
   * service that stalls is asked less meanwhile. undefined: nobody waits.
   */
  readonly p99?: number | undefined;
  /** CPU time in microseconds that each process used meanwhile, by its name; of the generator in `generator`. */
  readonly cpu: Readonly<Record<string, number>>;
}

/** At which number of clients or connections most was done, and what the others did. */
export interface Search {
  readonly best: number;
  readonly tried: readonly { readonly at: number; readonly perSecond: number; readonly p99?: number | undefined }[];
}

/** What is compared at the number of clients or connections at which it does most. */
export interface Contender {
  readonly title: string;
  /** They are tried, for so many seconds each. */
  readonly numbers: readonly number[];
  readonly searchSeconds: number;
  /** Before the first measurement: code is compiled for it, and what can be kept is kept. */
  readonly warmUp?: WarmUp;
  measure(at: number, seconds: number): Promise<Measurement>;
}

export interface WarmUp {
  readonly at: number;
  /** Over when so much was accepted, or after these seconds: a busy machine makes them slowly. */
  readonly enough: number;
  readonly seconds: number;
}

/** Seconds of one piece of a warm-up. */
const STRETCH = 2;

/** One side of a comparison. */
export interface Side {
  readonly title: string;
  /** undefined: it is no load of so many clients or connections. */
  readonly search: Search | undefined;
  readonly rounds: readonly Measurement[];
}

/** The service against a baseline, measured in turn. */
export interface Comparison {
  readonly baseline: Side;
  readonly service: Side;
}

export function perSecond({ accepted, seconds }: Measurement): number {
  return accepted / seconds;
}

/** Tries each number at which the load may come, and says which did most. */
export async function bestOf(
  what: string,
  numbers: readonly number[],
  measure: (at: number) => Promise<Measurement>,
): Promise<Search> {
  const tried: Search['tried'][number][] = [];
  for (const at of numbers) {
    const measured = await measure(at);
    tried.push({ at, perSecond: perSecond(measured), p99: measured.p99 });
  }
  const search = { tried, best: tried.reduce((most, each) => (each.perSecond > most.perSecond ? each : most)).at };
  console.log(`  ${what}: ${told(search)}`);
  return search;
}

/** Both sides in turn, each at its best. */
export async function compare(
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  contenders: { readonly baseline: Contender; readonly service: Contender },
): Promise<Comparison> {
  const { baseline, service } = contenders;
  const ofBaseline = await searchFor(baseline);
  const ofService = await searchFor(service);
  const measured = await inTurn(
    rounds,
    () => baseline.measure(ofBaseline.best, seconds),
    () => service.measure(ofService.best, seconds),
  );
  return {
    baseline: { title: `baseline: ${baseline.title}`, search: ofBaseline, rounds: measured.baseline },
    service: { title: `service: ${service.title}`, search: ofService, rounds: measured.service },
  };
}

async function searchFor({ title, numbers, searchSeconds, warmUp, measure }: Contender): Promise<Search> {
  if (warmUp) {
    let accepted = 0;
    for (let spent = 0; accepted < warmUp.enough && spent < warmUp.seconds; spent += STRETCH) {
      accepted += (await measure(warmUp.at, STRETCH)).accepted;
    }
  }
  return bestOf(title, numbers, (at) => measure(at, searchSeconds));
}

/** Baseline and service, A B A B: what else the machine does meets both. */
export async function inTurn(
  rounds: number,
  ofBaseline: () => Promise<Measurement>,
  ofService: () => Promise<Measurement>,
): Promise<{ baseline: Measurement[]; service: Measurement[] }> {
  const baseline: Measurement[] = [];
  const service: Measurement[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const bare = await ofBaseline();
    const ours = await ofService();
    baseline.push(bare);
    service.push(ours);
    const figures = [bare, ours].map((each) => `${perSecond(each).toFixed(0)}/s`).join(' and ');
    console.log(`  round ${round}: ${figures}, ratio ${(perSecond(ours) / perSecond(bare)).toFixed(2)}`);
  }
  return { baseline, service };
}

/** The ratio of the rounds, each to its own neighbour. */
export function findingOf(comparison: Comparison, unit: string, remarks: readonly string[]): Finding {
  const { baseline, service } = comparison;
  return {
    ...ratiosOf(service.rounds.map(perSecond), baseline.rounds.map(perSecond)),
    measured: comparison,
    told: [
      ...tableOf([baseline, service], unit),
      '',
      `${service.rounds.length} rounds, baseline and service in turn: medians (least – most).`,
      ...remarks,
      ...[baseline, service].flatMap(({ title, search }) => (search ? [`${title}: ${told(search)}.`] : [])),
    ],
  };
}

export function sum(measured: readonly Measurement[], figure: 'accepted' | 'refused' | 'checked'): string {
  return measured.reduce((total, each) => total + each[figure], 0).toLocaleString('en');
}

function tableOf(sides: readonly Side[], unit: string): string[] {
  const processes = [...new Set(sides.flatMap(({ rounds }) => rounds.flatMap(({ cpu }) => Object.keys(cpu))))];
  return table(
    ['', `${unit}s/s`, ...processes.map((name) => `µs CPU each: ${name}`), 'generator, share of the machine'],
    sides.map(({ title, search, rounds }) => [
      search ? `${title}: ${search.best}` : title,
      spread(spreadOf(rounds.map(perSecond)), 0),
      ...processes.map((name) => {
        const used = rounds.flatMap(({ cpu, accepted, refused }) => (cpu[name] ?? Number.NaN) / (accepted + refused));
        return used.some(Number.isNaN) ? '–' : spread(spreadOf(used), digitsOf(spreadOf(used).median));
      }),
      `${(100 * spreadOf(rounds.map(generatorShare)).median).toFixed(0)} %`,
    ]),
  );
}

/** Of microseconds: three figures say enough. */
function digitsOf(median: number): number {
  return median < 2 ? 2 : median < 20 ? 1 : 0;
}

/** Of all the CPU time that there was. */
function generatorShare({ cpu, seconds }: Measurement): number {
  return (cpu.generator ?? 0) / (seconds * 1_000_000 * availableParallelism());
}

function told({ tried }: Search): string {
  return tried.map(({ at, perSecond: rate }) => `${at}: ${rate.toFixed(0)}/s`).join(', ');
}
