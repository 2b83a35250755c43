import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import type { DirectoryItem } from '../channels/directory.js';
import { CATALOGUE_OF_ITEM, type CatalogueRow, itemOf } from '../channels/directory.repository.js';
import { isOverdue, type Position } from '../stock/position.js';
import { PositionRow, positionOf } from '../stock/posting.repository.js';
import { POSITION_COLUMNS } from '../stock/stock.repository.js';
import { type Expiry, foreseen } from './expiring.js';

/** Where an item stands, as of one moment of the database. */
export interface ItemStock {
  readonly itemId: number;
  /** Of the item, its units and its channel rules: what the answer must have been made with. */
  readonly revision: number;
  /** `reserved` without holds whose time has come; `nextExpiry` the earliest expiry still to come (semantics.md 16). */
  readonly positions: readonly Position[];
  /** The time of a hold has come that still counts in the database: figures that are so without a new version. */
  readonly overdue: boolean;
  /** By location, where a hold expires within a second of the reading: what does, as `positionAt` has it. */
  readonly expiries?: ReadonlyMap<number, readonly Expiry[]>;
  /** Answers made of exactly this, by whoever makes them; only what is kept in the process has them. */
  readonly answers?: Map<string, unknown>;
}

/** Which database answered, and the revision of its channels and locations. */
export interface DatabaseState {
  readonly epoch: string;
  readonly configuration: number;
}

/** What was read of one moment of the database. */
export interface StockRead {
  readonly state: DatabaseState;
  readonly items: ReadonlyMap<number, ItemStock>;
  /** By SKU, those that were asked for by it. */
  readonly catalogue: ReadonlyMap<string, DirectoryItem>;
}

/** The stock of an item while its rows are read. */
type Reading = Pick<ItemStock, 'itemId' | 'revision'> & {
  positions: Position[];
  overdue: boolean;
  expiries?: Map<number, readonly Expiry[]>;
};

/** Says that a position has reached a version, or an item a revision. */
export interface Notice {
  readonly id: number;
  readonly itemId: number;
  /** null: of the item itself, and the version is its revision. */
  readonly locationId: number | null;
  readonly version: number;
}

/**
 * Another one whenever versions may have gone back: after a failover to a copy that lacks the last commits, and on
 * whatever else answers in the place of the server before, as one that was restored from a backup or a dump. What was
 * heard of one epoch is not compared with what was heard of another. A mere restart is one too: entries that are read anew.
 */
const EPOCH = `
  (select left(installation::text, 8)
          || ':' || case when pg_is_in_recovery() then 'standby' else left(pg_walfile_name(pg_current_wal_lsn()), 8) end
          || ':' || to_hex((extract(epoch from pg_postmaster_start_time()) * 1000)::bigint)
     from configuration)`;

/**
 * What expires within so many milliseconds is read of a position where a hold does or has, and of so many holds at most. With
 * them known, the copy answers past each expiry by itself: what expires one after the other costs one reading, not one each.
 * No longer, as a process that has committed one of them may die before it can say so: its version stays.
 */
export const FORESEEN_MS = 1_000;
const UPCOMING = 2_000;

/**
 * Whether a hold has expired is asked inside of `x`: where x is joined, all holds of each position were read, and then dropped. A reading of
 * an item with 20 to 120 of them took 90 to 270 µs, and takes 12.
 *
 * What is asked for comes by subqueries, of which a plan cannot tell the values: else PostgreSQL, which finds that it knows better what few
 * items cost, plans it anew for each reading. That was 700 of the 900 µs of one item, and half of what 64 cost together.
 *
 * What the catalogue says of an item comes with the first of its positions alone. With each, 200 items at 100 locations, with 50 rules,
 * took the process 710 ms, and take 310.
 */
const ITEM_STOCK = {
  name: 'item-stock',
  text: `
    select c.revision as configuration, ${EPOCH} as epoch, k.id as item, k.revision, k.by_sku,
           case when coalesce(p.nth, 1) = 1 then k.catalogue end as catalogue,
           ${POSITION_COLUMNS}, x.expired_holds, x.upcoming, x.quantities, x.are_all, x.beyond
      from configuration c
     cross join (select to_timestamp($2::float8 / 1000) as at, to_timestamp($3::float8 / 1000) as foreseen offset 0) as now
      left join (
        select i.id, i.revision, false as by_sku, null::json as catalogue
          from item i
         where i.id = any((select $1::bigint[])::bigint[]) and i.deleted_at is null
         union all
        select i.id, i.revision, true, ${CATALOGUE_OF_ITEM}
          from item i
         where i.sku = any((select $4::text[])::text[]) and i.deleted_at is null
      ) k on true
      left join lateral (select *, row_number() over () as nth from position where item_id = k.id) p on true
      left join lateral (
        select case when p.next_expiry <= now.at then
                 (select coalesce(sum(a.quantity) * 10000, 0)::bigint
                    from reservation_allocation a
                   where a.item_id = p.item_id and a.location_id = p.location_id
                     and a.expires_at <= now.at) end as expired_holds,
               case when p.next_expiry <= now.foreseen then
                 (select extract(epoch from min(a.expires_at))::float8 * 1000
                    from reservation_allocation a
                   where a.item_id = p.item_id and a.location_id = p.location_id
                     and a.expires_at > now.foreseen) end as beyond,
               array_agg(extract(epoch from u.expires_at)::float8 * 1000 order by u.expires_at) as upcoming,
               array_agg(u.quantity order by u.expires_at) as quantities,
               coalesce(sum(u.holds), 0) < ${UPCOMING} as are_all
          from (select n.expires_at, (sum(n.quantity) * 10000)::float8 as quantity, count(*) as holds
                  from (select a.expires_at, a.quantity
                          from reservation_allocation a
                         where p.next_expiry <= now.foreseen
                           and a.item_id = p.item_id and a.location_id = p.location_id
                           and a.expires_at > now.at and a.expires_at <= now.foreseen
                         order by a.expires_at
                         limit ${UPCOMING}) n
                 group by n.expires_at) u
      ) x on true`,
};

/** A position of an item; an item without one; or, without an item, only which database answered. */
type StockRow = Omit<PositionRow, 'item_id'> & {
  readonly configuration: number;
  readonly epoch: string;
  readonly item: number | null;
  readonly revision: number;
  readonly by_sku: boolean;
  /** In one row of an item that was asked for by its SKU. */
  readonly catalogue: CatalogueRow | null;
  readonly item_id: number | null;
  readonly expired_holds: number | null;
  readonly upcoming: number[] | null;
  readonly quantities: number[] | null;
  readonly are_all: boolean;
  readonly beyond: number | null;
};

/** Reads what stands behind an availability answer. */
@Injectable()
export class AvailabilityRepository {
  constructor(@Inject(pg.Pool) private readonly pool: pg.Pool) {}

  /** The stock of the items with these ids, and of those with these SKUs; what there is not is missing. */
  async read(itemIds: readonly number[], now: number, skus: readonly string[] = []): Promise<StockRead> {
    const until = now + FORESEEN_MS;
    const { rows } = await this.pool.query<StockRow>({ ...ITEM_STOCK, values: [itemIds, now, until, skus] });
    const byId = new Set(itemIds);
    const items = new Map<number, Reading>();
    const catalogue = new Map<string, DirectoryItem>();
    for (const row of rows) {
      const { item: itemId, revision } = row;
      if (itemId === null) continue;
      if (row.catalogue !== null) catalogue.set(row.catalogue.sku, itemOf(row.catalogue));
      if (row.by_sku && byId.has(itemId)) continue; // asked for both ways, and read twice
      const stock: Reading = items.get(itemId) ?? { itemId, revision, positions: [], overdue: false };
      items.set(itemId, stock);
      if (row.item_id === null) continue;
      const position = positionOf({ ...row, item_id: row.item_id });
      if (isOverdue(position, until)) {
        const upcoming = (row.upcoming ?? []).map((at, index) => ({ at, quantity: row.quantities?.[index] as number }));
        const expiries = foreseen(upcoming, until, row.are_all);
        const expired = row.expired_holds ?? 0;
        position.reserved -= expired;
        position.nextExpiry = upcoming[0]?.at ?? row.beyond;
        stock.overdue ||= expired > 0;
        if (expiries.length > 0) {
          stock.expiries ??= new Map();
          stock.expiries.set(position.locationId, expiries);
        }
      }
      stock.positions.push(position);
    }
    const [{ epoch, configuration }] = rows as [StockRow];
    return { state: { epoch, configuration }, items, catalogue };
  }

  async state(): Promise<DatabaseState> {
    const { rows } = await this.pool.query(`select ${EPOCH} as epoch, revision as configuration from configuration`);
    return rows[0];
  }

  /** Of these items, deleted ones included: that one is gone is a newer revision too. */
  async itemRevisions(skus: readonly string[]): Promise<{ itemId: number; revision: number }[]> {
    const { rows } = await this.pool.query('select id as "itemId", revision from item where sku = any($1::text[])', [
      skus,
    ]);
    return rows;
  }

  /** Change notices that were written before `before`, or all where that is null; the oldest first. */
  async notices(before: Date | null, limit: number): Promise<Notice[]> {
    const { rows } = await this.pool.query(
      // The oldest first, then the look at their time: the other way round each look reads all that is too young.
      `select id, item_id, location_id, version
         from (select * from outbox order by id limit $2) oldest
        where $1::timestamptz is null or at <= $1
        order by id`,
      [before, limit],
    );
    return rows.map((row) => ({
      id: row.id,
      itemId: row.item_id,
      locationId: row.location_id,
      version: row.version,
    }));
  }

  /** Removes notices that have been seen to. What another process is just removing is left to it. */
  async removeNotices(notices: readonly Notice[]): Promise<void> {
    await this.pool.query(
      `delete from outbox o
        using (select id from outbox where id = any($1::bigint[]) for update skip locked) as seen
        where o.id = seen.id`,
      [notices.map(({ id }) => id)],
    );
  }
}
