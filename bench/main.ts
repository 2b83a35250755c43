import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { CASES, type CaseName } from './cases.js';
import { LOSS_TAKEN } from './check.js';
import { type Finding, type Findings, judge } from './finding.js';
import { type Options, readOptions } from './options.js';
import { plotsOf } from './plots.js';
import { profile } from './profile.js';
import { comparedWith, jsonOf, markdownOf, type Report, summaryOf } from './report.js';
import { STUDIES } from './studies.js';
import { type Keep, World } from './world.js';

/** A record has at least so many rounds, and all cases. */
const ROUNDS_TO_KEEP = 5;
const RECORD = 'results.json';

/** What was started, to be stopped in the opposite order. */
const started: (() => unknown)[] = [];

const keep: Keep = (stop) => started.push(stop);

async function stopAll(): Promise<void> {
  for (let stop = started.pop(); stop; stop = started.pop()) await stop();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void stopAll().finally(() => process.exit(130)));
}

try {
  if (process.platform !== 'linux') throw new Error('The bench reads CPU times from /proc: run it on Linux.');
  const options = readOptions(process.argv.slice(2));
  if (options.profile) await profile(options, keep);
  else await measure(options);
} catch (error) {
  // What we have to say about it is in the message; where it was thrown helps only whoever changes the bench.
  console.error(process.env.DEBUG ? error : (error as Error).message);
  process.exitCode = 1;
} finally {
  await stopAll();
}

async function measure(options: Options): Promise<void> {
  const load = loadavg()[0] ?? 0;
  const world = await World.start(options, keep);
  const machine = describeMachine(load);
  console.log(Object.values(machine).join(' · '));
  const cases: Findings = {};
  const failed: string[] = [];
  const isWanted = (name: CaseName) => options.cases.includes(name);
  const studies = STUDIES.filter((study) => study.cases.some(isWanted));
  for (const study of studies) await study.prepare?.(world);
  for (const study of studies) {
    const wanted = study.cases.filter(isWanted);
    for (const name of wanted) console.log(`\n${name}: ${CASES[name].title}`);
    // What the others have found in twenty minutes is worth telling, whatever becomes of one.
    try {
      Object.assign(cases, await study.measure(world));
      for (const name of wanted) console.log(...summaryOf(name, cases[name] as Finding).slice(1));
    } catch (error) {
      console.error(error);
      failed.push(...wanted);
    }
  }
  const report: Report = {
    at: new Date().toISOString(),
    machine: { ...machine, ...(await world.describe()), took: `${(process.uptime() / 60).toFixed(1)} minutes` },
    settings: await world.server.settings(),
    options,
    cases,
  };
  const markdown = markdownOf(report);
  console.log(`\n${markdown}`);
  if (failed.length > 0) throw new Error(`Not measured, see above: ${failed.join(', ')}.`);
  if (options.check) await requireNoLoss(cases);
  else {
    await record(report, markdown);
    requireFloors(cases);
  }
}

async function record(report: Report, markdown: string): Promise<void> {
  const { cases, options } = report;
  if (options.rounds < ROUNDS_TO_KEEP || !Object.keys(CASES).every((name) => name in cases)) {
    console.log(`Not kept: RESULTS.md records runs of all cases and at least ${ROUNDS_TO_KEEP} rounds.`);
    return;
  }
  const files = new Map([['RESULTS.md', markdown], [RECORD, jsonOf(report)], ...plotsOf(cases)]);
  for (const [name, content] of files) await writeFile(new URL(name, import.meta.url), content);
}

function requireFloors(cases: Findings): void {
  const missed = (Object.entries(cases) as [CaseName, Finding][]).filter(
    ([name, { figure }]) => judge(name, figure) === 'missed',
  );
  if (missed.length > 0) throw new Error(`Floors missed: ${missed.map(([name]) => name).join(', ')}.`);
}

async function requireNoLoss(cases: Findings): Promise<void> {
  const { table, lost } = comparedWith(await readFile(new URL(RECORD, import.meta.url), 'utf8'), cases);
  console.log(table.join('\n'));
  if (lost.length > 0) {
    throw new Error(`Lost more than ${100 * LOSS_TAKEN} % beyond the noise since the record: ${lost.join(', ')}.`);
  }
}

function describeMachine(load: number): Record<string, string> {
  return {
    commit: describeCommit(),
    cpu: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `Linux ${release()}`,
    node: process.version,
    'load before': `${load.toFixed(2)}${load > 0.3 ? ' (others use this machine: expect a wide spread)' : ''}`,
  };
}

function describeCommit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown'; // no git here, or no repository
  }
}
