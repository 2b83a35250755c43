import type { Quantity } from '../catalog/quantity.js';
import type { MovementKind } from '../stock/movement.js';
import type { Condition } from '../stock/position.js';
import type { Moment } from './absolute-figure.js';
import type { Amount, CanonicalEvent, ItemName, Stocked, SupplyKind } from './canonical-event.js';
import type { QuantityBasis } from './netting.js';

/** An item as an event names it, and so much of it in a unit (null: the base unit). */
export interface Said {
  readonly item: ItemName;
  readonly quantity: Quantity;
  readonly uom: string | null;
}

/** Which of our reservations a fact is about. */
export interface Order {
  readonly orderRef: string | null;
  readonly reservationId: string | null;
}

interface OfRow {
  /** The event to which the row belongs, reduced to the row: what is tried again when only the row was not applied. */
  readonly event: CanonicalEvent;
  readonly moment: Moment;
}

/** Units came or went at one location: a receipt, an adjustment, a return, a leg of a transfer. */
export interface ChangeFact extends OfRow, Said {
  readonly kind: 'change';
  readonly location: string;
  readonly movement: MovementKind;
  readonly condition: Condition;
  readonly reason: string | null;
  readonly reference: string | null;
  /** Arrivals close what was announced under their reference, or under this. */
  readonly closes: string | null;
}

/** So much is there, or to be had there. */
export interface FigureFact extends OfRow, Said {
  readonly kind: 'figure';
  readonly location: string;
  readonly basis: QuantityBasis | null;
  readonly nettedUpTo: number | null;
  readonly reference: string | null;
}

export interface ConditionFact extends OfRow, Said {
  readonly kind: 'condition';
  readonly location: string;
  readonly from: Condition;
  readonly to: Condition;
  readonly reason: string | null;
  readonly reference: string | null;
}

/** Gone from one location; arrived at the other, or under way to it. */
export interface TransferFact extends OfRow, Said {
  readonly kind: 'transfer';
  readonly from: string;
  readonly to: string;
  readonly reference: string | null;
  readonly underWay: boolean;
  /** Under which it is incoming, until it arrives. */
  readonly announcedAs: string;
  readonly expectedAt: number | null;
}

/** One item of a shipment. */
export interface ShipmentFact extends OfRow, Said, Order {
  readonly kind: 'shipment';
  readonly location: string;
  readonly shipmentRef: string;
}

/** A shipment that did not leave after all: one item of it, or (null) all of it. */
export interface UnshipFact extends OfRow, Order {
  readonly kind: 'unship';
  readonly shipmentRef: string;
  readonly location: string | null;
  readonly said: Said | null;
}

export interface SupplyFact extends OfRow, Said {
  readonly kind: 'supply';
  readonly location: string;
  readonly supplyKind: SupplyKind;
  readonly reference: string;
  readonly expectedAt: number | null;
}

export interface SupplyCancelledFact extends OfRow {
  readonly kind: 'supply_cancelled';
  readonly reference: string;
  readonly item: ItemName | null;
  readonly location: string | null;
}

export interface OrderCancelledFact extends OfRow, Order {
  readonly kind: 'order_cancelled';
  /** null: all that is open. */
  readonly lines: readonly Said[] | null;
}

/** A row that says nothing we could apply. */
export interface FaultFact extends OfRow {
  readonly kind: 'fault';
  readonly item: ItemName | null;
  readonly location: string | null;
  readonly detail: string;
}

/** One row of an event, decided on its own (semantics.md 26). */
export type Fact =
  | ChangeFact
  | FigureFact
  | ConditionFact
  | TransferFact
  | ShipmentFact
  | UnshipFact
  | SupplyFact
  | SupplyCancelledFact
  | OrderCancelledFact
  | FaultFact;

/** How an event came: when, in milliseconds since 1970, and in which order. */
export interface Arrival {
  readonly receivedAt: number;
  readonly turn: number;
}

/** When an event happened; one that does not say so happened when it was received. */
export function momentOf(event: CanonicalEvent, { receivedAt, turn }: Arrival): Moment {
  const sequence = event.sequence === null ? null : BigInt(event.sequence);
  return event.time === null ? { at: receivedAt, sequence, turn } : { at: event.time, sequence };
}

/** The rows of an event, in their order. Those that change the catalogue, and a heartbeat, have none. */
export function factsOf(event: CanonicalEvent, arrival: Arrival): Fact[] {
  const moment = momentOf(event, arrival);
  const base = { event, moment };
  switch (event.type) {
    case 'stock.received.v1':
      return [changed(event, moment, 'receipt', event.data, null, event.data.reference)];
    case 'return.received.v1':
      return [
        changed(
          event,
          moment,
          'return',
          { ...event.data, reference: event.data.reference ?? event.data.orderRef },
          null,
        ),
      ];
    case 'stock.adjusted.v1':
      return [changed(event, moment, 'adjustment', event.data, event.data.reason)];
    case 'stock.counted.v1': {
      const { location, basis, nettedUpTo, reference } = event.data;
      return [{ ...base, kind: 'figure', ...said(event.data), location, basis, nettedUpTo, reference }];
    }
    case 'stock.snapshot.v1': {
      const { basis, nettedUpTo, rows, faults } = event.data;
      const figures = rows.map((row): Fact => {
        const data = { ...row, basis, nettedUpTo, reference: null, lot: null };
        const alone: CanonicalEvent = { ...event, type: 'stock.counted.v1', data };
        return {
          ...base,
          event: alone,
          kind: 'figure',
          ...said(row),
          location: row.location,
          basis,
          nettedUpTo,
          reference: null,
        };
      });
      const wrong = faults.map(
        ({ item, location, detail }): Fact => ({ ...base, kind: 'fault', item, location, detail }),
      );
      return [...figures, ...wrong];
    }
    case 'stock.condition_changed.v1': {
      const { location, from, to, reason, reference } = event.data;
      return [{ ...base, kind: 'condition', ...said(event.data), location, from, to, reason, reference }];
    }
    case 'stock.transferred.v1': {
      const { from, to, reference } = event.data;
      const way = {
        from,
        to,
        reference,
        underWay: false,
        announcedAs: announced(reference, from, to),
        expectedAt: null,
      };
      return [{ ...base, kind: 'transfer', ...said(event.data), ...way }];
    }
    case 'transfer.shipped.v1': {
      const { from, to, reference, expectedAt } = event.data;
      const way = { from, to, reference, underWay: true, announcedAs: announced(reference, from, to), expectedAt };
      return [{ ...base, kind: 'transfer', ...said(event.data), ...way }];
    }
    case 'transfer.received.v1': {
      const { from, to, reference, condition } = event.data;
      const closes = reference ?? (from === null ? null : announced(null, from, to));
      const data = { ...event.data, location: to, condition, reference };
      return [changed(event, moment, 'transfer_in', data, null, closes)];
    }
    case 'shipment.confirmed.v1': {
      const { lines, location, shipmentRef, orderRef, reservationId } = event.data;
      return perItem(lines).map((line) => ({
        ...base,
        event: { ...event, data: { ...event.data, lines: [line] } },
        kind: 'shipment',
        ...said(line),
        ...{ location, shipmentRef, orderRef, reservationId },
      }));
    }
    case 'shipment.cancelled.v1': {
      const { lines, location, shipmentRef, orderRef, reservationId } = event.data;
      const about = { ...base, kind: 'unship', location, shipmentRef, orderRef, reservationId } as const;
      if (lines === null) return [{ ...about, said: null }];
      return perItem(lines).map((line) => ({
        ...about,
        event: { ...event, data: { ...event.data, lines: [line] } },
        said: said(line),
      }));
    }
    case 'supply.expected.v1': {
      const { location, kind, reference, expectedAt } = event.data;
      return [{ ...base, kind: 'supply', ...said(event.data), location, supplyKind: kind, reference, expectedAt }];
    }
    case 'supply.cancelled.v1': {
      const { reference, item, location } = event.data;
      return [{ ...base, kind: 'supply_cancelled', reference, item, location }];
    }
    case 'order.cancelled.v1': {
      const { orderRef, reservationId, lines } = event.data;
      return [{ ...base, kind: 'order_cancelled', orderRef, reservationId, lines: lines && perItem(lines).map(said) }];
    }
    default:
      return [];
  }
}

/** The most frequent fact, written out: put together from parts, one took 4 µs of the 20 an event was read in. */
function changed(
  event: CanonicalEvent,
  moment: Moment,
  movement: MovementKind,
  {
    sku,
    identifier,
    quantity,
    uom,
    location,
    condition,
    reference,
  }: Stocked & { condition: Condition; reference: string | null },
  reason: string | null,
  closes: string | null = null,
): ChangeFact {
  const item = { sku, identifier };
  return {
    kind: 'change',
    event,
    moment,
    item,
    quantity,
    uom,
    location,
    movement,
    condition,
    reason,
    reference,
    closes,
  };
}

/** How a fact names its item, and the locations it is about: its keys, in the order of its rows. */
export function placesOf(fact: Fact): { readonly item: ItemName | null; readonly locations: readonly string[] } {
  switch (fact.kind) {
    case 'transfer':
      return { item: fact.item, locations: [fact.from, fact.to] };
    case 'unship':
      return { item: fact.said?.item ?? null, locations: fact.location === null ? [] : [fact.location] };
    case 'order_cancelled':
      return { item: null, locations: [] };
    case 'supply_cancelled':
    case 'fault':
      return { item: fact.item, locations: fact.location === null ? [] : [fact.location] };
    default:
      return { item: fact.item, locations: [fact.location] };
  }
}

/** One name for an item as an event calls it: its SKU, or which number of whom. `retryFound` takes it apart again. */
export function nameOf({ sku, identifier }: ItemName): string {
  if (sku !== null || identifier === null) return sku ?? '';
  return `${identifier.type}:${identifier.party.replace(/[%:]/g, encodeURIComponent)}:${identifier.value}`;
}

function said({ sku, identifier, quantity, uom }: Amount): Said {
  return { item: { sku, identifier }, quantity, uom };
}

/** Lines of one item and unit together, as where a shipment names two lots of it. */
function perItem(lines: readonly Amount[]): Amount[] {
  const byItem = new Map<string, Amount>();
  for (const line of lines) {
    const key = `${nameOf(line)}\n${line.uom ?? ''}`;
    const before = byItem.get(key);
    byItem.set(key, before ? { ...before, quantity: before.quantity + line.quantity } : line);
  }
  return [...byItem.values()];
}

/** A transfer without a reference is known by its way. */
function announced(reference: string | null, from: string, to: string): string {
  return reference ?? `${from} > ${to}`;
}
