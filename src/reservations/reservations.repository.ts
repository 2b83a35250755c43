import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import type { Send } from '../stock/command.js';
import { readReservations, readUncovered } from './posting.repository.js';
import type { Action, Reservation, Status } from './reservation.js';
import { readShipments, Shipment } from './shipments.repository.js';
import type { StepLine } from './transitions.js';

export interface ReservationFilter {
  readonly orderRef?: string;
  readonly status?: Status;
  readonly channelId?: number;
  readonly sku?: string;
}

export interface StepRow {
  readonly step: number;
  readonly action: Action;
  readonly at: Date;
  readonly actor: string;
  readonly reference: string | null;
  readonly lines: readonly StepLine[];
}

/** What is read of reservations outside the engine: on any connection, without locks. */
@Injectable()
export class ReservationsRepository {
  constructor(@Inject(pg.Pool) private readonly pool: pg.Pool) {}

  private readonly send: Send = async (statement, values) => {
    const { rows } = await this.pool.query({ ...statement, values: values as unknown[] });
    return rows;
  };

  async find(id: string): Promise<Reservation | undefined> {
    const [reservation] = await readReservations(this.send, [id], false);
    return reservation;
  }

  async findAll(ids: readonly string[]): Promise<Reservation[]> {
    return readReservations(this.send, ids, false);
  }

  async shipments(id: string): Promise<Shipment[]> {
    return readShipments(this.send, [id]);
  }

  /** How much of the lines of these reservations is not covered, by `<reservation> <line>`. */
  async uncovered(reservations: readonly Reservation[], now: number): Promise<Map<string, number>> {
    const keys = new Map(
      reservations.flatMap(({ lines }) =>
        lines.flatMap(({ itemId, allocations }) =>
          allocations.map(({ locationId }) => [`${itemId} ${locationId}`, { itemId, locationId }] as const),
        ),
      ),
    );
    if (keys.size === 0) return new Map();
    const short = await this.send<{ item_id: number; location_id: number }>(SHORT_POSITIONS, [
      [...keys.values()].map(({ itemId }) => itemId),
      [...keys.values()].map(({ locationId }) => locationId),
    ]);
    return readUncovered(
      this.send,
      short.map((row) => ({ itemId: row.item_id, locationId: row.location_id })),
      reservations.map(({ id }) => id),
      now,
    );
  }

  /** Newest first, from behind `before`; one more than `limit`, so the caller knows whether there is a next page. */
  async list(
    filter: ReservationFilter,
    before: string | undefined,
    limit: number,
    now: number,
  ): Promise<Reservation[]> {
    // Through the index of its lines, or a page of an item's reservations would be looked for among all there are.
    const ofItem = `
      (select distinct l.reservation_id as id from reservation_line l
        where l.item_id = (select id from item where sku = $4) and ($5::text is null or l.reservation_id < $5)) k
      join reservation r using (id)`;
    const { rows } = await this.pool.query<{ id: string }>(
      `select r.id
         from ${filter.sku === undefined ? 'reservation r' : ofItem}
        where ($1::text is null or r.order_ref = $1)
          -- Planned with the values, so that it goes by reservation_status_idx where hardly any has the status.
          and ($2::text is null or (r.status = $2 and ($2 <> 'held' or r.expires_at > to_timestamp($6::float8 / 1000)))
               or ($2 = 'expired' and r.status = 'held' and r.expires_at <= to_timestamp($6::float8 / 1000)))
          and ($3::int is null or r.channel_id = $3)
          and ($5::text is null or r.id < $5) and ($4::text is null or true)
        order by r.id desc
        limit $7`,
      [
        filter.orderRef ?? null,
        filter.status ?? null,
        filter.channelId ?? null,
        filter.sku ?? null,
        before ?? null,
        now,
        limit + 1,
      ],
    );
    const ids = rows.map(({ id }) => id);
    const reservations = await readReservations(this.send, ids, false);
    return reservations.sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  async history(id: string): Promise<StepRow[]> {
    const { rows } = await this.pool.query<StepRow>(
      'select step, action, at, actor, reference, lines from reservation_step where reservation_id = $1 order by step',
      [id],
    );
    return rows;
  }

  /** Holds whose time has come and which nobody has let go of yet, the oldest first. */
  async expired(now: number, limit: number): Promise<Reservation[]> {
    const rows = await this.send<{ id: string }>(EXPIRED_HOLDS, [now, limit]);
    return readReservations(
      this.send,
      rows.map(({ id }) => id),
      false,
    );
  }
}

const SHORT_POSITIONS = {
  name: 'short-positions',
  text: `
    select p.item_id, p.location_id
      from unnest($1::bigint[], $2::int[]) as k(item_id, location_id)
      join position p using (item_id, location_id)
     where p.reserved > p.on_hand - p.damaged - p.expired - p.recalled - p.quarantined - p.inspection`,
};

const EXPIRED_HOLDS = {
  name: 'expired-holds',
  text: `
    select id
      from reservation
     where status = 'held' and expires_at <= to_timestamp($1::float8 / 1000)
     order by expires_at
     limit $2`,
};
