import { Injectable } from '@nestjs/common';
import type { Principal } from '../access/principal.js';
import type { Tx } from '../postgres/connections.js';
import {
  type Failure,
  type Fault,
  type Format,
  type Import,
  type Kind,
  MOST_FAILURES,
  type Place,
  type Result,
} from './import.js';

/** A body is kept in pieces of this many bytes: few enough rows for 256 MB, small enough to hold one or two. */
export const PIECE_BYTES = 256 * 1024;

const IMPORT = `
  select i.id, i.turn, i.kind, i.format, s.code as source, i.atomic, i.status, i.rows, i.applied, i.unchanged, i.failed, i.problem,
         i.created_at as "createdAt", i.started_at as "startedAt", i.finished_at as "finishedAt"
    from import i
    join client c on c.id = i.client_id
    left join source s on s.id = i.source_id`;

/** Who may see an import: its client; administrators all, or if bound to a channel those of its clients. */
const VISIBLE = `(i.client_id = $1 or ($2 and ($3::integer is null or c.channel_id = $3)))`;

function visibility(caller: Principal): unknown[] {
  return [caller.clientId, caller.scopes.has('admin'), caller.channel?.id ?? null];
}

/** Where the events of a file go; `asOf`: RFC 3339. */
export interface EventSource {
  readonly id: number;
  readonly code: string;
  readonly profile: string;
  readonly asOf: string;
  /** Of a CSV that is complete: the place that it speaks for; null: it sets nothing to 0. */
  readonly completeAt: string | null;
}

/** An import that a worker has taken up. */
export interface Claimed {
  readonly id: string;
  readonly lease: string;
  readonly kind: Kind;
  readonly format: Format;
  readonly atomic: boolean;
  readonly columns: readonly string[] | null;
  readonly reached: Place;
  readonly attempts: number;
  /** Of events: their source, and when the levels of a CSV were counted. */
  readonly source: EventSource | null;
  /** Of the request that brought it. */
  readonly traceparent: string | null;
  /** Whose it is, with what that allows today. */
  readonly owner: Pick<Principal, 'clientId' | 'clientCode' | 'keyId' | 'channel'>;
}

@Injectable()
export class ImportsRepository {
  async insertPiece(tx: Tx, importId: string, seq: number, bytes: Buffer, at: Date): Promise<void> {
    await tx.query('insert into import_chunk (import_id, seq, bytes, created_at) values ($1, $2, $3, $4)', [
      importId,
      seq,
      bytes,
      at,
    ]);
  }

  /** undefined behind the last one. */
  async findPiece(tx: Tx, importId: string, seq: number): Promise<Buffer | undefined> {
    const [row] = await tx.query('select bytes from import_chunk where import_id = $1 and seq = $2', [importId, seq]);
    return row?.bytes;
  }

  async countPieces(tx: Tx, importId: string): Promise<number> {
    const [{ count }] = await tx.query('select count(*) from import_chunk where import_id = $1', [importId]);
    return count;
  }

  async deletePieces(tx: Tx, importId: string): Promise<void> {
    await tx.query('delete from import_chunk where import_id = $1', [importId]);
  }

  async insert(
    tx: Tx,
    given: {
      id: string;
      caller: Principal;
      kind: Kind;
      format: Format;
      atomic: boolean;
      columns: readonly string[] | null;
      start: Place;
      source: Pick<EventSource, 'id' | 'asOf' | 'completeAt'> | null;
      traceparent: string | null;
    },
    at: Date,
  ): Promise<void> {
    await tx.query(
      `insert into import (id, client_id, key_id, kind, format, atomic, columns, reached_byte, reached_line, created_at,
                           source_id, as_of, complete_at, traceparent)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      [
        ...[given.id, given.caller.clientId, given.caller.keyId, given.kind, given.format, given.atomic],
        ...[given.columns, given.start.byte, given.start.line, at],
        ...[given.source?.id ?? null, given.source?.asOf ?? null, given.source?.completeAt ?? null],
        given.traceparent,
      ],
    );
  }

  async find(tx: Tx, caller: Principal, id: string): Promise<Import | undefined> {
    const [row] = await tx.query(`${IMPORT} where ${VISIBLE} and i.id = $4`, [...visibility(caller), id]);
    return row;
  }

  /** Up to `limit` imports accepted before `turn`, newest first. */
  async list(tx: Tx, caller: Principal, turn: number | null, limit: number): Promise<Import[]> {
    return tx.query(
      `${IMPORT} where ${VISIBLE} and ($4::bigint is null or i.turn < $4) order by i.turn desc limit $5`,
      [...visibility(caller), turn, limit],
    );
  }

  /** Up to `limit` failed rows behind `line`. */
  async failures(tx: Tx, id: string, line: number, limit: number): Promise<Failure[]> {
    const rows: (Failure & { pointer: string | null })[] = await tx.query(
      `select line, code, detail, pointer from import_failure
        where import_id = $1 and line > $2 order by line limit $3`,
      [id, line, limit],
    );
    return rows.map(({ pointer, ...failure }) => ({ ...failure, ...(pointer === null ? {} : { pointer }) }));
  }

  /**
   * Takes up the oldest import that is nobody's turn before it: of one client one after the other, so that levels find
   * the items that were sent ahead of them. One whose worker has not been heard of since `leased_until` is free again.
   */
  async claim(tx: Tx, lease: string, now: Date, until: Date): Promise<Claimed | undefined> {
    const [rows] = await tx.query(
      `update import i
          set status = 'running', lease = $1, leased_until = $3, started_at = coalesce(i.started_at, $2),
              attempts = i.attempts + 1
         from client c
         left join channel ch on ch.id = c.channel_id
        where c.id = i.client_id
          and i.id = (select w.id from import w
                       where w.status in ('queued', 'running') and (w.lease is null or w.leased_until <= $2)
                         and not exists (select from import e
                                          where e.client_id = w.client_id and e.turn < w.turn
                                            and e.status in ('queued', 'running'))
                       order by w.turn limit 1
                         for update of w skip locked)
       returning i.id, i.kind, i.format, i.atomic, i.columns, i.reached_byte, i.reached_line,
                 i.attempts, i.as_of, i.complete_at, i.traceparent, (select row_to_json(s) from source s where s.id = i.source_id) as source, i.key_id, c.id as client_id, c.code as client_code, ch.id as channel_id, ch.code as channel_code`,
      [lease, now, until],
    );
    const row = rows[0];
    if (!row) return undefined;
    const { id, kind, format, atomic, columns, attempts, traceparent } = row;
    return {
      ...{ id, lease, kind, format, atomic, columns, attempts, traceparent },
      reached: { byte: row.reached_byte, line: row.reached_line },
      source: row.source && {
        id: row.source.id,
        code: row.source.code,
        profile: row.source.profile,
        asOf: row.as_of.toISOString(),
        completeAt: row.complete_at,
      },
      owner: {
        clientId: row.client_id,
        clientCode: row.client_code,
        keyId: row.key_id,
        channel: row.channel_id === null ? null : { id: row.channel_id, code: row.channel_code },
      },
    };
  }

  /** Notes what became of the `rows` before `reached`. False if the import has another worker by now: then roll back. */
  async advance(
    tx: Tx,
    { id, lease }: Pick<Claimed, 'id' | 'lease'>,
    progress: { readonly reached: Place; readonly rows: number } & Result,
    until: Date,
  ): Promise<boolean> {
    const { reached, rows, applied, unchanged, failures } = progress;
    const [, count] = await tx.query(
      `update import
          set reached_byte = $3, reached_line = $4, rows = rows + $5, applied = applied + $6,
              unchanged = unchanged + $7, failed = failed + $8, attempts = 0, leased_until = $9
        where id = $1 and lease = $2`,
      [id, lease, reached.byte, reached.line, rows, applied, unchanged, failures.length, until],
    );
    return count > 0;
  }

  /** Behind `advance`; once `MOST_FAILURES` are counted, no more are kept. */
  async insertFailures(tx: Tx, id: string, failures: readonly Failure[]): Promise<void> {
    if (failures.length === 0) return;
    await tx.query(
      `insert into import_failure (import_id, line, code, detail, pointer)
       select $1, line, code, detail, pointer
         from unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) as f (line, code, detail, pointer)
        where (select failed from import where id = $1) <= $6`,
      [
        id,
        failures.map(({ line }) => line),
        failures.map(({ code }) => code),
        failures.map(({ detail }) => detail),
        failures.map(({ pointer }) => pointer ?? null),
        MOST_FAILURES,
      ],
    );
  }

  /** Ends it. False if it has another worker by now: then roll back. */
  async finish(
    tx: Tx,
    { id, lease }: Pick<Claimed, 'id' | 'lease'>,
    problem: Fault | null,
    at: Date,
  ): Promise<boolean> {
    const [, count] = await tx.query(
      `update import
          set status = $3, problem = $4, finished_at = $5, lease = null, leased_until = null
        where id = $1 and lease = $2`,
      [id, lease, problem ? 'failed' : 'done', problem, at],
    );
    return count > 0;
  }

  /** Extends the lease. False if the import has another worker by now. */
  async renew(tx: Tx, { id, lease }: Pick<Claimed, 'id' | 'lease'>, until: Date): Promise<boolean> {
    const [, count] = await tx.query('update import set leased_until = $3 where id = $1 and lease = $2', [
      id,
      lease,
      until,
    ]);
    return count > 0;
  }

  /** Gives it back, to be taken up where it is; `attempts` as before, unless the worker only stops. */
  async release(tx: Tx, { id, lease }: Pick<Claimed, 'id' | 'lease'>, stopping: boolean): Promise<void> {
    await tx.query(
      `update import
          set lease = null, leased_until = null, attempts = case when $3 then attempts - 1 else attempts end
        where id = $1 and lease = $2`,
      [id, lease, stopping],
    );
  }

  /** Forgets imports that ended before `finishedBefore`, and pieces from before `sentBefore` of which none came. */
  async purge(tx: Tx, finishedBefore: Date, sentBefore: Date): Promise<void> {
    await tx.query('delete from import where finished_at < $1', [finishedBefore]);
    await tx.query(
      `delete from import_chunk c
        where c.created_at < $1 and not exists (select from import i where i.id = c.import_id)`,
      [sentBefore],
    );
  }
}
