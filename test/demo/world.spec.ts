import { coveredParts } from '../../demo/book.js';
import { type Dataset, type Order, readDataset, selectOrders } from '../../demo/dataset.js';
import { whatIsLeft } from '../../demo/sales.js';
import { firstOfNextMonth, playedDays, WAREHOUSES, type World, worldOf } from '../../demo/world.js';

describe('the orders', () => {
  let dataset: Dataset;
  beforeAll(async () => {
    dataset = await readDataset();
  });

  it('are 5,009 of 9,994 lines and 1,862 products, in the order of their dates', () => {
    const { orders, products } = dataset;
    expect(orders.length).toBe(5_009);
    expect(orders.reduce((sum, { lines }) => sum + lines.length, 0)).toBe(9_994);
    expect(products.length).toBe(1_862);
    expect([orders[0]?.orderDate, orders.at(-1)?.orderDate]).toEqual(['2014-01-03', '2017-12-30']);
    expect(orders.every((order, i) => i === 0 || (orders[i - 1] as Order).orderDate <= order.orderDate)).toBe(true);
    expect(orders.every(({ orderDate, shipDate }) => orderDate <= shipDate)).toBe(true);
  });

  it('are played for the latest year, for all years, or for the first so many', () => {
    const latest = selectOrders(dataset.orders, { all: false });
    expect(latest.length).toBe(1_687);
    expect(latest.every(({ orderDate }) => orderDate.startsWith('2017'))).toBe(true);
    expect(selectOrders(dataset.orders, { all: true }).length).toBe(5_009);
    expect(selectOrders(dataset.orders, { all: false, first: 60 })).toEqual(latest.slice(0, 60));
  });

  it('are filled from opening stock and deliveries that follow from them', () => {
    const orders = selectOrders(dataset.orders, { all: false });
    const world = worldOf(dataset.products, orders);
    expect(world.items.length).toBe(1_862);
    expect(world.opening.length).toBe(1_862 * WAREHOUSES.length);
    expect(world.deliveries.map(({ day }) => day)).toEqual([
      ...Array.from({ length: 11 }, (_, i) => `2017-${String(i + 2).padStart(2, '0')}-01`),
      '2018-01-01',
    ]);
    // No delivery brings more than was ordered by then, and all of them together leave less than a case to come.
    const ordered = quantities(orders.flatMap(({ lines }) => lines));
    const delivered = quantities(world.deliveries.flatMap(({ lines }) => lines));
    for (const [sku, quantity] of ordered) {
      const toCome = quantity - (delivered.get(sku) ?? 0);
      expect(toCome).toBeGreaterThanOrEqual(0);
      expect(toCome).toBeLessThan(world.piecesPer(sku, 'XCS') * WAREHOUSES.length);
    }
  });
});

describe('the stock of a product at a warehouse', () => {
  const products = [
    { sku: 'PENS', name: 'Pens', category: 'Office Supplies', subCategory: 'Art' }, // in sixes
    { sku: 'TABLE', name: 'Table', category: 'Furniture', subCategory: 'Tables' }, // one by one
  ];
  const world = worldOf(products, [
    order('2017-01-05', 'East', { PENS: 7, TABLE: 2 }),
    order('2017-01-20', 'East', { PENS: 3 }),
    order('2017-01-31', 'West', { PENS: 5 }),
    order('2017-03-01', 'East', { PENS: 4 }),
    order('2017-12-31', 'West', { PENS: 7 }),
  ]);

  it('opens with the largest order line from its region', () => {
    const opening = world.opening.filter(({ onHand }) => onHand > 0);
    expect(opening).toEqual([
      { sku: 'PENS', location: 'east', onHand: 7 },
      { sku: 'PENS', location: 'west', onHand: 7 },
      { sku: 'TABLE', location: 'east', onHand: 2 },
    ]);
    expect(world.opening.length).toBe(8); // it is carried everywhere, also where there is none of it
  });

  it('is filled up on the first of a month by what its region ordered, in whole cases, the rest carried over', () => {
    expect(world.deliveries).toEqual([
      { day: '2017-02-01', lines: [pieces('PENS', 'east', 6), pieces('TABLE', 'east', 2)] }, // of 10 pens 4 wait
      { day: '2017-04-01', lines: [pieces('PENS', 'east', 6)] }, // 4 and 4 are one case, and 2 wait
      { day: '2018-01-01', lines: [pieces('PENS', 'west', 12)] }, // 5 and 7
    ]);
  });

  it('is counted in cases where the product comes in cases', () => {
    expect(world.items.map(({ uoms }) => uoms)).toEqual([[{ code: 'XCS', factor: 6 }], []]);
    expect([world.piecesPer('PENS', 'XCS'), world.piecesPer('PENS', 'EA'), world.piecesPer('TABLE', 'EA')]).toEqual([
      6, 1, 1,
    ]);
  });

  it('is not made for a region without a warehouse', () => {
    expect(() => worldOf(products, [order('2017-01-05', 'North', { PENS: 1 })])).toThrow(
      /from North, where there is no/,
    );
  });
});

describe('the calendar', () => {
  it.each([
    ['2017-01', '2017-02-01'],
    ['2017-11', '2017-12-01'],
    ['2017-12', '2018-01-01'],
  ])('delivers what %s has sold on %s', (month, day) => {
    expect(firstOfNextMonth(month)).toBe(day);
  });

  it('has the days of orders, shipments and deliveries, each once', () => {
    const orders = [
      order('2017-01-05', 'East', { A: 1 }, '2017-01-09'),
      order('2017-01-05', 'East', { A: 1 }, '2017-02-01'),
    ];
    expect(playedDays(orders, [{ day: '2017-02-01', lines: [] }])).toEqual(['2017-01-05', '2017-01-09', '2017-02-01']);
  });
});

describe('what a channel does with an answer', () => {
  it('asks again for what a refusal has left of each line', () => {
    const lines = [
      { sku: 'A', quantity: 5 },
      { sku: 'B', quantity: 2 },
      { sku: 'C', quantity: 1 },
    ];
    const shortages = [
      { line: 1, available: 3 },
      { line: 3, available: 0 },
    ];
    expect(whatIsLeft(lines, { code: 'insufficient_stock', detail: '', shortages })).toEqual([
      { sku: 'A', quantity: 3 },
      { sku: 'B', quantity: 2 },
    ]);
  });

  it('ships what is covered from where it stands, and leaves what is backordered at the first warehouse', () => {
    const line = { line: 1, sku: 'A', uom: 'EA', requested: 9, reserved: 9, backordered: 3, shipped: 0 };
    const allocations = [
      { location: 'central', quantity: 4 },
      { location: 'south', quantity: 5 },
    ];
    const reservation = {
      id: 'res_1',
      channel: 'inside_sales',
      orderRef: null,
      status: 'committed',
      version: 2,
    } as const;
    expect(coveredParts({ ...reservation, lines: [{ ...line, allocations }] }, 'south')).toEqual([
      { line: 1, quantity: 4, location: 'central' },
      { line: 1, quantity: 2, location: 'south' },
    ]);
    const waiting = [{ ...line, allocations: [{ location: 'south', quantity: 3 }] }];
    expect(coveredParts({ ...reservation, lines: waiting }, 'south')).toEqual([]);
  });
});

function order(orderDate: string, region: string, quantities: Record<string, number>, shipDate = orderDate): Order {
  const lines = Object.entries(quantities).map(([sku, quantity]) => ({ sku, quantity }));
  return { id: `CA-${orderDate}-1`, orderDate, shipDate, segment: 'Consumer', region, lines };
}

function pieces(sku: string, location: string, quantity: number): World['deliveries'][number]['lines'][number] {
  return { sku, location, quantity };
}

function quantities(lines: readonly { readonly sku: string; readonly quantity: number }[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return sums;
}
