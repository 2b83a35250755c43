import type { Configuration } from '../channels/directory.js';
import { Reservation, ReservationLine, statusAt } from './reservation.js';
import type { ReservationLineView, ReservationView } from './reservations.dto.js';

/** The reservation at `now`: of an expired hold nothing is reserved, released yet or not (semantics.md 16). */
export function viewOf(
  reservation: Reservation,
  configuration: Configuration,
  now: number,
  /** How much of a line is not covered, in ten-thousandths of the base unit. */
  uncoveredOf: (line: number) => number,
): ReservationView {
  const status = statusAt(reservation, now);
  return {
    id: reservation.id,
    channel: configuration.channelById(reservation.channelId)?.code ?? '',
    orderRef: reservation.orderRef,
    status,
    expiresAt: reservation.expiresAt === null ? null : new Date(reservation.expiresAt).toISOString(),
    createdAt: new Date(reservation.createdAt).toISOString(),
    version: reservation.version,
    lines: reservation.lines.map((line) => lineView(line, configuration, status !== 'expired', uncoveredOf(line.line))),
  };
}

function lineView(
  line: ReservationLine,
  configuration: Configuration,
  live: boolean,
  uncovered: number,
): ReservationLineView {
  // Whole units divide exactly; what a warehouse shipped in pieces of a case shows with four digits.
  const inUnit = (quantity: number) => Math.round((quantity / line.factor) * 10_000) / 10_000;
  return {
    line: line.line,
    lineRef: line.lineRef,
    sku: line.sku,
    uom: line.uom,
    requested: inUnit(line.requested),
    reserved: live ? inUnit(line.reserved) : 0,
    backordered: live ? inUnit(Math.min(uncovered, line.reserved)) : 0,
    committed: inUnit(line.committed),
    shipped: inUnit(line.shipped),
    allocations: live
      ? line.allocations.map(({ locationId, quantity }) => ({
          location: configuration.locationById(locationId)?.code ?? '',
          quantity: inUnit(quantity),
        }))
      : [],
  };
}
