import { Body, Controller, Get, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Caller, Endpoint, type HotRequest, IfMatch, intentOf, Once } from '../access/endpoint.decorator.js';
import type { Intent } from '../access/idempotency.js';
import { PathId } from '../access/path.decorator.js';
import type { Principal } from '../access/principal.js';
import {
  BatchView,
  CancelReservation,
  CommitReservation,
  ExtendReservation,
  HistoryPage,
  PlaceReservation,
  PlaceReservations,
  ReplaceLines,
  ReservationPage,
  ReservationsQuery,
  ReservationView,
  ShipReservation,
  UnshipReservation,
} from './reservations.dto.js';
import { ReservationsService } from './reservations.service.js';

const changed = { type: ReservationView, description: 'The reservation as it is now.' };

@ApiTags('Reservations')
@Controller({ path: 'reservations', version: '1' })
export class ReservationsController {
  constructor(private readonly reservations: ReservationsService) {}

  @Post()
  @Endpoint({
    scope: 'reservations:write',
    hot: plainlyPlaced,
    summary: 'Hold stock for a while',
    description: 'All lines or none, unless mode is partial. The hold expires by itself unless it is committed.',
    answer: { ...changed, status: 201, located: true, description: 'Held, or committed where `commit` was true.' },
    idempotent: true,
    problems: [
      'insufficient_stock',
      'hold_cap_reached',
      'stale_availability',
      'channel_forbidden',
      'unknown_sku',
      'unknown_uom',
      'unknown_location',
      'unknown_channel',
      'overloaded',
    ],
  })
  createReservation(@Caller() caller: Principal, @Once() once: Intent, @Body() body: PlaceReservation) {
    return this.reservations.hold(caller, once, body);
  }

  @Post('batch')
  @Endpoint({
    scope: 'reservations:write',
    summary: 'Place up to 100 reservations, each decided on its own',
    answer: { type: BatchView, status: 207, description: 'One result for each, in the order of the request.' },
    idempotent: true,
    problems: ['overloaded'],
  })
  createReservationBatch(@Caller() caller: Principal, @Once() once: Intent, @Body() body: PlaceReservations) {
    return this.reservations.holdBatch(caller, once, body.reservations);
  }

  @Get()
  @Endpoint({
    scope: 'reservations:read',
    summary: 'List reservations, newest first',
    answer: { type: ReservationPage },
    problems: ['channel_forbidden', 'unknown_channel'],
  })
  listReservations(@Caller() caller: Principal, @Query() query: ReservationsQuery) {
    return this.reservations.list(caller, query);
  }

  @Get(':id')
  @Endpoint({
    scope: 'reservations:read',
    summary: 'Read a reservation',
    answer: { type: ReservationView },
    problems: ['not_found'],
  })
  getReservation(@Caller() caller: Principal, @PathId('id', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string) {
    return this.reservations.get(caller, id);
  }

  @Get(':id/history')
  @Endpoint({
    scope: 'reservations:read',
    summary: 'Read every step a reservation took',
    answer: { type: HistoryPage },
    problems: ['not_found'],
  })
  getReservationHistory(@Caller() caller: Principal, @PathId('id', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string) {
    return this.reservations.history(caller, id);
  }

  @Put(':id/lines')
  @Endpoint({
    scope: 'reservations:write',
    summary: 'Replace the lines of a hold',
    description: 'Checked by its difference: what is held already does not stand in its own way. Keeps id and expiry.',
    answer: changed,
    ifMatch: true,
    problems: [
      'not_found',
      'insufficient_stock',
      'hold_cap_reached',
      'stale_availability',
      'already_committed',
      'already_released',
      'already_shipped',
      'already_cancelled',
      'hold_expired',
      'unknown_sku',
      'unknown_uom',
      'unknown_location',
      'overloaded',
    ],
  })
  replaceReservationLines(
    @Caller() caller: Principal,
    @PathId('id', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string,
    @IfMatch() version: number | undefined,
    @Body() body: ReplaceLines,
  ) {
    return this.reservations.edit(caller, id, version, body.lines);
  }

  @Post(':id/extend')
  @Endpoint({
    scope: 'reservations:write',
    summary: 'Give a hold more time',
    answer: changed,
    idempotent: true,
    problems: [
      'not_found',
      'hold_limit_reached',
      'already_committed',
      'already_released',
      'already_shipped',
      'already_cancelled',
      'hold_expired',
      'overloaded',
    ],
  })
  extendReservation(
    @Caller() caller: Principal,
    @Once() once: Intent,
    @PathId('id', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string,
    @Body() body: ExtendReservation,
  ) {
    return this.reservations.extend(caller, once, id, body.ttlSeconds);
  }

  @Post(':id/commit')
  @Endpoint({
    scope: 'reservations:write',
    summary: 'Turn a hold into a commitment',
    description: 'May take less than was held; the rest is free in the same step.',
    answer: changed,
    idempotent: true,
    problems: [
      'not_found',
      'exceeds_hold',
      'already_committed',
      'already_released',
      'already_shipped',
      'already_cancelled',
      'hold_expired',
      'overloaded',
    ],
  })
  commitReservation(
    @Caller() caller: Principal,
    @Once() once: Intent,
    @PathId('id', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string,
    @Body() body: CommitReservation,
  ) {
    return this.reservations.commit(caller, once, id, body ?? {});
  }

  @Post(':id/release')
  @Endpoint({
    scope: 'reservations:write',
    summary: 'Let a hold go',
    description: 'A second time changes nothing.',
    answer: changed,
    idempotent: true,
    problems: ['not_found', 'already_committed', 'already_shipped', 'already_cancelled', 'hold_expired', 'overloaded'],
  })
  releaseReservation(
    @Caller() caller: Principal,
    @Once() once: Intent,
    @PathId('id', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string,
  ) {
    return this.reservations.release(caller, once, id);
  }

  @Post(':id/cancel')
  @Endpoint({
    scope: 'reservations:write',
    summary: 'Take back a commitment, or part of it',
    description: 'A second time changes nothing.',
    answer: changed,
    idempotent: true,
    problems: [
      'not_found',
      'not_committed',
      'exceeds_commitment',
      'already_shipped',
      'already_released',
      'hold_expired',
      'overloaded',
    ],
  })
  cancelReservation(
    @Caller() caller: Principal,
    @Once() once: Intent,
    @PathId('id', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string,
    @Body() body: CancelReservation,
  ) {
    return this.reservations.cancel(caller, once, id, body?.lines);
  }

  @Post(':id/ship')
  @Endpoint({
    scope: 'reservations:write',
    summary: 'Ship a commitment, or part of it',
    description: 'On hand and reserved fall together. The same shipmentRef counts once.',
    answer: changed,
    idempotent: true,
    problems: [
      'not_found',
      'not_committed',
      'exceeds_commitment',
      'insufficient_stock',
      'already_shipped',
      'already_cancelled',
      'already_released',
      'hold_expired',
      'unknown_location',
      'overloaded',
    ],
  })
  shipReservation(
    @Caller() caller: Principal,
    @Once() once: Intent,
    @PathId('id', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string,
    @Body() body: ShipReservation,
  ) {
    return this.reservations.ship(caller, once, id, body.shipmentRef, body.lines);
  }

  @Post(':id/unship')
  @Endpoint({
    scope: 'reservations:write',
    summary: 'Take a shipment back: on hand and reserved again',
    description: 'A second time changes nothing.',
    answer: changed,
    idempotent: true,
    problems: ['not_found', 'unknown_shipment', 'overloaded'],
  })
  unshipReservation(
    @Caller() caller: Principal,
    @Once() once: Intent,
    @PathId('id', 'res_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string,
    @Body() body: UnshipReservation,
  ) {
    return this.reservations.unship(caller, once, id, body.shipmentRef);
  }
}

function plainlyPlaced(request: HotRequest, caller: Principal) {
  const { query, body } = request;
  if (query !== '' || !PlaceReservation.isPlain(body)) return undefined;
  return [caller, intentOf(request, caller), Object.assign(new PlaceReservation(), body)];
}
