import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { Identifier, Item, ItemContent } from './item.js';
import type { Quantity } from './quantity.js';

/** The figures of one position, in ten-thousandths of the base unit. */
export interface Figures {
  readonly location: string;
  readonly onHand: Quantity;
  readonly reserved: Quantity;
  readonly incoming: Quantity;
  readonly safetyStock: Quantity;
}

/**
 * The end of a statement that has `changed` items. Whoever keeps a copy of them hears of it so, also where this process is killed
 * before it can say it (decision 0019). `at`: the parameter with the time of this process, as notices of stock have it.
 */
export const noticeOfChanged = (at: string) =>
  `insert into outbox (item_id, version, at) select id, revision, ${at} from changed`;

/** One item a row, its units and identifiers as JSON in the order they are kept in. */
export const ITEM = `
  select i.id, i.sku, i.name, i.base_uom, i.fraction_digits, i.tracked, i.active, i.attributes, i.version,
         i.created_at, i.updated_at, i.deleted_at,
         coalesce((select json_agg(json_build_object('code', u.code, 'factor', (u.factor * 10000)::bigint) order by u.code)
                     from item_uom u where u.item_id = i.id), '[]') as uoms,
         coalesce((select json_agg(json_build_object('type', n.type, 'value', n.value, 'party', n.party)
                                   order by n.type collate "C", n.value, n.party)
                     from item_identifier n where n.item_id = i.id), '[]') as identifiers
    from item i`;

@Injectable()
export class ItemsRepository {
  /** The item, also one that was deleted. */
  async find(tx: Tx, sku: string): Promise<Item | undefined> {
    const [row] = await tx.query(`${ITEM} where i.sku = $1`, [sku]);
    return row && itemOf(row);
  }

  /** Up to `limit` items behind `after` by SKU; with `identifiers`, those that have one of these values. */
  async list(tx: Tx, after: string, limit: number, identifiers: readonly string[] | null): Promise<Item[]> {
    const rows = await tx.query(
      `${ITEM}
        where i.deleted_at is null and i.sku > $1
          and ($3::text[] is null
               or i.id in (select n.item_id from item_identifier n where n.value = any($3)))
        order by i.sku
        limit $2`,
      [after, limit, identifiers],
    );
    return rows.map(itemOf);
  }

  /**
   * Serialises the changes of one item until `tx` ends; stock may move meanwhile. Its id, undefined if there is no row.
   * What is read of the item must be read by a later statement: this one's own snapshot is older than the lock.
   */
  async lock(tx: Tx, sku: string): Promise<number | undefined> {
    const [row] = await tx.query('select id from item where sku = $1 for no key update', [sku]);
    return row?.id;
  }

  /** As `lock`, and keeps any first position of the item from being made until `tx` ends (its foreign key waits here). */
  async lockAgainstUse(tx: Tx, sku: string): Promise<number | undefined> {
    const [row] = await tx.query('select id from item where sku = $1 for update', [sku]);
    return row?.id;
  }

  /** Keeps the item's stock from moving until `tx` ends; in the order in which the posting engine locks. */
  async lockPositions(tx: Tx, id: number): Promise<void> {
    await tx.query('select 1 from position where item_id = $1 order by location_id for update', [id]);
  }

  /** The new item's id; undefined if the SKU exists. Waits for a transaction that is just creating it. */
  async insert(tx: Tx, sku: string, content: ItemContent): Promise<number | undefined> {
    const [row] = await tx.query(
      `insert into item (sku, name, base_uom, fraction_digits, tracked, active, attributes)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (sku) do nothing
       returning id`,
      [sku, ...columnsOf(content)],
    );
    return row?.id;
  }

  /** Also brings back an item that was deleted. */
  async update(tx: Tx, id: number, content: ItemContent, at: Date): Promise<void> {
    await tx.query(
      `with changed as (
         update item
            set name = $2, base_uom = $3, fraction_digits = $4, tracked = $5, active = $6, attributes = $7,
                version = version + 1, revision = revision + 1, updated_at = now(), deleted_at = null
          where id = $1
         returning id, revision)
       ${noticeOfChanged('$8::timestamptz')}`,
      [id, ...columnsOf(content), at],
    );
  }

  /** Tells every process that its copy of the item is old. `version`, which clients see, stays. */
  async raiseRevision(tx: Tx, id: number, at: Date): Promise<void> {
    await tx.query(
      `with changed as (update item set revision = revision + 1 where id = $1 returning id, revision)
       ${noticeOfChanged('$2::timestamptz')}`,
      [id, at],
    );
  }

  async replaceUoms(tx: Tx, id: number, uoms: ItemContent['uoms']): Promise<void> {
    await tx.query('delete from item_uom where item_id = $1', [id]);
    await tx.query(
      `insert into item_uom (item_id, code, factor)
       select $1, code, factor / 10000.0 from unnest($2::text[], $3::bigint[]) as unit (code, factor)`,
      [id, uoms.map(({ code }) => code), uoms.map(({ factor }) => factor)],
    );
  }

  /**
   * Serialises the items that come by or give up one of these identifiers until `tx` ends, all in one order: two items
   * that swap numbers would else wait for each other's rows.
   */
  async lockIdentifiers(tx: Tx, identifiers: readonly Identifier[]): Promise<void> {
    await tx.query(
      `select pg_advisory_xact_lock(key)
         from (select distinct hashtextextended(text, 1) as key from unnest($1::text[]) as text order by key) as keys`,
      [identifiers.map(({ type, value, party }) => `${type} ${value} ${party}`)],
    );
  }

  /** Whose one of the identifiers is, if another item has it; the caller must then roll back. */
  async replaceIdentifiers(
    tx: Tx,
    id: number,
    identifiers: readonly Identifier[],
  ): Promise<(Identifier & { sku: string }) | undefined> {
    const columns = [
      identifiers.map(({ type }) => type),
      identifiers.map(({ value }) => value),
      identifiers.map(({ party }) => party),
    ];
    await tx.query('delete from item_identifier where item_id = $1', [id]);
    await tx.query(
      `insert into item_identifier (item_id, type, value, party)
       select $1, type, value, party from unnest($2::text[], $3::text[], $4::text[]) as given (type, value, party)
       on conflict do nothing`,
      [id, ...columns],
    );
    const [taken] = await tx.query(
      `select n.type, n.value, n.party, i.sku
         from unnest($2::text[], $3::text[], $4::text[]) as given (type, value, party)
         join item_identifier n using (type, value, party)
         join item i on i.id = n.item_id
        where n.item_id <> $1
        order by n.type, n.value, n.party
        limit 1`,
      [id, ...columns],
    );
    return taken;
  }

  /** Deletes the item, softly: its positions and its ledger keep their item. */
  async retire(tx: Tx, id: number, at: Date): Promise<void> {
    await tx.query('delete from item_uom where item_id = $1', [id]);
    await tx.query('delete from item_identifier where item_id = $1', [id]);
    await tx.query('delete from channel_item where item_id = $1', [id]);
    await tx.query(
      `with changed as (
         update item
            set deleted_at = now(), updated_at = now(), version = version + 1, revision = revision + 1
          where id = $1
         returning id, revision)
       ${noticeOfChanged('$2::timestamptz')}`,
      [id, at],
    );
  }

  /** True if anything is kept in the item's base unit: stock, ledger, reservations, safety stock, channel rules. */
  async hasQuantities(tx: Tx, id: number): Promise<boolean> {
    const [row] = await tx.query(
      `select exists (select from movement where item_id = $1)
           or exists (select from reservation_line where item_id = $1)
           or exists (select from position where item_id = $1 and safety_stock > 0)
           or exists (select from channel_item where item_id = $1 and (buffer > 0 or backorder_limit > 0)) as found`,
      [id],
    );
    return row.found;
  }

  /** A position of the item with a figure other than 0. What is unsellable is on hand. */
  async findFigures(tx: Tx, id: number): Promise<Figures | undefined> {
    const [row] = await tx.query(
      `select l.code as location, (p.on_hand * 10000)::bigint as "onHand", (p.reserved * 10000)::bigint as reserved,
              (p.incoming * 10000)::bigint as incoming, (p.safety_stock * 10000)::bigint as "safetyStock"
         from position p
         join location l on l.id = p.location_id
        where p.item_id = $1 and (p.on_hand > 0 or p.reserved > 0 or p.incoming > 0 or p.safety_stock > 0)
        order by p.location_id
        limit 1`,
      [id],
    );
    return row;
  }

  /** A reservation with an open line of the item; what has expired by `now` is none (semantics.md 16). */
  async findOpenReservation(tx: Tx, id: number, now: Date): Promise<string | undefined> {
    const [row] = await tx.query(
      `select r.id
         -- What is open, not all there ever was: that took 222 ms for a third of a million lines.
         from (select reservation_id as id from reservation_allocation where item_id = $1
               union all
               select reservation_id from reservation_line where item_id = $1 and reserved > 0 and not tracked) as open
         join reservation r using (id)
        where (r.status in ('committed', 'partially_shipped') or (r.status = 'held' and r.expires_at > $2))
        limit 1`,
      [id, now],
    );
    return row?.id;
  }
}

function columnsOf({ name, baseUom, fractionDigits, tracked, active, attributes }: ItemContent): unknown[] {
  return [name, baseUom, fractionDigits, tracked, active, JSON.stringify(attributes)];
}

export interface ItemRow {
  readonly id: number;
  readonly sku: string;
  readonly name: string;
  readonly base_uom: string;
  readonly fraction_digits: number;
  readonly tracked: boolean;
  readonly active: boolean;
  readonly attributes: Record<string, unknown>;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deleted_at: Date | null;
  readonly uoms: { code: string; factor: number }[];
  readonly identifiers: Identifier[];
}

export function itemOf(row: ItemRow): Item {
  return {
    id: row.id,
    sku: row.sku,
    name: row.name,
    baseUom: row.base_uom,
    fractionDigits: row.fraction_digits,
    tracked: row.tracked,
    active: row.active,
    uoms: row.uoms,
    identifiers: row.identifiers,
    attributes: row.attributes,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deleted: row.deleted_at !== null,
  };
}
