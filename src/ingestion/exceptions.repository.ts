import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import { RELEASE_KEYS, TRY_AGAIN } from './applied.repository.js';

export type ExceptionStatus = 'open' | 'resolved' | 'discarded';

export interface Note {
  readonly at: string;
  readonly actor: string;
  readonly action: 'retry' | 'resolve' | 'discard' | 'applied';
  readonly note: string | null;
  /** Of a retry with a correction: that. */
  readonly payload?: string;
}

export interface ExceptionRow {
  readonly id: string;
  readonly kind: string;
  readonly status: ExceptionStatus;
  readonly sourceId: number;
  readonly source: string;
  readonly profile: string;
  readonly inboxId: string | null;
  readonly inboxReceivedAt: Date | null;
  readonly inboxStatus: string | null;
  readonly eventId: string | null;
  readonly sku: string | null;
  readonly location: string | null;
  readonly detail: string;
  readonly affected: unknown;
  readonly fact: unknown;
  readonly retrying: boolean;
  /** What somebody wrote beside it. */
  readonly note: string | null;
  readonly notes: Note[];
  readonly headers: Readonly<Record<string, string>> | null;
  readonly createdAt: Date;
  readonly resolvedAt: Date | null;
}

export interface ExceptionFilter {
  readonly status?: string | undefined;
  readonly kind?: string | undefined;
  readonly sku?: string | undefined;
  readonly location?: string | undefined;
  readonly eventId?: string | undefined;
  readonly source?: string | undefined;
}

const EXCEPTION = `
  select e.id, e.kind, e.status, e.source_id as "sourceId", s.code as source, s.profile, e.inbox_id as "inboxId",
         e.inbox_received_at as "inboxReceivedAt", case when i.id is not null then coalesce(o.status, 'received') end as "inboxStatus", e.event_id as "eventId", e.sku, e.location,
         e.detail, e.affected, e.fact, e.retrying or coalesce(o.status = 'received', false) as retrying, e.note, e.notes, i.headers,
         e.created_at as "createdAt", e.resolved_at as "resolvedAt"
    from exception e
    join source s on s.id = e.source_id
    left join inbox i on i.received_at = e.inbox_received_at and i.id = e.inbox_id
    left join event_outcome o on o.received_at = e.inbox_received_at and o.id = e.inbox_id`;

/** What a person sees of exceptions, and does about them. */
@Injectable()
export class ExceptionsRepository {
  /** Newest first, behind `before`. */
  async list(tx: Tx, filter: ExceptionFilter, before: string | null, limit: number): Promise<ExceptionRow[]> {
    const { status, kind, sku, location, eventId, source } = filter;
    return tx.query(
      `${EXCEPTION}
        where ($1::text is null or e.status = $1)
          and ($2::text is null or e.kind = $2)
          and ($3::text is null or e.sku = $3)
          and ($4::text is null or e.location = $4)
          and ($5::text is null or e.event_id = $5 or e.inbox_id = $5)
          and ($6::text is null or s.code = $6)
          and ($7::text is null or e.id < $7)
        order by e.id desc
        limit $8`,
      [status ?? null, kind ?? null, sku ?? null, location ?? null, eventId ?? null, source ?? null, before, limit],
    );
  }

  async find(tx: Tx, id: string): Promise<ExceptionRow | undefined> {
    const [row] = await tx.query(`${EXCEPTION} where e.id = $1`, [id]);
    return row;
  }

  /**
   * Locks the event, if it is to be applied, and then the exception, in the order in which applying does. What is read
   * before may be old.
   */
  async lock(tx: Tx, { id, inboxId, inboxReceivedAt }: ExceptionRow): Promise<void> {
    if (inboxId !== null) {
      await tx.query(
        `select 1 from inbox i
           join inbox_waiting w on w.source_id = i.source_id and w.turn = i.turn
          where i.received_at = $1 and i.id = $2
            for update of w`,
        [inboxReceivedAt, inboxId],
      );
    }
    await tx.query('select 1 from exception where id = $1 for no key update', [id]);
  }

  /** Has a row tried again; `fact`, as JSON, in the place of what was sent. */
  async retryRow(tx: Tx, id: string, fact: string | null): Promise<void> {
    await tx.query('update exception set retrying = true, fact = coalesce($2::jsonb, fact) where id = $1', [id, fact]);
  }

  /** Has an event tried again; `payload` in the place of what was sent. */
  async retryEvent(tx: Tx, { id, inboxId, inboxReceivedAt }: ExceptionRow, payload: string | null): Promise<void> {
    if (payload !== null) await tx.query('update exception set payload = $2 where id = $1', [id, payload]);
    await tx.query(
      `with again as (
         select o.received_at, o.id from event_outcome o
          where o.received_at = $1 and o.id = $2 and o.status in ('parked', 'exception')
       ), ${TRY_AGAIN}`,
      [inboxReceivedAt, inboxId],
    );
  }

  /** What was to be applied with an event that is given up no longer waits for it: the rest of its batch is tried again. */
  async retryRest(tx: Tx, { inboxId, inboxReceivedAt }: ExceptionRow): Promise<void> {
    await tx.query(
      `with again as (
         select o.received_at, o.id
           from inbox i
           join inbox rest on rest.source_id = i.source_id and rest.received_at = i.received_at and rest.batch = i.batch
           join event_outcome o on o.received_at = rest.received_at and o.id = rest.id
          where i.received_at = $1 and i.id = $2 and i.batch is not null and o.status = 'parked'
       ), ${TRY_AGAIN}`,
      [inboxReceivedAt, inboxId],
    );
  }

  async addNote(tx: Tx, id: string, note: Note): Promise<void> {
    await tx.query('update exception set notes = notes || $2::jsonb where id = $1', [id, JSON.stringify([note])]);
  }

  async setNote(tx: Tx, id: string, note: string): Promise<void> {
    await tx.query('update exception set note = $2 where id = $1', [id, note]);
  }

  async close(tx: Tx, id: string, status: 'resolved' | 'discarded', at: Date): Promise<void> {
    await tx.query('update exception set status = $2, resolved_at = $3, retrying = false where id = $1', [
      id,
      status,
      at,
    ]);
  }

  /** An event of which nothing is open any more is not waiting for anything: it ends as an exception. */
  async giveUpEvent(
    tx: Tx,
    { inboxId, inboxReceivedAt }: ExceptionRow,
    informing: readonly string[],
  ): Promise<boolean> {
    const [, count] = await tx.query(
      `update event_outcome o set status = 'exception'
        where o.received_at = $1 and o.id = $2 and o.status = 'parked'
          and not exists (select from exception e
                           where e.inbox_id = o.id and e.status = 'open' and e.fact is null and e.kind <> all($3))`,
      [inboxReceivedAt, inboxId, informing],
    );
    return count > 0;
  }

  /** What waited behind them may go on. */
  async release(tx: Tx, holders: readonly string[]): Promise<void> {
    await tx.query(RELEASE_KEYS.text, [holders]);
  }

  /** Has one event tried again, if that may change anything. Its status then; undefined: there is no such event. */
  async replay(tx: Tx, id: string, receivedAt: Date): Promise<{ sourceId: number; status: string } | undefined> {
    await tx.query(
      `with again as (
         select o.received_at, o.id from event_outcome o where o.received_at = $1 and o.id = $2 and ${REPLAYABLE}
       ), ${TRY_AGAIN}`,
      [receivedAt, id],
    );
    const [row] = await tx.query(
      `select source_id as "sourceId", status from event where received_at = $1 and id = $2`,
      [receivedAt, id],
    );
    return row;
  }

  /** Has all events of a source since a time tried again for which that may change anything. Answers how many. */
  async replaySource(tx: Tx, sourceId: number, since: Date): Promise<number> {
    const replayed = await tx.query(
      `with again as (
         select o.received_at, o.id
           from event_outcome o
           join inbox i on i.received_at = o.received_at and i.id = o.id
          where i.source_id = $1 and o.received_at >= $2 and ${REPLAYABLE}
       ), ${TRY_AGAIN} returning 1`,
      [sourceId, since],
    );
    return replayed.length;
  }
}

/**
 * What was applied, or counted once already, stays as it is. What a person has given up does too, and so does another
 * body under a known id, unless its exception itself is retried.
 */
const REPLAYABLE = `
  (o.status in ('parked', 'stale')
   or o.status = 'exception' and exists (
        select from exception e
         where e.inbox_id = o.id and e.status = 'open' and e.kind <> 'conflicting_duplicate'))`;
