import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { Item, ItemContent } from './item.js';
import { ITEM, type ItemRow, itemOf, noticeOfChanged } from './items.repository.js';

/** What an item is to become. */
export interface Wanted {
  readonly sku: string;
  readonly content: ItemContent;
}

/** The same, of a row that exists and is locked. */
export interface Known extends Wanted {
  readonly id: number;
}

/** Many items with one statement each step. What is true of the single statements in ItemsRepository is so here. */
@Injectable()
export class ItemsBatchRepository {
  /** Locks those of the items that exist until `tx` ends, all batches in one order. Their ids by SKU. */
  async lock(tx: Tx, skus: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.query('select id, sku from item where sku = any($1) order by id for no key update', [skus]);
    return idsBySku(rows);
  }

  /** By SKU, also those that were deleted. */
  async find(tx: Tx, skus: readonly string[]): Promise<Map<string, Item>> {
    const rows: ItemRow[] = await tx.query(`${ITEM} where i.sku = any($1)`, [skus]);
    return new Map(rows.map((row) => [row.sku, itemOf(row)]));
  }

  /** The new items' ids by SKU; without those that exist. In the order of SKUs, so that two batches queue. */
  async insert(tx: Tx, items: readonly Wanted[]): Promise<Map<string, number>> {
    if (items.length === 0) return new Map();
    const rows = await tx.query(
      `insert into item (sku, name, base_uom, fraction_digits, tracked, active, attributes)
       select sku, name, base_uom, fraction_digits, tracked, active, attributes::jsonb
         from unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::boolean[], $6::boolean[], $7::text[])
           as given (sku, name, base_uom, fraction_digits, tracked, active, attributes)
        order by sku
       on conflict (sku) do nothing
       returning id, sku`,
      [items.map(({ sku }) => sku), ...columnsOf(items)],
    );
    return idsBySku(rows);
  }

  async update(tx: Tx, items: readonly Known[], at: Date): Promise<void> {
    if (items.length === 0) return;
    await tx.query(
      `with changed as (
         update item i
            set name = given.name, base_uom = given.base_uom, fraction_digits = given.fraction_digits,
                tracked = given.tracked, active = given.active, attributes = given.attributes::jsonb,
                version = i.version + 1, revision = i.revision + 1, updated_at = now()
           from unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::boolean[], $6::boolean[], $7::text[])
             as given (id, name, base_uom, fraction_digits, tracked, active, attributes)
          where i.id = given.id
         returning i.id, i.revision)
       ${noticeOfChanged('$8::timestamptz')}`,
      [items.map(({ id }) => id), ...columnsOf(items), at],
    );
  }

  /** Takes back what `insert` of the same transaction has made. */
  async withdraw(tx: Tx, ids: readonly number[]): Promise<void> {
    if (ids.length > 0) await tx.query('delete from item where id = any($1)', [ids]);
  }

  /** Those of the items that want an identifier which another item has. Asked behind `lockIdentifiers`. */
  async contested(tx: Tx, items: readonly Known[]): Promise<Set<number>> {
    const given = identifiersOf(items);
    if (given.ids.length === 0) return new Set();
    const rows: { id: number }[] = await tx.query(
      `select distinct given.item_id as id
         from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as given (item_id, type, value, party)
         join item_identifier n using (type, value, party)
        where n.item_id <> given.item_id`,
      [given.ids, given.types, given.values, given.parties],
    );
    return new Set(rows.map(({ id }) => id));
  }

  async replaceParts(tx: Tx, items: readonly Known[]): Promise<void> {
    if (items.length === 0) return;
    const ids = items.map(({ id }) => id);
    await tx.query('delete from item_uom where item_id = any($1)', [ids]);
    await tx.query('delete from item_identifier where item_id = any($1)', [ids]);
    const units = items.flatMap(({ id, content }) => content.uoms.map((unit) => ({ id, ...unit })));
    if (units.length > 0) {
      await tx.query(
        `insert into item_uom (item_id, code, factor)
         select item_id, code, factor / 10000.0
           from unnest($1::bigint[], $2::text[], $3::bigint[]) as unit (item_id, code, factor)`,
        [units.map(({ id }) => id), units.map(({ code }) => code), units.map(({ factor }) => factor)],
      );
    }
    const given = identifiersOf(items);
    if (given.ids.length > 0) {
      await tx.query(
        `insert into item_identifier (item_id, type, value, party)
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[])`,
        [given.ids, given.types, given.values, given.parties],
      );
    }
  }
}

function idsBySku(rows: readonly { id: number; sku: string }[]): Map<string, number> {
  return new Map(rows.map(({ id, sku }) => [sku, id]));
}

function columnsOf(items: readonly Wanted[]): unknown[][] {
  const column = (of: (content: ItemContent) => unknown) => items.map(({ content }) => of(content));
  return [
    column(({ name }) => name),
    column(({ baseUom }) => baseUom),
    column(({ fractionDigits }) => fractionDigits),
    column(({ tracked }) => tracked),
    column(({ active }) => active),
    column(({ attributes }) => JSON.stringify(attributes)),
  ];
}

function identifiersOf(items: readonly Known[]) {
  const all = items.flatMap(({ id, content }) => content.identifiers.map((identifier) => ({ id, ...identifier })));
  return {
    ids: all.map(({ id }) => id),
    types: all.map(({ type }) => type),
    values: all.map(({ value }) => value),
    parties: all.map(({ party }) => party),
  };
}
