import type { AvailabilityQuery, BatchResult, Problem, Reservation, ReservationLine } from './answers.js';
import type { Book } from './book.js';
import { atMost, type Client } from './client.js';
import type { Order } from './dataset.js';
import type { Outcome, Sale } from './tally.js';
import { CASE, type ChannelCode, EACH, type World } from './world.js';

/** Of the carts of the web shop, one in so many is left standing, and one is emptied by hand. */
const EVERY = 17;
const LEFT_STANDING = 0;
const EMPTIED = 5;
/** A cart that is left standing expires after this long. Years are played in a minute, but time itself is real. */
const CART_SECONDS = 1;
/** One order in so many is sent twice, as by a client whose connection broke before it had the answer. */
const SENT_TWICE_EVERY = 25;

const REFUSED = { expect: [409] };

/** A sale, and what it reserved. */
export interface Sold {
  readonly sale: Sale;
  /** Committed: to be shipped on the order's ship date. */
  readonly commitment?: Reservation;
}

interface Line {
  readonly sku: string;
  readonly quantity: number;
  readonly uom?: string;
  readonly lineRef?: string;
}

/** How each channel sells an order, by the public API alone. */
export class SalesDesk {
  /** Orders that were sent twice, and how many of them got another answer the second time. */
  sentTwice = 0;
  answeredOtherwise = 0;
  /** Holds that were left to expire. */
  readonly abandoned: string[] = [];

  constructor(
    private readonly client: Client,
    private readonly book: Book,
    private readonly world: World,
  ) {}

  /** The references of this run are its own, so that a second run on the same service does not meet the first. */
  orderRef(order: Order): string {
    return `${order.id}/${this.client.run}`;
  }

  /** A cart: look at each product, hold all of it, pay, commit. What is short is dropped, and the rest is asked again. */
  async web(order: Order): Promise<Sold> {
    const number = numberOf(order);
    await atMost(4, [...new Set(order.lines.map(({ sku }) => sku))], (sku) =>
      this.client.get('availability of one', `/v1/availability/${encodeURIComponent(sku)}?channel=web`),
    );
    const leftStanding = number % EVERY === LEFT_STANDING;
    const ttlSeconds = leftStanding ? { ttlSeconds: CART_SECONDS } : {};
    let lines: readonly Line[] = order.lines;
    let hold = await this.hold(order, { channel: 'web', ...ttlSeconds, lines });
    if (!('id' in hold)) {
      lines = whatIsLeft(lines, hold);
      hold = lines.length === 0 ? hold : await this.hold(order, { channel: 'web', ...ttlSeconds, lines });
    }
    if (!('id' in hold)) return this.sold('web', order, 'refused');
    this.book.keep(hold);
    if (leftStanding) {
      this.abandoned.push(hold.id);
      return this.sold('web', order, 'abandoned');
    }
    if (number % EVERY === EMPTIED) {
      const released = await this.client.post<Reservation>('release', `/v1/reservations/${hold.id}/release`);
      this.book.keep(released.body);
      return this.sold('web', order, 'released');
    }
    return this.commit('web', order, hold);
  }

  /** A day's purchase orders in one call, in cases as far as they go; each is reserved and committed whole or refused. */
  async edi(orders: readonly Order[]): Promise<Sold[]> {
    const all = orders.map((order) => ({ order, lines: this.inCases(order) }));
    await atMost(4, all, ({ lines }) => this.ask('edi', lines));
    const { body } = await this.client.post<{ results: BatchResult[] }>(
      'hold and commit, batch',
      '/v1/reservations/batch',
      {
        reservations: all.map(({ order, lines }) => ({
          channel: 'edi',
          orderRef: this.orderRef(order),
          commit: true,
          lines,
        })),
      },
    );
    return all.map(({ order }, index) => {
      const { reservation, problem, status } = body.results[index] as BatchResult;
      if (reservation) return this.sold('edi', order, 'in_full', this.book.keep(reservation));
      if (problem?.code === 'insufficient_stock') return this.sold('edi', order, 'refused');
      throw new Error(`Purchase order ${order.id} was answered ${status}: ${problem?.code}. ${problem?.detail}`);
    });
  }

  /** On the telephone: takes what there is, backordered up to the channel's limit, and lives with the rest. */
  async insideSales(order: Order): Promise<Sold> {
    await this.ask('inside_sales', order.lines);
    const hold = await this.hold(order, { channel: 'inside_sales', mode: 'partial', lines: order.lines });
    if (!('id' in hold)) return this.sold('inside_sales', order, 'refused');
    return this.commit('inside_sales', order, this.book.keep(hold));
  }

  private async ask(channel: ChannelCode, lines: readonly Line[]): Promise<void> {
    const asked = lines.map(({ sku, quantity, uom }) => ({ sku, quantity, ...(uom ? { uom } : {}) }));
    const query = { channel, lines: asked };
    await this.client.post<AvailabilityQuery>('availability of an order', '/v1/availability/query', query);
  }

  /** The hold, or the problem that says what is short. */
  private async hold(order: Order, body: object): Promise<Reservation | Problem> {
    const idempotencyKey = this.client.newKey();
    const send = () =>
      this.client.post<Reservation | Problem>(
        'hold',
        '/v1/reservations',
        { orderRef: this.orderRef(order), ...body },
        { ...REFUSED, idempotencyKey },
      );
    const answer = await send();
    if (!('id' in answer.body)) {
      if (answer.body.code === 'insufficient_stock') return answer.body;
      throw new Error(`Order ${order.id} was refused: ${answer.body.code}. ${answer.body.detail}`);
    }
    if (numberOf(order) % SENT_TWICE_EVERY === 0) {
      this.sentTwice += 1;
      const again = await send();
      if (!again.replayed || !('id' in again.body) || again.body.id !== answer.body.id) this.answeredOtherwise += 1;
    }
    return answer.body;
  }

  private async commit(channel: ChannelCode, order: Order, hold: Reservation): Promise<Sold> {
    const { body } = await this.client.post<Reservation>('commit', `/v1/reservations/${hold.id}/commit`, {});
    const commitment = this.book.keep(body);
    const whole = this.pieces(commitment, 'reserved') === piecesOf(order);
    return this.sold(channel, order, whole ? 'in_full' : 'in_part', commitment);
  }

  private sold(channel: ChannelCode, order: Order, outcome: Outcome, commitment?: Reservation): Sold {
    const promised = commitment ? this.pieces(commitment, 'reserved') : 0;
    const backordered = commitment ? this.pieces(commitment, 'backordered') : 0;
    const sale = { channel, outcome, asked: piecesOf(order), promised, backordered };
    return commitment ? { sale, commitment } : { sale };
  }

  private pieces({ lines }: Reservation, figure: 'reserved' | 'backordered'): number {
    return lines.reduce((sum, line: ReservationLine) => sum + this.book.pieces(line, line[figure]), 0);
  }

  /** 14 pieces of a product that comes in sixes are two cases and two pieces. */
  private inCases(order: Order): Line[] {
    return order.lines.flatMap(({ sku, quantity }, index) => {
      const size = this.world.piecesPer(sku, CASE);
      const cases = size > 1 ? Math.floor(quantity / size) : 0;
      const lineRef = `${order.id}-${index + 1}`;
      return [
        { sku, quantity: cases, uom: CASE, lineRef: `${lineRef}-cases` },
        { sku, quantity: quantity - cases * size, uom: EACH, lineRef: `${lineRef}-pieces` },
      ].filter((line) => line.quantity > 0);
    });
  }
}

/** The lines less what the refusal says is missing of them. */
export function whatIsLeft(lines: readonly Line[], { shortages = [] }: Problem): Line[] {
  const available = new Map(shortages.map((shortage) => [shortage.line, shortage.available]));
  return lines
    .map((line, index) => ({ ...line, quantity: available.get(index + 1) ?? line.quantity }))
    .filter(({ quantity }) => quantity > 0);
}

/** The digits at the end of an order's id, which choose what happens to it: the same in every run. */
function numberOf({ id }: Order): number {
  return Number(/\d+$/.exec(id)?.[0] ?? 0);
}

function piecesOf({ lines }: Order): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}
