import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { Channel, ChannelContent, ChannelItemContent } from './channel.js';

const CHANNEL = `
  select c.id, c.code, c.name, c.sourcing, c.priority,
         (c.buffer * 10000)::bigint as buffer, (c.backorder_limit * 10000)::bigint as "backorderLimit",
         c.hold_ttl_seconds as "holdTtlSeconds", c.max_hold_ttl_seconds as "maxHoldTtlSeconds",
         c.max_open_holds as "maxOpenHolds", (c.max_held_quantity * 10000)::bigint as "maxHeldQuantity",
         c.rate_limit as "rateLimit", c.stale_policy as "stalePolicy", (c.stale_buffer * 10000)::bigint as "staleBuffer",
         c.version, c.created_at as "createdAt", c.updated_at as "updatedAt",
         array(select l.code from channel_location cl join location l on l.id = cl.location_id
                where cl.channel_id = c.id order by cl.rank) as locations
    from channel c`;

@Injectable()
export class ChannelsRepository {
  async find(tx: Tx, code: string): Promise<Channel | undefined> {
    const [row] = await tx.query(`${CHANNEL} where c.code = $1`, [code]);
    return row;
  }

  async findId(tx: Tx, code: string): Promise<number | undefined> {
    const [row] = await tx.query('select id from channel where code = $1', [code]);
    return row?.id;
  }

  /** Up to `limit` channels behind `after` by code; with `own`, that one only. */
  async list(tx: Tx, after: string, limit: number, own: number | null): Promise<Channel[]> {
    return tx.query(`${CHANNEL} where c.code > $1 and ($3::integer is null or c.id = $3) order by c.code limit $2`, [
      after,
      limit,
      own,
    ]);
  }

  /** Serialises the changes of one channel until `tx` ends. Its id, undefined if there is none. */
  async lock(tx: Tx, code: string): Promise<number | undefined> {
    const [row] = await tx.query('select id from channel where code = $1 for no key update', [code]);
    return row?.id;
  }

  /** The new channel's id; undefined if the code exists. Waits for a transaction that is just creating it. */
  async insert(tx: Tx, code: string, content: ChannelContent): Promise<number | undefined> {
    const [row] = await tx.query(
      `insert into channel (code, name, sourcing, priority, buffer, backorder_limit, hold_ttl_seconds,
                            max_hold_ttl_seconds, rate_limit, stale_policy, stale_buffer, max_open_holds,
                            max_held_quantity)
       values ($1, $2, $3, $4, $5::bigint / 10000.0, $6::bigint / 10000.0, $7, $8, $9, $10, $11::bigint / 10000.0, $12,
               $13::bigint / 10000.0)
       on conflict (code) do nothing
       returning id`,
      [code, ...columnsOf(content)],
    );
    return row?.id;
  }

  async update(tx: Tx, id: number, content: ChannelContent): Promise<void> {
    await tx.query(
      `update channel
          set name = $2, sourcing = $3, priority = $4, buffer = $5::bigint / 10000.0,
              backorder_limit = $6::bigint / 10000.0, hold_ttl_seconds = $7, max_hold_ttl_seconds = $8,
              rate_limit = $9, stale_policy = $10, stale_buffer = $11::bigint / 10000.0,
              max_open_holds = $12, max_held_quantity = $13::bigint / 10000.0,
              version = version + 1, updated_at = now()
        where id = $1`,
      [id, ...columnsOf(content)],
    );
  }

  /** Ranked in the order given. Returns the codes that are no location's; the caller must then roll back. */
  async replaceLocations(tx: Tx, id: number, codes: readonly string[]): Promise<string[]> {
    await tx.query('delete from channel_location where channel_id = $1', [id]);
    await tx.query(
      `insert into channel_location (channel_id, location_id, rank)
       select $1, l.id, given.rank
         from unnest($2::text[]) with ordinality as given (code, rank)
         join location l using (code)`,
      [id, codes],
    );
    const rows: { code: string }[] = await tx.query(
      `select given.code
         from unnest($1::text[]) with ordinality as given (code, rank)
        where not exists (select from location l where l.code = given.code)
        order by given.rank`,
      [codes],
    );
    return rows.map(({ code }) => code);
  }

  async findRule(
    tx: Tx,
    channelId: number,
    itemId: number,
  ): Promise<(ChannelItemContent & { version: number }) | undefined> {
    const [row] = await tx.query(
      `select (buffer * 10000)::bigint as buffer, (backorder_limit * 10000)::bigint as backorder_limit,
              limits_backorder, version
         from channel_item
        where channel_id = $1 and item_id = $2`,
      [channelId, itemId],
    );
    if (!row) return undefined;
    return {
      buffer: row.buffer ?? undefined,
      backorderLimit: row.limits_backorder ? row.backorder_limit : undefined,
      version: row.version,
    };
  }

  /** Creates or replaces the rule; the caller has locked the item. Returns its version. */
  async writeRule(tx: Tx, channelId: number, itemId: number, rule: ChannelItemContent): Promise<number> {
    const [row] = await tx.query(
      `insert into channel_item as r (channel_id, item_id, buffer, backorder_limit, limits_backorder)
       values ($1, $2, $3::bigint / 10000.0, $4::bigint / 10000.0, $5)
       on conflict (channel_id, item_id) do update
         set buffer = excluded.buffer, backorder_limit = excluded.backorder_limit,
             limits_backorder = excluded.limits_backorder, version = r.version + 1
       returning version`,
      [channelId, itemId, rule.buffer ?? null, rule.backorderLimit ?? null, rule.backorderLimit !== undefined],
    );
    return row.version;
  }
}

function columnsOf(content: ChannelContent): unknown[] {
  const { name, sourcing, priority, buffer, backorderLimit, holdTtlSeconds, maxHoldTtlSeconds, rateLimit } = content;
  return [
    name,
    sourcing,
    priority,
    buffer,
    backorderLimit,
    holdTtlSeconds,
    maxHoldTtlSeconds,
    rateLimit,
    content.stalePolicy,
    content.staleBuffer,
    content.maxOpenHolds,
    content.maxHeldQuantity,
  ];
}
