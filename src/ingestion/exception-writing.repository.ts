import type { Send } from '../stock/command.js';
import type { Refusal } from './task.js';

/** How exceptions are opened and closed in the posting engine's transaction, set-based. */

/** What somebody is to look at. */
export interface NewException {
  readonly id: string;
  readonly kind: string;
  readonly sourceId: number;
  readonly inboxId: string | null;
  readonly inboxReceivedAt: number | null;
  readonly eventId: string | null;
  readonly sku: string | null;
  readonly location: string | null;
  /** One line for a person: what is wrong, and what to do. */
  readonly detail: string;
  /** What it touches, such as the commitments that a shortfall uncovers. */
  readonly affected: unknown;
  /** The row it is about, as a canonical event, where the rest of its event was applied. */
  readonly fact: unknown;
}

const INSERT_EXCEPTIONS = {
  name: 'insert-exceptions',
  text: `
    insert into exception (id, kind, source_id, inbox_id, inbox_received_at, event_id, sku, location, detail, affected,
                           fact, created_at)
    select id, kind, source_id, inbox_id, inbox_received_at, event_id, sku, location, detail, affected::jsonb, fact::jsonb,
           to_timestamp($12::float8 / 1000)
      from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[],
                  $9::text[], $10::text[], $11::text[])
        as e(id, kind, source_id, inbox_id, inbox_received_at, event_id, sku, location, detail, affected, fact)`,
};

export function insertExceptions(send: Send, exceptions: readonly NewException[], now: number): Promise<unknown> {
  return send(INSERT_EXCEPTIONS, [
    exceptions.map(({ id }) => id),
    exceptions.map(({ kind }) => kind),
    exceptions.map(({ sourceId }) => sourceId),
    exceptions.map(({ inboxId }) => inboxId),
    exceptions.map(({ inboxReceivedAt }) =>
      inboxReceivedAt === null ? null : new Date(inboxReceivedAt).toISOString(),
    ),
    exceptions.map(({ eventId }) => eventId),
    exceptions.map(({ sku }) => sku),
    exceptions.map(({ location }) => location),
    exceptions.map(({ detail }) => detail),
    exceptions.map(({ affected }) => (affected == null ? null : JSON.stringify(affected))),
    exceptions.map(({ fact }) => (fact == null ? null : JSON.stringify(fact))),
    now,
  ]);
}

const READ_REFUSALS = {
  name: 'read-refusals',
  text: `
    select e.id, e.inbox_id, e.sku, e.location
      from exception e
     where e.inbox_id = any($1::text[]) and e.status = 'open' and e.fact is null and e.kind <> all($2::text[])`,
};

/** The open exceptions of events that are tried again. `informs`: the kinds that only tell what an event did. */
export async function readRefusals(
  send: Send,
  inboxIds: readonly string[],
  informs: readonly string[],
): Promise<{ id: string; inboxId: string; sku: string | null; location: string | null }[]> {
  const rows = await send<{ id: string; inbox_id: string; sku: string | null; location: string | null }>(
    READ_REFUSALS,
    [inboxIds, informs],
  );
  return rows.map(({ inbox_id, ...row }) => ({ inboxId: inbox_id, ...row }));
}

const READ_UPDATE_ROWS = {
  name: 'read-update-rows',
  text: `
    select e.id, e.inbox_id as "inboxId", e.sku, e.location, e.status = 'open' as "isOpen"
      from exception e
     where e.inbox_id = any($1::text[]) and e.fact ->> 'type' in ('item.updated.v1', 'location.updated.v1')`,
};

/** The exceptions, closed ones too, of what events that say other things, too, said of items and locations. */
export function readUpdateRows(
  send: Send,
  inboxIds: readonly string[],
): Promise<{ id: string; inboxId: string; sku: string | null; location: string | null; isOpen: boolean }[]> {
  return send(READ_UPDATE_ROWS, [inboxIds]);
}

/** An entry of the history that is our own, as SQL. `at`: the parameter with milliseconds since 1970. */
const entry = (action: 'applied' | 'retry', note: string, at: string) => `
  jsonb_build_array(jsonb_build_object(
    'at', to_char(to_timestamp(${at}::float8 / 1000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'actor', 'holdfast', 'action', '${action}', 'note', ${note}))`;

const CLOSE_EXCEPTIONS = {
  name: 'close-exceptions',
  text: `
    update exception e
       set status = 'resolved', retrying = false, resolved_at = to_timestamp($2::float8 / 1000),
           notes = e.notes || ${entry('applied', 'null', '$2')}
     where e.id = any($1::text[]) and e.status = 'open'`,
};

/** What they were about is applied. */
export function closeExceptions(send: Send, ids: readonly string[], now: number): Promise<unknown> {
  return send(CLOSE_EXCEPTIONS, [ids, now]);
}

const FAILED = `'Not applied: ' || k.kind || ': ' || k.detail`;

const KEEP_EXCEPTIONS = {
  name: 'keep-exceptions',
  text: `
    update exception e
       set kind = k.kind, detail = k.detail, sku = coalesce(k.sku, e.sku), location = coalesce(k.location, e.location),
           retrying = false,
           notes = case
             when (e.kind, e.detail) <> (k.kind, k.detail) then e.notes || ${entry('retry', `${FAILED} || ' Before: ' || e.kind || ': ' || e.detail`, '$6')}
             when e.notes -> -1 ->> 'action' = 'retry' and e.notes -> -1 ->> 'actor' <> 'holdfast' then e.notes || ${entry('retry', FAILED, '$6')}
             else e.notes
           end
      from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as k(id, kind, detail, sku, location)
     where e.id = k.id and e.status = 'open'`,
};

/**
 * Tried again, and still not applied: this is what is wrong now, and what was. What is tried again by itself and fails as
 * before leaves no note: behind something that is repaired step by step it would leave one each time.
 */
export function keepExceptions(
  send: Send,
  exceptions: readonly (Refusal & { readonly id: string })[],
  now: number,
): Promise<unknown> {
  return send(KEEP_EXCEPTIONS, [
    exceptions.map(({ id }) => id),
    exceptions.map(({ kind }) => kind),
    exceptions.map(({ detail }) => detail),
    exceptions.map(({ sku = null }) => sku),
    exceptions.map(({ location = null }) => location),
    now,
  ]);
}
