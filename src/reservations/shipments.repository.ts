import type { Send } from '../stock/command.js';
import type { ShippedLine } from './transitions.js';

/** What left under which reference, read and written by the posting engine in its transaction. */

const READ_SHIPMENTS = {
  name: 'read-shipments',
  text: `
    select s.reservation_id, s.reference, s.lines, s.unshipped_at is not null as unshipped
      from shipment s
     where s.reservation_id = any((select $1::text[])::text[])`,
};

/** What left under one reference. */
export interface Shipment {
  readonly reservationId: string;
  readonly reference: string;
  readonly lines: readonly ShippedLine[];
  /** Taken back since. */
  readonly unshipped: boolean;
}

export async function readShipments(send: Send, ids: readonly string[]): Promise<Shipment[]> {
  if (ids.length === 0) return [];
  const rows = await send<{ reservation_id: string; reference: string; lines: ShippedLine[]; unshipped: boolean }>(
    READ_SHIPMENTS,
    [ids],
  );
  return rows.map(({ reservation_id, ...row }) => ({ reservationId: reservation_id, ...row }));
}

const WRITE_SHIPMENTS = {
  name: 'write-shipments',
  text: `
    insert into shipment (reservation_id, reference, lines, shipped_at, unshipped_at)
    select reservation_id, reference, lines::jsonb, to_timestamp($5::float8 / 1000),
           case when unshipped then to_timestamp($5::float8 / 1000) end
      from unnest($1::text[], $2::text[], $3::text[], $4::bool[]) as s(reservation_id, reference, lines, unshipped)
    on conflict (reservation_id, reference) do update
       set lines = excluded.lines, unshipped_at = excluded.unshipped_at,
           shipped_at = case when excluded.unshipped_at is null then excluded.shipped_at else shipment.shipped_at end`,
};

export async function writeShipments(send: Send, shipments: readonly Shipment[], now: number): Promise<void> {
  await send(WRITE_SHIPMENTS, [
    shipments.map((each) => each.reservationId),
    shipments.map((each) => each.reference),
    shipments.map((each) => JSON.stringify(each.lines)),
    shipments.map((each) => each.unshipped),
    now,
  ]);
}
