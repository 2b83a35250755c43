import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { createPool } from '../postgres/connections.js';
import { databaseUrl } from '../postgres/postgres.module.js';

/** Names our advisory locks beside those of others: "feed" in ASCII. The second number is the source's id. */
export const SOURCE_LOCK = 0x66656564;

/** `close`: gives the connection back, broken as it may be; a second time does nothing. */
interface Session {
  readonly client: pg.PoolClient;
  close(): Promise<void>;
}

/**
 * Advisory locks of the sources, on one session of this process: a process that is killed gives back all of them at
 * once, and nobody waits for a lease to run out.
 */
@Injectable()
export class SourceLocks {
  private session: Promise<Session> | undefined;
  /** One statement after the other: sources are taken at the same time, and a connection does one thing. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** False if another process has the source. */
  async take(sourceId: number): Promise<boolean> {
    this.session ??= this.connect();
    const { client } = await this.session;
    return this.inTurn(async () => {
      const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1, $2) as locked', [
        SOURCE_LOCK,
        sourceId,
      ]);
      return rows[0]?.locked === true;
    });
  }

  /** Where the session has broken, the lock went with it. */
  async giveBack(sourceId: number): Promise<void> {
    const session = await this.session?.catch(() => undefined);
    if (!session) return;
    const unlock = () => session.client.query('select pg_advisory_unlock($1, $2)', [SOURCE_LOCK, sourceId]);
    await this.inTurn(unlock).catch(() => {});
  }

  async end(): Promise<void> {
    const session = await this.session?.catch(() => undefined);
    this.session = undefined;
    await session?.close();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }

  private async connect(): Promise<Session> {
    const pool = createPool(databaseUrl(this.config), 1);
    try {
      const client = await pool.connect();
      let closing: Promise<void> | undefined;
      const close = () => {
        if (!closing) {
          client.release(true);
          closing = pool.end();
        }
        return closing;
      };
      client.on('error', () => {
        this.session = undefined;
        close().catch(() => {});
      });
      return { client, close };
    } catch (error) {
      this.session = undefined;
      await pool.end();
      throw error;
    }
  }
}
