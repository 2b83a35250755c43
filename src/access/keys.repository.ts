import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { MintedKey } from './api-key.js';
import type { ApiKey } from './client.js';
import { addressesIn, callerOf } from './clients.repository.js';
import type { Credential } from './credential.js';
import type { Scope } from './principal.js';

const KEY = `
  select k.id, c.code as client, k.name, k.prefix, k.last_four as "lastFour", k.scopes, k.created_at as "createdAt",
         k.expires_at as "expiresAt", k.last_used_at as "lastUsedAt", k.successor_id as "successorId"
    from api_key k
    join client c on c.id = k.client_id`;

/** A key that was found by its hash. Times in milliseconds since 1970. */
export interface FoundKey extends Credential {
  /** To within five minutes; 0: never. */
  readonly lastUsedAt: number;
  /** The id of the pepper under which it is hashed; null: of before peppers. */
  readonly pepper: string | null;
}

/** The keys of clients. `channelId` null: of clients of every channel and of none; else of that channel only. */
@Injectable()
export class KeysRepository {
  /** The live key with one of these hashes and whom it belongs to; expired ones included. */
  async find(tx: Tx, hashes: readonly Buffer[]): Promise<FoundKey | undefined> {
    const [row] = await tx.query(
      `select k.id, k.scopes, k.expires_at, k.last_used_at, k.pepper, c.id as client_id, c.code as client_code,
              c.tier, c.rate_limit, c.allowed_addresses,
              ch.id as channel_id, ch.code as channel_code, ch.rate_limit as channel_rate_limit,
              (select count(*)::integer from channel_location l where l.channel_id = ch.id) as locations
         from api_key k
         join client c on c.id = k.client_id
         left join channel ch on ch.id = c.channel_id
        where k.hash = any($1) and k.revoked_at is null`,
      [hashes],
    );
    if (!row) return undefined;
    return {
      principal: {
        ...callerOf({ ...row, id: row.client_id, code: row.client_code }),
        keyId: row.id,
        scopes: new Set<Scope>(row.scopes),
      },
      addresses: addressesIn(row.allowed_addresses),
      expiresAt: row.expires_at === null ? Number.POSITIVE_INFINITY : row.expires_at.getTime(),
      lastUsedAt: row.last_used_at?.getTime() ?? 0,
      pepper: row.pepper,
    };
  }

  /** True if there is a key with one of these hashes, revoked or not. */
  async exists(tx: Tx, hashes: readonly Buffer[]): Promise<boolean> {
    const [row] = await tx.query('select exists (select from api_key where hash = any($1)) as found', [hashes]);
    return row.found;
  }

  /** Keeps the key under another pepper from now on. Nothing else can: only who uses it knows the key. */
  async rehash(tx: Tx, id: string, { hash, pepper }: Pick<MintedKey, 'hash' | 'pepper'>): Promise<void> {
    await tx.query('update api_key set hash = $2, pepper = $3 where id = $1', [id, hash, pepper]);
  }

  /** How many keys that have not ended can be verified by nobody who has only these peppers. */
  async countLost(tx: Tx, peppers: readonly string[], now: Date): Promise<number> {
    const [row] = await tx.query(
      `select count(*) as count from api_key
        where pepper <> all($1) and revoked_at is null and (expires_at is null or expires_at > $2)`,
      [peppers, now],
    );
    return row.count;
  }

  /** Notes that the key was used at `at`, unless another process has done so since `unlessSince`. */
  async touch(tx: Tx, id: string, at: Date, unlessSince: Date): Promise<void> {
    await tx.query(
      'update api_key set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $3)',
      [id, at, unlessSince],
    );
  }

  async insert(tx: Tx, clientId: string, { hash, pepper }: MintedKey, key: ApiKey): Promise<void> {
    await tx.query(
      `insert into api_key (id, client_id, name, hash, pepper, prefix, last_four, scopes, created_at, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [key.id, clientId, key.name, hash, pepper, key.prefix, key.lastFour, key.scopes, key.createdAt, key.expiresAt],
    );
  }

  /** Up to `limit` keys behind `after` by id, which is by age; without those revoked. Null filters let all through. */
  async list(
    tx: Tx,
    filter: { clientId: string | null; prefix: string | null; channelId: number | null },
    after: string,
    limit: number,
  ): Promise<ApiKey[]> {
    return tx.query(
      `${KEY}
        where k.id > $1 and k.revoked_at is null
          and ($2::text is null or k.client_id = $2)
          and ($3::text is null or starts_with(k.prefix, $3))
          and ($4::integer is null or c.channel_id = $4)
        order by k.id
        limit $5`,
      [after, filter.clientId, filter.prefix, filter.channelId, limit],
    );
  }

  /** Undefined if it was revoked. */
  async get(tx: Tx, id: string, channelId: number | null): Promise<ApiKey | undefined> {
    const [row] = await tx.query(
      `${KEY} where k.id = $1 and k.revoked_at is null and ($2::integer is null or c.channel_id = $2)`,
      [id, channelId],
    );
    return row;
  }

  /** Serialises what changes one key. Undefined as `get`. */
  async lock(
    tx: Tx,
    id: string,
    channelId: number | null,
  ): Promise<(ApiKey & { readonly clientId: string; readonly revokedAt: Date | null }) | undefined> {
    const [row] = await tx.query(
      `${KEY.replace('select k.id', 'select k.id, k.client_id as "clientId", k.revoked_at as "revokedAt"')}
        where k.id = $1 and ($2::integer is null or c.channel_id = $2)
          for no key update of k`,
      [id, channelId],
    );
    return row;
  }

  async revoke(tx: Tx, id: string, at: Date): Promise<void> {
    await tx.query('update api_key set revoked_at = $2 where id = $1', [id, at]);
  }

  async succeed(tx: Tx, id: string, successorId: string, expiresAt: Date): Promise<void> {
    await tx.query('update api_key set successor_id = $2, expires_at = $3 where id = $1', [id, successorId, expiresAt]);
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
}
