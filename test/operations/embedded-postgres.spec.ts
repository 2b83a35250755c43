import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/postgres/embedded.js';
import { whenWeAreGone } from '../support/watchdog.js';

const loader = fileURLToPath(new URL('../support/load-typescript.mjs', import.meta.url));
const owner = fileURLToPath(new URL('../support/own-embedded-postgres.ts', import.meta.url));

describe('the bundled PostgreSQL', () => {
  let root: string;
  let directory: string;
  let watchdog: { release(): void };
  const servers: EmbeddedPostgres[] = [];
  const owners: ChildProcess[] = [];

  // One directory for all: making a server's files takes longer than everything that is tested here.
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-embedded-'));
    await chmod(root, 0o755);
    directory = join(root, 'postgres');
    watchdog = whenWeAreGone('kill -INT "$(head -n 1 "$0/postgres/data/postmaster.pid")"; sleep 3; rm -rf "$0"', root);
  });

  afterEach(async () => {
    for (const child of owners.splice(0)) await kill(child);
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    // Whatever a test left running is adopted here and stopped, also when the test failed halfway.
    if (await readPid().catch(() => undefined)) await (await startEmbeddedPostgres({ directory })).stop();
  });

  afterAll(async () => {
    watchdog.release();
    await rm(root, { recursive: true, force: true });
  });

  it('is made by the first start and found again by the second', async () => {
    const first = await start();
    const answer = await keepSomething(first.url);
    await first.stop();

    const second = await start();
    expect(await query(second.url, KEPT)).toEqual([{ answer }]);
    expect([first.adopted, second.adopted]).toEqual([false, false]);
  });

  it('is PostgreSQL 18 in UTF-8 with checksums, and loses nothing that it acknowledged', async () => {
    const { url } = await start({ settings: { work_mem: '8MB' } });
    const settings = await query(
      url,
      `select name, setting from pg_settings where name in
       ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums', 'server_encoding', 'work_mem')`,
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      data_checksums: 'on',
      server_encoding: 'UTF8',
      work_mem: '8192',
    });
    expect((await query(url, 'show server_version'))[0]?.server_version).toMatch(/^18\./);
  });

  it('lets nobody in without the password, and shows the password to nobody else', async () => {
    const { url } = await start();
    const stranger = new URL(url);
    stranger.password = 'guess';
    await expect(query(stranger.href, 'select 1')).rejects.toThrow(/password authentication failed/);
    expect((await stat(join(directory, 'data', 'holdfast.password'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'data'))).mode & 0o777).toBe(0o700);
  });

  it('leaves no process behind when it is stopped, and may be stopped twice', async () => {
    const server = await start();
    const pid = await readPid();
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    await gone(pid);
    await expect(query(server.url, 'select 1')).rejects.toThrow(/ECONNREFUSED/);
  });

  it('comes back at the same address when the server is killed under it', async () => {
    const server = await start();
    const answer = await keepSomething(server.url);
    const killed = await readPid();
    process.kill(killed, 'SIGKILL');

    expect(await eventually(() => query(server.url, KEPT))).toEqual([{ answer }]);
    const pid = await readPid();
    expect(pid).not.toBe(killed);
    await server.stop();
    await gone(pid);
  });

  it('keeps its owner when a backend crashes and the server restarts its processes', async () => {
    const server = await start();
    const [backend] = await query(server.url, `select pid from pg_stat_activity where backend_type = 'checkpointer'`);
    process.kill(Number(backend?.pid), 'SIGKILL');

    await eventually(() => query(server.url, `select from pg_stat_activity where application_name like '%owner%'`, 1));
    await expect(start()).rejects.toThrow(/Another Holdfast/);
  });

  it('is adopted when the Holdfast that started it was killed', async () => {
    const { child, url } = await startOwner();
    const answer = await keepSomething(url);
    const pid = await readPid();
    await kill(child);
    expect(isAlive(pid)).toBe(true);

    const server = await start();
    expect({ adopted: server.adopted, url: server.url }).toEqual({ adopted: true, url });
    expect(await query(server.url, KEPT)).toEqual([{ answer }]);
    await server.stop();
    await gone(pid);
  });

  it('starts on what is left when both the Holdfast and the server were killed', async () => {
    const { child, url } = await startOwner();
    const answer = await keepSomething(url);
    const pid = await readPid();
    await kill(child);
    process.kill(pid, 'SIGKILL');

    const server = await start();
    expect(server.adopted).toBe(false);
    expect(await query(server.url, KEPT)).toEqual([{ answer }]);
  });

  it('starts although the process number it left behind belongs to another program by now', async () => {
    await (await start()).stop();
    // As after a reboot: a file of a server that is gone, with the number of a process that has nothing to do with it.
    const stale = `${process.pid}\n${directory}/data\n1700000000\n1\n\n127.0.0.1\n  1  1\nready   \n`;
    await writeFile(join(directory, 'data', 'postmaster.pid'), stale);

    const server = await start();
    expect(server.adopted).toBe(false);
  });

  it('tells a second Holdfast who is using it, and goes on serving the first', async () => {
    const { child, url } = await startOwner();
    await expect(start()).rejects.toThrow(
      new RegExp(`Another Holdfast \\(process ${child.pid}\\) is using .*DATA_DIR.*DATABASE_URL`),
    );
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('has one owner when several make it at the same moment', async () => {
    const fresh = join(root, 'fresh');
    const starts = await Promise.allSettled([startOwner(fresh), startOwner(fresh), startOwner(fresh)]);
    for (const child of owners.splice(0)) await kill(child);
    await (await startEmbeddedPostgres({ directory: fresh })).stop();

    expect(starts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const refused of starts) {
      if (refused.status === 'rejected') expect(String(refused.reason)).toContain('Another Holdfast');
    }
  });

  it('says why it does not start, in the words of its log', async () => {
    await expect(start({ settings: { shared_buffers: 'plenty' } })).rejects.toThrow(
      /did not start\. .*DATABASE_URL[\s\S]*invalid value for parameter "shared_buffers"/,
    );
  });

  if (process.getuid?.() === 0) {
    it('runs for root as an ordinary user, even below a directory that only root can enter', async () => {
      await chmod(root, 0o700);
      const server = await start();
      const [own] = await query(server.url, `select pg_read_file('/proc/self/status') as status`);
      expect(own?.status).not.toMatch(/^Uid:\s+0/m);
      const answer = await keepSomething(server.url);
      await server.stop();

      // The way in changes with the directory; the data do not.
      await chmod(root, 0o755);
      const again = await start();
      expect(await query(again.url, KEPT)).toEqual([{ answer }]);
    });
  }

  async function start(options: { settings?: Record<string, string> } = {}): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ directory, ...options });
    servers.push(server);
    return server;
  }

  /** A Holdfast in a process of its own. Fails with what that process printed if it could not start. */
  async function startOwner(where = directory): Promise<{ child: ChildProcess; url: string }> {
    const child = spawn(process.execPath, ['--import', loader, owner, where], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    owners.push(child);
    const printed = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      printed.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      printed.stderr += chunk;
    });
    while (!printed.stdout.includes('\n')) {
      if (child.exitCode !== null) throw new Error(printed.stderr);
      await delay(20);
    }
    return { child, url: printed.stdout.trim() };
  }

  async function readPid(): Promise<number> {
    return Number((await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  }
});

const KEPT = 'select answer from kept';

/** Writes a row of its own into the database. Answers what `KEPT` has to find there later. */
async function keepSomething(url: string): Promise<number> {
  const answer = randomInt(1_000_000);
  await query(url, 'drop table if exists kept');
  await query(url, `create table kept as select ${answer} as answer`);
  return answer;
}

async function query(url: string, sql: string, atLeast = 0): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query(sql);
    if (rows.length < atLeast) throw new Error(`${rows.length} rows`);
    return rows;
  } finally {
    await client.end();
  }
}

/** Tries until it does not fail, for ten seconds. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** A process that has ended keeps its number until its parent has looked, which a busy machine takes its time for. */
async function gone(pid: number): Promise<void> {
  await eventually(async () => {
    if (isAlive(pid)) throw new Error(`Process ${pid} still runs.`);
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
