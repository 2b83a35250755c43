import { type ChildProcess, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { EmbeddedLauncher } from './embedded-launcher.js';

const run = promisify(execFile);

/** A running PostgreSQL of our own, for the run without set-up. */
export interface EmbeddedPostgres {
  /** Superuser's URL of the database `holdfast`, on loopback with a generated password. */
  readonly url: string;
  /** The server was already running: the process that had started it ended without stopping it. */
  readonly adopted: boolean;
  /** Stops the server and waits until it has. Does nothing to a server that is another Holdfast's. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Holds the server's files in `data/` and its log in `postgres.log`; made if it does not exist. */
  readonly directory: string;
  /** Server settings beside, or instead of, the ones chosen here. An adopted server keeps what it was started with. */
  readonly settings?: Readonly<Record<string, string>>;
}

const DATABASE = 'holdfast';
const SUPERUSER = 'holdfast';
const PASSWORD_FILE = 'holdfast.password';
/** The session that holds this lock, in database `postgres`, owns the server. "hold" in ASCII. */
const OWNERSHIP_LOCK = 0x686f6c64;
const OWNER_NAME = 'holdfast owner ';
/** Long, because after a crash the server replays its log before it answers. */
const START_TIMEOUT_MS = 60_000;
/** A fast shutdown waits for nothing but its own last checkpoint. */
const STOP_TIMEOUT_MS = 30_000;
const LOG_BOUND_BYTES = 8 * 1024 * 1024;
const LOG_CHECK_MS = 60_000;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // A socket file would need a directory whose path is short and which nobody else can enter: loopback needs neither.
  unix_socket_directories: '',
  // The defaults, said aloud: what was acknowledged is on disk, here as in production.
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  shared_buffers: sharedBuffers(),
  timezone: 'UTC',
  log_timezone: 'UTC',
  cluster_name: 'holdfast',
};

/**
 * A quarter of the memory that there is, as PostgreSQL's manual advises, up to what a million positions and their items take
 * with their indexes. With the default of 128 MB a reservation among a million cost 257 µs of CPU, with 1 GB 229; each page counts only once
 * it is used.
 */
function sharedBuffers(): string {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return `${Math.min(1_024, Math.floor(memory / 4 / 2 ** 20))}MB`;
}

/**
 * Starts the bundled PostgreSQL on `directory`, or adopts the one that a Holdfast left running there when it was killed.
 * The server outlives us unless `stop` is called: it has a session of its own, so that Ctrl-C ends us first.
 * Should the server itself die, it is started again at the same port.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  await mkdir(options.directory, { recursive: true });
  // The kernel shows a process's directory by its real path, and we compare with that.
  const directory = await realpath(options.directory);
  const launcher = await EmbeddedLauncher.find(directory, join(directory, 'data'));
  await initialise(directory, launcher);
  return EmbeddedServer.start(directory, launcher, { ...SETTINGS, ...options.settings });
}

/** What `postmaster.pid` says of a process that is alive and works in our data directory. */
interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

class EmbeddedServer implements EmbeddedPostgres {
  adopted = false;
  private port = 0;
  private pid = 0;
  /** Holds the ownership lock. Undefined while we own nothing. */
  private ownership: Owner | undefined;
  private recovering: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private logCheck: NodeJS.Timeout | undefined;

  private constructor(
    private readonly dataDirectory: string,
    private readonly log: string,
    private readonly password: string,
    private readonly launcher: EmbeddedLauncher,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  static async start(
    directory: string,
    launcher: EmbeddedLauncher,
    settings: Readonly<Record<string, string>>,
  ): Promise<EmbeddedServer> {
    const dataDirectory = join(directory, 'data');
    const password = await readPassword(dataDirectory);
    const server = new EmbeddedServer(dataDirectory, join(directory, 'postgres.log'), password, launcher, settings);
    await boundLog(server.log);
    server.adopted = await server.acquire();
    server.logCheck = setInterval(() => void boundLog(server.log), LOG_CHECK_MS).unref();
    return server;
  }

  get url(): string {
    return `postgres://${SUPERUSER}:${this.password}@127.0.0.1:${this.port}/${DATABASE}`;
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** Connects to the server, starting it where none runs, and takes ownership. Answers whether it was running. */
  private async acquire(): Promise<boolean> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    let launch: Launch | undefined;
    while (Date.now() < deadline && this.stopping === undefined) {
      const running = await findPostmaster(this.dataDirectory);
      const client = running?.ready ? await this.connect(running.port) : undefined;
      if (running && client && (await this.claim(client))) {
        await this.settle(client as Owner, running);
        return running.pid !== launch?.process.pid;
      }
      if (!running && (launch === undefined || launch.ended)) {
        if (launch) await this.throwUnlessWorthAnotherTry(launch);
        launch = await this.launch(this.port || (await findFreePort()));
      }
      await delay(10);
    }
    if (launch && !launch.ended) {
      launch.process.kill('SIGINT');
      await once(launch.process, 'exit');
    }
    const tail = launch ? await readTail(this.log, launch.logStart) : '';
    throw new Error(
      `The bundled PostgreSQL in ${this.dataDirectory} did not answer within ${START_TIMEOUT_MS / 1000} s. ` +
        `Look at ${this.log}, or set DATABASE_URL to a server of your own.\n${tail}`,
    );
  }

  private async settle(client: Owner, { pid, port }: Postmaster): Promise<void> {
    try {
      if (this.port !== 0 && this.port !== port) {
        throw new Error(`The bundled PostgreSQL has moved from port ${this.port} to ${port}: start Holdfast again.`);
      }
      await createDatabase(client);
    } catch (error) {
      await client.end();
      throw error;
    }
    this.port = port;
    this.pid = pid;
    this.keep(client);
  }

  private async launch(port: number): Promise<Launch> {
    const log = await open(this.log, 'a', 0o600);
    try {
      const { size } = await log.stat();
      const settings = Object.entries({ ...this.settings, port: String(port) });
      const child = this.launcher.start(
        'postgres',
        ['-D', this.dataDirectory, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
        ['ignore', log.fd, log.fd],
      );
      const launch: Launch = { process: child, logStart: size, ended: false };
      child.once('exit', () => {
        launch.ended = true;
      });
      child.once('error', (error) => {
        launch.ended = true;
        launch.error = error;
      });
      child.unref();
      return launch;
    } finally {
      await log.close();
    }
  }

  /**
   * Three endings of a start are worth another try: somebody took the port before the server did; another Holdfast
   * started the server at the same moment; or children of a server that was killed have yet to notice and end.
   */
  private async throwUnlessWorthAnotherTry(launch: Launch): Promise<void> {
    const tail = launch.error?.message ?? (await readTail(this.log, launch.logStart));
    if (/could not bind|lock file .* already exists|still in use/.test(tail)) return delay(50);
    throw new Error(
      `The bundled PostgreSQL in ${this.dataDirectory} did not start. ` +
        `Mend what its log says, or set DATABASE_URL to a server of your own. From ${this.log}:\n${tail}`,
    );
  }

  /** A connection to database `postgres`, or undefined while the server does not take one. */
  private async connect(port: number): Promise<pg.Client | undefined> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: SUPERUSER,
      password: this.password,
      database: 'postgres',
      ssl: false,
      application_name: `${OWNER_NAME}${process.pid}`,
      connectionTimeoutMillis: 2_000,
    });
    // A broken connection is reported through 'end' as well, where it is dealt with.
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (cause) {
      await client.end().catch(() => {});
      if ((cause as { code?: string }).code !== '28P01') return undefined;
      throw new Error(
        `The PostgreSQL that runs in ${this.dataDirectory} refuses the password in ${PASSWORD_FILE} there. ` +
          'Set DATA_DIR to another directory, or DATABASE_URL to a server of your own.',
        { cause },
      );
    }
  }

  /**
   * Takes the ownership lock. It lives and dies with its session: however a Holdfast ends, its server is free to be
   * adopted, and no process number of a dead owner can be mistaken for a living one.
   */
  private async claim(client: pg.Client): Promise<boolean> {
    try {
      const claimed = await client.query('select pg_try_advisory_lock($1) as claimed', [OWNERSHIP_LOCK]);
      if (claimed.rows[0].claimed === true) return true;
      const holder = await client.query(
        `select application_name as name from pg_stat_activity join pg_locks using (pid)
          where locktype = 'advisory' and objid = $1 and granted`,
        [OWNERSHIP_LOCK],
      );
      const pid = Number(String(holder.rows[0]?.name ?? '').slice(OWNER_NAME.length));
      // A dead owner's session ends within milliseconds; then the lock is ours.
      await client.end();
      if (!pid || !isAlive(pid)) return false;
      throw new AnotherHoldfastError(
        `Another Holdfast (process ${pid}) is using ${this.dataDirectory}. Stop it, or set DATA_DIR to another ` +
          'directory, or set DATABASE_URL so that both use one PostgreSQL.',
      );
    } catch (error) {
      if (error instanceof AnotherHoldfastError) throw error;
      await client.end().catch(() => {});
      return false; // The server went away while we asked.
    }
  }

  /** Keeps the owning session for as long as we live, and comes back when it ends although nobody stopped the server. */
  private keep(client: Owner): void {
    this.ownership = client;
    client.unref(); // A program that has ended all else need not wait for this session.
    client.once('end', () => {
      this.ownership = undefined;
      if (this.stopping === undefined) this.recovering = this.recover();
    });
  }

  private async recover(): Promise<void> {
    try {
      await this.acquire();
    } catch (error) {
      if (this.stopping === undefined) process.emitWarning(error as Error);
    }
  }

  private async shutDown(): Promise<void> {
    clearInterval(this.logCheck);
    await this.recovering;
    if (this.ownership === undefined) return;
    // The owning session is not ended first: the server ends it, so that nobody adopts what is about to stop.
    for (const [signal, patience] of [
      ['SIGINT', STOP_TIMEOUT_MS],
      ['SIGQUIT', 5_000],
    ] as const) {
      const deadline = Date.now() + patience;
      if (await isPostmasterOf(this.pid, this.dataDirectory)) process.kill(this.pid, signal);
      while (Date.now() < deadline) {
        if (!(await isPostmasterOf(this.pid, this.dataDirectory))) {
          await this.ownership?.end().catch(() => {});
          return;
        }
        await delay(10);
      }
    }
    throw new Error(`The bundled PostgreSQL (process ${this.pid}) did not stop. Look at ${this.log}.`);
  }
}

async function createDatabase(client: pg.Client): Promise<void> {
  const found = await client.query('select from pg_database where datname = $1', [DATABASE]);
  if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
}

class AnotherHoldfastError extends Error {}

/** The owning session. The driver's types leave out what says whether a socket keeps the process alive. */
type Owner = pg.Client & { unref(): void };

/** One try to start the server. */
interface Launch {
  readonly process: ChildProcess;
  /** Where in the log this try begins. */
  readonly logStart: number;
  ended: boolean;
  error?: Error;
}

/** Makes the server's files unless they are there. They get their place by a rename, so they are whole or absent. */
async function initialise(directory: string, launcher: EmbeddedLauncher): Promise<void> {
  await removeAbandonedBeginnings(directory);
  const dataDirectory = join(directory, 'data');
  if (await exists(dataDirectory)) return;

  const beginning = join(directory, `new-${process.pid}`);
  const fresh = join(beginning, 'data');
  const password = join(beginning, 'password');
  for (const path of [beginning, fresh]) {
    await mkdir(path, { mode: 0o700 });
    await launcher.handOver(path);
  }
  // Loopback is open to every user of the machine, so there is a password.
  await writeFile(password, randomBytes(24).toString('hex'), { mode: 0o600 });
  await launcher.handOver(password);
  await launcher.run('initdb', [
    `--pgdata=${fresh}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${password}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    '--no-instructions',
  ]);
  await writeFile(join(fresh, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n');
  await rename(password, join(fresh, PASSWORD_FILE));
  try {
    await rename(fresh, dataDirectory);
    const parent = await open(directory);
    await parent.sync().finally(() => parent.close());
  } catch (error) {
    // Another Holdfast was quicker: its files serve as well.
    if (!(await exists(dataDirectory))) throw error;
  } finally {
    await rm(beginning, { recursive: true, force: true });
  }
}

/** A Holdfast that is killed during initdb leaves half of the files behind. */
async function removeAbandonedBeginnings(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = Number(/^new-(\d+)$/.exec(name)?.[1]);
    if (pid && (pid === process.pid || !isAlive(pid))) {
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }
}

async function readPassword(dataDirectory: string): Promise<string> {
  try {
    return await readFile(join(dataDirectory, PASSWORD_FILE), 'utf8');
  } catch (cause) {
    throw new Error(
      `${dataDirectory} cannot be read, or is not the data of a bundled PostgreSQL. Start Holdfast as the user that ` +
        'made it, or set DATA_DIR to another directory, or DATABASE_URL to a server of your own.',
      { cause },
    );
  }
}

/**
 * The server that runs on the data directory, if one does. The file outlives a server that was killed, and its process
 * number may by then be another program's (after a reboot it often is), or a dead process that nobody has collected.
 * PostgreSQL would refuse to start beside such a file, so it is removed.
 */
async function findPostmaster(dataDirectory: string): Promise<Postmaster | undefined> {
  const file = join(dataDirectory, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n');
  // A single-user server writes its process number negative.
  const pid = Math.abs(Number(lines[0]));
  if (!pid) return undefined;
  if (await isPostmasterOf(pid, dataDirectory)) {
    return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
  }
  if (isAlive(pid) && (await readFile(file, 'utf8').catch(() => '')) === text) await rm(file, { force: true });
  return undefined;
}

/** Whether the process is alive, not a corpse, and a server that works in the data directory. */
async function isPostmasterOf(pid: number, dataDirectory: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  try {
    if (process.platform === 'linux') return (await readlink(`/proc/${pid}/cwd`)) === dataDirectory;
    return (await run('ps', ['-o', 'command=', '-p', String(pid)])).stdout.includes(dataDirectory);
  } catch {
    return false; // Another user's process, or it has just ended.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A port that was free a moment ago. Should it be taken before the server has it, the start is tried again. */
function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** The server appends to its log for ever. Past the bound the log is kept once as `.1` and begun anew. */
async function boundLog(log: string): Promise<void> {
  try {
    const file = await open(log, 'r');
    const { size } = await file.stat().finally(() => file.close());
    if (size < LOG_BOUND_BYTES) return;
    await copyFile(log, `${log}.1`);
    await truncate(log);
  } catch {
    // No log yet, or it cannot be moved now: the next look will try again.
  }
}

/** The last lines that were written since `start`. */
async function readTail(log: string, start: number): Promise<string> {
  const text = (await readFile(log).catch(() => Buffer.alloc(0))).subarray(start).toString().trimEnd();
  return text.split('\n').slice(-20).join('\n');
}

async function exists(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    (error) => error.code !== 'ENOENT',
  );
}
