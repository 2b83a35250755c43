import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { Principal, Scope } from './principal.js';

/** Clients and their keys. */
@Injectable()
export class AccessRepository {
  /** The live key with this hash and whom it belongs to. `expiresAt` in milliseconds since 1970, Infinity for never. */
  async findKey(tx: Tx, hash: Buffer): Promise<{ principal: Principal; expiresAt: number } | undefined> {
    const [row] = await tx.query(
      `select k.id, k.scopes, k.expires_at, c.id as client_id, c.code as client_code,
              ch.id as channel_id, ch.code as channel_code
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
      },
      expiresAt: row.expires_at === null ? Number.POSITIVE_INFINITY : row.expires_at.getTime(),
    };
  }
}
