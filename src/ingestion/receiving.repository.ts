import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import type { NewEvent } from './inbox-event.js';

/** An event that was known before, by the body it came with. */
export interface Known {
  readonly sourceId: number;
  readonly eventId: string;
  readonly hash: string;
  /** Of the one that is kept. */
  readonly id: string;
}

/**
 * Takes in what is new, all of it in one statement, which is its own transaction: known by its key, kept, and where it
 * cannot be understood with an open exception. In one order, so that two processes that bring the same events queue at
 * the first of them; of two in one batch the one that came first is kept.
 */
const KEEP = {
  name: 'keep-events',
  text: `
    with given as (
      select source_id, event_id, variant, decode(hash, 'hex') as hash, id, to_timestamp(received_at / 1000) as received_at,
             payload, payload_base64, content_type, headers, signature, traceparent, request_id, batch, import_id,
             rejected, detail, place
        from rows from (json_to_recordset($1::json) as (
               source_id int, event_id text, variant text, hash text, id text, received_at float8, payload text,
               payload_base64 boolean, content_type text, headers jsonb, signature jsonb, traceparent text,
               request_id text, batch text, import_id text, rejected text, detail text)) with ordinality
          as g (source_id, event_id, variant, hash, id, received_at, payload, payload_base64, content_type, headers,
                signature, traceparent, request_id, batch, import_id, rejected, detail, place)
    ), fresh as (
      insert into inbox_key (source_id, event_id, variant, hash, id, received_at)
      select source_id, event_id, variant, hash, id, received_at from given
       order by source_id, event_id, variant, place
      on conflict (source_id, event_id, variant) do nothing
      returning id
    ), kept as (
      insert into inbox (received_at, id, source_id, event_id, payload, payload_base64, content_type, hash, headers,
                         signature, traceparent, request_id, batch, import_id)
      select received_at, id, source_id, event_id, payload, payload_base64, content_type, hash, headers, signature,
             traceparent, request_id, batch, import_id
        from given
        join fresh using (id)
       order by place
      returning source_id, turn, received_at, id
    ), waits as (
      insert into inbox_waiting (source_id, turn, received_at, id)
      select source_id, turn, received_at, id from kept
       where id not in (select id from given where rejected is not null)
    ), ended as (
      insert into event_outcome (received_at, id, status, attempts, finished_at, problem)
      select received_at, id, 'exception', 0, received_at, jsonb_build_object('code', rejected, 'detail', detail)
        from given
        join fresh using (id)
       where rejected is not null
    ), excepted as (
      insert into exception (id, kind, source_id, inbox_id, inbox_received_at, event_id, detail, created_at)
      select 'exc_' || substr(id, 5), rejected, source_id, id, received_at, event_id, detail, received_at
        from given
        join fresh using (id)
       where rejected is not null
    )
    select id from fresh`,
};

/** Counts one more delivery of what is known, in one order, and says where it is kept. */
const RECOGNISE = {
  name: 'recognise-events',
  text: `
    with given as (
      select source_id, event_id, decode(hash, 'hex') as hash, count(*)::int as deliveries
        from unnest($1::int[], $2::text[], $3::text[]) as g (source_id, event_id, hash)
       group by 1, 2, 3
    ), known as (
      select k.source_id, k.event_id, k.variant, g.deliveries
        from given g
        join inbox_key k using (source_id, event_id, hash)
       order by k.source_id, k.event_id, k.variant
         for no key update of k
    )
    update inbox_key k
       set deliveries = k.deliveries + known.deliveries
      from known
     where (k.source_id, k.event_id, k.variant) = (known.source_id, known.event_id, known.variant)
    returning k.source_id as "sourceId", k.event_id as "eventId", encode(k.hash, 'hex') as hash, k.id`,
};

/** As one document: an array a column takes pg three times as long to write. */
function rowOf({ delivery, id, eventId, variant, hash, payload, base64, rejection }: NewEvent): object {
  return {
    source_id: delivery.sourceId,
    event_id: eventId,
    variant,
    hash,
    id,
    received_at: delivery.receivedAt,
    payload,
    payload_base64: base64,
    content_type: delivery.contentType,
    headers: delivery.headers,
    signature: delivery.proof,
    traceparent: delivery.traceparent,
    request_id: delivery.requestId,
    batch: delivery.batch,
    import_id: delivery.importId,
    rejected: rejection?.code,
    detail: rejection?.detail,
  };
}

/** What receiving writes: hot, so by prepared statements on the plain pool, each a transaction of its own. */
@Injectable()
export class ReceivingRepository {
  constructor(@Inject(pg.Pool) private readonly pool: pg.Pool) {}

  /** Ids of those that were new; durable once this answers. The others are known by their key. */
  async keep(events: readonly NewEvent[]): Promise<Set<string>> {
    const { rows } = await this.pool.query<{ id: string }>({ ...KEEP, values: [JSON.stringify(events.map(rowOf))] });
    return new Set(rows.map(({ id }) => id));
  }

  /** Those of the events that are known with this very body. */
  async recognise(events: readonly NewEvent[]): Promise<Known[]> {
    const { rows } = await this.pool.query<Known>({
      ...RECOGNISE,
      values: [
        events.map(({ delivery }) => delivery.sourceId),
        events.map(({ eventId }) => eventId),
        events.map(({ hash }) => hash),
      ],
    });
    return rows;
  }

  /** Makes the day, `2026-03-01`, unless it is there. */
  async makeDay(day: string): Promise<void> {
    await this.pool.query('select make_inbox_day($1::date)', [day]);
  }

  /** Drops the days before `day` and what is known of their events. Those that hold something unsettled stay. */
  async dropDays(before: string): Promise<{ day: string; dropped: boolean }[]> {
    const { rows } = await this.pool.query('select day::text, dropped from drop_inbox_days($1::date)', [before]);
    return rows;
  }

  /** Notes that these sources were heard of. In order of id, as every process does. */
  async touch(ids: readonly number[], at: number): Promise<void> {
    await this.pool.query(
      `update source s set last_heard_at = heard.at
         from (select id, to_timestamp($2::float8 / 1000) as at from source where id = any($1::int[])
                order by id for no key update) heard
        where s.id = heard.id and (s.last_heard_at is null or s.last_heard_at < heard.at)`,
      [ids, at],
    );
  }
}
