import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createDatabase } from '../support/postgres.js';
import { whenWeAreGone } from '../support/watchdog.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ADMIN_API_KEY = 'the-administrator-of-the-tests';
const API_KEY_PEPPER = 'what-the-tests-hash-their-keys-under';

/** Milliseconds: a build and the start of a database take seconds each. */
const PATIENCE = 60_000;

// What `npm start` runs, and the image: its compiler is another than that of the tests.
beforeAll(async () => {
  const build = spawn('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
  expect((await once(build, 'exit'))[0]).toBe(0);
}, PATIENCE);

describe('the service on a machine with nothing', () => {
  let root: string;
  let watchdog: { release(): void };
  const running: Run[] = [];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-start-'));
    watchdog = whenWeAreGone('kill -INT "$(head -n 1 "$0/data/postmaster.pid")"; sleep 3; rm -rf "$0"', root);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((run) => run.kill()));
  }, PATIENCE);
  afterAll(async () => {
    watchdog.release();
    await rm(root, { recursive: true, force: true });
  });

  const start = (env: Record<string, string> = {}) => {
    const run = new Run({ DATA_DIR: root, PORT: '0', LOG_LEVEL: 'warn', ...env });
    running.push(run);
    return run;
  };

  it(
    'starts with its own database, shows a key once, finds its data again, and leaves nothing running',
    async () => {
      const first = start();
      const url = await first.ready();
      const key = /hf_\w+/.exec(first.output)?.[0] as string;
      expect(first.output).toContain(`${url}/docs`);
      expect(first.output).toContain(root);
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      expect((await put(url, key, '/v1/locations/east')).status).toBe(201);
      expect(await first.stop('SIGINT')).toBe(0);
      expect(await readdir(join(root, 'data'))).not.toContain('postmaster.pid');

      const second = start();
      const again = await second.ready();
      expect(second.output).not.toContain('hf_');
      expect((await put(again, key, '/v1/locations/east')).status).toBe(200);
      expect(await second.stop('SIGTERM')).toBe(0);
      expect(await readdir(join(root, 'data'))).not.toContain('postmaster.pid');
    },
    PATIENCE,
  );

  it(
    'says that its port is in use, and stops the database that it had started',
    async () => {
      const { server, port } = await listen();
      const run = start({ PORT: String(port) });
      expect(await run.exit()).toBe(1);
      expect(run.errors).toContain(`Port ${port} of 127.0.0.1 is in use. Stop what listens there, or set PORT`);
      expect(run.output).not.toContain('hf_');
      expect(await readdir(join(root, 'data'))).not.toContain('postmaster.pid');
      server.close();
    },
    PATIENCE,
  );

  it(
    'does not start beside another one, and leaves that one alone',
    async () => {
      const first = start();
      const url = await first.ready();
      const second = start();
      expect(await second.exit()).toBe(1);
      expect(second.errors).toMatch(/Another Holdfast \(process \d+\) is using/);
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      expect(await first.stop('SIGINT')).toBe(0);
    },
    PATIENCE,
  );

  it.each([
    [{ PORT: 'http' }, 'PORT is "http": it takes a whole number from 0 to 65535.'],
    [
      { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
      'PostgreSQL at 127.0.0.1:1 does not answer (ECONNREFUSED).',
    ],
  ])(
    'says what is wrong with %j',
    async (env, sentence) => {
      const run = start(env as Record<string, string>);
      expect(await run.exit()).toBe(1);
      expect(run.errors).toContain(sentence);
      expect(run.errors).not.toContain('    at '); // a sentence, not a stack
    },
    PATIENCE,
  );
});

describe('the service on a database of yours', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let run: Run;
  let url: string;
  beforeEach(async () => {
    database = await createDatabase();
    run = new Run({ DATABASE_URL: database.url, PORT: '0', LOG_LEVEL: 'warn', ADMIN_API_KEY, API_KEY_PEPPER });
    url = await run.ready();
  }, PATIENCE);
  afterEach(async () => {
    await run.kill();
    await database.drop();
  }, PATIENCE);

  it(
    'answers what it had accepted before it ends, and takes nothing new',
    async () => {
      const body = JSON.stringify({ name: 'East', type: 'warehouse' });
      const slow = request(`${url}/v1/locations/east`, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${ADMIN_API_KEY}`,
          'content-type': 'application/json',
          'content-length': body.length,
        },
      });
      const answered = once(slow, 'response');
      slow.write(body.slice(0, 5));
      await arrival(url);
      run.process.kill('SIGTERM');
      await until(() =>
        fetch(`${url}/health/live`).then(
          () => false,
          () => true,
        ),
      );

      expect(run.process.exitCode).toBeNull();
      slow.end(body.slice(5));
      const [response] = await answered;
      expect(response.statusCode).toBe(201);
      response.resume();
      expect(await run.exit()).toBe(0);
    },
    PATIENCE,
  );

  it(
    'is told a second time not to wait, but not by the same Ctrl-C arriving twice',
    async () => {
      const never = request(`${url}/v1/locations/east`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${ADMIN_API_KEY}`, 'content-type': 'application/json', 'content-length': 99 },
      });
      const cut = once(never, 'error');
      never.write('{');
      await arrival(url);
      // npm passes on the signal that the terminal has sent us already.
      run.process.kill('SIGINT');
      run.process.kill('SIGINT');
      await until(() => run.output.includes('is stopping'));
      await delay(600); // longer than two signals count as one
      expect(run.process.exitCode).toBeNull();
      run.process.kill('SIGINT');
      expect(await run.exit()).toBe(130);
      await cut;
    },
    PATIENCE,
  );
});

/** A service of its own, as `npm start` runs it. */
class Run {
  readonly process: ChildProcess;
  output = '';
  errors = '';
  private readonly exited: Promise<unknown[]>;

  constructor(env: Record<string, string>) {
    this.process = spawn(process.execPath, ['--enable-source-maps', '--import', './dist/tracing.js', 'dist/main.js'], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = once(this.process, 'exit');
    this.process.stdout?.on('data', (data) => {
      this.output += data;
    });
    this.process.stderr?.on('data', (data) => {
      this.errors += data;
    });
  }

  /** Where it answers, once it says so. */
  async ready(): Promise<string> {
    await until(() => this.output.includes('Ctrl-C stops it') || this.process.exitCode !== null);
    const url = /API {4}(http:\S+)/.exec(this.output)?.[1];
    if (!url) throw new Error(`It did not start: ${this.errors}`);
    return url;
  }

  async exit(): Promise<unknown> {
    return (await this.exited)[0];
  }

  async stop(signal: NodeJS.Signals): Promise<unknown> {
    this.process.kill(signal);
    return this.exit();
  }

  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.stop('SIGKILL');
  }
}

async function put(url: string, key: string, path: string): Promise<Response> {
  return fetch(url + path, {
    method: 'PUT',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'East', type: 'warehouse' }),
  });
}

/** A request that came later has been answered, so the one that is on its way has arrived. */
async function arrival(url: string): Promise<void> {
  await delay(50);
  await fetch(`${url}/health/live`);
}

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}
