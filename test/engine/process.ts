import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Api } from '../support/app.js';
import { whenWeAreGone } from '../support/watchdog.js';
import { until } from './crowd.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Milliseconds: everything is compiled at the start, on a machine that has other tests to run. */
const START_MS = 40_000;
const ADMIN_API_KEY = 'the-administrator-of-the-tests';
/** As in test/support/app.ts, so that a key of one is a key of the other. */
const SECRET_ENCRYPTION_KEY = 'what-the-tests-encrypt-secrets-under';

/** The service as a process of its own, to be killed. */
export class ServiceProcess {
  readonly api: Api;
  private readonly exited: Promise<unknown[]>;

  private constructor(
    private readonly process: ChildProcess,
    private readonly watchdog: { release(): void },
    readonly url: string,
    exited: Promise<unknown[]>,
  ) {
    this.api = new Api(url, ADMIN_API_KEY);
    this.exited = exited;
  }

  /** Runs src/main.ts as it is, without a build, and waits until it says where it answers. */
  static async start(env: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const started = spawn(process.execPath, ['--import', './test/support/load-typescript.mjs', 'src/main.ts'], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'fatal', ADMIN_API_KEY, SECRET_ENCRYPTION_KEY, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const watchdog = whenWeAreGone('kill -9 "$0"', String(started.pid));
    const exited = once(started, 'exit');
    let said = '';
    for (const stream of [started.stdout, started.stderr]) stream?.on('data', (data) => (said += data));
    const settled = () => said.includes('Ctrl-C stops it') || started.exitCode !== null;
    await until('the service is ready', settled, START_MS).catch(() => started.kill('SIGKILL'));
    const url = /API {4}(http:\S+)/.exec(said)?.[1];
    if (!url) throw new Error(`The service did not start: ${said}`);
    return new ServiceProcess(started, watchdog, url, exited);
  }

  /** Asks it to end. Resolves with its exit code once it is gone. */
  async stop(): Promise<unknown> {
    return this.end('SIGTERM');
  }

  /** Ends it as a power cut would, in the middle of whatever it does. */
  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<unknown> {
    this.process.kill(signal);
    const [code] = await this.exited;
    this.watchdog.release();
    return code;
  }
}
