import { Quantity, toNumber } from '../catalog/quantity.js';
import type { Movement } from './movement.js';
import { freeOf, Position, UNSELLABLE, Unsellable, uncoveredOf } from './position.js';
import type { MovementView, PositionView } from './stock.dto.js';

/**
 * `expired`: how much of `reserved` belongs to holds whose time has come; it is not in the way of `available`
 * (semantics.md 16). `backordered`: how much a channel admitted beyond stock; what is uncovered beyond it is a
 * shortfall. A disabled location has nothing available (semantics.md 9).
 */
export function positionView(
  position: Position,
  names: { sku: string; location: string; enabled: boolean },
  expired: Quantity,
  backordered: Quantity,
): PositionView {
  const live = { ...position, reserved: position.reserved - expired };
  return {
    sku: names.sku,
    location: names.location,
    onHand: toNumber(position.onHand),
    unsellable: Object.fromEntries(
      UNSELLABLE.map((condition) => [condition, toNumber(position.unsellable[condition])]),
    ) as Record<Unsellable, number>,
    reserved: toNumber(position.reserved),
    incoming: toNumber(position.incoming),
    safetyStock: toNumber(position.safetyStock),
    available: names.enabled ? toNumber(freeOf(live)) : 0,
    shortfall: toNumber(Math.max(0, uncoveredOf(live) - backordered)),
    version: position.version,
    asOf: new Date(position.asOf).toISOString(),
  };
}

/** `event`: the inbox's id of what moved it, where that is known. */
export function movementView(
  movement: Movement,
  sku: string,
  location: string,
  event: string | null = null,
): MovementView {
  return {
    sku,
    location,
    version: movement.version,
    kind: movement.kind,
    onHandDelta: toNumber(movement.onHand ?? 0),
    reservedDelta: toNumber(movement.reserved ?? 0),
    unsellableDelta: toNumber(movement.unsellable ?? 0),
    condition: movement.condition ?? null,
    reason: movement.reason ?? null,
    note: movement.note ?? null,
    reference: movement.reference ?? null,
    source: movement.source ?? null,
    eventId: movement.eventId ?? null,
    event,
    reservationId: movement.reservationId ?? null,
    actor: movement.actor,
    at: new Date(movement.at).toISOString(),
  };
}
