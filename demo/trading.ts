import type { Reservation } from './answers.js';
import { type Book, coveredParts } from './book.js';
import { atMost, type Client } from './client.js';
import type { Order } from './dataset.js';
import { SalesDesk, type Sold } from './sales.js';
import { type Month, Tally } from './tally.js';
import { CASE, CHANNELS, type ChannelCode, type Delivery, EACH, placeOf, type World } from './world.js';

/** Requests that are under way at once, at most. A day has up to 20 orders, a delivery some 200 lines. */
export const CONCURRENCY = 32;

/** A commitment on its way to the customer. */
interface Shipment {
  readonly order: Order;
  readonly id: string;
  /** Where its backorders stand: the first warehouse in the order of its channel (semantics.md 20). */
  readonly backorderedAt: string;
  /** Shipments so far. */
  parts: number;
}

/**
 * Plays the calendar. A day goes: deliveries arrive and fill backorders; then the channels sell, all at the same time,
 * while what is due leaves. All of it by the public API.
 */
export class Trading {
  readonly desk: SalesDesk;
  readonly months = new Map<string, Month>();
  readonly channels: ReadonlyMap<ChannelCode, Tally> = new Map(CHANNELS.map(({ code }) => [code, new Tally()]));
  /** Pieces that had been backordered and that a delivery brought. */
  backordersFilled = 0;
  private readonly orders = new Map<string, Order[]>();
  private readonly deliveries: ReadonlyMap<string, Delivery>;
  /** By the day on which they leave. */
  private readonly due = new Map<string, Shipment[]>();
  /** Commitments with a backorder that no delivery has filled yet, by reservation. */
  private readonly backordered = new Map<string, Shipment>();
  /** Those of them whose day to leave has passed. */
  private readonly late = new Set<string>();

  constructor(
    private readonly client: Client,
    private readonly book: Book,
    private readonly world: World,
    orders: readonly Order[],
  ) {
    this.desk = new SalesDesk(client, book, world);
    for (const order of orders) entry(this.orders, order.orderDate).push(order);
    this.deliveries = new Map(world.deliveries.map((delivery) => [delivery.day, delivery]));
  }

  async play(day: string): Promise<void> {
    const month = this.month(day);
    const delivery = this.deliveries.get(day);
    if (delivery) await this.receive(delivery, month);
    await Promise.all([this.sell(this.orders.get(day) ?? [], month), this.dispatch(day, month)]);
    await this.dispatch(day, month); // what was ordered today for today
  }

  /** Sends what is due on the day. */
  private async dispatch(day: string, month: Month): Promise<void> {
    const leaving = this.due.get(day) ?? [];
    this.due.delete(day);
    await atMost(CONCURRENCY, leaving, (shipment) => this.ship(shipment, month));
  }

  /** Takes in what was bought, and what is backordered on top; then sends what had been waiting for it. */
  private async receive(delivery: Delivery, month: Month): Promise<void> {
    const owed = new Map<string, { sku: string; location: string; quantity: number }>();
    await atMost(CONCURRENCY, [...this.backordered.values()], async ({ id, backorderedAt }) => {
      for (const line of (await this.look(id)).lines) {
        const place = placeOf(line.sku, backorderedAt);
        const before = owed.get(place)?.quantity ?? 0;
        const quantity = before + this.book.pieces(line, line.backordered);
        if (quantity > 0) owed.set(place, { sku: line.sku, location: backorderedAt, quantity });
      }
    });
    const arriving = [...delivery.lines, ...owed.values()];
    await atMost(CONCURRENCY, arriving, async ({ sku, location, quantity }) => {
      const size = this.world.piecesPer(sku, CASE);
      const inCases = size > 1 && quantity % size === 0;
      await this.client.post('receipt', '/v1/stock/adjustments', {
        sku,
        location,
        delta: inCases ? quantity / size : quantity,
        uom: inCases ? CASE : EACH,
        reason: 'receipt',
        reference: `delivery-${delivery.day}`,
      });
      this.book.receive(sku, location, quantity);
      month.received += quantity;
    });
    for (const { quantity } of owed.values()) this.backordersFilled += quantity;
    const late = [...this.late].map((id) => this.backordered.get(id) as Shipment);
    this.late.clear();
    await atMost(CONCURRENCY, late, (shipment) => this.ship(shipment, month));
  }

  /** The three channels sell at the same time, and so do the customers of each. */
  private async sell(orders: readonly Order[], month: Month): Promise<void> {
    const of = (code: ChannelCode) => {
      const segment = CHANNELS.find((channel) => channel.code === code)?.segment;
      return orders.filter((order) => order.segment === segment);
    };
    const note = (order: Order, { sale, commitment }: Sold) => {
      month.sold.add(sale);
      this.channels.get(sale.channel)?.add(sale);
      if (commitment) this.promise(order, sale.channel, commitment);
    };
    const purchaseOrders = of('edi');
    await Promise.all([
      atMost(CONCURRENCY, of('web'), async (order) => note(order, await this.desk.web(order))),
      atMost(CONCURRENCY, of('inside_sales'), async (order) => note(order, await this.desk.insideSales(order))),
      purchaseOrders.length > 0 &&
        this.desk.edi(purchaseOrders).then((sold) => {
          for (const [index, order] of purchaseOrders.entries()) note(order, sold[index] as Sold);
        }),
    ]);
  }

  private promise(order: Order, code: ChannelCode, { id, lines }: Reservation): void {
    const backorderedAt = CHANNELS.find((channel) => channel.code === code)?.locations[0] as string;
    const shipment = { order, id, backorderedAt, parts: 0 };
    entry(this.due, order.shipDate).push(shipment);
    if (lines.some(({ backordered }) => backordered > 0)) this.backordered.set(id, shipment);
  }

  /** Sends all that is there of a commitment. What is backordered follows with a delivery. */
  private async ship(shipment: Shipment, month: Month): Promise<void> {
    const { id, order, backorderedAt } = shipment;
    let parts: ReturnType<typeof coveredParts> | undefined;
    if (this.backordered.has(id)) {
      const current = await this.look(id);
      if (current.lines.some(({ backordered }) => backordered > 0)) {
        this.late.add(id);
        parts = coveredParts(current, backorderedAt);
        if (parts.length === 0) return;
      } else {
        this.backordered.delete(id);
      }
    }
    shipment.parts += 1;
    const before = this.shippedPieces(id);
    const { body } = await this.client.post<Reservation>('ship', `/v1/reservations/${id}/ship`, {
      shipmentRef: `${this.desk.orderRef(order)}/${shipment.parts}`,
      ...(parts ? { lines: parts } : {}),
    });
    this.book.ship(body);
    month.shipped += this.shippedPieces(id) - before;
  }

  /** How much of a backorder is covered changes with what is on hand, and not with the reservation: so it is read. */
  private async look(id: string): Promise<Reservation> {
    const { body } = await this.client.get<Reservation>('read a reservation', `/v1/reservations/${id}`);
    return this.book.keep(body);
  }

  private shippedPieces(id: string): number {
    const lines = this.book.reservations.get(id)?.lines ?? [];
    return lines.reduce((sum, line) => sum + this.book.pieces(line, line.shipped), 0);
  }

  private month(day: string): Month {
    const name = day.slice(0, 7);
    const month = this.months.get(name) ?? { month: name, sold: new Tally(), received: 0, shipped: 0 };
    this.months.set(name, month);
    return month;
  }
}

function entry<Value>(lists: Map<string, Value[]>, key: string): Value[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
