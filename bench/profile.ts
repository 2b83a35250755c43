import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Backlog, EVENTS } from './backlog.js';
import { CASES } from './cases.js';
import { cpuOf, cpuOfFamily } from './cpu.js';
import { DEMANDS, type Demand } from './demands.js';
import type { Options } from './options.js';
import { ask, Server } from './server.js';
import { Generator, ServiceProcess } from './service.js';
import type { Keep } from './world.js';

const FUNCTIONS_SHOWN = 40;
const STATEMENTS_SHOWN = 24;

/** V8's CPU profile, as `node --cpu-prof` writes it. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Done {
  readonly accepted: number;
  readonly seconds: number;
}

interface Statement {
  readonly query: string;
  readonly calls: number;
  readonly rows: number;
  readonly exec: number;
  readonly plan: number;
  readonly wal: number;
}

/**
 * Where the time of a request goes: of the service by function and by package, of PostgreSQL by statement.
 * Being watched slows both, so there is no baseline here and nothing is kept.
 */
export async function profile(options: Options, keep: Keep): Promise<void> {
  const profiled = (Object.keys(DEMANDS) as (keyof typeof DEMANDS)[]).filter((name) => options.cases.includes(name));
  if (profiled.length === 0) throw new Error(`Profiles are of ${Object.keys(DEMANDS).join(', ')}.`);
  const server = await Server.start({
    shared_preload_libraries: 'pg_stat_statements',
    'pg_stat_statements.track_planning': 'on',
  });
  keep(server.stop);
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-profile-'));
  keep(() => rm(directory, { recursive: true, force: true }));
  const generator = new Generator();
  keep(() => generator.stop());
  const first = await ServiceProcess.start(server.serviceUrl);
  keep(() => first.stop());
  const access = await first.setUp();
  await server.makeItems();
  await first.stop();
  await ask(server.serviceUrl, 'create extension pg_stat_statements');

  for (const name of profiled) {
    const { items, unit, work }: Demand = DEMANDS[name];
    const service = await ServiceProcess.start(server.serviceUrl, {}, ['--cpu-prof', `--cpu-prof-dir=${directory}`]);
    keep(() => service.stop());
    // Receiving alone, and applying alone, as they are measured.
    const backlog = work === 'reserve' ? undefined : await Backlog.hold(server);
    const apply = async (): Promise<Done> => ({ accepted: EVENTS, seconds: (await backlog?.drain()) ?? 0 });
    const request = async (of: 'reserve' | 'send', seconds: number): Promise<Done> => {
      const key = of === 'send' ? access.secret : access.key;
      const connections = options.connections ?? 64;
      const done = await generator.generate({ url: service.url, work: of, key, items, connections, seconds });
      if (Object.keys(done.errors).length > 0)
        throw new Error(`Not every answer was right: ${JSON.stringify(done.errors)}`);
      return done;
    };
    const run = (seconds: number) => (work === 'apply' ? apply() : request(work, seconds));
    for (let warmUp = 0; warmUp < (work === 'apply' ? 2 : 1); warmUp += 1) {
      if (work === 'apply') await backlog?.fill(items);
      await run(3);
    }
    if (work === 'apply') await backlog?.fill(items);
    await ask(server.serviceUrl, 'select pg_stat_statements_reset()');
    const before = { postgres: await cpuOfFamily(server.pid), service: await cpuOf(service.pid) };
    const { accepted, seconds } = await run(options.seconds);
    const after = { postgres: await cpuOfFamily(server.pid), service: await cpuOf(service.pid) };
    const statements = await ask<Statement>(
      server.serviceUrl,
      `select query, calls::int, rows::int, total_exec_time as exec, total_plan_time as plan, wal_bytes::float8 as wal
         from pg_stat_statements order by total_exec_time + total_plan_time desc limit ${STATEMENTS_SHOWN}`,
    );
    const batches = await batchesOf(service.url);
    await service.stop();
    await backlog?.end();
    const [file = ''] = (await readdir(directory)).filter((each) => each.endsWith('.cpuprofile'));
    const recorded: CpuProfile = JSON.parse(await readFile(join(directory, file), 'utf8'));
    await rm(join(directory, file));

    console.log(`\n${name}: ${CASES[name].title}, ${accepted} ${unit}s in ${seconds.toFixed(1)} s`);
    console.log(
      `µs of CPU each: service ${((after.service - before.service) / accepted).toFixed(0)}, PostgreSQL ${(
        (after.postgres - before.postgres) / accepted
      ).toFixed(0)}; profiling included`,
    );
    if (work !== 'send') console.log(`Commands a transaction of the engine: ${batches.toFixed(1)}`);
    printFunctions(recorded, seconds);
    printStatements(statements, accepted);
  }
}

/** The mean size of the engine's batches since it started, from its metrics. */
async function batchesOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const figure = (name: string) =>
    Number(new RegExp(`^holdfast_engine_batch_commands_${name} (\\S+)`, 'm').exec(text)?.[1]);
  return figure('sum') / figure('count');
}

/** Self time of functions, and summed by the package they are of, in the last `seconds`: not of the start. */
function printFunctions({ nodes, samples, timeDeltas }: CpuProfile, seconds: number): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byFunction = new Map<string, number>();
  const byPackage = new Map<string, number>();
  let busy = 0;
  let left = seconds * 1_000_000;
  for (let index = samples.length - 1; index >= 0 && left > 0; index -= 1) {
    const frame = frames.get(samples[index] as number);
    const micros = timeDeltas[index] ?? 0;
    left -= micros;
    if (!frame || frame.functionName === '(idle)' || frame.functionName === '(program)') continue;
    busy += micros;
    const place = placeOf(frame.url);
    const title = `${frame.functionName || '(anonymous)'} ${place.file}:${frame.lineNumber + 1}`;
    byFunction.set(title, (byFunction.get(title) ?? 0) + micros);
    byPackage.set(place.of, (byPackage.get(place.of) ?? 0) + micros);
  }
  const print = (title: string, times: Map<string, number>, shown: number) => {
    console.log(`\n${title}, % of the busy time of the JavaScript thread`);
    const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, shown);
    for (const [what, micros] of sorted) console.log(`  ${((100 * micros) / busy).toFixed(1).padStart(5)}  ${what}`);
  };
  print('By package', byPackage, 25);
  print('By function', byFunction, FUNCTIONS_SHOWN);
}

function placeOf(url: string): { of: string; file: string } {
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)/.exec(url);
  if (inPackage) return { of: inPackage[1] as string, file: `${inPackage[1]}/${inPackage[2]}` };
  const ours = /.*\/dist\/(.*)/.exec(url);
  if (ours) return { of: `our ${(ours[1] as string).split('/')[0]}`, file: ours[1] as string };
  return { of: url === '' ? 'V8 and native code' : 'node', file: url || 'native' };
}

function printStatements(statements: readonly Statement[], made: number): void {
  console.log('\nBy statement, in PostgreSQL: µs each executing, planning; calls; rows a call; WAL bytes each');
  for (const { query, calls, rows, exec, plan, wal } of statements) {
    const figures = [
      ((1_000 * exec) / made).toFixed(1),
      ((1_000 * plan) / made).toFixed(1),
      String(calls),
      (rows / calls).toFixed(1),
      (wal / made).toFixed(0),
    ].map((figure) => figure.padStart(8));
    console.log(`${figures.join('')}  ${query.replace(/\s+/g, ' ').trim().slice(0, 90)}`);
  }
}
