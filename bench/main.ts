import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { Bench } from './bench.js';
import { measureBurst } from './burst.js';
import { CASES, type CaseName } from './cases.js';
import { judge, type Rounds } from './measurement.js';
import { type Options, readOptions } from './options.js';
import { findPgbench } from './pgbench.js';
import { profile } from './profile.js';
import { markdownOf, type Report } from './report.js';
import { Server } from './server.js';
import { Generator, ServiceProcess } from './service.js';

/** A record has at least so many rounds, and all cases. */
const ROUNDS_TO_KEEP = 5;

/** What was started, to be stopped in the opposite order. */
const started: (() => unknown)[] = [];

async function stopAll(): Promise<void> {
  for (let stop = started.pop(); stop; stop = started.pop()) await stop();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void stopAll().finally(() => process.exit(130)));
}

try {
  if (process.platform !== 'linux') throw new Error('The bench reads CPU times from /proc: run it on Linux.');
  const options = readOptions(process.argv.slice(2));
  if (options.profile) await profile(options, (stop) => started.push(stop));
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
  const pgbench = await findPgbench();
  started.push(pgbench.remove);
  const server = await Server.start({});
  started.push(server.stop);
  const machine = { ...describeMachine(load), pgbench: pgbench.version };
  console.log(Object.values(machine).join(' · '));
  const service = await ServiceProcess.start(server.serviceUrl);
  started.push(() => service.stop());
  const generator = new Generator();
  started.push(() => generator.stop());
  await service.setUp();
  await server.makeItems();

  const bench = new Bench(options, pgbench, server, service, generator);
  const cases: Partial<Record<CaseName, Rounds>> = {};
  for (const name of options.cases) cases[name] = await bench.run(name);

  if (options.burst) console.log('\nA burst of EDI beside the web channel');
  const burst = options.burst ? await measureBurst(service, options.rounds, options.seconds) : undefined;

  const synced = `${(await server.syncMilliseconds()).toFixed(2)} ms to make 8 kB durable`;
  const report: Report = {
    at: new Date().toISOString(),
    machine: { ...machine, disk: synced },
    settings: await server.settings(),
    options,
    cases,
    ...(burst ? { burst } : {}),
  };
  const markdown = markdownOf(report);
  console.log(`\n${markdown}`);
  if (options.cases.length === Object.keys(CASES).length && options.rounds >= ROUNDS_TO_KEEP) {
    await writeFile(new URL('RESULTS.md', import.meta.url), markdown);
    await writeFile(new URL('results.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
  } else {
    console.log(`Not kept: RESULTS.md records runs of all cases and at least ${ROUNDS_TO_KEEP} rounds.`);
  }
  for (const [name, rounds] of Object.entries(cases) as [CaseName, Rounds][]) {
    const { ratio, floor, met } = judge(name, rounds);
    if (!met) throw new Error(`${name} is ${ratio.median.toFixed(2)} times its baseline: below the floor of ${floor}.`);
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
