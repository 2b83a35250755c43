import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';

@Injectable()
export class ProcessesRepository {
  /**
   * Says that process `id` runs, by the clock of the database, and forgets those that have not said so for `seconds`.
   * How many run, this one included, and what this database is called in a Redis that others may share.
   */
  async beat(tx: Tx, id: string, seconds: number): Promise<{ running: number; installation: string }> {
    const [row] = await tx.query(
      `with gone as (
         delete from running_process where seen_at < now() - make_interval(secs => $2)
       ), here as (
         insert into running_process (id, seen_at) values ($1, now())
         on conflict (id) do update set seen_at = excluded.seen_at
       )
       select installation,
              1 + (select count(*)::integer from running_process
                    where id <> $1 and seen_at >= now() - make_interval(secs => $2)) as running
         from configuration`,
      [id, seconds],
    );
    return row;
  }

  async leave(tx: Tx, id: string): Promise<void> {
    await tx.query('delete from running_process where id = $1', [id]);
  }
}
