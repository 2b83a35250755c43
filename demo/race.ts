import type { AvailabilityQuery, Problem, Reservation } from './answers.js';
import type { Book } from './book.js';
import { atMost, type Client } from './client.js';
import { CHANNELS, type ChannelCode, type World } from './world.js';

/** Products that are fought over, and how many of each at the most are left when the fight begins. */
const PRODUCTS = 6;
const LAST_UNITS = 5;
/** Customers of each channel who want one piece of a product, all at the same moment. */
const CUSTOMERS = 10;

/** What came of the fight over one product. */
export interface Race {
  readonly sku: string;
  readonly left: number;
  readonly asked: number;
  readonly won: ReadonlyMap<ChannelCode, number>;
  readonly refused: number;
  readonly leftAfter: number;
  /** As many won as there were pieces, all others were told `insufficient_stock`, and nothing is left. */
  readonly fair: boolean;
}

/**
 * Thirty customers of three channels want one each of a product of which a few are left. What they win is shipped.
 * Inside sales may backorder nothing here: these products are not bought again.
 */
export async function raceForLastUnits(client: Client, book: Book, world: World): Promise<Race[]> {
  const scarce = (
    await ask(
      client,
      world.items.map(({ sku }) => sku),
    )
  )
    .filter(({ available }) => available > 0 && available <= LAST_UNITS)
    // One after the other of each scarcity, so that they are not all of the last single piece.
    .sort((a, b) => b.available - a.available || (a.sku < b.sku ? -1 : 1));
  const chosen = [...new Set(scarce.map(({ available }) => available))].flatMap((available) =>
    scarce.filter((product) => product.available === available).slice(0, Math.ceil(PRODUCTS / LAST_UNITS)),
  );
  const contested = chosen.slice(0, PRODUCTS);
  const rule = (sku: string, body: object) =>
    client.put('put a rule of a channel', `/v1/channels/inside_sales/items/${encodeURIComponent(sku)}`, body);
  await Promise.all(contested.map(({ sku }) => rule(sku, { backorderLimit: 0 })));
  const races = await Promise.all(contested.map(({ sku, available }) => raceFor(client, book, sku, available)));
  // As the channel has it again, for the next run on this service.
  await Promise.all(contested.map(({ sku }) => rule(sku, {})));
  return races;
}

async function raceFor(client: Client, book: Book, sku: string, left: number): Promise<Race> {
  const customers = Array.from({ length: CUSTOMERS }, (_, number) => CHANNELS.map(({ code }) => ({ code, number })));
  const attempts = await atMost(CUSTOMERS * CHANNELS.length, shuffled(customers.flat()), async ({ code, number }) => {
    const orderRef = `demo-race-${sku}-${number + 1}/${client.run}`;
    const order = { channel: code, orderRef, commit: true, lines: [{ sku, quantity: 1 }] };
    const { body } = await client.post<Reservation | Problem>('hold and commit, race', '/v1/reservations', order, {
      expect: [409],
    });
    return { code, body };
  });
  const won = new Map<ChannelCode, number>(CHANNELS.map(({ code }) => [code, 0]));
  let refused = 0;
  for (const { code, body } of attempts) {
    if ('id' in body) {
      won.set(code, (won.get(code) ?? 0) + 1);
      book.keep(body);
      const shipment = { shipmentRef: `${body.orderRef}/1` };
      book.ship((await client.post<Reservation>('ship', `/v1/reservations/${body.id}/ship`, shipment)).body);
    } else if (body.code === 'insufficient_stock') {
      refused += 1;
    }
  }
  const leftAfter = (await ask(client, [sku]))[0]?.available ?? -1;
  const winners = [...won.values()].reduce((sum, count) => sum + count, 0);
  const fair = winners === left && winners + refused === attempts.length && leftAfter === 0;
  return { sku, left, asked: attempts.length, won, refused, leftAfter, fair };
}

/** Who is first at the door is chance. */
function shuffled<Entry>(entries: readonly Entry[]): Entry[] {
  const drawn = entries.map((entry) => ({ entry, lot: Math.random() }));
  return drawn.sort((a, b) => a.lot - b.lot).map(({ entry }) => entry);
}

/** What the web shop may promise: as much as the other channels, for none withholds anything. */
async function ask(client: Client, skus: readonly string[]) {
  const { body } = await client.post<AvailabilityQuery>('availability of everything', '/v1/availability/query', {
    channel: 'web',
    lines: skus.map((sku) => ({ sku })),
  });
  return body.lines;
}
