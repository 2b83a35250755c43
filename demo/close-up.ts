import type { Availability, Position, Problem, Reservation } from './answers.js';
import type { Book } from './book.js';
import type { Client } from './client.js';
import type { Cell } from './table.js';
import { CASE, EACH, type Item, type World } from './world.js';

/** One order, step by step, with the figures as the service shows them after each. */
export interface CloseUp {
  readonly sku: string;
  readonly name: string;
  readonly caseSize: number;
  /** Step, pieces that can be promised, cases that can be promised, on hand, reserved. */
  readonly steps: readonly (readonly Cell[])[];
  /** What the service says to a hold of more than there is. */
  readonly refusal: string;
}

/** Sells one case of the product of which there is most, through the web shop. */
export async function closeUp(client: Client, book: Book, world: World): Promise<CloseUp | undefined> {
  const stock = new Map<string, number>();
  for (const { sku, onHand } of world.opening) stock.set(sku, (stock.get(sku) ?? 0) + onHand);
  const most = (a: Item, b: Item) => (stock.get(a.sku) ?? 0) - (stock.get(b.sku) ?? 0);
  const item = world.items.filter(({ uoms }) => uoms.length > 0).reduce((a, b) => (most(b, a) > 0 ? b : a));
  const opening = stock.get(item.sku) ?? 0;
  const caseSize = item.uoms[0]?.factor ?? 0;
  if (opening < caseSize) return undefined;
  const { sku, name } = item;
  const path = `/v1/availability/${encodeURIComponent(sku)}?channel=web`;
  const steps: Cell[][] = [];
  const show = async (step: string) => {
    const available = async (uom: string) =>
      (await client.get<Availability>('availability of one', `${path}&uom=${uom}`)).body.available;
    const positions = await client.list<Position>('list positions', `/v1/stock?sku=${encodeURIComponent(sku)}`);
    const sum = (figure: 'onHand' | 'reserved') => positions.reduce((total, position) => total + position[figure], 0);
    steps.push([step, await available(EACH), await available(CASE), sum('onHand'), sum('reserved')]);
  };
  const orderRef = `demo-close-up/${client.run}`;

  await show('before');
  const hold = { channel: 'web', orderRef, lines: [{ sku, quantity: 1, uom: CASE }] };
  const { id } = book.keep((await client.post<Reservation>('hold', '/v1/reservations', hold)).body);
  await show('1 case held');
  const tooMuch = { channel: 'web', lines: [{ sku, quantity: opening }] };
  const refused = await client.post<Problem>('hold', '/v1/reservations', tooMuch, { expect: [409] });
  await show(`${opening} more asked for: refused`);
  book.keep((await client.post<Reservation>('commit', `/v1/reservations/${id}/commit`, {})).body);
  await show('committed');
  const shipment = { shipmentRef: `${orderRef}/1` };
  book.ship((await client.post<Reservation>('ship', `/v1/reservations/${id}/ship`, shipment)).body);
  await show('shipped');

  const { code, shortages = [], detail } = refused.body;
  const refusal = `${refused.status} ${code}, ${shortages[0]?.available ?? '?'} available. ${detail}`;
  return { sku, name, caseSize, steps, refusal };
}
