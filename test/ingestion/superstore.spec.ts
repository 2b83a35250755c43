import { setTimeout as delay } from 'node:timers/promises';
import { type Order, readDataset } from '../../demo/dataset.js';
import { firstOfNextMonth, placeOf, WAREHOUSES, type World, worldOf } from '../../demo/world.js';
import { bring, lines, NDJSON } from '../imports/upload.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { Sender } from './sender.js';

/**
 * What a warehouse says in four years: 9,994 order lines leave on their ship dates, what was bought is announced and
 * arrives, and what moved in a month is counted at its end. What must come of it is added up from the orders and the
 * deliveries themselves, beside the events.
 */

/** Events of one request. */
const BATCH = 1_000;
/** One in so many: arrives with a broken piece; is announced two pieces too high; after it came; is counted wrong; … */
const BROKEN = 20;
const TOO_HIGH = 31;
const ANNOUNCED_LATE = 13;
const MISCOUNTED = 40;
/** … is reported only when the year is long over. */
const REPORTED_LATE = 97;
/** Pieces at every place beyond what the four years need, for what is found missing. */
const RESERVE = 3;

interface Said {
  readonly type: string;
  /** When it was so. */
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly late?: boolean;
}

interface Figures {
  onHand: number;
  damaged: number;
  incoming: number;
}

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ env: { DATABASE_POOL: '10' } });
});
afterAll(() => app.close());

it('keeps four years of Superstore: every event in its final state, every position what the orders make of it', async () => {
  const { orders, products } = await readDataset();
  const world = worldOf(products, orders);
  const receipts = receiptsOf(world);
  const opening = openingFor(orders, receipts);
  const said = fourYears(orders, receipts, opening);
  await setUp(world);
  const wms = await source('wms');

  const punctual = said.events.filter(({ late }) => !late);
  const late = said.events.filter((event) => event.late);
  const bodies = [...batches(punctual), ...batches(late)];
  for (const [index, body] of bodies.entries()) {
    if (index === batches(punctual).length) await applied('wms'); // the counts are in, and contain what comes now
    const { status, body: answer } = await wms.send(body);
    expect(status).toBe(202);
    expect(new Set(answer.events.map(({ status }: { status: string }) => status))).toEqual(new Set(['received']));
  }
  await applied('wms');
  const again = await wms.send(bodies[0]);
  expect(new Set(again.body.events.map(({ status }: { status: string }) => status))).toEqual(new Set(['duplicate']));
  await applied('wms');

  const states = await rowsOf(
    app.databaseUrl,
    'select status, count(*)::int from event group by status order by status',
  );
  expect(states).toEqual([
    { status: 'applied', count: punctual.length },
    { status: 'stale', count: late.length },
  ]);
  expect(await rowsOf(app.databaseUrl, 'select kind, sku, location, detail from exception limit 5')).toEqual([]);
  const found = await positions();
  const expected = figuresOf(orders, receipts, opening, said.corrections);
  expect(difference(found, expected)).toEqual([]);
  expect(late.length).toBeGreaterThan(90);
  expect(said.corrections.size).toBeGreaterThan(200);
  await expectInvariants(app.databaseUrl);
});

/** What arrives on a day at a place under a reference. */
interface Receipt {
  readonly day: string;
  readonly reference: string;
  readonly sku: string;
  readonly location: string;
  readonly accepted: number;
  /** Broken: on hand, and not for sale. */
  readonly rejected: number;
  /** More than comes: it stays incoming. */
  readonly announced: number;
}

function receiptsOf(world: World): Receipt[] {
  const all = world.deliveries.flatMap(({ day, lines }) => lines.map((line) => ({ ...line, day })));
  return all.map(({ quantity, ...line }, index) => {
    const rejected = index % BROKEN === 7 ? 1 : 0;
    const announced = quantity + (index % TOO_HIGH === 5 ? 2 : 0);
    return {
      ...line,
      reference: `PO-${line.day}-${line.location}-${index}`,
      accepted: quantity - rejected,
      rejected,
      announced,
    };
  });
}

/** As much as it takes that nothing leaves that is not there. */
function openingFor(orders: readonly Order[], receipts: readonly Receipt[]): Map<string, number> {
  const changes = [
    ...receipts.map(({ day, sku, location, accepted }) => ({
      day: `${day} 1`,
      place: placeOf(sku, location),
      by: accepted,
    })),
    ...orders.flatMap((order) =>
      order.lines.map(({ sku, quantity }) => ({
        day: `${order.shipDate} 2`,
        place: placeOf(sku, warehouseOf(order)),
        by: -quantity,
      })),
    ),
  ].sort((a, b) => (a.day < b.day ? -1 : 1));
  const level = new Map<string, number>();
  const lowest = new Map<string, number>();
  for (const { place, by } of changes) {
    const now = (level.get(place) ?? 0) + by;
    level.set(place, now);
    lowest.set(place, Math.min(lowest.get(place) ?? 0, now));
  }
  return new Map([...lowest].map(([place, least]) => [place, RESERVE - least]));
}

/** Everything in the order in which it happens, and by how many pieces the counts were off, by place. */
function fourYears(
  orders: readonly Order[],
  receipts: readonly Receipt[],
  opening: ReadonlyMap<string, number>,
): { events: Said[]; corrections: Map<string, number> } {
  const events: Said[] = WAREHOUSES.map(({ code }) => ({
    type: 'stock.snapshot.v1',
    time: '2013-12-31T20:00:00Z',
    data: {
      complete: true,
      rows: [...opening].flatMap(([place, quantity]) => {
        const [sku, location] = place.split(' ');
        return location === code ? [{ sku, location, quantity }] : [];
      }),
    },
  }));
  for (const [index, receipt] of receipts.entries()) {
    const { day, reference, sku, location, accepted, rejected, announced } = receipt;
    const time = index % ANNOUNCED_LATE === 3 ? `${day}T10:00:00Z` : `${day}T06:00:00Z`;
    const about = { sku, location, reference };
    events.push({
      type: 'supply.expected.v1',
      time,
      data: { ...about, quantity: announced, expectedAt: `${day}T08:00:00Z` },
    });
    const arrived = { type: 'stock.received.v1', time: `${day}T08:00:00Z` };
    if (accepted > 0) events.push({ ...arrived, data: { ...about, quantity: accepted } });
    if (rejected > 0) events.push({ ...arrived, data: { ...about, quantity: rejected, condition: 'damaged' } });
  }
  let shipped = 0;
  for (const order of orders) {
    for (const [index, { sku, quantity }] of order.lines.entries()) {
      shipped += 1;
      events.push({
        type: 'shipment.confirmed.v1',
        time: `${order.shipDate}T12:00:00Z`,
        data: {
          orderRef: order.id,
          shipmentRef: `${order.id}/${index + 1}`,
          location: warehouseOf(order),
          lines: [{ sku, quantity }],
        },
        late: shipped % REPORTED_LATE === 0,
      });
    }
  }
  return withCounts(byTime(events), opening);
}

/** At the end of a month what moved in it is counted; the warehouse walks past some pieces, or finds one. */
function withCounts(
  events: readonly Said[],
  opening: ReadonlyMap<string, number>,
): { events: Said[]; corrections: Map<string, number> } {
  const there = new Map(opening);
  const corrections = new Map<string, number>();
  const counts: Said[] = [];
  const moved = new Set<string>();
  let counted = 0;
  const count = (month: string) => {
    const time = new Date(Date.parse(firstOfNextMonth(month)) - 60_000).toISOString();
    for (const place of moved) {
      const [sku, location] = place.split(' ');
      counted += 1;
      if (counted % MISCOUNTED === 0) {
        const off = (corrections.get(place) ?? 0) < 0 ? 1 : -1; // missing now, found the next time
        corrections.set(place, (corrections.get(place) ?? 0) + off);
        there.set(place, (there.get(place) as number) + off);
      }
      counts.push({ type: 'stock.counted.v1', time, data: { sku, location, quantity: there.get(place) } });
    }
    moved.clear();
  };
  let month = '2014-01';
  for (const { type, time, data } of events) {
    if (type === 'stock.snapshot.v1' || type === 'supply.expected.v1') continue;
    if (time.slice(0, 7) !== month) count(month);
    month = time.slice(0, 7);
    const sign = type === 'stock.received.v1' ? 1 : -1;
    const [line = data] = (data.lines as Said['data'][] | undefined) ?? [];
    const place = placeOf(line.sku as string, data.location as string);
    there.set(place, (there.get(place) as number) + sign * (line.quantity as number));
    moved.add(place);
  }
  count(month);
  return { events: byTime([...events, ...counts]), corrections };
}

/** Opening stock, receipts, shipments and corrections, each added up from where it comes from. */
function figuresOf(
  orders: readonly Order[],
  receipts: readonly Receipt[],
  opening: ReadonlyMap<string, number>,
  corrections: ReadonlyMap<string, number>,
): Map<string, Figures> {
  const figures = new Map<string, Figures>();
  const at = (place: string) => {
    const known = figures.get(place) ?? { onHand: 0, damaged: 0, incoming: 0 };
    figures.set(place, known);
    return known;
  };
  for (const [place, quantity] of opening) at(place).onHand += quantity;
  for (const { sku, location, accepted, rejected, announced } of receipts) {
    const figure = at(placeOf(sku, location));
    figure.onHand += accepted + rejected;
    figure.damaged += rejected;
    figure.incoming += announced - accepted - rejected;
  }
  for (const order of orders) {
    for (const { sku, quantity } of order.lines) at(placeOf(sku, warehouseOf(order))).onHand -= quantity;
  }
  for (const [place, off] of corrections) at(place).onHand += off;
  return figures;
}

async function positions(): Promise<Map<string, Figures>> {
  const rows = await rowsOf<{ sku: string; location: string; on_hand: string; damaged: string; incoming: string }>(
    app.databaseUrl,
    `select i.sku, l.code as location, p.on_hand, p.damaged, p.incoming
       from position p join item i on i.id = p.item_id join location l on l.id = p.location_id`,
  );
  return new Map(
    rows.map(({ sku, location, on_hand, damaged, incoming }) => [
      placeOf(sku, location),
      { onHand: Number(on_hand), damaged: Number(damaged), incoming: Number(incoming) },
    ]),
  );
}

function difference(found: ReadonlyMap<string, Figures>, expected: ReadonlyMap<string, Figures>): string[] {
  const places = new Set([...found.keys(), ...expected.keys()]);
  return [...places].flatMap((place) => {
    const [is, should] = [JSON.stringify(found.get(place)), JSON.stringify(expected.get(place))];
    return is === should ? [] : [`${place}: ${is} instead of ${should}`];
  });
}

async function setUp(world: World): Promise<void> {
  for (const { code, name } of WAREHOUSES) await app.given.location({ code, name });
  const imported = await bring(app, 'items', lines(...world.items), { type: NDJSON });
  expect(imported).toMatchObject({ applied: world.items.length, failed: 0 });
}

async function source(code: string): Promise<Sender> {
  const { body } = await app.api().put(`/v1/sources/${code}`, {
    name: 'All warehouses',
    kind: 'wms',
    signature: { scheme: 'standard_webhooks' },
    owns: [{ location: '*', facts: ['on_hand', 'supply'] }],
  });
  return new Sender(app.url, code, body.secret, app.clock.now);
}

/** Waits until all that was received of a source is in a final state. */
async function applied(code: string): Promise<void> {
  for (;;) {
    const { body } = await app.api().get(`/v1/sources/${code}/health`).expect(200);
    if (body.backlog.received === 0) return;
    await delay(20);
  }
}

function batches(events: readonly Said[]): Record<string, unknown>[][] {
  const bodies: Record<string, unknown>[][] = [];
  for (let from = 0; from < events.length; from += BATCH) {
    bodies.push(
      events.slice(from, from + BATCH).map(({ late, ...event }, index) => {
        return { specversion: '1.0', id: `${late ? 'late' : 'event'}-${from + index + 1}`, source: 'wms', ...event };
      }),
    );
  }
  return bodies;
}

/** What happens at the same time stays in its order. */
function byTime(events: readonly Said[]): Said[] {
  return [...events].sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
}

function warehouseOf({ region }: Order): string {
  return WAREHOUSES.find((warehouse) => warehouse.region === region)?.code as string;
}
