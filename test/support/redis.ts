import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeIf, findOrInstall } from './programs.js';
import { whenWeAreGone } from './watchdog.js';

/** A Redis of a test file's own. What it held is lost whenever it stops: it writes nothing to disk, unless told to `SAVE`. */
export interface TestRedis {
  readonly url: string;
  /** Ends it in order. `restart` brings it back at the same port. */
  stop(): Promise<void>;
  /** Ends it with `kill -9`, connections and all. */
  kill(): Promise<void>;
  /** Lets it hang: it takes connections but answers nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Starts it again at the same port, empty or with what it has saved since it was last started. */
  restart(): Promise<void>;
}

/** Global set-up tells the workers with this which program to start; empty if there is none. */
const SERVER = 'HOLDFAST_TEST_REDIS_SERVER';

/**
 * A Redis on a port of its own. With `TEST_REDIS_URL` that server is used, unless the test must be able to stop it
 * (`mayStop`): a server that was given to us is not ours to stop.
 */
export async function startRedis({ mayStop = false } = {}): Promise<TestRedis> {
  const given = process.env.TEST_REDIS_URL;
  if (given && !mayStop) return givenRedis(given);
  const program = process.env[SERVER];
  if (!program) throw new Error(`There is no Redis for the tests. ${WAYS_TO_GET_ONE}`);
  const redis = new OwnRedis(program, await findFreePort());
  await redis.restart();
  return redis;
}

const WAYS_TO_GET_ONE = 'Install redis-server or valkey-server, or set TEST_REDIS_URL.';

/** A `describe` for what needs Redis; `mayStop`: one that the test may stop. */
export function describeWithRedis(name: string, body: () => void, { mayStop = false } = {}): void {
  const there = Boolean(process.env[SERVER] || (process.env.TEST_REDIS_URL && !mayStop));
  describeIf(there, 'Redis', WAYS_TO_GET_ONE, name, body);
}

/** Looks for a Redis program, and as root on Debian installs one. For global set-up. */
export async function prepareRedis(): Promise<void> {
  process.env[SERVER] = (await findOrInstall(['redis-server', 'valkey-server'], 'redis-server')) ?? '';
}

class OwnRedis implements TestRedis {
  private process: ChildProcess | undefined;
  private watchdog: { release(): void } | undefined;
  private readonly file = `holdfast-test-${randomUUID()}.rdb`;

  constructor(
    private readonly program: string,
    private readonly port: number,
  ) {}

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async restart(): Promise<void> {
    await this.end('SIGKILL');
    // With both ways of saving off it writes no file by itself, wherever it works.
    const settings = {
      port: this.port,
      bind: '127.0.0.1',
      save: '',
      appendonly: 'no',
      dir: tmpdir(),
      dbfilename: this.file,
    };
    const started = spawn(
      this.program,
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      { stdio: 'ignore' },
    );
    this.process = started;
    this.watchdog = whenWeAreGone('kill -9 "$0"', String(started.pid));
    const deadline = Date.now() + 10_000;
    while (!(await answers(this.port))) {
      if (started.exitCode !== null || Date.now() > deadline) {
        await this.end('SIGKILL');
        throw new Error(`${this.program} did not start on port ${this.port}.`);
      }
      await delay(10);
    }
    await rm(join(tmpdir(), this.file), { force: true }); // it has read it
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  pause(): void {
    this.process?.kill('SIGSTOP');
  }

  resume(): void {
    this.process?.kill('SIGCONT');
  }

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ending = this.process;
    this.process = undefined;
    this.watchdog?.release();
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill('SIGCONT'); // A paused process would not hear the other signal.
    ending.kill(signal);
    await ended;
  }
}

function givenRedis(url: string): TestRedis {
  const refuse = (): never => {
    throw new Error('The Redis at TEST_REDIS_URL is not ours to stop: ask for one with startRedis({ mayStop: true }).');
  };
  return { url, stop: async () => {}, kill: async () => refuse(), pause: refuse, resume: refuse, restart: refuse };
}

export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** Whether a Redis says PONG there. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (reply) => settle(reply.toString().startsWith('+PONG')));
  });
}
