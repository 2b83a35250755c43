import type { Send } from '../stock/command.js';
import type { Moment } from './absolute-figure.js';
import {
  type FeedDelta,
  type FeedKey,
  feedColumns,
  isoTime,
  type LooseShipment,
  type ParkedKey,
  type Supply,
  textOf,
} from './applying.repository.js';
import type { Waits } from './task.js';

/** What applying events writes in the posting engine's transaction, set-based; the other half of applying.repository. */

/** Where an event ends. `parked` may still be applied. */
export type FinalStatus = 'applied' | 'duplicate' | 'stale' | 'parked' | 'exception';

/** An event as it ends. */
export interface Finished {
  readonly id: string;
  readonly receivedAt: number;
  readonly status: FinalStatus;
  readonly attempt: number;
  /** JSON; null: leave what is there. */
  readonly canonical: string | null;
  /** See `Task`; null: leave what is there. */
  readonly profile: string | null;
  readonly skus: readonly string[];
  readonly problem: { readonly kind: string; readonly detail: string } | null;
}

/** Fails where something became of it before: an event that is tried for the first time has no outcome. */
const FINISH_EVENTS = {
  name: 'finish-events',
  text: `
    insert into event_outcome (received_at, id, status, attempts, canonical, skus, finished_at, problem, profile)
    select to_timestamp(received_at / 1000), id, status, attempt, canonical::jsonb,
           case when skus = '' then null else string_to_array(skus, chr(31)) end, to_timestamp($8::float8 / 1000),
           problem::jsonb, profile
      from unnest($1::float8[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::text[], $9::text[])
        as f(received_at, id, status, attempt, canonical, skus, problem, profile)`,
};

const FINISH_EVENTS_AGAIN = {
  name: 'finish-events-again',
  text: `${FINISH_EVENTS.text}
    on conflict (received_at, id) do update
       set status = excluded.status, attempts = excluded.attempts, skus = excluded.skus,
           canonical = coalesce(excluded.canonical, event_outcome.canonical), finished_at = excluded.finished_at,
           problem = excluded.problem, profile = coalesce(excluded.profile, event_outcome.profile)`,
};

const INSERT_ATTEMPTS = {
  name: 'insert-attempts',
  text: `
    insert into event_attempt (received_at, inbox_id, attempt, at, outcome, detail)
    select received_at, inbox_id, attempt, to_timestamp($6::float8 / 1000), outcome, detail
      from unnest($1::timestamptz[], $2::text[], $3::smallint[], $4::text[], $5::text[])
        as a(received_at, inbox_id, attempt, outcome, detail)
    on conflict do nothing`,
};

/** Writes the final states, each once: of events that this transaction has taken out of what waits. */
export function finishEvents(send: Send, finished: readonly Finished[], now: number): Promise<unknown>[] {
  const sent: Promise<unknown>[] = [];
  const again = finished.filter(({ attempt }) => attempt > 1);
  const first = again.length === 0 ? finished : finished.filter(({ attempt }) => attempt === 1);
  if (first.length > 0) sent.push(send(FINISH_EVENTS, finishedColumns(first, now)));
  if (again.length > 0) sent.push(send(FINISH_EVENTS_AGAIN, finishedColumns(again, now)));
  const told = finished.filter(({ status, attempt }) => status !== 'applied' || attempt > 1);
  if (told.length > 0) {
    sent.push(
      send(INSERT_ATTEMPTS, [
        told.map(({ receivedAt }) => isoTime(receivedAt)),
        told.map(({ id }) => id),
        told.map(({ attempt }) => attempt),
        told.map(({ status }) => status),
        told.map(({ problem }) => problem && `${problem.kind}: ${problem.detail}`),
        now,
      ]),
    );
  }
  return sent;
}

function finishedColumns(finished: readonly Finished[], now: number): unknown[] {
  return [
    finished.map(({ receivedAt }) => receivedAt),
    finished.map(({ id }) => id),
    finished.map(({ status }) => status),
    finished.map(({ attempt }) => attempt),
    finished.map(({ canonical }) => canonical),
    // Arrays of arrays have one length in PostgreSQL: joined by the unit separator, which no SKU can hold.
    finished.map(({ skus }) => skus.join('\x1f')),
    finished.map(({ problem }) => problem && JSON.stringify({ code: problem.kind, detail: problem.detail })),
    now,
    finished.map(({ profile }) => profile),
  ];
}

const PUT_EVENTS_BACK = {
  name: 'put-events-back',
  text: `
    insert into inbox_waiting (source_id, turn, received_at, id, attempts, progress)
    select source_id, turn, to_timestamp(received_at / 1000), id, attempts, progress
      from unnest($1::int[], $2::bigint[], $3::float8[], $4::text[], $5::smallint[], $6::int[])
        as w(source_id, turn, received_at, id, attempts, progress)`,
};

/** What this transaction took and has not ended, or not all of it, waits on in its turn. */
export function putEventsBack(send: Send, events: readonly Waits[]): Promise<unknown> {
  return send(PUT_EVENTS_BACK, [
    events.map(({ sourceId }) => sourceId),
    events.map(({ turn }) => turn),
    events.map(({ receivedAt }) => receivedAt),
    events.map(({ id }) => id),
    events.map(({ attempts }) => attempts),
    events.map(({ progress }) => progress),
  ]);
}

/**
 * Has events tried again, in their old turns: the end of a statement whose part `again` names outcomes by received_at and
 * id. With one of a batch that is applied whole, whatever of that is neither applied nor given up. What is applied stays so,
 * and what waits already is not put there twice.
 */
export const TRY_AGAIN = `
  batches as (
    select distinct i.source_id, i.received_at, i.batch
      from again
      join inbox i on i.received_at = again.received_at and i.id = again.id
     where i.batch is not null
  ), together as (
    select received_at, id from again
     union
    select o.received_at, o.id
      from batches b
      join inbox i on i.source_id = b.source_id and i.received_at = b.received_at and i.batch = b.batch
      join event_outcome o on o.received_at = i.received_at and o.id = i.id
     where o.status = 'parked'
        or o.status = 'exception' and exists (
             select from exception e
              where e.inbox_id = o.id and e.status = 'open' and e.kind <> 'conflicting_duplicate')
  ), marked as (
    update event_outcome o set status = 'received', attempts = greatest(o.attempts, 1)
      from together
     where o.received_at = together.received_at and o.id = together.id and o.status not in ('received', 'applied')
    returning o.received_at, o.id, o.attempts
  )
  insert into inbox_waiting (source_id, turn, received_at, id, attempts)
  select i.source_id, i.turn, i.received_at, i.id, marked.attempts
    from marked
    join inbox i on i.received_at = marked.received_at and i.id = marked.id`;

/** Has what these exceptions are about tried again: `where` of exception `e`, by which those that are open are found. */
export const tryExceptionsAgain = (where: string) => `
  with found as (
    select e.id, e.inbox_id, e.inbox_received_at, e.fact is not null as is_row
      from exception e
     where e.status = 'open' and not e.retrying
       and (${where})
  ), rows_again as (
    update exception e set retrying = true from found f where e.id = f.id and f.is_row
  ), again as (
    select o.received_at, o.id
      from found f
      join event_outcome o on o.received_at = f.inbox_received_at and o.id = f.inbox_id
     where not f.is_row and o.status in ('parked', 'exception')
  ), ${TRY_AGAIN}`;

const WRITE_FIGURES = {
  name: 'write-figures',
  text: `
    insert into feed_position (source_id, item_id, location_id, as_of, as_of_sequence, event, turn)
    select source_id, item_id, location_id, to_timestamp(as_of / 1000), sequence, event, turn
      from unnest($1::int[], $2::bigint[], $3::int[], $4::float8[], $5::numeric[], $6::text[], $7::bigint[])
        as f(source_id, item_id, location_id, as_of, sequence, event, turn)
    on conflict (source_id, item_id, location_id) do update
       set as_of = excluded.as_of, as_of_sequence = excluded.as_of_sequence, event = excluded.event, turn = excluded.turn`,
};

const FORGET_DELTAS = {
  name: 'forget-deltas',
  text: `
    delete from feed_delta d
     using unnest($1::int[], $2::bigint[], $3::int[], $4::float8[], $5::numeric[])
        as f(source_id, item_id, location_id, as_of, sequence)
     where d.item_id = f.item_id and d.location_id = f.location_id and d.source_id = f.source_id
       and case when d.sequence is not null and f.sequence is not null then d.sequence < f.sequence
                else d.occurred_at < to_timestamp(f.as_of / 1000) end`,
};

/** Keeps the figures, and forgets the changes that are inside them: nothing from before can be applied any more. */
export function writeFigures(
  send: Send,
  figures: readonly (FeedKey & Moment & { event: string })[],
): Promise<unknown>[] {
  const columns = [...feedColumns(figures), figures.map(({ at }) => at), figures.map((figure) => textOf(figure))];
  return [
    send(FORGET_DELTAS, columns),
    send(WRITE_FIGURES, [...columns, figures.map(({ event }) => event), figures.map(({ turn = null }) => turn)]),
  ];
}

const INSERT_DELTAS = {
  name: 'insert-deltas',
  text: `
    insert into feed_delta (source_id, item_id, location_id, occurred_at, sequence, quantity, committed_at, turn, at)
    select source_id, item_id, location_id, to_timestamp(occurred_at / 1000), sequence, quantity * 0.0001,
           to_timestamp(committed_at / 1000), turn, to_timestamp($9::float8 / 1000)
      from unnest($1::int[], $2::bigint[], $3::int[], $4::float8[], $5::numeric[], $6::bigint[], $7::float8[],
                  $8::bigint[])
        as d(source_id, item_id, location_id, occurred_at, sequence, quantity, committed_at, turn)`,
};

export function insertDeltas(send: Send, deltas: readonly FeedDelta[], now: number): Promise<unknown> {
  return send(INSERT_DELTAS, [
    ...feedColumns(deltas),
    deltas.map(({ at }) => at),
    deltas.map((delta) => textOf(delta)),
    deltas.map(({ quantity }) => quantity),
    deltas.map(({ committedAt }) => committedAt),
    deltas.map(({ turn = null }) => turn),
    now,
  ]);
}

const WRITE_SUPPLIES = {
  name: 'write-supplies',
  text: `
    insert into supply (reference, item_id, location_id, source_id, kind, quantity, received, status, expected_at, as_of,
                        as_of_sequence, created_at, updated_at)
    select reference, item_id, location_id, source_id, kind, quantity * 0.0001, received * 0.0001, status,
           to_timestamp(expected_at / 1000), to_timestamp(as_of / 1000), sequence,
           to_timestamp($12::float8 / 1000), to_timestamp($12::float8 / 1000)
      from unnest($1::text[], $2::bigint[], $3::int[], $4::int[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
                  $9::float8[], $10::float8[], $11::numeric[])
        as s(reference, item_id, location_id, source_id, kind, quantity, received, status, expected_at, as_of, sequence)
    on conflict (reference, item_id, location_id) do update
       set source_id = excluded.source_id, kind = excluded.kind, quantity = excluded.quantity,
           received = excluded.received, status = excluded.status, expected_at = excluded.expected_at,
           as_of = excluded.as_of, as_of_sequence = excluded.as_of_sequence, updated_at = excluded.updated_at`,
};

export function writeSupplies(send: Send, supplies: readonly Supply[], now: number): Promise<unknown> {
  return send(WRITE_SUPPLIES, [
    supplies.map(({ reference }) => reference),
    supplies.map(({ itemId }) => itemId),
    supplies.map(({ locationId }) => locationId),
    supplies.map(({ sourceId }) => sourceId),
    supplies.map(({ kind }) => kind),
    supplies.map(({ quantity }) => quantity),
    supplies.map(({ received }) => received),
    supplies.map(({ status }) => status),
    supplies.map(({ expectedAt }) => expectedAt),
    supplies.map(({ asOf }) => asOf?.at ?? null),
    supplies.map(({ asOf }) => asOf && textOf(asOf)),
    now,
  ]);
}

const ADD_INCOMING = {
  name: 'add-incoming',
  text: `
    update position p set incoming = p.incoming + d.incoming * 0.0001
      from unnest($1::bigint[], $2::int[], $3::bigint[]) as d(item_id, location_id, incoming)
     where p.item_id = d.item_id and p.location_id = d.location_id`,
};

/** By difference, at positions that are locked. Incoming is announced, not there: no movement, no version. */
export function addIncoming(
  send: Send,
  differences: readonly { itemId: number; locationId: number; difference: number }[],
): Promise<unknown> {
  return send(ADD_INCOMING, [
    differences.map(({ itemId }) => itemId),
    differences.map(({ locationId }) => locationId),
    differences.map(({ difference }) => difference),
  ]);
}

const WRITE_LOOSE = {
  name: 'write-loose-shipments',
  text: `
    insert into loose_shipment (source_id, item_id, location_id, reference, quantity, inbox_id, cancelled, at)
    select source_id, item_id, location_id, reference, quantity * 0.0001, inbox_id, cancelled, to_timestamp($8::float8 / 1000)
      from unnest($1::int[], $2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::text[], $7::bool[])
        as l(source_id, item_id, location_id, reference, quantity, inbox_id, cancelled)
    on conflict (source_id, reference, item_id, location_id) do update
       set quantity = excluded.quantity, inbox_id = excluded.inbox_id, cancelled = excluded.cancelled, at = excluded.at`,
};

export function writeLooseShipments(send: Send, shipments: readonly LooseShipment[], now: number): Promise<unknown> {
  return send(WRITE_LOOSE, [
    ...feedColumns(shipments),
    shipments.map(({ reference }) => reference),
    shipments.map(({ quantity }) => quantity),
    shipments.map(({ inboxId }) => inboxId),
    shipments.map(({ cancelled }) => cancelled),
    now,
  ]);
}

const INSERT_PARKED = {
  name: 'insert-parked-keys',
  text: `
    insert into parked_key (source_id, sku, location, turn, holder, blocked)
    select source_id, sku, location, turn, holder, blocked
      from unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bool[])
        as p(source_id, sku, location, turn, holder, blocked)
    on conflict (source_id, sku, location, turn) do update set holder = excluded.holder, blocked = excluded.blocked`,
};

export function insertParkedKeys(send: Send, keys: readonly ParkedKey[]): Promise<unknown> {
  return send(INSERT_PARKED, [
    keys.map(({ sourceId }) => sourceId),
    keys.map(({ sku }) => sku),
    keys.map(({ location }) => location),
    keys.map(({ turn }) => turn),
    keys.map(({ holder }) => holder),
    keys.map(({ blocked }) => blocked),
  ]);
}

/**
 * Lets go of the keys of these holders, events or exceptions of rows; what waited behind them is to be looked at again,
 * in its old turn. Used by the engine as a prepared statement, and by whoever gives an exception up.
 */
export const RELEASE_KEYS = {
  name: 'release-keys',
  text: `
    with gone as (
      delete from parked_key where holder = any($1::text[]) returning source_id, sku, location
    ), behind as (
      delete from parked_key p using (select distinct source_id, sku, location from gone) g
       where p.source_id = g.source_id and p.sku = g.sku and p.location = g.location
         and p.blocked and p.holder <> all($1::text[])
      returning p.holder
    ), rows_again as (
      update exception e set retrying = true
       where e.id in (select holder from behind) and e.fact is not null and e.status = 'open'
    ),
    again as (
      select o.received_at, o.id
        from exception e
        join event_outcome o on o.received_at = e.inbox_received_at and o.id = e.inbox_id
       where e.inbox_id in (select holder from behind) and e.status = 'open' and e.fact is null and o.status = 'parked'
    ), ${TRY_AGAIN}`,
};

export function releaseKeys(send: Send, holders: readonly string[]): Promise<unknown> {
  return send(RELEASE_KEYS, [holders]);
}
