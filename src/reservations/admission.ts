import { availableToPromise } from '../availability/available-to-promise.js';
import { NOBODY_SILENT, rulesUnder, type Silence } from '../availability/freshness.js';
import { Plan, plan, ShortageReason, Want } from '../availability/sourcing.js';
import type { Quantity } from '../catalog/quantity.js';
import { requestedQuantity, requestedUnit } from '../catalog/requested-quantity.js';
import type { Unit } from '../catalog/unit-of-measure.js';
import { DirectoryChannel, DirectoryItem } from '../channels/directory.js';
import { Problem, unknownInBody } from '../problems/problem.js';
import type { Catalogue } from '../stock/command.js';
import type { Ledger, PositionKey } from '../stock/ledger.js';
import type { Allocation, Reservation, ReservationLine } from './reservation.js';
import { addAllocation, Posting } from './transitions.js';

/** A line as a request has it. */
export interface RequestedLine {
  readonly sku: string;
  /** In the unit of `uom`, default the item's base unit. */
  readonly quantity: number;
  readonly uom?: string;
  readonly location?: string;
  readonly lineRef?: string;
}

/** A line with its item, unit and location found. Quantities in ten-thousandths of the base unit. */
export interface ResolvedLine {
  readonly line: number;
  readonly lineRef: string | null;
  readonly item: DirectoryItem;
  readonly unit: Unit;
  readonly locationId: number | null;
  readonly quantity: Quantity;
}

/**
 * Finds what the lines name. Throws 422 `unknown_sku`, `unknown_uom`, `unknown_location` with the pointer, or
 * `validation_failed` for a quantity the item cannot have. A location the channel does not sell from is unknown to it
 * (semantics.md 12).
 */
export function resolveLines(
  lines: readonly RequestedLine[],
  channel: DirectoryChannel,
  catalogue: Catalogue,
): ResolvedLine[] {
  return lines.map((requested, index) => {
    const at = (field: string) => `/lines/${index}/${field}`;
    const item = catalogue.item(requested.sku);
    if (!item) throw unknownInBody('unknown_sku', at('sku'), `There is no item ${requested.sku}.`);
    const unit = requestedUnit(item, requested.uom, at('uom'));
    let locationId: number | null = null;
    if (requested.location !== undefined) {
      const location = channel.locations.find(({ code }) => code === requested.location);
      if (!location) {
        const detail = `Channel ${channel.code} does not sell from ${requested.location}.`;
        throw unknownInBody('unknown_location', at('location'), detail);
      }
      locationId = location.id;
    }
    const quantity = requestedQuantity(unit, requested.quantity, at('quantity'));
    return { line: index + 1, lineRef: requested.lineRef ?? null, item, unit, locationId, quantity };
  });
}

/** The positions a demand is decided on: of each tracked item, those of all the channel's locations. */
export function positionsFor(lines: readonly ResolvedLine[], channel: DirectoryChannel): PositionKey[] {
  const items = new Set(lines.filter(({ item }) => item.tracked).map(({ item }) => item.id));
  return [...items].flatMap((itemId) => channel.locations.map((location) => ({ itemId, locationId: location.id })));
}

/** A line that gets less than it asks for; quantities in the line's unit (api.md). */
export interface Shortage {
  readonly line: number;
  readonly sku: string;
  readonly requested: number;
  /** What was left of stock for this line. */
  readonly available: number;
  readonly reason: ShortageReason;
}

export interface Admitted {
  readonly lines: readonly ReservationLine[];
  /** What is missing, one entry a short line. */
  readonly shortages: readonly Shortage[];
}

/**
 * Splits the lines over what the channel may promise, by the same function that availability quotes from.
 * `own`: the reservation as it stands, whose stock does not stand in its own way (semantics.md 17). `silent`: locations
 * that may be out of date; throws `stale_availability` where the channel promises nothing of them (28).
 */
export function admit(
  lines: readonly ResolvedLine[],
  channel: DirectoryChannel,
  ledger: Ledger,
  own?: Reservation,
  silent: Silence = NOBODY_SILENT,
): Admitted {
  const plans = new Map<ResolvedLine, Plan>();
  for (const item of new Set(lines.map((line) => line.item))) {
    const ofItem = lines.filter((line) => line.item === item);
    const planned = item.tracked
      ? planItem(item, ofItem, channel, ledger, ownAllocations(own, item.id), silent)
      : ofItem.map((line) => withoutEffect(line, own));
    for (const [index, line] of ofItem.entries()) plans.set(line, planned[index] as Plan);
  }
  const admitted = lines.map((line) => reservationLine(line, plans.get(line) as Plan));
  const shortages = lines.flatMap((line) => {
    const { short, available, reason } = plans.get(line) as Plan;
    if (short === 0) return [];
    return [
      {
        line: line.line,
        sku: line.item.sku,
        requested: line.quantity / line.unit.factor,
        available: (Math.floor(available / line.unit.step) * line.unit.step) / line.unit.factor,
        reason: reason ?? 'insufficient',
      },
    ];
  });
  return { lines: admitted, shortages };
}

function planItem(
  item: DirectoryItem,
  lines: readonly ResolvedLine[],
  channel: DirectoryChannel,
  ledger: Ledger,
  own: readonly Allocation[],
  silent: Silence,
): Plan[] {
  const wants: Want[] = lines.map(({ quantity, unit, locationId }) => ({ quantity, step: unit.step, locationId }));
  // An item taken off sale is carried nowhere, whatever still stands there.
  const positions = item.active ? ledger.positionsAt(item.id, channel.locations) : [];
  const enabled = new Set(channel.locations.filter((location) => location.enabled).map(({ id }) => id));
  const promisable = availableToPromise(
    positions,
    (id) => enabled.has(id),
    rulesUnder(channel, item, positions, silent),
  );
  const held = new Map(own.map(({ locationId, quantity }) => [locationId, quantity]));
  return keepBeyondStock(plan(promisable, channel.sourcing, wants, held), own);
}

/** Always there, with no effect on figures (semantics.md 8), unless it was taken off sale since. */
function withoutEffect(line: ResolvedLine, own: Reservation | undefined): Plan {
  const kept = own?.lines.find((each) => each.line === line.line && each.itemId === line.item.id)?.reserved ?? 0;
  const available = line.item.active ? line.quantity : Math.min(line.quantity, kept);
  const short = line.quantity - available;
  return { shares: [], short, available, reason: short > 0 ? 'not_carried' : undefined };
}

/** What the reservation holds of an item, one entry a location. */
function ownAllocations(own: Reservation | undefined, itemId: number): Allocation[] {
  const ofItem = (own?.lines ?? []).flatMap((line) => (line.itemId === itemId ? line.allocations : []));
  return ofItem.reduce<Allocation[]>(addAllocation, []);
}

/** What was admitted beyond stock stays so in an edit that keeps it; an edit that asks for less gives it up first. */
function keepBeyondStock(plans: readonly Plan[], own: readonly Allocation[]): Plan[] {
  if (own.length === 0) return [...plans];
  const kept = new Map<number, Quantity>();
  for (const { locationId, quantity, backordered } of own) {
    const here = plans.flatMap(({ shares }) => shares.filter((share) => share.locationId === locationId));
    const used = here.reduce((sum, share) => sum + share.quantity - share.backordered, 0);
    kept.set(locationId, Math.max(0, backordered - Math.max(0, quantity - used)));
  }
  return plans.map((planned) => ({
    ...planned,
    shares: planned.shares.map((share) => {
      const open = kept.get(share.locationId) ?? 0;
      const more = Math.min(open, share.quantity - share.backordered);
      kept.set(share.locationId, open - more);
      return { ...share, backordered: share.backordered + more };
    }),
  }));
}

function reservationLine(line: ResolvedLine, { shares, short }: Plan): ReservationLine {
  return {
    line: line.line,
    lineRef: line.lineRef,
    itemId: line.item.id,
    sku: line.item.sku,
    uom: line.unit.code,
    factor: line.unit.factor,
    tracked: line.item.tracked,
    locationId: line.locationId,
    requested: line.quantity,
    committed: 0,
    shipped: 0,
    reserved: line.quantity - short,
    allocations: shares,
  };
}

/** Whether an edit asks for nothing but what the reservation has in full: then nothing changes (semantics.md 17). */
export function sameLines(reservation: Reservation, lines: readonly ResolvedLine[]): boolean {
  if (reservation.lines.length !== lines.length) return false;
  return lines.every((line, index) => {
    const has = reservation.lines[index] as ReservationLine;
    return (
      has.lineRef === line.lineRef &&
      has.itemId === line.item.id &&
      has.tracked === line.item.tracked &&
      has.uom === line.unit.code &&
      has.factor === line.unit.factor &&
      has.locationId === line.locationId &&
      has.requested === line.quantity &&
      has.reserved === line.quantity
    );
  });
}

/** Refuses when a line is short and the request did not ask for what there is, or when there is nothing at all. */
export function refuseShort(admitted: Admitted, partial: boolean): void {
  if (admitted.shortages.length === 0) return;
  if (partial && admitted.lines.some((line) => line.reserved > 0)) return;
  const lines = admitted.shortages.map(({ line }) => line).join(', ');
  throw new Problem('insufficient_stock', `Not enough stock for line ${lines}. Nothing was reserved.`, {
    extra: { shortages: admitted.shortages },
  });
}

/** The differences between two sets of lines, by position: what an edit posts; against nothing, what a hold posts. */
export function differences(
  reservationId: string,
  before: readonly ReservationLine[],
  after: readonly ReservationLine[],
  kind: 'hold' | 'edit',
): Posting[] {
  const byItem = new Map<number, readonly Allocation[]>();
  const add = (lines: readonly ReservationLine[], sign: 1 | -1) => {
    for (const line of lines) {
      for (const { locationId, quantity } of line.allocations) {
        const signed = { locationId, quantity: sign * quantity, backordered: 0 };
        byItem.set(line.itemId, addAllocation(byItem.get(line.itemId) ?? [], signed));
      }
    }
  };
  add(before, -1);
  add(after, 1);
  return [...byItem].flatMap(([itemId, allocations]) =>
    allocations
      .filter(({ quantity }) => quantity !== 0)
      .map(({ locationId, quantity }) => ({ itemId, locationId, change: { kind, reserved: quantity, reservationId } })),
  );
}
