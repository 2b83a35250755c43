import type { Send } from '../stock/command.js';
import type { PositionKey } from '../stock/ledger.js';
import type { Moment } from './absolute-figure.js';
import type { SupplyKind } from './canonical-event.js';
import type { OpenLine } from './physical-fact.js';
import type { EventKey, Waits } from './task.js';

/**
 * What applying events reads and writes in the posting engine's transaction, set-based. Quantities travel as whole
 * ten-thousandths, times as milliseconds since 1970, sequences as text.
 */

/** A position as one source sees it. */
export interface FeedKey extends PositionKey {
  readonly sourceId: number;
}

const TAKE_EVENTS = {
  name: 'take-events',
  text: `
    with taken as (
      delete from inbox_waiting w
       using unnest($1::int[], $2::bigint[]) as k(source_id, turn)
       where w.source_id = k.source_id and w.turn = k.turn
      returning w.id
    )
    select id from taken`,
};

/**
 * Takes these events out of what waits, for good with this transaction. Ids of those that did wait: another worker may
 * have been quicker, and whoever deletes a row is the only one.
 */
export async function takeEvents(send: Send, events: readonly Waits[]): Promise<string[]> {
  const rows = await send<{ id: string }>(TAKE_EVENTS, [
    events.map(({ sourceId }) => sourceId),
    events.map(({ turn }) => turn),
  ]);
  return rows.map(({ id }) => id);
}

const LOCK_ROW_EXCEPTIONS = {
  name: 'lock-row-exceptions',
  text: `
    select e.id from exception e
     where e.id = any($1::text[]) and e.status = 'open' and e.retrying
     order by e.id
       for no key update`,
};

export async function lockRowExceptions(send: Send, ids: readonly string[]): Promise<string[]> {
  const rows = await send<{ id: string }>(LOCK_ROW_EXCEPTIONS, [ids]);
  return rows.map(({ id }) => id);
}

const READ_FIGURES = {
  name: 'read-figures',
  text: `
    select f.source_id, f.item_id, f.location_id, extract(epoch from f.as_of)::float8 * 1000 as as_of,
           f.as_of_sequence::text as sequence, f.turn, f.event
      from unnest($1::int[], $2::bigint[], $3::int[]) as k(source_id, item_id, location_id)
      join feed_position f using (source_id, item_id, location_id)
     where f.as_of is not null`,
};

/** The last absolute figure that a source gave of a position, and the event it came in. */
export interface LastFigure extends Moment {
  readonly event: string | null;
}

export async function readFigures(send: Send, keys: readonly FeedKey[]): Promise<(FeedKey & LastFigure)[]> {
  const rows = await send<
    FeedRow & { as_of: number; sequence: string | null; turn: number | null; event: string | null }
  >(READ_FIGURES, feedColumns(keys));
  return rows.map((row) => ({
    ...feedKeyOf(row),
    at: row.as_of,
    sequence: bigintOf(row.sequence),
    turn: row.turn,
    event: row.event,
  }));
}

const READ_DELTAS = {
  name: 'read-deltas',
  text: `
    select d.source_id, d.item_id, d.location_id, extract(epoch from d.occurred_at)::float8 * 1000 as at,
           d.sequence::text as sequence, d.turn, (d.quantity * 10000)::bigint as quantity,
           extract(epoch from d.committed_at)::float8 * 1000 as committed_at
      from unnest($1::int[], $2::bigint[], $3::int[], $4::float8[], $5::numeric[])
        as k(source_id, item_id, location_id, at, sequence)
      join feed_delta d using (source_id, item_id, location_id)
     where case when d.sequence is not null and k.sequence is not null then d.sequence >= k.sequence
                else d.occurred_at >= to_timestamp(k.at / 1000) end`,
};

/** A change that a source reported; `committedAt`: of the commitment that it shipped. */
export interface FeedDelta extends FeedKey, Moment {
  readonly quantity: number;
  readonly committedAt: number | null;
}

/** What was posted of these sources at these positions and happened no earlier than `since`. */
export async function readDeltas(send: Send, keys: readonly (FeedKey & { since: Moment })[]): Promise<FeedDelta[]> {
  const rows = await send<
    FeedRow & {
      at: number;
      sequence: string | null;
      turn: number | null;
      quantity: number;
      committed_at: number | null;
    }
  >(READ_DELTAS, [...feedColumns(keys), keys.map(({ since }) => since.at), keys.map(({ since }) => textOf(since))]);
  return rows.map((row) => ({
    ...feedKeyOf(row),
    at: row.at,
    sequence: bigintOf(row.sequence),
    turn: row.turn,
    quantity: row.quantity,
    committedAt: row.committed_at,
  }));
}

const READ_COMMITTED = {
  name: 'read-committed',
  text: `
    select a.item_id, a.location_id, a.reservation_id, (sum(a.quantity) * 10000)::bigint as quantity,
           extract(epoch from (select min(s.at) from reservation_step s
                                where s.reservation_id = a.reservation_id and s.action = 'commit'))::float8 * 1000 as at
      from unnest($1::bigint[], $2::int[]) as k(item_id, location_id)
      join reservation_allocation a using (item_id, location_id)
     where a.expires_at is null
     group by a.item_id, a.location_id, a.reservation_id`,
};

const READ_CANCELLED = {
  name: 'read-cancelled',
  text: `
    select m.item_id, m.location_id, m.reservation_id, (-m.reserved_delta * 10000)::bigint as quantity,
           extract(epoch from m.at)::float8 * 1000 as cancelled_at,
           extract(epoch from (select min(s.at) from reservation_step s
                                where s.reservation_id = m.reservation_id and s.action = 'commit'))::float8 * 1000 as at
      from unnest($1::bigint[], $2::int[], $3::float8[]) as k(item_id, location_id, since)
     cross join lateral (
             select coalesce((select v.version from movement v
                               where v.item_id = k.item_id and v.location_id = k.location_id
                                 and v.at <= to_timestamp(k.since / 1000)
                               order by v.version desc limit 1), 0) as version) known
      join movement m on m.item_id = k.item_id and m.location_id = k.location_id and m.version > known.version
     where m.kind = 'cancel' and m.at > to_timestamp(k.since / 1000)`,
};

/** What of a commitment stands at a position, or stood there until it was cancelled. */
export interface CommittedAt extends PositionKey {
  readonly reservationId: string;
  readonly quantity: number;
  readonly committedAt: number;
  /** null: it still stands. */
  readonly cancelledAt: number | null;
}

/**
 * The commitments at these positions, and what of them was cancelled since: a figure from before that time has taken
 * that off. Movements of a position are read backwards to that time and no further.
 */
export async function readCommitted(
  send: Send,
  keys: readonly (PositionKey & { since: number })[],
): Promise<CommittedAt[]> {
  const itemIds = keys.map(({ itemId }) => itemId);
  const locationIds = keys.map(({ locationId }) => locationId);
  const sent = [
    send<CommittedRow>(READ_COMMITTED, [itemIds, locationIds]),
    send<CommittedRow & { cancelled_at: number }>(READ_CANCELLED, [
      itemIds,
      locationIds,
      keys.map(({ since }) => since),
    ]),
  ] as const;
  const [open, cancelled] = await Promise.all(sent);
  return [
    ...open.map((row) => ({ ...committedOf(row), cancelledAt: null })),
    ...cancelled.map((row) => ({ ...committedOf(row), cancelledAt: row.cancelled_at })),
  ];
}

interface CommittedRow {
  item_id: number;
  location_id: number;
  reservation_id: string;
  quantity: number;
  at: number;
}

function committedOf(row: CommittedRow) {
  const key = { itemId: row.item_id, locationId: row.location_id };
  return { ...key, reservationId: row.reservation_id, quantity: row.quantity, committedAt: row.at };
}

const READ_COMMIT_TIMES = {
  name: 'read-commit-times',
  text: `
    select s.reservation_id, extract(epoch from min(s.at))::float8 * 1000 as at
      from reservation_step s
     where s.reservation_id = any($1::text[]) and s.action = 'commit'
     group by s.reservation_id`,
};

/** When orders took these reservations, by id. */
export async function readCommitTimes(send: Send, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await send<{ reservation_id: string; at: number }>(READ_COMMIT_TIMES, [ids]);
  return new Map(rows.map((row) => [row.reservation_id, row.at]));
}

const READ_SUPPLIES = {
  name: 'read-supplies',
  text: `
    select s.reference, s.item_id, s.location_id, s.source_id, s.kind, (s.quantity * 10000)::bigint as quantity,
           (s.received * 10000)::bigint as received, s.status, extract(epoch from s.expected_at)::float8 * 1000 as expected_at,
           extract(epoch from s.as_of)::float8 * 1000 as as_of, s.as_of_sequence::text as sequence
      from unnest($1::text[], $2::bigint[], $3::int[]) as k(reference, item_id, location_id)
      join supply s using (reference, item_id, location_id)`,
};

export type SupplyStatus = 'open' | 'received' | 'cancelled';

/** What is announced under one reference of one item at one location. */
export interface Supply extends PositionKey {
  readonly reference: string;
  readonly sourceId: number;
  readonly kind: SupplyKind;
  readonly quantity: number;
  readonly received: number;
  readonly status: SupplyStatus;
  readonly expectedAt: number | null;
  /** Of the last announcement or cancellation; null: only receipts so far. */
  readonly asOf: Moment | null;
}

export async function readSupplies(
  send: Send,
  keys: readonly (PositionKey & { reference: string })[],
): Promise<Supply[]> {
  const rows = await send<SupplyRow>(READ_SUPPLIES, [
    keys.map(({ reference }) => reference),
    keys.map(({ itemId }) => itemId),
    keys.map(({ locationId }) => locationId),
  ]);
  return rows.map((row) => ({
    reference: row.reference,
    itemId: row.item_id,
    locationId: row.location_id,
    sourceId: row.source_id,
    kind: row.kind,
    quantity: row.quantity,
    received: row.received,
    status: row.status,
    expectedAt: row.expected_at,
    asOf: row.as_of === null ? null : { at: row.as_of, sequence: bigintOf(row.sequence) },
  }));
}

interface SupplyRow {
  reference: string;
  item_id: number;
  location_id: number;
  source_id: number;
  kind: SupplyKind;
  quantity: number;
  received: number;
  status: SupplyStatus;
  expected_at: number | null;
  as_of: number | null;
  sequence: string | null;
}

const READ_LOOSE = {
  name: 'read-loose-shipments',
  text: `
    select l.source_id, l.reference, l.item_id, l.location_id, (l.quantity * 10000)::bigint as quantity, l.inbox_id,
           l.cancelled
      from unnest($1::int[], $2::text[]) as k(source_id, reference)
      join loose_shipment l using (source_id, reference)`,
};

/** What left without a commitment of ours. */
export interface LooseShipment extends FeedKey {
  readonly reference: string;
  readonly quantity: number;
  readonly inboxId: string;
  readonly cancelled: boolean;
}

export async function readLooseShipments(
  send: Send,
  keys: readonly { sourceId: number; reference: string }[],
): Promise<LooseShipment[]> {
  const rows = await send<FeedRow & { reference: string; quantity: number; inbox_id: string; cancelled: boolean }>(
    READ_LOOSE,
    [keys.map(({ sourceId }) => sourceId), keys.map(({ reference }) => reference)],
  );
  return rows.map((row) => ({
    ...feedKeyOf(row),
    reference: row.reference,
    quantity: row.quantity,
    inboxId: row.inbox_id,
    cancelled: row.cancelled,
  }));
}

const READ_PARKED = {
  name: 'read-parked-keys',
  text: `
    select p.source_id, p.sku, p.location, p.turn, p.holder
      from unnest($1::int[], $2::text[], $3::text[]) as k(source_id, sku, location)
      join parked_key p using (source_id, sku, location)`,
};

export interface ParkedKey extends EventKey {
  readonly turn: number;
  readonly holder: string;
  readonly blocked: boolean;
}

export async function readParkedKeys(send: Send, keys: readonly EventKey[]): Promise<Omit<ParkedKey, 'blocked'>[]> {
  const rows = await send<{ source_id: number; sku: string; location: string; turn: number; holder: string }>(
    READ_PARKED,
    [keys.map(({ sourceId }) => sourceId), keys.map(({ sku }) => sku), keys.map(({ location }) => location)],
  );
  return rows.map(({ source_id, ...row }) => ({ sourceId: source_id, ...row }));
}

const READ_OPEN_LINES = {
  name: 'read-open-lines',
  text: `
    select a.item_id, a.location_id, a.reservation_id, a.line, (a.quantity * 10000)::bigint as quantity, r.order_ref,
           extract(epoch from r.created_at)::float8 * 1000 as created_at, c.code as channel, c.priority
      from unnest($1::bigint[], $2::int[]) as k(item_id, location_id)
      join reservation_allocation a using (item_id, location_id)
      join reservation r on r.id = a.reservation_id
      join channel c on c.id = r.channel_id
     where a.expires_at is null or a.expires_at > to_timestamp($3::float8 / 1000)`,
};

/** What is reserved at these positions, by live holds too: they are promised as well. */
export async function readOpenLines(
  send: Send,
  keys: readonly PositionKey[],
  now: number,
): Promise<(PositionKey & OpenLine)[]> {
  const rows = await send<{
    item_id: number;
    location_id: number;
    reservation_id: string;
    line: number;
    quantity: number;
    order_ref: string | null;
    created_at: number;
    channel: string;
    priority: number;
  }>(READ_OPEN_LINES, [keys.map(({ itemId }) => itemId), keys.map(({ locationId }) => locationId), now]);
  return rows.map((row) => ({
    itemId: row.item_id,
    locationId: row.location_id,
    reservationId: row.reservation_id,
    line: row.line,
    quantity: row.quantity,
    orderRef: row.order_ref,
    createdAt: row.created_at,
    channel: row.channel,
    priority: row.priority,
  }));
}

interface FeedRow {
  source_id: number;
  item_id: number;
  location_id: number;
}

function feedKeyOf(row: FeedRow): FeedKey {
  return { sourceId: row.source_id, itemId: row.item_id, locationId: row.location_id };
}

export function feedColumns(keys: readonly FeedKey[]): [number[], number[], number[]] {
  return [
    keys.map(({ sourceId }) => sourceId),
    keys.map(({ itemId }) => itemId),
    keys.map(({ locationId }) => locationId),
  ];
}

function bigintOf(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}

export function textOf({ sequence }: Moment): string | null {
  return sequence === null ? null : String(sequence);
}

/** As PostgreSQL reads it in a list: to the millisecond, as events are received. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}
