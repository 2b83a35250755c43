import type { Send } from '../stock/command.js';
import type { Hoard, HoardKey } from './hoarding.js';

/** A hoard to be counted at one location. Its holds stand at those that the channel sells from. */
export type HoardPlace = HoardKey & { readonly locationId: number };

// By the index on item, location and expiry, so that what is committed, which does not expire, is not looked at.
const READ_HOARDS = {
  name: 'read-hoards',
  text: `
    select r.channel_id, r.client_id, a.item_id, count(distinct a.reservation_id)::integer as holds,
           (sum(a.quantity) * 10000)::bigint as quantity
      from unnest($1::int[], $2::text[], $3::bigint[], $4::int[]) as k(channel_id, client_id, item_id, location_id)
      join reservation_allocation a using (item_id, location_id)
      join reservation r on r.id = a.reservation_id and r.channel_id = k.channel_id and r.client_id = k.client_id
     where a.expires_at > to_timestamp($5::float8 / 1000)
     group by r.channel_id, r.client_id, a.item_id`,
};

/** Those of which something is held. For the posting engine, behind its locks. */
export async function readHoards(
  send: Send,
  places: readonly HoardPlace[],
  now: number,
): Promise<(HoardKey & Hoard)[]> {
  const rows = await send<{ channel_id: number; client_id: string; item_id: number; holds: number; quantity: number }>(
    READ_HOARDS,
    [
      places.map(({ channelId }) => channelId),
      places.map(({ clientId }) => clientId),
      places.map(({ itemId }) => itemId),
      places.map(({ locationId }) => locationId),
      now,
    ],
  );
  return rows.map(({ channel_id, client_id, item_id, holds, quantity }) => ({
    ...{ channelId: channel_id, clientId: client_id, itemId: item_id },
    ...{ holds, quantity },
  }));
}
