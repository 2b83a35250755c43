import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { EmbeddedLauncher } from '../../src/postgres/embedded-launcher.js';
import { findFreePort } from '../support/redis.js';
import { rowsOf as ask } from '../support/rows.js';
import { whenWeAreGone } from '../support/watchdog.js';
import { until } from './crowd.js';

/** Milliseconds: a server starts, on a machine that has other tests to run. */
const START_MS = 30_000;

/** A streaming standby of a bundled server: it may be cut off from its primary, and takes its place when told to. */
export class Standby {
  private constructor(
    /** Where it answers: only reads before it is promoted. */
    readonly url: string,
    private readonly primary: string,
    private readonly process: ChildProcess,
    private readonly watchdog: { release(): void },
  ) {}

  /** `primaryDirectory` as given to `startEmbeddedPostgres`; `directory` is there, empty, and removed by whoever calls. */
  static async of(primary: string, primaryDirectory: string, directory: string): Promise<Standby> {
    const [from, data] = [join(primaryDirectory, 'data'), join(directory, 'data')];
    await appendFile(join(from, 'pg_hba.conf'), 'host replication all 127.0.0.1/32 scram-sha-256\n');
    await ask(primary, 'select pg_reload_conf()');
    await copyWhileItRuns(primary, from, data);
    const port = await findFreePort();
    const { hostname, port: primaryPort, username, password } = new URL(primary);
    const source = `host=${hostname} port=${primaryPort} user=${username} password=${password}`;
    await writeFile(join(data, 'postgresql.auto.conf'), `port = ${port}\nprimary_conninfo = '${source}'\n`);
    const launcher = await EmbeddedLauncher.find(directory, data);
    await writeFile(join(data, 'standby.signal'), '');
    for (const name of ['standby.signal', 'backup_label']) await launcher.handOver(join(data, name));
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'shared_buffers=32MB'];
    const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
    const process = launcher.start('postgres', args, 'ignore');
    const watchdog = whenWeAreGone('kill -INT "$0"', String(process.pid));
    const url = new URL(primary);
    url.port = String(port);
    const standby = new Standby(url.href, primary, process, watchdog);
    await until('the standby answers', () => standby.answers(), START_MS);
    return standby;
  }

  /** It has everything that the primary has committed until now. */
  async caughtUp(): Promise<void> {
    const [at] = await ask<{ lsn: string }>(this.primary, 'select pg_current_wal_flush_lsn() as lsn');
    await until('the standby has caught up', async () => {
      const done = `select pg_last_wal_replay_lsn() >= '${at?.lsn}' as done`;
      const [row] = await ask<{ done: boolean }>(this.url, done);
      return row?.done === true;
    });
  }

  /** It hears of nothing any more that the primary commits. */
  async cutOff(): Promise<void> {
    await ask(this.url, `alter system set primary_conninfo = ''`);
    await ask(this.url, 'select pg_reload_conf()');
    await until('it is cut off', async () => (await ask(this.url, 'select from pg_stat_wal_receiver')).length === 0);
  }

  /** From here on it is a primary, on a timeline of its own. */
  async promote(): Promise<void> {
    await ask(this.url, 'select pg_promote(true)');
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    if (this.process.exitCode === null && this.process.kill('SIGINT')) await ended;
    this.watchdog.release();
  }

  private async answers(): Promise<boolean> {
    if (this.process.exitCode !== null) throw new Error('The standby did not start.');
    return ask(this.url, 'select 1').then(
      () => true,
      () => false,
    );
  }
}

/** As pg_basebackup does, which the bundled server comes without. */
async function copyWhileItRuns(primary: string, from: string, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: primary });
  await client.connect();
  try {
    await client.query(`select pg_backup_start('standby', true)`);
    // With owners and modes, which the server insists on. A file may vanish meanwhile: the log has it again.
    await promisify(execFile)('cp', ['-a', from, to]).catch(() => {});
    await rm(join(to, 'postmaster.pid'));
    const log = join(to, 'pg_wal');
    for (const name of await readdir(log)) if (/^[0-9A-F]{24}$/.test(name)) await rm(join(log, name));
    const { rows } = await client.query('select labelfile from pg_backup_stop(false)');
    await writeFile(join(to, 'backup_label'), rows[0].labelfile);
  } finally {
    await client.end();
  }
}
