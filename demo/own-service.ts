import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { access, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../src/postgres/embedded.js';
import { whenWeAreGone } from '../test/support/watchdog.js';

const LOADER = new URL('../test/support/load-typescript.mjs', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** The first start makes a database: 3 s on two cores, more where the disk is slow. */
const START_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 45_000;

/** A Holdfast of the demo's own: a process with the bundled PostgreSQL, on a free port, with nothing in it. */
export class OwnService {
  private stopping = false;

  private constructor(
    private readonly child: ChildProcess,
    private readonly log: WriteStream,
    private readonly logFile: string,
    private readonly watchdog: { release(): void },
    readonly key: string,
  ) {}

  /** Where it answers. */
  url = '';

  /**
   * Starts it on `directory`, of which it removes what an earlier demo left. `died` is called if it ends before it is
   * stopped. Throws an Error with what it said if it does not start.
   */
  static async start(
    directory: string,
    { interrupted, died }: { interrupted: AbortSignal; died: (error: Error) => void },
  ): Promise<OwnService> {
    await clear(directory);
    const logFile = join(directory, 'service.log');
    const key = `demo-${randomBytes(16).toString('hex')}`;
    // Whatever database and cache the environment names are somebody's: the demo's data has no business there.
    const { DATABASE_URL: _, REDIS_URL: __, ...environment } = process.env;
    const child = spawn(process.execPath, ['--enable-source-maps', '--import', LOADER, MAIN], {
      env: { ...environment, PORT: '0', HOST: '127.0.0.1', DATA_DIR: directory, ADMIN_API_KEY: key, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C reaches us, and we stop it when we have stopped calling it.
    });
    // However we end, by kill -9 too, it does not stay behind.
    const watchdog = whenWeAreGone('kill -TERM "$0"', String(child.pid));
    const service = new OwnService(child, createWriteStream(logFile), logFile, watchdog, key);
    child.stdout?.pipe(service.log, { end: false });
    child.stderr?.pipe(service.log, { end: false });
    child.once('exit', (code, signal) => {
      if (!service.stopping) died(new Error(`The service ended by itself (${signal ?? code}). Look at ${logFile}.`));
    });
    try {
      service.url = await service.ready(interrupted);
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  /** Finishes what it has accepted and stops its database, then ends. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      const patience = setTimeout(() => this.child.kill('SIGKILL'), STOP_WITHIN_MS);
      await exited;
      clearTimeout(patience);
    }
    this.watchdog.release();
    this.log.end();
  }

  /** The address that its banner names. */
  private ready(interrupted: AbortSignal): Promise<string> {
    let said = '';
    return new Promise((resolve, reject) => {
      const fail = (sentence: string) => reject(new Error(`${sentence} It said:\n${said.trim() || '(nothing)'}`));
      const patience = setTimeout(
        () => fail(`The service was not ready within ${START_WITHIN_MS / 1_000} s (${this.logFile}).`),
        START_WITHIN_MS,
      );
      const listen = (data: Buffer) => {
        said += data;
        const url = /API\s+(http:\/\/\S+)/.exec(said)?.[1];
        if (!url) return;
        clearTimeout(patience);
        resolve(url);
      };
      this.child.stdout?.on('data', listen);
      this.child.stderr?.on('data', listen);
      this.child.once('exit', () => {
        clearTimeout(patience);
        fail('The service did not start.');
      });
      interrupted.addEventListener('abort', () => reject(interrupted.reason), { once: true });
    });
  }
}

/** Removes the data of an earlier demo. If that one was killed, its database may still run: then it is stopped first. */
async function clear(directory: string): Promise<void> {
  try {
    if (await exists(join(directory, 'data', 'postmaster.pid'))) {
      await (await startEmbeddedPostgres({ directory })).stop();
    }
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
  } catch (cause) {
    throw new Error(`${directory} cannot be made anew: ${(cause as Error).message}`, { cause });
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
