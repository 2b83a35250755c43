import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import { tryExceptionsAgain } from './applied.repository.js';
import type { ProfileContent } from './profile-content.js';

/** A version of a profile of an administrator's own, as it is kept. */
export interface ProfileRow extends ProfileContent {
  readonly name: string;
  readonly version: number;
  readonly createdAt: Date;
}

const PROFILE = `
  select name, version, title, vendor, base, format, identify, expression, constants,
         quantity_basis as "quantityBasis", created_at as "createdAt"
    from profile`;

@Injectable()
export class ProfilesRepository {
  /** The version named, by default the newest. */
  async find(tx: Tx, name: string, version: number | null = null): Promise<ProfileRow | undefined> {
    const [row] = await tx.query(
      `${PROFILE} where name = $1 and ($2::integer is null or version = $2) order by version desc limit 1`,
      [name, version],
    );
    return row;
  }

  /** The newest version of each, up to `limit` behind `after` by name. */
  async list(tx: Tx, after: string, limit: number): Promise<ProfileRow[]> {
    return tx.query(
      `${PROFILE} as p
        where name > $1 and version = (select max(version) from profile newest where newest.name = p.name)
        order by name
        limit $2`,
      [after, limit],
    );
  }

  /** Serialises the changes of one profile until `tx` ends, whether or not it exists yet. */
  async lock(tx: Tx, name: string): Promise<void> {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('profile/' || $1, 0))`, [name]);
  }

  /** What could not be mapped by the profile is tried again with its new version. */
  async retryUnmapped(tx: Tx, name: string): Promise<void> {
    await tx.query(
      tryExceptionsAgain(`e.kind = 'mapping_failed' and e.source_id in (select id from source where profile = $1)`),
      [name],
    );
  }

  async insert(tx: Tx, name: string, version: number, content: ProfileContent, keyId: string): Promise<void> {
    const { title, vendor, base, format, identify, expression, constants, quantityBasis } = content;
    await tx.query(
      `insert into profile (name, version, title, vendor, base, format, identify, expression, constants, quantity_basis,
                            created_by)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        ...[name, version, title, vendor, base, format, identify && JSON.stringify(identify), expression],
        ...[JSON.stringify(constants), quantityBasis, keyId],
      ],
    );
  }
}
