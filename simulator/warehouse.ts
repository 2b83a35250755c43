import type { Order } from '../demo/dataset.js';
import { type Level, placeOf, WAREHOUSES, type World } from '../demo/world.js';
import type { Chance } from './chance.js';

/** Shares of what does not go by plan. */
const ANNOUNCED_LATE = 0.1;
const REJECTED = 0.05;
const SHORT_PICK = 0.01;
const DROPPED = 0.01;
const RETURNED = 0.03;
const NOT_RESTOCKED = 0.3;
const MISCOUNTED = 0.1;
const FOUND_AGAIN = 0.8;
/** Days between announcement and arrival, and between shipment and return. */
const ANNOUNCED_BEFORE = [2, 9] as const;
const RETURNED_AFTER = [5, 20] as const;
/** Places that are counted at the end of a day, of so many where something moved last. */
const COUNTS_A_DAY = 4;
const COUNTED_OF = 12;
/** Pieces that may get lost or broken at a place: so many more are there from the beginning. */
const MISFORTUNES = 5;
const DAY_MS = 86_400_000;

export const DOINGS = ['asn', 'receipt', 'pick', 'shipment', 'return', 'damage', 'count'] as const;
export type Doing = (typeof DOINGS)[number];

/** Something that was done in a warehouse, and the event that says so. */
export interface Happening {
  readonly day: string;
  readonly doing: Doing;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Place {
  readonly sku: string;
  readonly location: string;
  onHand: number;
  incoming: number;
  misfortunes: number;
}

/**
 * Four warehouses at work on the orders of a distributor: what was bought is announced, arrives and is looked over,
 * orders are picked and leave on their ship dates, some comes back, things break, and every evening a few places are
 * counted. It knows what it has: an account to lay beside the service's. No piece leaves that is not there.
 */
export class Warehouse {
  readonly opening: readonly Level[];
  private readonly places = new Map<string, Place>();
  private readonly plan = new Map<string, (() => Happening[])[]>();
  private readonly moved = new Set<Place>();

  constructor(
    orders: readonly Order[],
    deliveries: World['deliveries'],
    private readonly chance: Chance,
    /** Sets the references of this run apart from those of others. */
    private readonly run: string,
  ) {
    this.opening = openingFor(orders, deliveries);
    for (const { sku, location, onHand } of this.opening) {
      this.places.set(placeOf(sku, location), { sku, location, onHand, incoming: 0, misfortunes: 0 });
    }
    for (const { day, lines } of deliveries) {
      for (const [index, line] of lines.entries()) this.expect(day, `PO-${day}-${index + 1}/${run}`, line);
    }
    for (const order of orders) this.on(order.shipDate, () => this.ship(order));
  }

  /** What is there by its own account. */
  get levels(): readonly Readonly<Place>[] {
    return [...this.places.values()];
  }

  /**
   * Day by day, what belongs together at once. It may be left at any point: the account is as of what was taken last.
   */
  *work(): Generator<readonly Happening[]> {
    while (this.plan.size > 0) {
      const [day] = [...this.plan.keys()].sort() as [string];
      const due = this.plan.get(day) ?? [];
      this.plan.delete(day);
      for (const doing of due) yield doing();
      for (let count = 0; count < COUNTS_A_DAY; count += 1) {
        const place = this.chance.oneOf([...this.moved].slice(-COUNTED_OF));
        if (place) yield this.count(day, place);
      }
    }
  }

  /** Announced some days before it comes, or only when it is there. */
  private expect(
    day: string,
    reference: string,
    { sku, location, quantity }: World['deliveries'][number]['lines'][number],
  ) {
    const place = this.place(sku, location);
    const about = { sku, location, reference };
    const late = this.chance.hits(ANNOUNCED_LATE);
    const announce = (on: string) => () => {
      if (!late) place.incoming += quantity;
      const data = { ...about, kind: 'asn', quantity, expectedAt: `${day}T08:00:00Z` };
      return [{ day: on, doing: 'asn', type: 'supply.expected.v1', data } as const];
    };
    const receive = () => {
      if (!late) place.incoming -= quantity;
      return this.receive(day, place, reference, quantity);
    };
    const before = daysAfter(day, -this.chance.between(...ANNOUNCED_BEFORE));
    if (!late) this.on(before, announce(before));
    this.on(day, receive);
    if (late) this.on(day, announce(day));
  }

  private receive(day: string, place: Place, reference: string, quantity: number): Happening[] {
    const { sku, location } = place;
    const rejected = this.chance.hits(REJECTED) ? 1 : 0;
    const arrived = (amount: number, condition: object): Happening => {
      this.change(place, amount);
      const data = { sku, location, quantity: amount, reference, ...condition };
      return { day, doing: 'receipt', type: 'stock.received.v1', data };
    };
    return [
      ...(quantity > rejected ? [arrived(quantity - rejected, {})] : []),
      ...(rejected > 0 ? [arrived(rejected, { condition: 'damaged' })] : []),
    ];
  }

  /** Picked, which moves nothing until it leaves unless a piece is not where it should be; and gone. */
  private ship(order: Order): Happening[] {
    const { shipDate: day, id } = order;
    const location = locationOf(order);
    const happenings: Happening[] = [];
    for (const { sku } of order.lines) {
      const place = this.place(sku, location);
      if (this.chance.hits(SHORT_PICK) && this.misfortune(place)) {
        this.change(place, -1);
        const data = { sku, location, quantity: -1, reason: 'short_pick', reference: id };
        happenings.push({ day, doing: 'pick', type: 'stock.adjusted.v1', data });
      }
      if (this.chance.hits(DROPPED) && this.misfortune(place)) {
        const data = { sku, location, quantity: 1, from: 'sellable', to: 'damaged', reason: 'dropped' };
        happenings.push({ day, doing: 'damage', type: 'stock.condition_changed.v1', data });
      }
    }
    for (const { sku, quantity } of order.lines) this.change(this.place(sku, location), -quantity);
    const orderRef = `${id}/${this.run}`;
    const data = { orderRef, shipmentRef: `${orderRef}/1`, location, lines: order.lines };
    happenings.push({ day, doing: 'shipment', type: 'shipment.confirmed.v1', data });
    if (this.chance.hits(RETURNED)) this.takeBack(order, orderRef, location);
    return happenings;
  }

  /** A piece of the first line comes back some days later. */
  private takeBack({ shipDate, lines: [line] }: Order, orderRef: string, location: string): void {
    if (!line) return;
    const day = daysAfter(shipDate, this.chance.between(...RETURNED_AFTER));
    const restock = !this.chance.hits(NOT_RESTOCKED);
    this.on(day, () => {
      this.change(this.place(line.sku, location), 1);
      const condition = restock ? {} : { condition: 'damaged' };
      const data = { sku: line.sku, location, quantity: 1, orderRef, restock, ...condition };
      return [{ day, doing: 'return', type: 'return.received.v1', data }];
    });
  }

  /** What is counted counts from then on: one too few or too many, too. What was overlooked may turn up right after. */
  private count(day: string, place: Place): Happening[] {
    const { sku, location } = place;
    this.moved.delete(place);
    const off = this.chance.hits(MISCOUNTED) ? (this.chance.hits(0.5) ? 1 : -1) : 0;
    const found = off < 0 && (place.misfortunes === MISFORTUNES || this.chance.hits(FOUND_AGAIN));
    place.onHand += off;
    if (off < 0 && !found) this.misfortune(place);
    const data = { sku, location, quantity: place.onHand };
    const count: Happening = { day, doing: 'count', type: 'stock.counted.v1', data };
    if (!found) return [count];
    place.onHand += 1;
    const turnsUp = { sku, location, quantity: 1, reason: 'found' };
    return [count, { day, doing: 'count', type: 'stock.adjusted.v1', data: turnsUp }];
  }

  private misfortune(place: Place): boolean {
    if (place.misfortunes === MISFORTUNES) return false;
    place.misfortunes += 1;
    return true;
  }

  private change(place: Place, by: number): void {
    place.onHand += by;
    this.moved.delete(place);
    this.moved.add(place); // the last now
  }

  private place(sku: string, location: string): Place {
    const place = this.places.get(placeOf(sku, location));
    if (!place) throw new Error(`${sku} at ${location} has no opening stock.`);
    return place;
  }

  private on(day: string, doing: () => Happening[]): void {
    const doings = this.plan.get(day) ?? [];
    doings.push(doing);
    this.plan.set(day, doings);
  }
}

/**
 * As much of each product at each place as it takes that nothing leaves that is not there: also when a delivery is
 * reported behind the shipments it filled, or when pieces get lost.
 */
function openingFor(orders: readonly Order[], deliveries: World['deliveries']): Level[] {
  const changes = [
    ...deliveries.flatMap(({ day, lines }) => lines.map((line) => ({ ...line, at: `${day} 1`, by: line.quantity }))),
    ...orders.flatMap((order) =>
      order.lines.map(({ sku, quantity }) => ({
        sku,
        location: locationOf(order),
        at: `${order.shipDate} 2`,
        by: -quantity,
      })),
    ),
  ].sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
  const places = new Map<string, { sku: string; location: string; level: number; lowest: number; largest: number }>();
  for (const { sku, location, by } of changes) {
    const key = placeOf(sku, location);
    const place = places.get(key) ?? { sku, location, level: 0, lowest: 0, largest: 0 };
    places.set(key, place);
    place.level += by;
    place.lowest = Math.min(place.lowest, place.level);
    place.largest = Math.max(place.largest, by);
  }
  return [...places.values()].map(({ sku, location, lowest, largest }) => {
    return { sku, location, onHand: largest - lowest + MISFORTUNES };
  });
}

function locationOf({ region }: Order): string {
  return WAREHOUSES.find((warehouse) => warehouse.region === region)?.code as string;
}

function daysAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}
