import type { BatchResult, Reservation } from '../demo/answers.js';
import type { Client } from '../demo/client.js';
import type { Order } from '../demo/dataset.js';
import { type Check, check } from '../demo/proof.js';
import { figure } from '../demo/table.js';
import { CHANNELS } from '../demo/world.js';
import type { Chance } from './chance.js';
import type { Happening } from './warehouse.js';

/** The share of the orders that were sold here; the others leave without that anybody had asked. */
const SOLD_HERE = 0.3;
/** Reservations of one request. */
const BATCH = 100;

interface Wanted {
  readonly channel: string;
  readonly orderRef: string;
  readonly commit: true;
  readonly lines: Order['lines'];
}

/** The channels, which reserve and commit a share of the orders before the warehouses ship them. */
export class Sales {
  private readonly channels: ReadonlyMap<string, string>;
  private readonly committed = new Set<string>();
  private wanted: Wanted[] = [];
  private refused = 0;

  constructor(
    private readonly client: Client,
    orders: readonly Order[],
    private readonly chance: Chance,
    run: string,
  ) {
    const channelOf = new Map(CHANNELS.map(({ segment, code }) => [segment, code]));
    this.channels = new Map(orders.map(({ id, segment }) => [`${id}/${run}`, channelOf.get(segment) as string]));
  }

  /** What is about to be reported: of a shipment the order may have been sold here. */
  see(happenings: readonly Happening[]): void {
    for (const { doing, data } of happenings) {
      if (doing !== 'shipment' || !this.chance.hits(SOLD_HERE)) continue;
      const { orderRef, lines } = data as unknown as Pick<Wanted, 'orderRef' | 'lines'>;
      const channel = this.channels.get(orderRef);
      if (channel !== undefined) this.wanted.push({ channel, orderRef, commit: true, lines });
    }
  }

  /** Reserves and commits what was seen. What is short by now leaves all the same: a shipment is a fact. */
  async sell(): Promise<void> {
    while (this.wanted.length > 0) {
      const reservations = this.wanted.splice(0, BATCH);
      const { body } = await this.client.post<{ results: readonly BatchResult[] }>(
        'hold and commit, batch',
        '/v1/reservations/batch',
        { reservations },
      );
      for (const { reservation, problem } of body.results) {
        if (reservation) this.committed.add(reservation.id);
        else if (problem?.code === 'insufficient_stock') this.refused += 1;
        else throw new Error(`An order was answered ${problem?.code}. ${problem?.detail}`);
      }
    }
  }

  /** Each shipment that was reported has found the order that was promised. */
  async shippedCheck(): Promise<Check> {
    const open = await Promise.all(
      CHANNELS.flatMap(({ code }) =>
        ['committed', 'partially_shipped'].map((status) =>
          this.client.list<Reservation>('list reservations', `/v1/reservations?channel=${code}&status=${status}`),
        ),
      ),
    );
    const faults = open
      .flat()
      .flatMap(({ id, orderRef, status }) => (this.committed.has(id) ? [`${orderRef} is ${status}`] : []));
    const seen = `${figure(this.committed.size)} orders were reserved before, ${figure(this.refused)} could not be`;
    return check('what was promised has left, and nothing of it is reserved any more', faults, seen);
  }
}
