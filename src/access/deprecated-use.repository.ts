import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';

/** Calls of one deprecated operation by one client on one day. */
export interface DeprecatedUse {
  readonly operation: string;
  /** `2026-12-01`, in UTC. */
  readonly day: string;
  /** Its code; empty: nobody that we know. */
  readonly client: string;
  readonly calls: number;
  readonly lastAt: Date;
}

@Injectable()
export class DeprecatedUseRepository {
  /** Adds to what other processes have added. In one order, so that two of them never wait for each other in turn. */
  async add(tx: Tx, uses: readonly DeprecatedUse[]): Promise<void> {
    const ordered = [...uses].sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
    await tx.query(
      `insert into deprecated_use (operation, day, client, calls, last_at)
       select * from unnest($1::text[], $2::date[], $3::text[], $4::bigint[], $5::timestamptz[])
       on conflict on constraint deprecated_use_pkey do update
          set calls = deprecated_use.calls + excluded.calls,
              last_at = greatest(deprecated_use.last_at, excluded.last_at)`,
      [
        ordered.map(({ operation }) => operation),
        ordered.map(({ day }) => day),
        ordered.map(({ client }) => client),
        ordered.map(({ calls }) => calls),
        ordered.map(({ lastAt }) => lastAt),
      ],
    );
  }

  /** Who called what since a day, newest first. */
  async list(tx: Tx, since: string): Promise<DeprecatedUse[]> {
    return tx.query(
      `select operation, to_char(day, 'YYYY-MM-DD') as day, client, calls::float8 as calls, last_at as "lastAt"
         from deprecated_use
        where day >= $1::date
        order by day desc, operation, client`,
      [since],
    );
  }

  /** Forgets what was called before a day. Returns how many rows went. */
  async purge(tx: Tx, before: string): Promise<number> {
    const [, count] = await tx.query('delete from deprecated_use where day < $1::date', [before]);
    return count;
  }
}

export function keyOf({ operation, day, client }: Pick<DeprecatedUse, 'operation' | 'day' | 'client'>): string {
  return `${operation}\n${day}\n${client}`;
}
