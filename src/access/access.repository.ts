import { Injectable } from '@nestjs/common';
import { typeid } from 'typeid-js';
import type { Tx } from '../postgres/connections.js';
import type { ApiKey, Client } from './client.js';
import type { Principal, Scope } from './principal.js';

const CLIENT = `
  select c.id, c.code, c.name, ch.code as channel, c.rate_limit as "rateLimit", c.version, c.created_at as "createdAt"
    from client c
    left join channel ch on ch.id = c.channel_id`;

/** A live key as the key ring keeps it; times in milliseconds since 1970. */
export interface FoundKey {
  readonly principal: Principal;
  /** Infinity: never. */
  readonly expiresAt: number;
  /** To within five minutes; 0: never. */
  readonly lastUsedAt: number;
}

/** Clients and their keys. `channelId` null: of every channel and of none; else of that channel only. */
@Injectable()
export class AccessRepository {
  /** The live key with this hash and whom it belongs to; expired ones included. */
  async findKey(tx: Tx, hash: Buffer): Promise<FoundKey | undefined> {
    const [row] = await tx.query(
      `select k.id, k.scopes, k.expires_at, k.last_used_at, c.id as client_id, c.code as client_code, c.rate_limit,
              ch.id as channel_id, ch.code as channel_code, ch.rate_limit as channel_rate_limit
         from api_key k
         join client c on c.id = k.client_id
         left join channel ch on ch.id = c.channel_id
        where k.hash = $1 and k.revoked_at is null`,
      [hash],
    );
    if (!row) return undefined;
    return {
      principal: {
        clientId: row.client_id,
        clientCode: row.client_code,
        keyId: row.id,
        scopes: new Set<Scope>(row.scopes),
        channel: row.channel_id === null ? null : { id: row.channel_id, code: row.channel_code },
        limits: { client: row.rate_limit, channel: row.channel_rate_limit },
      },
      expiresAt: row.expires_at === null ? Number.POSITIVE_INFINITY : row.expires_at.getTime(),
      lastUsedAt: row.last_used_at?.getTime() ?? 0,
    };
  }

  /** Notes that the key was used at `at`, unless another process has done so since `unlessSince`. */
  async touchKey(tx: Tx, id: string, at: Date, unlessSince: Date): Promise<void> {
    await tx.query(
      'update api_key set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $3)',
      [id, at, unlessSince],
    );
  }

  /** Does nothing if a key with this hash exists, revoked or not. */
  async insertKey(tx: Tx, clientId: string, hash: Buffer, key: ApiKey): Promise<void> {
    await tx.query(
      `insert into api_key (id, client_id, name, hash, prefix, last_four, scopes, created_at, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       on conflict (hash) do nothing`,
      [key.id, clientId, key.name, hash, key.prefix, key.lastFour, key.scopes, key.createdAt, key.expiresAt],
    );
  }

  /** Up to `limit` keys of the client behind `after` by id, which is by age; without those revoked. */
  async listKeys(tx: Tx, clientId: string, after: string, limit: number): Promise<ApiKey[]> {
    return tx.query(
      `select id, name, prefix, last_four as "lastFour", scopes, created_at as "createdAt", expires_at as "expiresAt",
              last_used_at as "lastUsedAt"
         from api_key
        where client_id = $1 and id > $2 and revoked_at is null
        order by id
        limit $3`,
      [clientId, after, limit],
    );
  }

  /** A second time keeps the first time. False if there is no such key. */
  async revokeKey(tx: Tx, id: string, channelId: number | null, at: Date): Promise<boolean> {
    const [, count] = await tx.query(
      `update api_key k
          set revoked_at = coalesce(k.revoked_at, $3)
         from client c
        where k.id = $1 and c.id = k.client_id and ($2::integer is null or c.channel_id = $2)`,
      [id, channelId, at],
    );
    return count > 0;
  }

  /** True if a key that has not ended may do everything, everywhere. */
  async hasLiveAdministrator(tx: Tx, now: Date): Promise<boolean> {
    const [row] = await tx.query(
      `select exists (select from api_key k join client c on c.id = k.client_id
                       where 'admin' = any(k.scopes) and c.channel_id is null
                         and k.revoked_at is null and (k.expires_at is null or k.expires_at > $1)) as found`,
      [now],
    );
    return row.found;
  }

  async findClient(tx: Tx, code: string, channelId: number | null): Promise<Client | undefined> {
    const [row] = await tx.query(`${CLIENT} where c.code = $1 and ($2::integer is null or c.channel_id = $2)`, [
      code,
      channelId,
    ]);
    return row;
  }

  /** Up to `limit` clients behind `after` by code. */
  async listClients(tx: Tx, after: string, limit: number, channelId: number | null): Promise<Client[]> {
    return tx.query(
      `${CLIENT} where c.code > $1 and ($3::integer is null or c.channel_id = $3) order by c.code limit $2`,
      [after, limit, channelId],
    );
  }

  /** Undefined if the code exists. */
  async insertClient(
    tx: Tx,
    client: { code: string; name: string; channelId: number | null; rateLimit: Client['rateLimit'] },
  ): Promise<Client | undefined> {
    const { code, name, channelId, rateLimit } = client;
    const rows = await tx.query(
      `insert into client (id, code, name, channel_id, rate_limit)
       values ($1, $2, $3, $4, $5)
       on conflict (code) do nothing
       returning id`,
      [typeid('cli').toString(), code, name, channelId, rateLimit],
    );
    return rows.length > 0 ? this.findClient(tx, code, null) : undefined;
  }

  /** Makes a client bound to no channel unless its code exists. */
  async ensureClient(tx: Tx, code: string, name: string): Promise<void> {
    await this.insertClient(tx, { code, name, channelId: null, rateLimit: null });
  }

  /** Serialises the processes that start at once and each look whether a first key is missing. Returns the id. */
  async lockClient(tx: Tx, code: string): Promise<string> {
    const [row] = await tx.query('select id from client where code = $1 for no key update', [code]);
    return row.id;
  }

  /** The features above know channels; a client only names one. */
  async findChannelId(tx: Tx, code: string): Promise<number | undefined> {
    const [row] = await tx.query('select id from channel where code = $1', [code]);
    return row?.id;
  }
}
