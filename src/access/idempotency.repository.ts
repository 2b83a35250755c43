import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { Intent, Remembered } from './idempotency.js';

/** Idempotency keys of the calm features; the posting engine reads and writes the same table set-based. */
@Injectable()
export class IdempotencyRepository {
  /**
   * Serialises the requests of one client with one key until `tx` ends: a second one waits here,
   * then finds what the first has answered.
   */
  async lockIntent(tx: Tx, intent: Intent): Promise<void> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${intent.clientId} ${intent.key}`]);
  }

  async find(tx: Tx, intent: Intent): Promise<Remembered | undefined> {
    const [row] = await tx.query(
      'select fingerprint, status, body from idempotency_key where client_id = $1 and key = $2',
      [intent.clientId, intent.key],
    );
    return row;
  }

  async insert(tx: Tx, intent: Intent, status: number, body: unknown, at: Date): Promise<void> {
    await tx.query(
      `insert into idempotency_key (client_id, key, fingerprint, status, body, created_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [intent.clientId, intent.key, intent.fingerprint, status, JSON.stringify(body), at],
    );
  }

  /** Forgets up to `limit` of what was answered before `before`, and leaves to another process what it is at. Returns how many. */
  async purge(tx: Tx, before: Date, limit: number): Promise<number> {
    const [, count] = await tx.query(
      `delete from idempotency_key
        where ctid = any(array(select ctid from idempotency_key where created_at < $1
                                order by created_at limit $2 for update skip locked))`,
      [before, limit],
    );
    return count;
  }
}
