import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import type { Identifier } from '../catalog/item.js';
import { isTracing } from '../operations/spans.tracer.js';
import type { PositionKey } from '../stock/ledger.js';
import { TRY_AGAIN, tryExceptionsAgain } from './applied.repository.js';
import { nameOf } from './fact.js';
import type { QuantityBasis } from './netting.js';
import type { FactKind, Ownership } from './ownership.js';
import type { Listed } from './snapshot.js';
import type { FeedSource } from './task.js';

/** A source as applying needs it. */
export interface WorkingSource extends FeedSource {
  readonly profile: string;
}

/** How long a source may be silent, and when it was last heard: at the latest when it was set up. */
export interface FreshnessOf {
  readonly id: number;
  readonly seconds: number;
  /** Milliseconds since 1970. */
  readonly heardAt: number;
}

/** An event that waits to be applied. */
export interface WaitingEvent {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly turn: number;
  readonly eventId: string;
  /** As it was sent. */
  readonly payload: string;
  readonly base64: boolean;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly attempts: number;
  readonly progress: number;
  /** Of those with the same all are applied, or none. */
  readonly batch: string | null;
  /** Canonical events, where it was mapped before and is applied in pieces. */
  readonly canonical: unknown;
  /** What a person has put in the place of its payload. */
  readonly corrected: string | null;
  /** Where spans are collected. */
  readonly traceparent?: string | null;
}

/** Events of one source that wait. */
export interface Waiting {
  readonly events: readonly WaitingEvent[];
  /** More may follow. */
  readonly isFull: boolean;
}

/** A row that was not applied with its event, and is to be tried again. */
export interface WaitingRow {
  readonly exceptionId: string;
  readonly inboxId: string;
  readonly receivedAt: Date;
  readonly turn: number;
  readonly eventId: string;
  readonly fact: unknown;
}

/**
 * Events of these places among what waits, in their order. Key by key, and only of the places that are taken: PostgreSQL
 * would else sort all that waits with its payloads, window after window.
 */
const eventsAt = (places: string, where = '') => `
  select id, "receivedAt", turn, "eventId", payload, base64, headers, attempts, progress, batch, canonical, corrected${isTracing ? ', traceparent' : ''}
    from (select w.id, (extract(epoch from w.received_at) * 1000)::float8 as "receivedAt", w.turn,
                 i.event_id as "eventId", i.payload, i.payload_base64 as base64, i.headers, w.attempts, w.progress, i.batch,${isTracing ? ' i.traceparent,' : ''}
                 case when w.progress > 0 then (select o.canonical from event_outcome o
                                                 where o.received_at = w.received_at and o.id = w.id) end as canonical,
                 case when w.attempts > 0 then (select e.payload from exception e
                                                 where e.inbox_id = w.id and e.payload is not null
                                                 order by e.id desc limit 1) end as corrected,
                 coalesce(sum(octet_length(i.payload)) over (
                   order by w.turn rows between unbounded preceding and 1 preceding), 0) as before
            from (${places}) w
           cross join lateral (select * from inbox i where i.received_at = w.received_at and i.id = w.id offset 0) i
         ) as waiting
   ${where}
   order by turn`;

/** What waits to be applied, and what is looked up before it is. */
@Injectable()
export class BacklogRepository {
  constructor(@Inject(pg.Pool) private readonly pool: pg.Pool) {}

  /** Sources of which something waits. */
  async waitingSources(): Promise<number[]> {
    const { rows } = await this.pool.query<{ id: number }>({
      name: 'waiting-sources',
      // lateral … limit: one look into the index a source. Of two times EXISTS PostgreSQL reads everything that waits:
      // 26 ms of a backlog of 70,000, four times a second.
      text: `
        select s.id
          from source s
         cross join lateral (
                 (select 1 from inbox_waiting w where w.source_id = s.id limit 1)
                 union all
                 (select 1 from exception e where e.source_id = s.id and e.retrying limit 1)
                 limit 1) as waits`,
    });
    return rows.map(({ id }) => id);
  }

  async source(id: number): Promise<WorkingSource | undefined> {
    const { rows } = await this.pool.query<WorkingSource & { basis: QuantityBasis }>(
      'select id, code, quantity_basis as basis, profile from source where id = $1',
      [id],
    );
    return rows[0];
  }

  /** Of the sources that have a budget. */
  async freshness(): Promise<FreshnessOf[]> {
    const { rows } = await this.pool.query<FreshnessOf>({
      name: 'freshness',
      text: `
        select id, freshness_seconds as seconds,
               extract(epoch from coalesce(last_heard_at, created_at))::float8 * 1000 as "heardAt"
          from source where freshness_seconds is not null`,
    });
    return rows;
  }

  /** Of all sources: who is named for a location counts over who has the rest. */
  async ownerships(): Promise<Ownership[]> {
    const { rows } = await this.pool.query<{
      source_id: number;
      location_id: number | null;
      fact: FactKind;
      from: number;
      until: number | null;
    }>(
      `select source_id, location_id, fact, extract(epoch from valid_from)::float8 * 1000 as from,
              extract(epoch from valid_until)::float8 * 1000 as until
         from source_ownership`,
    );
    return rows.map((row) => ({
      sourceId: row.source_id,
      locationId: row.location_id,
      fact: row.fact,
      from: row.from,
      until: row.until,
    }));
  }

  /**
   * The next events of a source behind a turn, in order of arrival: at most so many, and none behind those whose payloads
   * come to so many bytes. Of the last batch, if it is to be applied whole, all. `isFull`: more may follow.
   */
  async window(sourceId: number, behind: number, most: { events: number; bytes: number }): Promise<Waiting> {
    const { rows } = await this.pool.query<WaitingEvent>({
      name: 'window',
      text: eventsAt(
        'select * from inbox_waiting where source_id = $1 and turn > $2 order by turn limit $3',
        'where before < $4',
      ),
      values: [sourceId, behind, most.events, most.bytes],
    });
    const bytes = rows.reduce((sum, { payload }) => sum + Buffer.byteLength(payload), 0);
    const isFull = rows.length >= most.events || bytes >= most.bytes;
    const last = rows.at(-1);
    if (!last?.batch || !isFull) return { events: rows, isFull };
    const { rows: more } = await this.pool.query<WaitingEvent>(
      eventsAt(
        `select w.* from inbox_waiting w
           join inbox b on b.received_at = w.received_at and b.id = w.id
          where w.source_id = $1 and b.batch = $2 and w.turn > $3`,
      ),
      [sourceId, last.batch, last.turn],
    );
    return { events: [...rows, ...more], isFull };
  }

  async waitingRows(sourceId: number, most: number): Promise<WaitingRow[]> {
    const { rows } = await this.pool.query<WaitingRow>({
      name: 'waiting-rows',
      text: `
        select e.id as "exceptionId", e.inbox_id as "inboxId", e.inbox_received_at as "receivedAt", i.turn,
               e.event_id as "eventId", e.fact
          from exception e
          join inbox i on i.received_at = e.inbox_received_at and i.id = e.inbox_id
         where e.source_id = $1 and e.retrying and e.status = 'open'
         order by i.turn, e.id
         limit $2`,
      values: [sourceId, most],
    });
    return rows;
  }

  /** SKUs by what events call the items (`nameOf`). */
  async skusOf(identifiers: readonly Identifier[]): Promise<Map<string, string>> {
    if (identifiers.length === 0) return new Map();
    const { rows } = await this.pool.query<Identifier & { sku: string }>(
      `select n.type, n.value, n.party, i.sku
         from unnest($1::text[], $2::text[], $3::text[]) as k(type, value, party)
         join item_identifier n using (type, value, party)
         join item i on i.id = n.item_id and i.deleted_at is null`,
      [
        identifiers.map(({ type }) => type),
        identifiers.map(({ value }) => value),
        identifiers.map(({ party }) => party),
      ],
    );
    return new Map(rows.map(({ sku, ...identifier }) => [nameOf({ sku: null, identifier }), sku]));
  }

  /** Ids of the reservations that have one of these order references, oldest first. */
  async reservationsOf(orderRefs: readonly string[]): Promise<Map<string, string[]>> {
    const byOrder = new Map<string, string[]>();
    if (orderRefs.length === 0) return byOrder;
    const { rows } = await this.pool.query<{ order_ref: string; id: string }>({
      name: 'reservations-of-orders',
      text: 'select order_ref, id from reservation where order_ref = any($1::text[]) order by created_at, id',
      values: [orderRefs],
    });
    for (const { order_ref, id } of rows) byOrder.set(order_ref, [...(byOrder.get(order_ref) ?? []), id]);
    return byOrder;
  }

  /** Where something is announced under these references. */
  async announced(references: readonly string[]): Promise<Map<string, PositionKey[]>> {
    const places = new Map<string, PositionKey[]>();
    if (references.length === 0) return places;
    const { rows } = await this.pool.query<{ reference: string; item_id: number; location_id: number }>(
      'select reference, item_id, location_id from supply where reference = any($1::text[])',
      [references],
    );
    for (const { reference, item_id, location_id } of rows) {
      places.set(reference, [...(places.get(reference) ?? []), { itemId: item_id, locationId: location_id }]);
    }
    return places;
  }

  /** What stands at these locations, without what this event has said already. */
  async listed(sourceId: number, locationIds: readonly number[], inboxId: string): Promise<Listed[]> {
    const { rows } = await this.pool.query<{ sku: string; location_id: number }>(
      `select i.sku, p.location_id
         from position p
         join item i on i.id = p.item_id and i.deleted_at is null
        where p.location_id = any($2::int[])
          and not exists (select from feed_position f
                           where f.source_id = $1 and f.item_id = p.item_id and f.location_id = p.location_id
                             and f.event = $3)
        order by i.sku, p.location_id`,
      [sourceId, locationIds, inboxId],
    );
    return rows.map(({ sku, location_id }) => ({ sku, locationId: location_id }));
  }

  /** Has what was parked for want of an item or a location tried again where there is one now. Answers how many. */
  async retryFound(): Promise<number> {
    const { rowCount } = await this.pool.query({
      name: 'retry-found',
      text: tryExceptionsAgain(`
        e.kind = 'unknown_item' and (
          exists (select from item i where i.sku = e.sku and i.deleted_at is null)
          or exists (select from item_identifier n
                       join item i on i.id = n.item_id and i.deleted_at is null
                      where n.type = split_part(e.sku, ':', 1)
                        and n.party = replace(replace(split_part(e.sku, ':', 2), '%3A', ':'), '%25', '%')
                        and n.value = substr(e.sku, length(split_part(e.sku, ':', 1))
                                                    + length(split_part(e.sku, ':', 2)) + 3)))
        or e.kind = 'unknown_location' and exists (
             select from location l where l.code = e.location or l.gln = e.location)`),
    });
    return rowCount ?? 0;
  }

  /** Has what was parked for its quantity tried again, of items that have just been changed. */
  async retryMeasured(skus: readonly string[]): Promise<void> {
    await this.pool.query({
      name: 'retry-measured',
      text: tryExceptionsAgain(`e.kind in ('unknown_uom', 'invalid_quantity') and e.sku = any($1::text[])`),
      values: [skus],
    });
  }

  /** Forgets changes that no figure will come late enough to need: the events they came in are forgotten too. */
  async forgetDeltas(before: Date): Promise<void> {
    await this.pool.query('delete from feed_delta where at < $1', [before]);
  }

  /** Has cancellations tried again whose shipments are known now. */
  async retryShipped(sourceId: number, references: readonly string[]): Promise<void> {
    await this.pool.query({
      name: 'retry-shipped',
      text: `
        with again as (
          select o.received_at, o.id
            from exception e
            join event_outcome o on o.received_at = e.inbox_received_at and o.id = e.inbox_id
           where e.source_id = $1 and e.status = 'open' and e.kind = 'unknown_shipment' and e.fact is null
             and e.affected ->> 'shipmentRef' = any($2::text[]) and o.status = 'parked'
        ), ${TRY_AGAIN}`,
      values: [sourceId, references],
    });
  }
}
