import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { Location, LocationContent } from './location.js';

const LOCATION = `
  select l.id, l.code, l.name, l.type, l.enabled, l.gln, l.timezone, l.version,
         l.created_at as "createdAt", l.updated_at as "updatedAt"
    from location l`;
/** `$1` null: every location; else those of this channel. */
const OF_CHANNEL = `
  ($1::integer is null
   or exists (select from channel_location cl where cl.channel_id = $1 and cl.location_id = l.id))`;

@Injectable()
export class LocationsRepository {
  async find(tx: Tx, code: string, channelId: number | null): Promise<Location | undefined> {
    const [row] = await tx.query(`${LOCATION} where ${OF_CHANNEL} and l.code = $2`, [channelId, code]);
    return row;
  }

  /** Up to `limit` locations behind `after` by code. */
  async list(tx: Tx, after: string, limit: number, channelId: number | null): Promise<Location[]> {
    return tx.query(`${LOCATION} where ${OF_CHANNEL} and l.code > $2 order by l.code limit $3`, [
      channelId,
      after,
      limit,
    ]);
  }

  /** Serialises the changes of one location until `tx` ends. False if there is none. */
  async lock(tx: Tx, code: string): Promise<boolean> {
    const rows = await tx.query('select 1 from location where code = $1 for no key update', [code]);
    return rows.length > 0;
  }

  /** False if the code exists. Waits for a transaction that is just creating it. */
  async insert(tx: Tx, code: string, content: LocationContent): Promise<boolean> {
    const rows = await tx.query(
      `insert into location (code, name, type, enabled, gln, timezone)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (code) do nothing
       returning id`,
      [code, ...columnsOf(content)],
    );
    return rows.length > 0;
  }

  async update(tx: Tx, id: number, content: LocationContent): Promise<void> {
    await tx.query(
      `update location
          set name = $2, type = $3, enabled = $4, gln = $5, timezone = $6, version = version + 1, updated_at = now()
        where id = $1`,
      [id, ...columnsOf(content)],
    );
  }

  /**
   * Tells every process that its copy of locations and channels is old. Last in a transaction: this row serialises
   * all such changes, so nothing may be waited for behind it.
   */
  async raiseRevision(tx: Tx): Promise<void> {
    await tx.query('update configuration set revision = revision + 1');
  }
}

function columnsOf({ name, type, enabled, gln, timezone }: LocationContent): unknown[] {
  return [name, type, enabled, gln, timezone];
}
