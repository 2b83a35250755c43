import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { whenWeAreGone } from '../test/support/watchdog.js';
import { Catalogue } from './catalogue.js';
import type { Study } from './finding.js';
import { spread, table } from './markdown.js';
import { spreadOf } from './statistics.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** SKUs of the catalogue, and of what is asked for. */
const SKUS = 100_000;
/** How long a service that has started is left alone before its memory is read. */
const IDLE_MS = 10_000;
const CONNECTIONS = 64;
/** Seconds of reading, then of reserving; the most rounds of starting. */
const MOST = { seconds: 10, starts: 3 };
/** Milliseconds between two looks whether it answers, and how long we look. */
const LOOK_MS = 10;
const PATIENCE_MS = 60_000;
const MIB = 1_024;

/** What the service keeps resident when nobody asks, and at most when everybody does. PostgreSQL and Redis are apart. */
const memory: Study = {
  cases: ['M1-idle', 'M1-load'],
  measure: async (world) => {
    const catalogue = await Catalogue.make(world, 'footprint');
    await catalogue.grow(SKUS);
    const service = await catalogue.serve({ REDIS_URL: (await world.redis()).url });
    try {
      await delay(IDLE_MS);
      const idle = (await residentOf(service.pid)).now;
      const seconds = Math.min(MOST.seconds, world.options.seconds);
      let asked = 0;
      for (const work of ['read', 'reserve'] as const) {
        const { key } = catalogue.access;
        const load = { url: service.url, work, key, items: SKUS - 1, connections: CONNECTIONS, seconds };
        const { accepted, errors } = await world.generator.generate(load);
        if (Object.keys(errors).length > 0) throw new Error(`Not every answer was right: ${JSON.stringify(errors)}`);
        asked += accepted;
      }
      const { most } = await residentOf(service.pid);
      const told = [
        `The service process as \`npm start\` runs it, with Redis, on a catalogue of ${SKUS.toLocaleString('en')} SKUs; PostgreSQL and Redis are not counted.`,
        `Idle: what is resident ${IDLE_MS / 1_000} s after it started. Under load: the most that ever was, after ${seconds} s of reads and ${seconds} s of reservations over ${CONNECTIONS} connections, ${asked.toLocaleString('en')} in all, each SKU as likely as the others.`,
      ];
      return {
        'M1-idle': { figure: idle, rounds: [idle], measured: { idle }, told },
        'M1-load': { figure: most, rounds: [most], measured: { most, asked }, told },
      };
    } finally {
      await service.stop();
    }
  },
};

/** From `npm start` to the first good answer, where it has run before. */
const starting: Study = {
  cases: ['M2'],
  measure: async ({ options }) => {
    const directory = await mkdtemp(join(ROOT, '.data', 'bench-start-'));
    const watchdog = whenWeAreGone(
      'kill -INT "$(head -n 1 "$0/data/postmaster.pid")"; sleep 3; rm -rf "$0"',
      directory,
    );
    try {
      await startOnce(directory); // makes the database
      const rounds: { seconds: number; built: number }[] = [];
      for (let round = 1; round <= Math.min(MOST.starts, options.rounds); round += 1) {
        const measured = await startOnce(directory);
        rounds.push(measured);
        console.log(
          `  round ${round}: ${measured.seconds.toFixed(2)} s, ${measured.built.toFixed(2)} s of them before the service`,
        );
      }
      const seconds = spreadOf(rounds.map((round) => round.seconds));
      return {
        M2: {
          figure: seconds.median,
          rounds: rounds.map((round) => round.seconds),
          measured: rounds,
          told: [
            'From the command `npm start` until `GET /health/ready` answers 200, with the data of a run before and no settings but where they are: npm, the look whether anything must be compiled, the bundled PostgreSQL, migrations, the service.',
            '',
            ...table(
              ['s', ''],
              [
                ['in all', spread(seconds, 2)],
                [
                  'until the service is started: npm and the compiler',
                  spread(spreadOf(rounds.map(({ built }) => built)), 2),
                ],
              ],
            ),
          ],
        },
      };
    } finally {
      watchdog.release();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

export const footprint: readonly Study[] = [memory, starting];

/** Resident memory of a process in MiB: now, and the most there ever was. */
async function residentOf(pid: number): Promise<{ now: number; most: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / MIB;
  return { now: mebibytes('VmRSS'), most: mebibytes('VmHWM') };
}

/** Seconds until it answers, and until npm has started the service. Stops it in order. */
async function startOnce(directory: string): Promise<{ seconds: number; built: number }> {
  const port = await freePort();
  const begun = performance.now();
  const since = () => (performance.now() - begun) / 1_000;
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: directory, PORT: String(port), HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, that is stopped as a whole
  });
  const watchdog = whenWeAreGone('kill -INT -- "-$0"', String(child.pid));
  const exited = once(child, 'exit');
  let built = Number.NaN;
  let printed = '';
  const read = (chunk: Buffer) => {
    printed += chunk.toString();
    if (Number.isNaN(built) && /> node /.test(printed)) built = since();
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  try {
    while (!(await answers(port))) {
      if (child.exitCode !== null || since() * 1_000 > PATIENCE_MS)
        throw new Error(`npm start gave no answer.\n${printed}`);
      await delay(LOOK_MS);
    }
    return { seconds: since(), built };
  } finally {
    process.kill(-(child.pid as number), 'SIGINT');
    await exited;
    watchdog.release();
  }
}

async function answers(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.status === 200;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
