import type { BlockList } from 'node:net';
import { Injectable } from '@nestjs/common';
import { typeid } from 'typeid-js';
import type { Tx } from '../postgres/connections.js';
import { addressesOf } from './addresses.js';
import type { Client, ClientSettings } from './client.js';
import type { Principal, RateLimit } from './principal.js';
import { TIERS, type Tier } from './tier.js';

const CLIENT = `
  select c.id, c.code, c.name, ch.code as channel, c.tier, c.rate_limit as "rateLimit",
         c.allowed_addresses as "allowedAddresses", c.version, c.created_at as "createdAt"
    from client c
    left join channel ch on ch.id = c.channel_id`;

/** Who calls. `channelId` null: clients of every channel and of none; else of that channel only. */
@Injectable()
export class ClientsRepository {
  async find(tx: Tx, code: string, channelId: number | null): Promise<Client | undefined> {
    const [row] = await tx.query(`${CLIENT} where c.code = $1 and ($2::integer is null or c.channel_id = $2)`, [
      code,
      channelId,
    ]);
    return row;
  }

  /** Up to `limit` clients behind `after` by code. */
  async list(tx: Tx, after: string, limit: number, channelId: number | null): Promise<Client[]> {
    return tx.query(
      `${CLIENT} where c.code > $1 and ($3::integer is null or c.channel_id = $3) order by c.code limit $2`,
      [after, limit, channelId],
    );
  }

  /** Undefined if the code exists. */
  async insert(
    tx: Tx,
    client: ClientSettings & { code: string; channelId: number | null },
  ): Promise<Client | undefined> {
    const { code, name, channelId, tier, rateLimit, allowedAddresses } = client;
    const rows = await tx.query(
      `insert into client (id, code, name, channel_id, tier, rate_limit, allowed_addresses)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (code) do nothing
       returning id`,
      [typeid('cli').toString(), code, name, channelId, tier, rateLimit, allowedAddresses],
    );
    return rows.length > 0 ? this.find(tx, code, null) : undefined;
  }

  async update(tx: Tx, id: string, { name, tier, rateLimit, allowedAddresses }: ClientSettings): Promise<void> {
    await tx.query(
      `update client set name = $2, tier = $3, rate_limit = $4, allowed_addresses = $5, version = version + 1,
                         updated_at = now()
        where id = $1`,
      [id, name, tier, rateLimit, allowedAddresses],
    );
  }

  /** Makes a client bound to no channel unless its code exists. */
  async ensure(tx: Tx, code: string, name: string): Promise<void> {
    await this.insert(tx, { code, name, channelId: null, tier: 'unlimited', rateLimit: null, allowedAddresses: [] });
  }

  /** Serialises what changes one client. Returns its id, undefined if there is none. */
  async lock(tx: Tx, code: string): Promise<string | undefined> {
    const [row] = await tx.query('select id from client where code = $1 for no key update', [code]);
    return row?.id;
  }

  /** The features above know channels; a client only names one. */
  async findChannelId(tx: Tx, code: string): Promise<number | undefined> {
    const [row] = await tx.query('select id from channel where code = $1', [code]);
    return row?.id;
  }

  /**
   * Who calls as this client, narrowed to the channel if one is named. Undefined if there is no such client or channel,
   * or the client is bound to another.
   */
  async findCaller(
    tx: Tx,
    code: string,
    channel: string | null,
  ): Promise<{ caller: Omit<Principal, 'keyId' | 'scopes'>; addresses: BlockList | null } | undefined> {
    const [row] = await tx.query(
      `select c.id, c.code, c.tier, c.rate_limit, c.allowed_addresses, ch.id as channel_id, ch.code as channel_code,
              ch.rate_limit as channel_rate_limit,
              (select count(*)::integer from channel_location l where l.channel_id = ch.id) as locations
         from client c
         left join channel ch on ch.id = c.channel_id or (c.channel_id is null and ch.code = $2)
        where c.code = $1 and ($2::text is null or ch.code = $2)`,
      [code, channel],
    );
    return row && { caller: callerOf(row), addresses: addressesIn(row.allowed_addresses) };
  }

  /** Names this database in a Redis that others may share. */
  async installation(tx: Tx): Promise<string> {
    const [row] = await tx.query('select installation from configuration');
    return row.installation;
  }
}

/** From a row of a client, joined with its channel. */
export function callerOf(row: {
  id: string;
  code: string;
  tier: Tier;
  rate_limit: RateLimit | null;
  channel_id: number | null;
  channel_code: string;
  channel_rate_limit: RateLimit | null;
  locations: number;
}): Omit<Principal, 'keyId' | 'scopes'> {
  return {
    clientId: row.id,
    clientCode: row.code,
    channel: row.channel_id === null ? null : { id: row.channel_id, code: row.channel_code },
    limits: {
      client: row.rate_limit ?? TIERS[row.tier],
      channel: row.channel_rate_limit,
      locations: row.locations,
    },
  };
}

export function addressesIn(ranges: readonly string[]): BlockList | null {
  return ranges.length > 0 ? addressesOf(ranges) : null;
}
