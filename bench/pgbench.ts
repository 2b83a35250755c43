import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unpack } from './debian.js';
import { type Quantiles, quantilesOf } from './statistics.js';

const run = promisify(execFile);

/** Of the transactions of a closed loop, in the log: enough for a quantile, and next to nothing of pgbench's time. */
const SAMPLED = 0.1;
const DEBIAN = '/usr/lib/postgresql';
const SCRIPTS = {
  reserve: fileURLToPath(new URL('baseline.reserve.sql', import.meta.url)),
  send: fileURLToPath(new URL('baseline.inbox.sql', import.meta.url)),
};

/** What there is a statement for. */
export type PgbenchWork = keyof typeof SCRIPTS;

/** PostgreSQL's own load generator, which the bundled binaries lack. */
export interface Pgbench {
  readonly command: string;
  readonly version: string;
  /** Removes what was fetched for this run. */
  remove(): Promise<void>;
}

export interface Transactions {
  readonly transactions: number;
  /** Seconds they took, without the opening of the connections. */
  readonly seconds: number;
  /** Milliseconds that they took; of an open loop, since they were due. */
  readonly took: Quantiles;
}

export interface Transacting {
  readonly work: PgbenchWork;
  readonly items: number;
  readonly clients: number;
  readonly seconds: number;
  /** Transactions a second of an open loop: they are due at moments drawn for it, about as many in each second. Default: a closed loop. */
  readonly rate?: number;
}

/** Takes pgbench from the PATH, from where Debian keeps it, or as root from Debian's package. Else says what to do. */
export async function findPgbench(): Promise<Pgbench> {
  const versions = (await readdir(DEBIAN).catch(() => [])).sort((a, b) => Number(b) - Number(a));
  for (const command of ['pgbench', ...versions.map((version) => join(DEBIAN, version, 'bin/pgbench'))]) {
    const version = await versionOf(command);
    if (version) return { command, version, remove: async () => {} };
  }
  const fetched = await fetchFromDebian();
  if (fetched) return fetched;
  throw new Error(
    'The baseline needs pgbench, and there is none. Put it on the PATH: on Debian and Ubuntu it comes with the package ' +
      '"postgresql", elsewhere with "postgresql-contrib" or the server. As root on Debian it is fetched by itself.',
  );
}

/** Not the package of that name, which is empty, but the one of Debian's version that it depends on. */
const SERVER = 'apt-cache depends postgresql | grep -o -m 1 "postgresql-[0-9][0-9]*"';

async function fetchFromDebian(): Promise<Pgbench | undefined> {
  const unpacked = await unpack(SERVER, 'libpq5');
  if (!unpacked) return undefined;
  const installed = join(unpacked.directory, DEBIAN);
  const [version = ''] = await readdir(installed).catch(() => []);
  const command = join(installed, version, 'bin/pgbench');
  const says = await versionOf(command);
  if (says) return { command, version: says, remove: unpacked.remove };
  await unpacked.remove();
  return undefined;
}

async function versionOf(command: string): Promise<string | undefined> {
  try {
    return (await run(command, ['--version'])).stdout.trim();
  } catch {
    return undefined;
  }
}

/** One statement a transaction, prepared, over `items` items. Throws when a transaction failed. */
export async function runPgbench(
  { command }: Pgbench,
  databaseUrl: string,
  { work, items, clients, seconds, rate }: Transacting,
): Promise<Transactions> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-pgbench-'));
  try {
    const { stdout } = await run(
      command,
      [
        '--no-vacuum',
        '--protocol=prepared',
        `--file=${SCRIPTS[work]}`,
        `--define=items=${items}`,
        `--client=${clients}`,
        `--jobs=${Math.min(clients, 2)}`,
        `--time=${seconds}`,
        '--log',
        `--log-prefix=${join(directory, 'log')}`,
        ...(rate ? [`--rate=${rate}`] : [`--sampling-rate=${SAMPLED}`]),
      ],
      {
        env: {
          PATH: process.env.PATH,
          PGHOST: hostname,
          PGPORT: port,
          PGUSER: username,
          PGPASSWORD: password,
          PGDATABASE: pathname.slice(1),
        },
      },
    );
    const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
    const transactions = number(/transactions actually processed: (\d+)/);
    const failed = number(/number of failed transactions: (\d+)/);
    const perSecond = number(/tps = ([\d.]+) \(without/);
    if (failed !== 0 || !(perSecond > 0)) throw new Error(`pgbench did not do what was asked:\n${stdout}`);
    return { transactions, seconds: transactions / perSecond, took: await tookOf(directory) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Of its logs, one a thread: a transaction a line, and in its third column the microseconds it took. */
async function tookOf(directory: string): Promise<Quantiles> {
  const logs = await Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name), 'utf8')));
  const lines = logs.flatMap((log) => log.trim().split('\n'));
  return quantilesOf(lines.map((line) => Number(line.split(' ')[2]) / 1_000));
}
