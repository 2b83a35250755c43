import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';

/** How a source is doing. Times in milliseconds since 1970. */
export interface SourceHealth {
  readonly source: string;
  readonly freshnessSeconds: number | null;
  readonly lastHeardAt: number | null;
  readonly createdAt: number;
  readonly lastEventAt: number | null;
  /** When the oldest event came that is still to be applied; null: none is. */
  readonly waitingSince: number | null;
  readonly received: number;
  readonly parked: number;
  readonly exceptionsOpen: number;
  /** Events of the last 60 seconds. */
  readonly eventsPerMinute: number;
}

const MINUTE_MS = 60_000;

@Injectable()
export class SourceHealthRepository {
  /** Of one source, or with null of all, by code. Counts what is open, never what is done. */
  async read(tx: Tx, code: string | null, now: number): Promise<SourceHealth[]> {
    return tx.query(
      `select s.code as source, s.freshness_seconds as "freshnessSeconds",
              (extract(epoch from s.last_heard_at) * 1000)::float8 as "lastHeardAt",
              (extract(epoch from s.created_at) * 1000)::float8 as "createdAt",
              (extract(epoch from (select max(i.received_at) from inbox i where i.source_id = s.id)) * 1000)::float8
                as "lastEventAt",
              (extract(epoch from waiting.since) * 1000)::float8 as "waitingSince", waiting.count as received,
              (select count(*) from event_outcome o
                 join inbox i on i.received_at = o.received_at and i.id = o.id
                where o.status = 'parked' and i.source_id = s.id) as parked,
              (select count(*) from exception e where e.source_id = s.id and e.status = 'open') as "exceptionsOpen",
              (select count(*) from inbox i
                where i.source_id = s.id and i.received_at > to_timestamp($2::float8 / 1000)) as "eventsPerMinute"
         from source s
         cross join lateral (select count(*) as count, min(w.received_at) as since
                               from inbox_waiting w where w.source_id = s.id) waiting
        where $1::text is null or s.code = $1
        order by s.code`,
      [code, now - MINUTE_MS],
    );
  }
}
