import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Response, Test } from 'supertest';
import { PostingEngine } from '../../src/stock/posting.engine.js';
import type { TestApp } from '../support/app.js';

/** Waits until it is so; fails after `patience` milliseconds. For what another process or the database has yet to do. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, patience = 10_000): Promise<void> {
  const deadline = Date.now() + patience;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}.`);
    await delay(5);
  }
}

export interface StockLock {
  /** Whether somebody is in the middle of a transaction that goes no further without it. */
  isAwaited(): Promise<boolean>;
  release(): Promise<void>;
}

/** Keeps every position of the item locked, as a slow transaction of somebody else would, until it is let go. */
export async function lockStockOf(databaseUrl: string, sku: string): Promise<StockLock> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('begin');
  await client.query('select 1 from position join item on item.id = item_id where sku = $1 for update of position', [
    sku,
  ]);
  let ended: Promise<void> | undefined;
  return {
    isAwaited: async () => {
      const { rows } = await client.query(
        `select exists (select from pg_locks
                         where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))) as awaited`,
      );
      return rows[0].awaited;
    },
    release: () => {
      ended ??= client.end();
      return ended;
    },
  };
}

/**
 * Sends all of these so that they are decided in one batch: the first is held up at a lock on `sku`, the others
 * gather behind it. Needs an application with one mailbox. The answers, that of the first left out.
 */
export async function inOneBatch(
  app: TestApp,
  sku: string,
  first: () => Test,
  others: (() => Test)[],
): Promise<Response[]> {
  const engine = app.app.get(PostingEngine);
  const lock = await lockStockOf(app.databaseUrl, sku);
  try {
    const held = first().then((answer) => answer);
    await until('the first waits for the lock', async () => (await waitingForLocks(app.databaseUrl)) > 0);
    const answers = Promise.all(others.map((send) => send().then((answer) => answer)));
    await until('the others wait behind it', () => engine.waiting >= others.length);
    await lock.release();
    await held;
    return await answers;
  } finally {
    await lock.release();
  }
}

export async function waitingForLocks(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query('select count(*)::int as n from pg_locks where not granted');
    return rows[0].n;
  } finally {
    await client.end();
  }
}
