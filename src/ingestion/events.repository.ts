import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { Note } from './exceptions.repository.js';
import type { EventStatus } from './inbox-event.js';

/** An event without its payload. Times in milliseconds since 1970. */
export interface EventRow {
  readonly id: string;
  readonly source: string;
  readonly eventId: string;
  readonly status: EventStatus;
  readonly receivedAt: number;
  readonly finishedAt: number | null;
  readonly attempts: number;
  readonly skus: string[] | null;
  readonly problem: Record<string, unknown> | null;
}

export interface EventDetailRow extends EventRow {
  readonly sourceId: number;
  readonly turn: number;
  readonly payload: string;
  readonly payloadBase64: boolean;
  readonly contentType: string;
  readonly hash: string;
  readonly headers: Record<string, string> | null;
  readonly signature: Record<string, unknown>;
  readonly canonical: unknown;
  /** `name/version` */
  readonly profile: string | null;
  readonly traceparent: string | null;
  readonly requestId: string;
  readonly importId: string | null;
  /** 0: forgotten. */
  readonly deliveries: number;
}

export interface AttemptRow {
  readonly attempt: number;
  readonly at: Date;
  readonly outcome: string;
  readonly detail: string | null;
}

export interface ExceptionOfEvent {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly sku: string | null;
  readonly location: string | null;
  readonly detail: string;
  readonly notes: readonly Note[];
}

/** A movement that an event caused; quantities in ten-thousandths of the base unit. */
export interface MovementOfEvent {
  readonly sku: string;
  readonly location: string;
  readonly version: number;
  readonly kind: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly unsellable: number;
  readonly condition: string | null;
  readonly reservationId: string | null;
  readonly at: Date;
}

export interface EventFilter {
  readonly sourceId: number | null;
  readonly status: EventStatus | null;
  readonly sku: string | null;
  /** The sender's. */
  readonly eventId: string | null;
}

const SUMMARY = `
  i.id, s.code as source, i.event_id as "eventId", coalesce(o.status, 'received') as status,
  (extract(epoch from i.received_at) * 1000)::float8 as "receivedAt",
  (extract(epoch from o.finished_at) * 1000)::float8 as "finishedAt", coalesce(o.attempts, 0) as attempts, o.skus, o.problem`;

const EVENTS = `
  inbox i
  join source s on s.id = i.source_id
  left join event_outcome o on o.received_at = i.received_at and o.id = i.id`;

/** What is read of the inbox by people. */
@Injectable()
export class EventsRepository {
  /** Up to `limit` events before that one, newest first. A filter that is null filters nothing. */
  async list(tx: Tx, filter: EventFilter, before: [number, string] | null, limit: number): Promise<EventRow[]> {
    const [at, id] = before ?? [null, null];
    return tx.query(
      `select ${SUMMARY}
         from ${EVENTS}
        where ($1::int is null or i.source_id = $1)
          -- Each through an index: PostgreSQL plans this with the values, and leaves the other branch out.
          and ($2::text is null or case when $2 = 'received'
                 then exists (select from inbox_waiting w where w.source_id = i.source_id and w.turn = i.turn)
                 else o.status = $2 end)
          and ($3::text is null or o.skus @> array[$3])
          -- The days come from the key: without them each day of the inbox would be read.
          and ($4::text is null or i.event_id = $4 and i.received_at = any(array(
                 select k.received_at
                   from source s2
                   join inbox_key k on k.source_id = s2.id and k.event_id = $4
                  where $1::int is null or s2.id = $1)))
          and ($5::float8 is null or (i.received_at, i.id) < (to_timestamp($5 / 1000), $6))
        order by i.received_at desc, i.id desc
        limit $7`,
      [filter.sourceId, filter.status, filter.sku, filter.eventId, at, id, limit],
    );
  }

  /** `receivedAt`: stands in the id. */
  async find(tx: Tx, id: string, receivedAt: number): Promise<EventDetailRow | undefined> {
    const [row] = await tx.query(
      `select ${SUMMARY}, i.source_id as "sourceId", i.turn, i.payload, i.payload_base64 as "payloadBase64",
              i.content_type as "contentType", encode(i.hash, 'hex') as hash, i.headers, i.signature, o.canonical, o.profile,
              i.traceparent, i.request_id as "requestId", i.import_id as "importId",
              coalesce((select k.deliveries from inbox_key k
                         where k.source_id = i.source_id and k.event_id = i.event_id and k.id = i.id), 0) as deliveries
         from ${EVENTS}
        where i.received_at = to_timestamp($2::float8 / 1000) and i.id = $1`,
      [id, receivedAt],
    );
    return row;
  }

  async attempts(tx: Tx, id: string, receivedAt: number): Promise<AttemptRow[]> {
    return tx.query(
      `select attempt, at, outcome, detail from event_attempt
        where received_at = to_timestamp($2::float8 / 1000) and inbox_id = $1
        order by attempt`,
      [id, receivedAt],
    );
  }

  async exceptions(tx: Tx, id: string): Promise<ExceptionOfEvent[]> {
    return tx.query(
      `select id, kind, status, sku, location, detail, notes from exception
        where inbox_id = $1 order by id limit 100`,
      [id],
    );
  }

  /** What the event of this turn has moved: up to `limit`, in the order in which they were posted. */
  async movements(tx: Tx, turn: number, limit: number): Promise<MovementOfEvent[]> {
    return tx.query(
      `select i.sku, l.code as location, m.version, m.kind, (m.on_hand_delta * 10000)::bigint as "onHand",
              (m.reserved_delta * 10000)::bigint as reserved, (m.unsellable_delta * 10000)::bigint as unsellable,
              m.condition, m.reservation_id as "reservationId", m.at
         from movement m
         join item i on i.id = m.item_id
         join location l on l.id = m.location_id
        where m.turn = $1
        order by m.at, i.sku, l.code, m.version
        limit $2`,
      [turn, limit],
    );
  }
}
