import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { AuditEntry } from './audit-entry.js';

/** Also sent by the posting engine, in its own transactions. */
export const INSERT_AUDIT_ENTRIES = {
  name: 'insert-audit-entries',
  text: `
    insert into audit_entry (id, at, client_id, client_code, channel_id, key_id, action, resource, outcome, reason, times,
                             before, after, request_id, address)
    select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[],
                         $8::text[], $9::text[], $10::text[], $11::int[], $12::jsonb[], $13::jsonb[], $14::text[],
                         $15::text[])`,
};

export function auditValues(entries: readonly AuditEntry[]): unknown[] {
  const column = (value: (entry: AuditEntry) => unknown) => entries.map(value);
  const json = (value: object | null) => (value === null ? null : JSON.stringify(value));
  return [
    column(({ id }) => id),
    column(({ at }) => at.toISOString()),
    column(({ clientId }) => clientId),
    column(({ clientCode }) => clientCode),
    column(({ channelId }) => channelId),
    column(({ keyId }) => keyId),
    column(({ action }) => action),
    column(({ resource }) => resource),
    column(({ outcome }) => outcome),
    column(({ reason }) => reason),
    column(({ times }) => times),
    column(({ before }) => json(before)),
    column(({ after }) => json(after)),
    column(({ requestId }) => requestId),
    column(({ address }) => address),
  ];
}

export interface AuditFilter {
  readonly client: string | null;
  readonly key: string | null;
  readonly action: string | null;
  /** It, and what lies below it. */
  readonly resource: string | null;
  readonly outcome: string | null;
  readonly since: Date | null;
  readonly until: Date | null;
  /** null: of clients of every channel and of none. */
  readonly channelId: number | null;
}

/** The audit trail. It can be written and read; nothing in it can be changed. */
@Injectable()
export class AuditRepository {
  async insert(tx: Tx, entries: readonly AuditEntry[]): Promise<void> {
    await tx.query(INSERT_AUDIT_ENTRIES.text, auditValues(entries));
  }

  /** Newest first, behind the entry `before`: when it was and its id. */
  async list(tx: Tx, filter: AuditFilter, before: [Date, string] | null, limit: number): Promise<AuditEntry[]> {
    const { client, key, action, resource, outcome, since, until, channelId } = filter;
    return tx.query(
      `select id, at, client_id as "clientId", client_code as "clientCode", channel_id as "channelId", key_id as "keyId",
              action, resource, outcome, reason, times, before, after, request_id as "requestId", address
         from audit_entry
        where ($1::text is null or client_code = $1)
          and ($2::text is null or key_id = $2)
          and ($3::text is null or action = $3)
          and ($4::text is null or resource = $4 or starts_with(resource, $4 || '/'))
          and ($5::text is null or outcome = $5)
          and ($6::timestamptz is null or at >= $6)
          and ($7::timestamptz is null or at < $7)
          and ($8::integer is null or channel_id = $8)
          and ($9::timestamptz is null or (at, id) < ($9, $10::text))
        order by at desc, id desc
        limit $11`,
      [
        client,
        key,
        action,
        resource,
        outcome,
        since,
        until,
        channelId,
        before?.[0] ?? null,
        before?.[1] ?? null,
        limit,
      ],
    );
  }
}
