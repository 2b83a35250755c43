import { combined } from '../postgres/combined.js';
import type { Send } from '../stock/command.js';
import type { PositionKey } from '../stock/ledger.js';
import type { Allocation, Reservation, ReservationLine, Status } from './reservation.js';
import type { Step } from './transitions.js';

/**
 * What the posting engine reads and writes for reservations, set-based, in its transaction.
 * Quantities travel as whole ten-thousandths.
 */

// Outside of the engine too, where PostgreSQL plans as it likes. any(array(…)) and not exists: that may be planned as a hash of
// every step of every reservation. Ids and SKUs by subqueries: else it plans each reading anew (availability.repository.ts), or
// reads all items to join them. One reservation took 1.6 ms, and takes 0.7.
const LOCK_RESERVATIONS = {
  name: 'lock-reservations',
  text: `
    select r.id, r.channel_id, r.client_id, r.order_ref, r.status, r.version,
           extract(epoch from r.expires_at)::float8 * 1000 as expires_at,
           extract(epoch from r.created_at)::float8 * 1000 as created_at,
           r.status = 'held' and 'expire' = any(array(
             select s.action from reservation_step s where s.reservation_id = r.id)) as lapsed,
           r.status in ('committed', 'partially_shipped', 'shipped') and 'cancel' = any(array(
             select s.action from reservation_step s where s.reservation_id = r.id)) as reduced
      from reservation r
     where r.id = any((select $1::text[])::text[])
     order by r.id
       for no key update`,
};

const READ_LINES = {
  name: 'read-reservation-lines',
  text: `
    select l.reservation_id, l.line, l.line_ref, l.item_id, (select sku from item where id = l.item_id) as sku,
           l.uom, (l.factor * 10000)::bigint as factor,
           l.tracked, l.location_id, (l.requested * 10000)::bigint as requested,
           (l.committed * 10000)::bigint as committed, (l.shipped * 10000)::bigint as shipped,
           (l.reserved * 10000)::bigint as reserved
      from reservation_line l
     where l.reservation_id = any((select $1::text[])::text[])
     order by l.reservation_id, l.line`,
};

const READ_ALLOCATIONS = {
  name: 'read-reservation-allocations',
  text: `
    select a.reservation_id, a.line, a.location_id, (a.quantity * 10000)::bigint as quantity,
           (a.backordered * 10000)::bigint as backordered
      from reservation_allocation a
     where a.reservation_id = any((select $1::text[])::text[])
     order by a.reservation_id, a.line, a.location_id`,
};

const READ_RESERVATIONS = {
  name: 'read-reservations',
  text: LOCK_RESERVATIONS.text.replace('for no key update', ''),
};

interface HeaderRow {
  id: string;
  channel_id: number;
  client_id: string;
  order_ref: string | null;
  status: Status;
  version: number;
  expires_at: number | null;
  created_at: number;
  lapsed: boolean;
  reduced: boolean;
}

interface LineRow {
  reservation_id: string;
  line: number;
  line_ref: string | null;
  item_id: number;
  sku: string;
  uom: string;
  factor: number;
  tracked: boolean;
  location_id: number | null;
  requested: number;
  committed: number;
  shipped: number;
  reserved: number;
}

/**
 * Reads whole reservations. `lock`: until the transaction ends nobody else takes a step with them; taken behind the
 * position locks and in the order of their ids.
 */
export async function readReservations(send: Send, ids: readonly string[], lock: boolean): Promise<Reservation[]> {
  if (ids.length === 0) return [];
  const [headers, lines, allocations] = await Promise.all([
    send<HeaderRow>(lock ? LOCK_RESERVATIONS : READ_RESERVATIONS, [ids]),
    send<LineRow>(READ_LINES, [ids]),
    send<{ reservation_id: string; line: number; location_id: number; quantity: number; backordered: number }>(
      READ_ALLOCATIONS,
      [ids],
    ),
  ]);
  const allocationsOf = new Map<string, Allocation[]>();
  for (const row of allocations) {
    const key = `${row.reservation_id} ${row.line}`;
    const allocation = { locationId: row.location_id, quantity: row.quantity, backordered: row.backordered };
    allocationsOf.set(key, [...(allocationsOf.get(key) ?? []), allocation]);
  }
  const linesOf = new Map<string, ReservationLine[]>();
  for (const row of lines) {
    const line = {
      line: row.line,
      lineRef: row.line_ref,
      itemId: row.item_id,
      sku: row.sku,
      uom: row.uom,
      factor: row.factor,
      tracked: row.tracked,
      locationId: row.location_id,
      requested: row.requested,
      committed: row.committed,
      shipped: row.shipped,
      reserved: row.reserved,
      allocations: allocationsOf.get(`${row.reservation_id} ${row.line}`) ?? [],
    };
    const standing = linesOf.get(row.reservation_id);
    if (standing) standing.push(line);
    else linesOf.set(row.reservation_id, [line]);
  }
  return headers.map((row) => ({
    id: row.id,
    channelId: row.channel_id,
    clientId: row.client_id,
    orderRef: row.order_ref,
    status: row.status,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    version: row.version,
    ...(row.lapsed ? { lapsed: true } : {}),
    ...(row.reduced ? { reduced: true } : {}),
    lines: linesOf.get(row.id) ?? [],
  }));
}

const FIND_EXPIRED = {
  name: 'find-expired',
  text: `
    select distinct a.reservation_id
      from unnest($1::bigint[], $2::int[]) as k(item_id, location_id)
      join reservation_allocation a using (item_id, location_id)
     where a.expires_at <= to_timestamp($3::float8 / 1000)
     order by a.reservation_id`,
};

/** Reservations of which something at these positions has expired. */
export async function findExpired(send: Send, keys: readonly PositionKey[], now: number): Promise<string[]> {
  const rows = await send<{ reservation_id: string }>(FIND_EXPIRED, [...columns(keys), now]);
  return rows.map((row) => row.reservation_id);
}

const NEXT_EXPIRIES = {
  name: 'next-expiries',
  text: `
    select k.item_id, k.location_id, (
             select extract(epoch from min(a.expires_at))::float8 * 1000
               from reservation_allocation a
              where a.item_id = k.item_id and a.location_id = k.location_id
                and a.expires_at > to_timestamp($3::float8 / 1000) and a.reservation_id <> all($4::text[])) as next_expiry
      from unnest($1::bigint[], $2::int[]) as k(item_id, location_id)`,
};

/** The earliest expiry behind `after` at each position once the reservations `gone` are; null where nothing else is held. */
export async function nextExpiries(
  send: Send,
  keys: readonly PositionKey[],
  after: number,
  gone: readonly string[] = [],
): Promise<(PositionKey & { nextExpiry: number | null })[]> {
  const rows = await send<{ item_id: number; location_id: number; next_expiry: number | null }>(NEXT_EXPIRIES, [
    ...columns(keys),
    after,
    gone,
  ]);
  return rows.map((row) => ({ itemId: row.item_id, locationId: row.location_id, nextExpiry: row.next_expiry }));
}

const UNCOVERED = {
  name: 'uncovered',
  text: `
    with open as (
      select a.reservation_id, a.line, a.item_id, a.location_id, a.quantity,
             sum(a.quantity) over (
               partition by a.item_id, a.location_id
               order by c.priority desc, r.created_at, r.id, a.line
               rows unbounded preceding) as upto
        from unnest($1::bigint[], $2::int[]) as k(item_id, location_id)
        join reservation_allocation a using (item_id, location_id)
        join reservation r on r.id = a.reservation_id
        join channel c on c.id = r.channel_id
       where a.expires_at is null or a.expires_at > to_timestamp($3::float8 / 1000)
    )
    select o.reservation_id, o.line, (sum(least(o.quantity, greatest(0, o.upto - (
             p.on_hand - p.damaged - p.expired - p.recalled - p.quarantined - p.inspection)))) * 10000)::bigint as uncovered
      from open o
      join position p using (item_id, location_id)
     where o.reservation_id = any($4::text[])
     group by o.reservation_id, o.line`,
};

/**
 * How much of the lines of these reservations is not covered at these positions, by `<reservation> <line>`. Open
 * reservations are covered oldest and highest priority first by what is on hand and sellable (semantics.md 20):
 * derived at every reading, so that a receipt fills backorders without touching them.
 */
export async function readUncovered(
  send: Send,
  keys: readonly PositionKey[],
  ids: readonly string[],
  now: number,
): Promise<Map<string, number>> {
  if (keys.length === 0) return new Map();
  const rows = await send<{ reservation_id: string; line: number; uncovered: number }>(UNCOVERED, [
    ...columns(keys),
    now,
    ids,
  ]);
  return new Map(rows.map((row) => [`${row.reservation_id} ${row.line}`, row.uncovered]));
}

const INSERT_RESERVATIONS = {
  name: 'insert-reservations',
  text: `
    insert into reservation (id, channel_id, client_id, order_ref, status, expires_at, version, created_at, updated_at)
    select id, channel_id, client_id, order_ref, status, to_timestamp(expires_at / 1000), version,
           to_timestamp($8::float8 / 1000), to_timestamp($8::float8 / 1000)
      from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::int[])
        as r(id, channel_id, client_id, order_ref, status, expires_at, version)`,
};

const UPDATE_RESERVATIONS = {
  name: 'update-reservations',
  text: `
    update reservation r
       set order_ref = u.order_ref, status = u.status, expires_at = to_timestamp(u.expires_at / 1000),
           version = u.version, updated_at = to_timestamp($6::float8 / 1000)
      from unnest($1::text[], $2::text[], $3::text[], $4::float8[], $5::int[])
        as u(id, order_ref, status, expires_at, version)
     where r.id = u.id`,
};

const INSERT_LINES = {
  name: 'insert-reservation-lines',
  text: `
    insert into reservation_line (reservation_id, line, line_ref, item_id, uom, factor, tracked, location_id,
                                  requested, committed, shipped, reserved)
    select reservation_id, line, line_ref, item_id, uom, factor / 10000.0, tracked, location_id,
           requested / 10000.0, committed / 10000.0, shipped / 10000.0, reserved / 10000.0
      from unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bool[], $8::int[],
                  $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
        as l(reservation_id, line, line_ref, item_id, uom, factor, tracked, location_id,
             requested, committed, shipped, reserved)`,
};

/** For lines that may be there. For new ones it would cost a look-up more a row. */
const WRITE_LINES = {
  name: 'write-reservation-lines',
  text: `${INSERT_LINES.text}
    on conflict (reservation_id, line) do update
       set line_ref = excluded.line_ref, item_id = excluded.item_id, uom = excluded.uom, factor = excluded.factor,
           tracked = excluded.tracked, location_id = excluded.location_id, requested = excluded.requested,
           committed = excluded.committed, shipped = excluded.shipped, reserved = excluded.reserved`,
};

const DELETE_LINES = {
  name: 'delete-reservation-lines',
  text: `
    delete from reservation_line l
     using unnest($1::text[], $2::int[]) as k(reservation_id, line)
     where l.reservation_id = k.reservation_id and l.line = k.line`,
};

const INSERT_ALLOCATIONS = {
  name: 'insert-reservation-allocations',
  text: `
    insert into reservation_allocation (reservation_id, line, item_id, location_id, quantity, backordered, expires_at)
    select reservation_id, line, item_id, location_id, quantity / 10000.0, backordered / 10000.0,
           to_timestamp(expires_at / 1000)
      from unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::float8[])
        as a(reservation_id, line, item_id, location_id, quantity, backordered, expires_at)`,
};

const WRITE_ALLOCATIONS = {
  name: 'write-reservation-allocations',
  text: `${INSERT_ALLOCATIONS.text}
    on conflict (reservation_id, line, location_id) do update
       set item_id = excluded.item_id, quantity = excluded.quantity, backordered = excluded.backordered,
           expires_at = excluded.expires_at`,
};

const DELETE_ALLOCATIONS = {
  name: 'delete-reservation-allocations',
  text: `
    delete from reservation_allocation a
     using unnest($1::text[], $2::int[], $3::int[]) as k(reservation_id, line, location_id)
     where a.reservation_id = k.reservation_id and a.line = k.line and a.location_id = k.location_id`,
};

const INSERT_STEPS = {
  name: 'insert-reservation-steps',
  text: `
    insert into reservation_step (reservation_id, step, action, at, actor, reference, lines)
    select reservation_id, step, action, to_timestamp($7::float8 / 1000), actor, reference, lines::jsonb
      from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[])
        as s(reservation_id, step, action, actor, reference, lines)`,
};

/** A reservation as it was read, undefined for a new one, and as it is to be. */
export interface Rewritten {
  readonly before: Reservation | undefined;
  readonly after: Reservation;
}

/** What a batch of new holds writes, the usual one: four statements in one. */
const INSERT_HOLDS = combined('insert-holds', INSERT_RESERVATIONS, INSERT_LINES, INSERT_ALLOCATIONS, INSERT_STEPS);

/** Sends, without waiting in between, what changed of these reservations, and their steps. */
export function writeReservations(
  send: Send,
  rewritten: readonly Rewritten[],
  steps: readonly { step: Step; actor: string }[],
  now: number,
): Promise<unknown> {
  const created = rewritten.flatMap(({ before, after }) => (before ? [] : [after]));
  const updated = rewritten.flatMap(({ before, after }) => (before && before !== after ? [after] : []));
  const { lines, goneLines, allocations, goneAllocations } = rowsOf(rewritten);
  if (updated.length === 0 && created.length > 0 && allocations.length > 0) {
    return send(INSERT_HOLDS, [
      ...reservationColumns(created, now),
      ...lineColumns(lines),
      ...allocationColumns(allocations),
      ...stepColumns(steps, now),
    ]);
  }
  const sent: Promise<unknown>[] = [];
  if (created.length > 0) sent.push(send(INSERT_RESERVATIONS, reservationColumns(created, now)));
  if (updated.length > 0) {
    sent.push(
      send(UPDATE_RESERVATIONS, [
        updated.map((each) => each.id),
        updated.map((each) => each.orderRef),
        updated.map((each) => each.status),
        updated.map((each) => each.expiresAt),
        updated.map((each) => each.version),
        now,
      ]),
    );
  }
  if (goneLines.length > 0) {
    sent.push(send(DELETE_LINES, [goneLines.map(({ id }) => id), goneLines.map(({ line }) => line)]));
  }
  if (lines.length > 0) sent.push(send(updated.length > 0 ? WRITE_LINES : INSERT_LINES, lineColumns(lines)));
  if (goneAllocations.length > 0) {
    sent.push(
      send(DELETE_ALLOCATIONS, [
        goneAllocations.map(({ id }) => id),
        goneAllocations.map(({ line }) => line),
        goneAllocations.map(({ locationId }) => locationId),
      ]),
    );
  }
  if (allocations.length > 0) {
    sent.push(send(updated.length > 0 ? WRITE_ALLOCATIONS : INSERT_ALLOCATIONS, allocationColumns(allocations)));
  }
  if (steps.length > 0) sent.push(send(INSERT_STEPS, stepColumns(steps, now)));
  return Promise.all(sent);
}

function reservationColumns(created: readonly Reservation[], now: number): unknown[] {
  return [
    created.map((each) => each.id),
    created.map((each) => each.channelId),
    created.map((each) => each.clientId),
    created.map((each) => each.orderRef),
    created.map((each) => each.status),
    created.map((each) => each.expiresAt),
    created.map((each) => each.version),
    now,
  ];
}

interface LineToWrite {
  readonly id: string;
  readonly line: ReservationLine;
}

function lineColumns(lines: readonly LineToWrite[]): unknown[] {
  return [
    lines.map(({ id }) => id),
    lines.map(({ line }) => line.line),
    lines.map(({ line }) => line.lineRef),
    lines.map(({ line }) => line.itemId),
    lines.map(({ line }) => line.uom),
    lines.map(({ line }) => line.factor),
    lines.map(({ line }) => line.tracked),
    lines.map(({ line }) => line.locationId),
    lines.map(({ line }) => line.requested),
    lines.map(({ line }) => line.committed),
    lines.map(({ line }) => line.shipped),
    lines.map(({ line }) => line.reserved),
  ];
}

interface AllocationToWrite extends LineToWrite {
  readonly allocation: Allocation;
  readonly expiresAt: number | null;
}

function allocationColumns(allocations: readonly AllocationToWrite[]): unknown[] {
  return [
    allocations.map(({ id }) => id),
    allocations.map(({ line }) => line.line),
    allocations.map(({ line }) => line.itemId),
    allocations.map(({ allocation }) => allocation.locationId),
    allocations.map(({ allocation }) => allocation.quantity),
    allocations.map(({ allocation }) => allocation.backordered),
    allocations.map(({ expiresAt }) => expiresAt),
  ];
}

function stepColumns(steps: readonly { step: Step; actor: string }[], now: number): unknown[] {
  return [
    steps.map(({ step }) => step.reservation.id),
    steps.map(({ step }) => step.reservation.version),
    steps.map(({ step }) => step.action),
    steps.map(({ actor }) => actor),
    steps.map(({ step }) => step.reference ?? null),
    steps.map(({ step }) => JSON.stringify(step.lines)),
    now,
  ];
}

/** Which rows of lines and allocations differ from what was read. */
function rowsOf(rewritten: readonly Rewritten[]) {
  const lines: LineToWrite[] = [];
  const goneLines: { id: string; line: number }[] = [];
  const allocations: AllocationToWrite[] = [];
  const goneAllocations: { id: string; line: number; locationId: number }[] = [];
  for (const { before, after } of rewritten) {
    const { id } = after;
    const expiresAt = after.status === 'held' ? after.expiresAt : null;
    if (!before) {
      for (const line of after.lines) {
        lines.push({ id, line });
        for (const allocation of line.allocations) allocations.push({ id, line, allocation, expiresAt });
      }
      continue;
    }
    const standing = new Map(before.lines.map((line) => [line.line, line]));
    for (const line of after.lines) {
      const old = standing.get(line.line);
      standing.delete(line.line);
      if (old === line && before.expiresAt === after.expiresAt) continue;
      if (old !== line) lines.push({ id, line });
      for (const allocation of line.allocations) allocations.push({ id, line, allocation, expiresAt });
      const kept = new Set(line.allocations.map(({ locationId }) => locationId));
      for (const { locationId } of old?.allocations ?? []) {
        if (!kept.has(locationId)) goneAllocations.push({ id, line: line.line, locationId });
      }
    }
    for (const gone of standing.values()) {
      goneLines.push({ id, line: gone.line });
      for (const { locationId } of gone.allocations) goneAllocations.push({ id, line: gone.line, locationId });
    }
  }
  return { lines, goneLines, allocations, goneAllocations };
}

function columns(keys: readonly PositionKey[]): [number[], number[]] {
  return [keys.map((key) => key.itemId), keys.map((key) => key.locationId)];
}
