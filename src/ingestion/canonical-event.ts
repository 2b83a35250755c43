import type { Identifier } from '../catalog/item.js';
import type { LocationContent } from '../catalog/location.js';
import type { Quantity } from '../catalog/quantity.js';
import type { Condition, Unsellable } from '../stock/position.js';

/**
 * What every payload becomes before it is applied (api.md, Ingestion): one fact in our words. Quantities are in
 * ten-thousandths of the unit that `uom` names (null: of the item's base unit), times in milliseconds since 1970.
 */
export const EVENT_TYPES = [
  'stock.received.v1',
  'stock.adjusted.v1',
  'stock.counted.v1',
  'stock.snapshot.v1',
  'stock.condition_changed.v1',
  'stock.transferred.v1',
  'transfer.shipped.v1',
  'transfer.received.v1',
  'shipment.confirmed.v1',
  'shipment.cancelled.v1',
  'return.received.v1',
  'supply.expected.v1',
  'supply.cancelled.v1',
  'order.cancelled.v1',
  'item.updated.v1',
  'location.updated.v1',
  'source.heartbeat.v1',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export const SUPPLY_KINDS = ['purchase', 'asn', 'transfer'] as const;
export type SupplyKind = (typeof SUPPLY_KINDS)[number];

export const QUANTITY_BASES = ['on_hand', 'available'] as const;
export type QuantityBasis = (typeof QUANTITY_BASES)[number];

/** An item by its SKU, or by a number under which the catalogue knows it; exactly one of the two. */
export interface ItemName {
  readonly sku: string | null;
  /** `party` is empty where the number needs none; a GTIN has 14 digits. To be resolved when the event is applied. */
  readonly identifier: Identifier | null;
}

export interface Amount extends ItemName {
  readonly quantity: Quantity;
  readonly uom: string | null;
}

/** So much of an item at a location: the code of one, or its GLN where no location has that code. */
export interface Stocked extends Amount {
  readonly location: string;
}

interface Noted {
  readonly lot: string | null;
  readonly reference: string | null;
}

export interface StockReceived extends Stocked, Noted {
  /** What of it is not fit for sale is on hand, but unsellable. */
  readonly condition: Condition;
}

/** `quantity` is the difference, and may be below 0. */
export interface StockAdjusted extends Stocked, Noted {
  readonly condition: Condition;
  readonly reason: string | null;
}

/** What an absolute figure means (semantics.md 24). */
interface Meaning {
  /** null: what the source says of its figures. */
  readonly basis: QuantityBasis | null;
  /** For `available`: up to when our commitments are in the figure already. null: up to the time of the event. */
  readonly nettedUpTo: number | null;
}

/** `quantity` is what is there, or what is to be had. */
export interface StockCounted extends Stocked, Noted, Meaning {}

/** A row of a snapshot that cannot be read: an exception of its own, and no reason to refuse the others (26). */
export interface RowFault {
  /** Counts from 0. */
  readonly row: number;
  /**
   * What of the row could be read: nothing it may name must be zeroed as omitted. Null `item` and `location` name
   * everything.
   */
  readonly item: ItemName | null;
  readonly location: string | null;
  /** One line for a person. */
  readonly detail: string;
}

export interface StockSnapshot extends Meaning {
  /** What it omits is 0, at the locations it names (semantics.md 27). */
  readonly complete: boolean;
  /** null: the locations of its rows. */
  readonly locations: readonly string[] | null;
  readonly rows: readonly Stocked[];
  readonly faults: readonly RowFault[];
}

export interface ConditionChanged extends Stocked, Noted {
  readonly from: Condition;
  readonly to: Condition;
  readonly reason: string | null;
}

/** In one step: gone from `from` and arrived at `to`. */
export interface StockTransferred extends Amount, Noted {
  readonly from: string;
  readonly to: string;
}

/** Under way: gone from `from`, incoming at `to`. */
export interface TransferShipped extends Amount, Noted {
  readonly from: string;
  readonly to: string;
  readonly expectedAt: number | null;
}

export interface TransferReceived extends Amount, Noted {
  /** null: not said. */
  readonly from: string | null;
  readonly to: string;
  readonly condition: Condition;
}

/** Which of our reservations a fact is about; both null: none that the source knows of. */
interface OrderName {
  readonly orderRef: string | null;
  readonly reservationId: string | null;
}

export interface ShipmentConfirmed extends OrderName {
  readonly shipmentRef: string;
  readonly location: string;
  readonly lines: readonly Amount[];
}

export interface ShipmentCancelled extends OrderName {
  readonly shipmentRef: string;
  readonly location: string | null;
  /** null: all that the shipment had. */
  readonly lines: readonly Amount[] | null;
}

export interface ReturnReceived extends Stocked, Noted {
  /** `sellable` for what goes back to stock; else how it lies there, by default to be inspected. */
  readonly condition: Condition;
  readonly orderRef: string | null;
}

/** Announced, not here: raises incoming. The same kind, reference and item again replaces what was announced. */
export interface SupplyExpected extends Stocked, Noted {
  readonly kind: SupplyKind;
  readonly reference: string;
  readonly expectedAt: number | null;
}

export interface SupplyCancelled {
  readonly kind: SupplyKind | null;
  readonly reference: string;
  /** null: all items of the reference. */
  readonly item: ItemName | null;
  readonly location: string | null;
}

export interface OrderCancelled extends OrderName {
  /** null: all that is open. */
  readonly lines: readonly Amount[] | null;
  readonly reason: string | null;
}

/** Only what is there changes; an item that does not exist yet needs `name` and `baseUom`. */
export interface ItemUpdated {
  readonly sku: string;
  readonly changes: {
    readonly name?: string;
    readonly baseUom?: string;
    readonly fractionDigits?: number;
    readonly tracked?: boolean;
    readonly active?: boolean;
    readonly uoms?: readonly { readonly code: string; readonly factor: Quantity }[];
    readonly identifiers?: readonly Identifier[];
    readonly attributes?: Readonly<Record<string, unknown>>;
  };
}

/** Only what is there changes; a location that does not exist yet needs `name` and `type`. */
export interface LocationUpdated {
  readonly location: string;
  readonly changes: Partial<LocationContent>;
}

/** Nothing happened, and the source lives (semantics.md 28). */
export type SourceHeartbeat = Readonly<Record<string, never>>;

interface DataOf {
  'stock.received.v1': StockReceived;
  'stock.adjusted.v1': StockAdjusted;
  'stock.counted.v1': StockCounted;
  'stock.snapshot.v1': StockSnapshot;
  'stock.condition_changed.v1': ConditionChanged;
  'stock.transferred.v1': StockTransferred;
  'transfer.shipped.v1': TransferShipped;
  'transfer.received.v1': TransferReceived;
  'shipment.confirmed.v1': ShipmentConfirmed;
  'shipment.cancelled.v1': ShipmentCancelled;
  'return.received.v1': ReturnReceived;
  'supply.expected.v1': SupplyExpected;
  'supply.cancelled.v1': SupplyCancelled;
  'order.cancelled.v1': OrderCancelled;
  'item.updated.v1': ItemUpdated;
  'location.updated.v1': LocationUpdated;
  'source.heartbeat.v1': SourceHeartbeat;
}

export interface CanonicalEventOf<T extends EventType> {
  readonly type: T;
  /** Of the sender, unique within its source. */
  readonly id: string;
  /** When it was so; null: not said, so when it was received counts. */
  readonly time: number | null;
  /** Digits without leading zeros, of any length: compare as bigint. Null: not said. */
  readonly sequence: string | null;
  readonly data: DataOf[T];
}

export type CanonicalEvent = { [T in EventType]: CanonicalEventOf<T> }[EventType];

/** How units that come back or in lie there if the sender says only that they are not fit for sale. */
export const UNFIT: Unsellable = 'inspection';
