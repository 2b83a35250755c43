import type { InboxEvent, Position, Reservation } from './answers.js';
import type { Book } from './book.js';
import type { Client } from './client.js';
import { Feed } from './feed.js';
import { type Check, check } from './proof.js';
import { readPositions } from './setting-up.js';
import type { Cell } from './table.js';
import { WAREHOUSES } from './world.js';

const ARRIVES = 12;
const ORDERED = 2;
const APPLIED_WITHIN_MS = 10_000;
const HOUR_MS = 3_600_000;

/** What a warehouse said of one product, step by step, with the figures as the service shows them after each. */
export interface Reported {
  readonly sku: string;
  readonly location: string;
  /** Step, what became of the event, on hand, damaged, reserved, incoming, available. */
  readonly steps: readonly (readonly Cell[])[];
  readonly check: Check;
}

/**
 * The warehouse of which there is most of a product reports for itself: its system is a source, and what it sends comes
 * in signed through POST /v1/ingest. undefined: nothing is plentiful enough.
 */
export async function reportByFeed(client: Client, book: Book): Promise<Reported | undefined> {
  const stock = await readPositions(client);
  const fullest = stock.reduce((a, b) => (b.available > a.available ? b : a), stock[0] as Position);
  if (fullest.available < ORDERED) return undefined;
  const { sku, location } = fullest;
  const codes = WAREHOUSES.map(({ code }) => code);
  const feed = await Feed.open(client, 'wms', 'Warehouses of the demo', codes);
  const look = async () => {
    const found = await client.list<Position>('list positions', `/v1/stock?sku=${encodeURIComponent(sku)}`);
    return found.find((position) => position.location === location) as Position;
  };
  const before = await look();
  const steps: Cell[][] = [];
  const faults: string[] = [];
  const show = async (step: string, became: string) => {
    const { onHand, unsellable, reserved, incoming, available } = await look();
    steps.push([step, became, onHand, unsellable.damaged, reserved, incoming, available]);
  };
  const write = (name: string, type: string, data: object, time = Date.now()) =>
    JSON.stringify({
      ...{ specversion: '1.0', id: `demo-${name}-${client.run}`, source: feed.source, type },
      ...{ time: new Date(time).toISOString(), data: { sku, location, ...data } },
    });
  const say = async (step: string, expected: string, ...events: string[]) => {
    const accepted = await feed.send(events);
    await feed.settle(APPLIED_WITHIN_MS);
    const became = await Promise.all(accepted.map(({ id, status }) => stateOf(client, id, status)));
    await show(step, [...new Set(became)].join(', '));
    if (became.some((each) => each !== expected)) faults.push(`${step}: ${became.join(', ')} instead of ${expected}`);
  };

  await show('before', '');
  const reference = `PO-demo/${client.run}`;
  const announced = { quantity: ARRIVES, reference, expectedAt: new Date(Date.now() + HOUR_MS).toISOString() };
  await say(`${ARRIVES} are announced`, 'applied', write('asn', 'supply.expected.v1', announced));
  await say(
    'they arrive, one of them broken',
    'applied',
    write('receipt', 'stock.received.v1', { quantity: ARRIVES - 1, reference }),
    write('broken', 'stock.received.v1', { quantity: 1, reference, condition: 'damaged' }),
  );
  book.receive(sku, location, ARRIVES);

  const orderRef = `demo-feed/${client.run}`;
  const order = { channel: 'web', orderRef, commit: true, lines: [{ sku, quantity: ORDERED }] };
  const { id } = book.keep((await client.post<Reservation>('hold and commit', '/v1/reservations', order)).body);
  await show(`the web shop sells ${ORDERED}`, '');
  const lines = [{ sku, quantity: ORDERED }];
  const shipment = write('shipment', 'shipment.confirmed.v1', { orderRef, shipmentRef: `${orderRef}/1`, lines });
  await say('they have left', 'applied', shipment);
  book.ship((await client.get<Reservation>('read a reservation', `/v1/reservations/${id}`)).body);
  await say('the same event again', 'duplicate', shipment);

  const counted = (await look()).onHand - 1;
  await say('a count finds one too few', 'applied', write('count', 'stock.counted.v1', { quantity: counted }));
  const earlier = write('late', 'stock.received.v1', { quantity: 5 }, Date.now() - HOUR_MS);
  await say('5 came an hour ago: they were counted', 'stale', earlier);
  await say('the lost one turns up', 'applied', write('found', 'stock.adjusted.v1', { quantity: 1, reason: 'found' }));
  const dozen = write('dozen', 'stock.received.v1', { quantity: 'a dozen' });
  await say('"a dozen" came', 'exception', dozen);
  const mended = { quantity: 1, from: 'damaged', to: 'sellable' };
  await say('the broken one is mended', 'applied', write('mended', 'stock.condition_changed.v1', mended));

  const after = await look();
  const expected = before.onHand + ARRIVES - ORDERED;
  if (after.onHand !== expected) faults.push(`${after.onHand} are on hand instead of ${expected}`);
  if (after.incoming !== before.incoming) faults.push(`${after.incoming} are incoming instead of ${before.incoming}`);
  const seen = 'announced, received, shipped, counted; a copy, a late one and nonsense changed nothing';
  return { sku, location, steps, check: check('what a warehouse reports becomes stock, once', faults, seen) };
}

/** What became of an event in the end; of a copy, that it is one. */
async function stateOf(client: Client, id: string, answered: string): Promise<string> {
  if (answered === 'duplicate') return answered;
  return (await client.get<InboxEvent>('read an event', `/v1/events/${id}`)).body.status;
}
