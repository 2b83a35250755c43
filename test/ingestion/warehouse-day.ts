import { until } from '../engine/crowd.js';
import { randomFrom } from '../engine/fleet.js';
import type { TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';
import { at } from './applying-world.js';
import { Sender } from './sender.js';

/** SKUs of which plenty stands at both locations, so that nothing a warehouse says of them meets an empty shelf. */
export const SKUS = Array.from({ length: 12 }, (_, i) => `P-${i}`);
export const LOCATIONS = ['A', 'B'] as const;
export const OPENING = 10_000;
/** The complete snapshot of A does not know it. */
export const OMITTED = 'OMITTED';
/** Is in the catalogue only after everything of it has come. Stands at B only. */
export const NEWCOMER = 'NEWCOMER';
const EVENTS = 900;
/** What each order has taken of its item: more than is shipped of it. */
const ORDERED = 400;
/** Every so many events one of the newcomer, and of what is omitted. */
const NEWCOMER_EVERY = 60;
const OMITTED_EVERY = 75;
const COMPLETE_AT = 450;
const INCOMPLETE_AT = 700;
const PATIENCE_MS = 60_000;
/** How wrong the clock of an event may be whose place in the source's own count says when it was. */
const WRONG_SECONDS = 200;

/** A canonical event as it is sent. */
export type Told = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** The name of the order that has taken some of an item. */
const orderOf = (sku: string): string => `O-${sku}`;

/**
 * A working day of a warehouse, in its order, with everything that can be said of stock, supply and shipments. It is
 * the same for the same seed, and comes to the same figures in whatever order it arrives.
 */
export function warehouseDay(seed: number): Told[] {
  const next = randomFrom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const upTo = (most: number) => 1 + Math.floor(next() * most);
  const counted = () => OPENING + upTo(500);
  return Array.from({ length: EVENTS }, (_, i): Told => {
    const common = { specversion: '1.0', id: `e-${i}`, time: at(i) };
    const place = { location: 'B', quantity: upTo(9) };
    if (i % NEWCOMER_EVERY === 7) {
      const type = pick(['stock.received.v1', 'stock.counted.v1', 'return.received.v1']);
      return { ...common, type, data: { ...place, sku: NEWCOMER } };
    }
    if (i % OMITTED_EVERY === 8) {
      return { ...common, type: 'stock.received.v1', data: { ...place, sku: OMITTED, location: 'A' } };
    }
    if (i === COMPLETE_AT || i === INCOMPLETE_AT) {
      const complete = i === COMPLETE_AT;
      const location = complete ? 'A' : 'B';
      const rows = (complete ? SKUS : SKUS.slice(3, 7)).map((sku) => ({ sku, location, quantity: counted() }));
      return { ...common, sequence: i + 1, type: 'stock.snapshot.v1', data: { complete, locations: [location], rows } };
    }
    const sku = pick(SKUS);
    const location = pick(LOCATIONS);
    const [from, to] = location === 'A' ? ['A', 'B'] : ['B', 'A'];
    const shipped = { shipmentRef: `DN-${i}`, location, lines: [{ sku, quantity: upTo(6) }] };
    const [type, data] = pick<() => [string, Record<string, unknown>]>([
      () => ['stock.received.v1', { sku, location, quantity: upTo(20), reference: `PO-${upTo(30)}` }],
      () => ['stock.adjusted.v1', { sku, location, quantity: -upTo(5), reason: 'loss' }],
      () => ['stock.counted.v1', { sku, location, quantity: counted() }],
      () => ['stock.transferred.v1', { sku, from, to, quantity: upTo(8) }],
      () => ['transfer.shipped.v1', { sku, from, to, quantity: upTo(8), reference: `TR-${upTo(5)}` }],
      () => ['transfer.received.v1', { sku, from, to, quantity: upTo(8), reference: `TR-${upTo(5)}` }],
      () => ['stock.condition_changed.v1', { sku, location, quantity: upTo(4), from: 'sellable', to: 'damaged' }],
      () => ['shipment.confirmed.v1', shipped],
      () => ['shipment.confirmed.v1', { ...shipped, orderRef: orderOf(sku) }],
      () => ['return.received.v1', { sku, location, quantity: upTo(3) }],
      () => ['return.received.v1', { sku, location, quantity: upTo(3), restock: false }],
      () => ['supply.expected.v1', { sku, location, quantity: upTo(50), reference: `PO-${upTo(30)}` }],
    ])();
    // Of every other item the source counts what it says, and its clock is wrong: the count decides (semantics.md 23).
    if (SKUS.indexOf(sku) % 2 === 1) return { ...common, type, data };
    return { ...common, sequence: i + 1, time: at(i + upTo(WRONG_SECONDS) - WRONG_SECONDS / 2), type, data };
  });
}

/** What the day begins with, as the warehouse itself would say it. */
export function openingCounts(): Told[] {
  const told = { specversion: '1.0', type: 'stock.counted.v1', time: at(-WRONG_SECONDS), sequence: 0 };
  return [...SKUS, OMITTED].flatMap((sku) =>
    LOCATIONS.map((location) => ({
      ...told,
      id: `opening-${sku}-${location}`,
      data: { sku, location, quantity: OPENING },
    })),
  );
}

export function shuffled<T>(list: readonly T[], next: () => number): T[] {
  return list
    .map((each) => [next(), each] as const)
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);
}

/** Locations, a channel and all items but the newcomer. Nothing stands anywhere yet. */
export async function furnish(app: TestApp): Promise<void> {
  for (const code of LOCATIONS) await app.given.location({ code });
  await app.given.channel({ code: 'web', locations: LOCATIONS });
  for (const sku of [...SKUS, OMITTED]) await app.given.item({ sku });
}

/** An opening stock by hand, and the orders of the day. */
export async function stockUp(app: TestApp): Promise<void> {
  for (const sku of [...SKUS, OMITTED]) for (const code of LOCATIONS) await app.given.stock(sku, code, OPENING);
  await takeOrders(app);
}

/** The commitments that shipments of the day belong to. */
export async function takeOrders(app: TestApp): Promise<void> {
  for (const sku of SKUS) {
    const order = { channel: 'web', orderRef: orderOf(sku), commit: true, lines: [{ sku, quantity: ORDERED }] };
    await app.api().post('/v1/reservations', order).expect(201);
  }
}

/** The source of the day, which owns all there is to say of stock unless another is named for it. */
export async function warehouse(app: TestApp): Promise<Sender> {
  const source = {
    ...{ name: 'WMS', kind: 'wms', profile: 'canonical', signature: { scheme: 'standard_webhooks' } },
    ...{ quantityBasis: 'on_hand', owns: [{ location: '*', facts: ['on_hand', 'supply'] }] },
  };
  const { body } = await app.api().put('/v1/sources/wms', source).expect(201);
  return new Sender(app.url, 'wms', body.secret, app.clock.now);
}

/** Of every position, by item and location. */
export const figuresOf = (app: TestApp) =>
  rowsOf(
    app.databaseUrl,
    `select i.sku, l.code, p.on_hand, p.reserved, p.incoming, p.damaged, p.inspection, p.safety_stock
       from position p join item i on i.id = p.item_id join location l on l.id = p.location_id order by 1, 2`,
  );

export async function countOf(app: TestApp, rows: string): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(app.databaseUrl, `select count(*)::int as n from ${rows}`);
  return row?.n ?? 0;
}

/** Until nothing waits, neither to be applied nor for an item to appear. */
export async function settled(app: TestApp): Promise<void> {
  const isSettled = async () =>
    (await countOf(app, 'inbox_waiting')) === 0 && (await countOf(app, `event where status = 'parked'`)) === 0;
  await until('everything is in a final state', isSettled, PATIENCE_MS);
}
