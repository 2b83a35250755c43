import type { Configuration, DirectoryChannel } from '../channels/directory.js';
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
  const channel = configuration.channelById(reservation.channelId);
  return {
    id: reservation.id,
    channel: channel?.code ?? '',
    orderRef: reservation.orderRef,
    status,
    expiresAt: reservation.expiresAt === null ? null : new Date(reservation.expiresAt).toISOString(),
    createdAt: new Date(reservation.createdAt).toISOString(),
    version: reservation.version,
    lines: reservation.lines.map((line) =>
      lineView(inSourcingOrder(line, channel), configuration, status !== 'expired', uncoveredOf(line.line)),
    ),
  };
}

/** However a line came to stand where it does, it always reads the same. */
function inSourcingOrder(line: ReservationLine, channel: DirectoryChannel | undefined): ReservationLine {
  if (line.allocations.length < 2) return line;
  const rank = new Map(channel?.locations.map(({ id }, index) => [id, index]));
  const place = (locationId: number) => rank.get(locationId) ?? rank.size + locationId;
  return { ...line, allocations: [...line.allocations].sort((a, b) => place(a.locationId) - place(b.locationId)) };
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
