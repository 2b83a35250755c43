import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import type { Tx } from '../postgres/connections.js';
import type { Movement } from './movement.js';
import type { Position, Unsellable } from './position.js';
import { PositionRow, positionOf } from './posting.repository.js';

/** The figures of a position in whole ten-thousandths, for statements that alias it `p`. */
export const POSITION_COLUMNS = `
  p.item_id, p.location_id,
  (p.on_hand * 10000)::bigint as on_hand,
  (p.damaged * 10000)::bigint as damaged, (p.expired * 10000)::bigint as expired,
  (p.recalled * 10000)::bigint as recalled, (p.quarantined * 10000)::bigint as quarantined,
  (p.inspection * 10000)::bigint as inspection,
  (p.reserved * 10000)::bigint as reserved, (p.incoming * 10000)::bigint as incoming,
  (p.safety_stock * 10000)::bigint as safety_stock,
  p.version, extract(epoch from p.next_expiry)::float8 * 1000 as next_expiry,
  extract(epoch from p.as_of)::float8 * 1000 as as_of`;

/** A position with what its reading needs beyond its figures. */
export interface ListedPosition {
  readonly position: Position;
  readonly sku: string;
  readonly location: string;
  readonly enabled: boolean;
  /** Of `reserved`: holds whose time has come. */
  readonly expired: number;
  /** Admitted beyond stock and still open. */
  readonly backordered: number;
}

export interface PositionFilter {
  readonly sku?: string;
  readonly location?: string;
  /** Only these locations; undefined: all. */
  readonly locationIds?: readonly number[];
}

/** A figure of a position that is not what its movements, or its open reservations, add up to. */
export interface Finding {
  readonly rule: string;
  readonly sku: string;
  readonly location: string;
  readonly expected: number;
  readonly actual: number;
}

/** What is read of positions and movements, and the audit. Changes go through the posting engine. */
@Injectable()
export class StockRepository {
  constructor(@Inject(pg.Pool) private readonly pool: pg.Pool) {}

  /** By SKU and location code, from behind `after`; one more than `limit`. */
  async list(
    filter: PositionFilter,
    after: readonly [string, string] | undefined,
    limit: number,
    now: number,
  ): Promise<ListedPosition[]> {
    const { rows } = await this.pool.query<
      PositionRow & { sku: string; location: string; enabled: boolean; expired_holds: number; backordered: number }
    >(
      `select ${POSITION_COLUMNS}, i.sku, l.code as location, l.enabled,
              coalesce((
                select sum(a.quantity) * 10000 from reservation_allocation a
                 where p.next_expiry <= to_timestamp($6::float8 / 1000)
                   and a.item_id = p.item_id and a.location_id = p.location_id
                   and a.expires_at <= to_timestamp($6::float8 / 1000)), 0)::bigint as expired_holds,
              coalesce((
                select sum(a.backordered) * 10000 from reservation_allocation a
                 where p.reserved > p.on_hand - p.damaged - p.expired - p.recalled - p.quarantined - p.inspection
                   and a.item_id = p.item_id and a.location_id = p.location_id
                   and (a.expires_at is null or a.expires_at > to_timestamp($6::float8 / 1000))), 0)::bigint as backordered
         from position p
         join item i on i.id = p.item_id
         join location l on l.id = p.location_id
        where i.deleted_at is null
          and ($1::text is null or i.sku = $1)
          and ($2::text is null or l.code = $2)
          and ($3::int[] is null or p.location_id = any($3))
          and ($4::text is null or (i.sku, l.code) > ($4, $5))
        order by i.sku, l.code
        limit $7`,
      [
        filter.sku ?? null,
        filter.location ?? null,
        filter.locationIds ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        now,
        limit + 1,
      ],
    );
    return rows.map((row) => ({
      position: positionOf(row),
      sku: row.sku,
      location: row.location,
      enabled: row.enabled,
      expired: row.expired_holds,
      backordered: row.backordered,
    }));
  }

  /** The ledger, ascending by item, location and version, from behind `after`; one more than `limit`. */
  async movements(
    filter: PositionFilter & { since?: number },
    after: readonly [number, number, number] | undefined,
    limit: number,
  ): Promise<(Movement & { sku: string; location: string; event: string | null })[]> {
    const { rows } = await this.pool.query(
      `select m.item_id, m.location_id, i.sku, l.code as location, m.version, m.kind,
              (m.on_hand_delta * 10000)::bigint as on_hand, (m.reserved_delta * 10000)::bigint as reserved,
              (m.unsellable_delta * 10000)::bigint as unsellable, m.condition, m.reason, m.note, m.reference,
              m.source, m.event_id, m.reservation_id, m.actor, m.at,
              -- Not by its turn, which only the inbox has: to plan a join with 90 days of that takes 30 ms.
              (select case when count(*) = 1 then min(k.id) end
                 from source s
                 join inbox_key k on k.source_id = s.id and k.event_id = m.event_id
                where s.code = m.source) as event
         from movement m
         join item i on i.id = m.item_id
         join location l on l.id = m.location_id
        where ($1::text is null or m.item_id = (select id from item where sku = $1))
          and ($2::text is null or m.location_id = (select id from location where code = $2))
          and ($3::int[] is null or m.location_id = any($3))
          and ($4::bigint is null or m.version > $4)
          and ($5::bigint is null or (m.item_id, m.location_id, m.version) > ($5, $6::bigint, $7))
        order by m.item_id, m.location_id, m.version
        limit $8`,
      [
        filter.sku ?? null,
        filter.location ?? null,
        filter.locationIds ?? null,
        filter.since ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        after?.[2] ?? null,
        limit + 1,
      ],
    );
    return rows.map((row) => ({
      itemId: row.item_id,
      locationId: row.location_id,
      sku: row.sku,
      location: row.location,
      version: row.version,
      kind: row.kind,
      onHand: row.on_hand,
      reserved: row.reserved,
      unsellable: row.unsellable,
      condition: (row.condition as Unsellable | null) ?? undefined,
      reason: row.reason ?? undefined,
      note: row.note ?? undefined,
      reference: row.reference ?? undefined,
      source: row.source ?? undefined,
      eventId: row.event_id ?? undefined,
      event: row.event,
      reservationId: row.reservation_id ?? undefined,
      actor: row.actor,
      at: row.at.getTime(),
    }));
  }
}

/** Every figure of every position beside what its movements and its open reservations add up to. */
const AUDIT = `
  with ledger as (
    select item_id, location_id, count(*) as version, max(version) as newest,
           sum(on_hand_delta) as on_hand, sum(reserved_delta) as reserved,
           coalesce(sum(unsellable_delta) filter (where condition = 'damaged'), 0) as damaged,
           coalesce(sum(unsellable_delta) filter (where condition = 'expired'), 0) as expired,
           coalesce(sum(unsellable_delta) filter (where condition = 'recalled'), 0) as recalled,
           coalesce(sum(unsellable_delta) filter (where condition = 'quarantined'), 0) as quarantined,
           coalesce(sum(unsellable_delta) filter (where condition = 'inspection'), 0) as inspection
      from movement group by item_id, location_id
  ), open as (
    select item_id, location_id, sum(quantity) as reserved from reservation_allocation group by item_id, location_id
  ), compared as (
    select p.item_id, p.location_id, f.rule, f.expected, f.actual
      from position p
      left join ledger using (item_id, location_id)
      left join open using (item_id, location_id)
     cross join lateral (values
       ('on hand is the sum of its movements', coalesce(ledger.on_hand, 0), p.on_hand),
       ('reserved is the sum of its movements', coalesce(ledger.reserved, 0), p.reserved),
       ('reserved is what is open of reservations', coalesce(open.reserved, 0), p.reserved),
       ('damaged is the sum of its movements', coalesce(ledger.damaged, 0), p.damaged),
       ('expired is the sum of its movements', coalesce(ledger.expired, 0), p.expired),
       ('recalled is the sum of its movements', coalesce(ledger.recalled, 0), p.recalled),
       ('quarantined is the sum of its movements', coalesce(ledger.quarantined, 0), p.quarantined),
       ('inspection is the sum of its movements', coalesce(ledger.inspection, 0), p.inspection),
       ('versions count the movements', coalesce(ledger.version, 0), p.version),
       ('versions have no gap', coalesce(ledger.version, 0), coalesce(ledger.newest, 0))
     ) as f(rule, expected, actual)
     where f.expected <> f.actual
  )`;

/** The invariants of semantics.md, by SQL, at one moment. */
@Injectable()
export class AuditRepository {
  async check(tx: Tx): Promise<{ checked: number; findings: Finding[] }> {
    const [{ checked }] = await tx.query('select count(*)::int as checked from position');
    const findings = await tx.query(`${AUDIT}
      select c.rule, i.sku, l.code as location, c.expected::float8 as expected, c.actual::float8 as actual
        from compared c join item i on i.id = c.item_id join location l on l.id = c.location_id
      union all
      select 'a line is reserved as its allocations add up to', i.sku, '', sum(coalesce(a.quantity, 0))::float8, rl.reserved::float8
        from (select reservation_id, line, item_id, reserved from reservation_line where tracked) rl
        join reservation r on r.id = rl.reservation_id
        join item i on i.id = rl.item_id
        left join (select reservation_id, line, sum(quantity) as quantity
                     from reservation_allocation group by reservation_id, line) a using (reservation_id, line)
       group by rl.reservation_id, rl.line, i.sku, rl.reserved
      having sum(coalesce(a.quantity, 0)) <> rl.reserved
      union all
      select 'what is over has nothing reserved', i.sku, l.code, 0, a.quantity::float8
        from reservation_allocation a
        join reservation r on r.id = a.reservation_id
        join item i on i.id = a.item_id
        join location l on l.id = a.location_id
       where r.status in ('shipped', 'released', 'expired', 'cancelled')
      order by 2, 3, 1`);
    return { checked, findings };
  }

  /** Positions with a figure that does not follow from the ledger, by item and location. */
  async drifted(tx: Tx): Promise<{ itemId: number; locationId: number }[]> {
    const rows = await tx.query(`${AUDIT} select distinct item_id, location_id from compared order by 1, 2`);
    return rows.map((row: { item_id: string; location_id: number }) => ({
      itemId: Number(row.item_id),
      locationId: row.location_id,
    }));
  }

  /** Locks one position until `tx` ends. */
  async lock(tx: Tx, itemId: number, locationId: number): Promise<void> {
    await tx.query('select 1 from position where item_id = $1 and location_id = $2 for no key update', [
      itemId,
      locationId,
    ]);
  }

  /**
   * Makes one locked position follow from its movements again, after a movement has made the ledger follow from what is
   * open of reservations. Only the projection is rewritten; the ledger is added to. The movement is posted also where
   * it moves nothing: its version is newer than any copy of the figures that were wrong.
   */
  async repair(tx: Tx, itemId: number, locationId: number, actor: string, at: Date): Promise<void> {
    await tx.query(
      `insert into movement (item_id, location_id, version, kind, reserved_delta, reason, actor, at)
       select $1, $2, coalesce(max(m.version), 0) + 1, 'repair', o.reserved - coalesce(sum(m.reserved_delta), 0),
              'figures follow from the ledger, reserved from what is open of reservations', $3, $4
         from (select coalesce(sum(quantity), 0) as reserved from reservation_allocation
                where item_id = $1 and location_id = $2) o
         left join movement m on m.item_id = $1 and m.location_id = $2
        group by o.reserved`,
      [itemId, locationId, actor, at],
    );
    await tx.query(
      `update position p
          set on_hand = m.on_hand, reserved = m.reserved, damaged = m.damaged, expired = m.expired,
              recalled = m.recalled, quarantined = m.quarantined, inspection = m.inspection,
              version = m.version, as_of = $3
         from (select max(version) as version, coalesce(sum(on_hand_delta), 0) as on_hand,
                      coalesce(sum(reserved_delta), 0) as reserved,
                      coalesce(sum(unsellable_delta) filter (where condition = 'damaged'), 0) as damaged,
                      coalesce(sum(unsellable_delta) filter (where condition = 'expired'), 0) as expired,
                      coalesce(sum(unsellable_delta) filter (where condition = 'recalled'), 0) as recalled,
                      coalesce(sum(unsellable_delta) filter (where condition = 'quarantined'), 0) as quarantined,
                      coalesce(sum(unsellable_delta) filter (where condition = 'inspection'), 0) as inspection
                 from movement where item_id = $1 and location_id = $2) m
        where p.item_id = $1 and p.location_id = $2`,
      [itemId, locationId, at],
    );
    await tx.query(
      `insert into outbox (item_id, location_id, version, at)
       select item_id, location_id, version, $3 from position where item_id = $1 and location_id = $2`,
      [itemId, locationId, at],
    );
  }
}
