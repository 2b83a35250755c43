import type { Order, Product } from './dataset.js';

/**
 * The distributor that the orders become. The rule of its stock, for each product and each warehouse on its own:
 *
 * - Opening: as many pieces as the largest single order line of the period from the warehouse's region.
 * - Replenishment: on the first of a month arrives what the region ordered in the month before, in whole cases where
 *   the product comes in cases; what does not fill a case is carried over to the next month.
 * - What stands backordered at the warehouse on that day is delivered on top (it is known only while playing).
 *
 * So the distributor starts with one order of each size it has ever seen and then buys what it sells: enough for about
 * nine orders of ten, and scarce enough that the tenth shows what a refusal, a partial order and a backorder look like.
 */

export interface Warehouse {
  readonly code: string;
  readonly name: string;
  /** The customers it was built for. Every channel sells from all four nevertheless. */
  readonly region: string;
}

export const WAREHOUSES: readonly Warehouse[] = [
  { code: 'central', name: 'Warehouse Central', region: 'Central' },
  { code: 'east', name: 'Warehouse East', region: 'East' },
  { code: 'south', name: 'Warehouse South', region: 'South' },
  { code: 'west', name: 'Warehouse West', region: 'West' },
];

export type ChannelCode = 'web' | 'edi' | 'inside_sales';

export interface SalesChannel {
  readonly code: ChannelCode;
  readonly name: string;
  /** Whose orders come in through it. */
  readonly segment: string;
  /** Every warehouse, in the channel's own order. */
  readonly locations: readonly string[];
  readonly sourcing: 'listed_order' | 'fullest_first';
  /** Covered first by what is on hand. Inside sales come last: only they have promised what is not there. */
  readonly priority: number;
  readonly backorderLimit: number;
  /** How it sells, for the reader. */
  readonly manner: string;
}

export const CHANNELS: readonly SalesChannel[] = [
  {
    code: 'web',
    name: 'Web shop',
    segment: 'Consumer',
    locations: ['west', 'east', 'central', 'south'],
    sourcing: 'fullest_first',
    priority: 1,
    backorderLimit: 0,
    manner: 'carts: hold, pay, commit; asks again for what is left',
  },
  {
    code: 'edi',
    name: 'EDI purchase orders',
    segment: 'Corporate',
    locations: ['central', 'east', 'west', 'south'],
    sourcing: 'listed_order',
    priority: 2,
    backorderLimit: 0,
    manner: 'whole orders or none, a batch a day, in cases and pieces',
  },
  {
    code: 'inside_sales',
    name: 'Inside sales',
    segment: 'Home Office',
    locations: ['south', 'central', 'east', 'west'],
    sourcing: 'listed_order',
    priority: 0,
    backorderLimit: 4,
    manner: 'takes what there is, backorders the rest up to 4 a product',
  },
];

export const EACH = 'EA';
export const CASE = 'XCS';

/** Pieces in a case. Tables, bookcases, machines and copiers come one by one; what is not named comes in sixes. */
const CASE_SIZES: Readonly<Record<string, number>> = {
  Accessories: 4,
  Appliances: 2,
  Bookcases: 1,
  Chairs: 2,
  Copiers: 1,
  Furnishings: 4,
  Machines: 1,
  Phones: 2,
  Storage: 2,
  Tables: 1,
};
const USUAL_CASE = 6;

export function caseSizeOf({ subCategory }: Product): number {
  return CASE_SIZES[subCategory] ?? USUAL_CASE;
}

export interface Item {
  readonly sku: string;
  readonly name: string;
  readonly baseUom: string;
  readonly uoms: readonly { readonly code: string; readonly factor: number }[];
  readonly attributes: Readonly<Record<string, string>>;
}

/** Pieces of a product at a warehouse. */
export interface Level {
  readonly sku: string;
  readonly location: string;
  readonly onHand: number;
}

export interface Delivery {
  /** The first of a month, `YYYY-MM-DD`. */
  readonly day: string;
  readonly lines: readonly { readonly sku: string; readonly location: string; readonly quantity: number }[];
}

export interface World {
  readonly items: readonly Item[];
  /** Every product at every warehouse, also where there is none of it. */
  readonly opening: readonly Level[];
  /** By day. */
  readonly deliveries: readonly Delivery[];
  /** Pieces in one unit: 1 for EA, the case size for XCS. */
  piecesPer(sku: string, uom: string): number;
}

/** The catalogue, the opening stock and the replenishment for these orders. */
export function worldOf(products: readonly Product[], orders: readonly Order[]): World {
  const caseSizes = new Map(products.map((product) => [product.sku, caseSizeOf(product)]));
  const demand = demandOf(orders);
  return {
    items: products.map(itemOf),
    opening: products.flatMap(({ sku }) =>
      WAREHOUSES.map(({ code }) => ({ sku, location: code, onHand: demand.largest.get(placeOf(sku, code)) ?? 0 })),
    ),
    deliveries: deliveriesFor(demand.monthly, caseSizes),
    piecesPer: (sku, uom) => (uom === CASE ? (caseSizes.get(sku) ?? 1) : 1),
  };
}

function itemOf(product: Product): Item {
  const factor = caseSizeOf(product);
  return {
    sku: product.sku,
    name: product.name,
    baseUom: EACH,
    uoms: factor > 1 ? [{ code: CASE, factor }] : [],
    attributes: { category: product.category, subCategory: product.subCategory },
  };
}

/** A product at a warehouse, as a key. Neither has a blank in its code. */
export function placeOf(sku: string, location: string): string {
  return `${sku} ${location}`;
}

interface Demand {
  /** Pieces of the largest order line, by place. */
  readonly largest: ReadonlyMap<string, number>;
  /** Pieces ordered, by month (`YYYY-MM`), then by place. */
  readonly monthly: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

function demandOf(orders: readonly Order[]): Demand {
  const largest = new Map<string, number>();
  const monthly = new Map<string, Map<string, number>>();
  for (const order of orders) {
    const warehouse = WAREHOUSES.find(({ region }) => region === order.region);
    if (!warehouse) throw new Error(`Order ${order.id} is from ${order.region}, where there is no warehouse.`);
    const month = order.orderDate.slice(0, 7);
    const ordered = monthly.get(month) ?? new Map<string, number>();
    monthly.set(month, ordered);
    for (const { sku, quantity } of order.lines) {
      const place = placeOf(sku, warehouse.code);
      largest.set(place, Math.max(largest.get(place) ?? 0, quantity));
      ordered.set(place, (ordered.get(place) ?? 0) + quantity);
    }
  }
  return { largest, monthly };
}

function deliveriesFor(monthly: Demand['monthly'], caseSizes: ReadonlyMap<string, number>): Delivery[] {
  const carriedOver = new Map<string, number>();
  return [...monthly.keys()].sort().map((month) => {
    const lines = [...(monthly.get(month) as ReadonlyMap<string, number>)].flatMap(([place, ordered]) => {
      const [sku, location] = place.split(' ') as [string, string];
      const wanted = ordered + (carriedOver.get(place) ?? 0);
      const quantity = wanted - (wanted % (caseSizes.get(sku) ?? 1));
      carriedOver.set(place, wanted - quantity);
      return quantity > 0 ? [{ sku, location, quantity }] : [];
    });
    return { day: firstOfNextMonth(month), lines };
  });
}

export function firstOfNextMonth(month: string): string {
  const [year, number] = month.split('-').map(Number) as [number, number];
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 10);
}

/** The days on which something happens: an order, a shipment or a delivery. */
export function playedDays(orders: readonly Order[], deliveries: readonly Delivery[]): string[] {
  const days = orders.flatMap(({ orderDate, shipDate }) => [orderDate, shipDate]);
  return [...new Set([...days, ...deliveries.map(({ day }) => day)])].sort();
}
