import { Inject, Injectable, OnModuleInit } from '@nestjs/common';
import { type Answer, versioned } from '../access/answer.js';
import { Intent, unkeyed } from '../access/idempotency.js';
import { decodeCursor, Page, page } from '../access/page.js';
import type { Principal } from '../access/principal.js';
import { ONE, type Quantity, stepOf } from '../catalog/quantity.js';
import { requestedQuantity } from '../catalog/requested-quantity.js';
import { Directory } from '../channels/directory.service.js';
import { channelFor } from '../channels/named-channel.js';
import type { Clock } from '../config.module.js';
import { CLOCK } from '../config.module.js';
import { invalid, Problem, unknownInBody } from '../problems/problem.js';
import { PostingEngine } from '../stock/posting.engine.js';
import type { RequestedLine } from './admission.js';
import {
  EditCommand,
  ExpireCommand,
  HoldBatchCommand,
  HoldCommand,
  HoldRequest,
  onHandAt,
  StepCommand,
  StepDesk,
  StepWork,
} from './reservation.commands.js';
import type { Reservation, ReservationLine, Status } from './reservation.js';
import { ReservationBook } from './reservation.session.js';
import { viewOf } from './reservation.view.js';
import type { ReservationView, StepView } from './reservations.dto.js';
import { ReservationsRepository } from './reservations.repository.js';
import { cancel, commit, extend, release, ShipPart, ship, unship } from './transitions.js';

/** Holds whose time has come that are looked up at once, where nobody asks for fewer. */
export const SWEEP = 100;

/** Of which line how much, in the line's unit, as a request names it. */
export interface RequestedPart {
  readonly line: number;
  readonly quantity: number;
  readonly location?: string;
}

/** The use cases of reservations (semantics.md 14 to 21). Every change goes through the posting engine. */
@Injectable()
export class ReservationsService implements OnModuleInit {
  constructor(
    private readonly engine: PostingEngine,
    private readonly book: ReservationBook,
    private readonly repository: ReservationsRepository,
    private readonly directory: Directory,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.engine.join(this.book);
  }

  async hold(caller: Principal, intent: Intent, request: HoldRequest): Promise<Answer> {
    await this.knowChannels([request], caller);
    return this.engine.post(new HoldCommand(this.book, caller, intent, request));
  }

  async holdBatch(caller: Principal, intent: Intent, requests: readonly HoldRequest[]): Promise<Answer> {
    await this.knowChannels(requests, caller);
    return this.engine.post(new HoldBatchCommand(this.book, caller, intent, requests));
  }

  async edit(
    caller: Principal,
    id: string,
    version: number | undefined,
    lines: readonly RequestedLine[],
  ): Promise<Answer> {
    const reservation = await this.mine(caller, id);
    return this.engine.post(new EditCommand(this.book, caller, unkeyed(caller.clientId), reservation, lines, version));
  }

  async extend(caller: Principal, intent: Intent, id: string, ttlSeconds: number): Promise<Answer> {
    return this.step(caller, intent, id, {
      step: ({ current, desk, configuration }) => {
        const most = configuration.channelById(current.channelId)?.maxHoldTtlSeconds ?? 0;
        return extend(current, ttlSeconds, most, desk.now);
      },
    });
  }

  async commit(
    caller: Principal,
    intent: Intent,
    id: string,
    request: { orderRef?: string; lines?: readonly RequestedPart[] },
  ): Promise<Answer> {
    return this.step(caller, intent, id, {
      step: (at) => commit(at.current, partsOf(request.lines, at, caller), request.orderRef, at.desk.now),
    });
  }

  async release(caller: Principal, intent: Intent, id: string): Promise<Answer> {
    return this.step(caller, intent, id, { step: ({ current, desk }) => release(current, desk.now) });
  }

  async cancel(caller: Principal, intent: Intent, id: string, lines?: readonly RequestedPart[]): Promise<Answer> {
    return this.step(caller, intent, id, {
      step: (at) => cancel(at.current, partsOf(lines, at, caller), at.desk.now),
    });
  }

  /** Ships by instruction. The same reference a second time changes nothing (semantics.md 19). */
  async ship(
    caller: Principal,
    intent: Intent,
    id: string,
    shipmentRef: string,
    lines?: readonly RequestedPart[],
  ): Promise<Answer> {
    const reservation = await this.mine(caller, id);
    return this.step(caller, intent, id, {
      elsewhere: (configuration) =>
        (lines ?? []).flatMap(({ line, location }) => {
          const itemId = reservation.lines.find((each) => each.line === line)?.itemId;
          const locationId = location === undefined ? undefined : configuration.location(location)?.id;
          return itemId === undefined || locationId === undefined ? [] : [{ itemId, locationId }];
        }),
      step: (at) => {
        const { current, desk, session } = at;
        const before = session.shipment(id, shipmentRef);
        if (before && !before.unshipped) return undefined;
        const { step, shipped } = ship(current, partsOf(lines, at, caller), shipmentRef, onHandAt(desk), desk.now);
        session.keepShipment({ reservationId: id, reference: shipmentRef, lines: shipped, unshipped: false });
        return step;
      },
    });
  }

  /** Takes a shipment back. A second time changes nothing; one that never was is `unknown_shipment`. */
  async unship(caller: Principal, intent: Intent, id: string, shipmentRef: string): Promise<Answer> {
    return this.step(caller, intent, id, {
      step: ({ current, session, require }) => {
        const before = session.shipment(id, shipmentRef);
        if (!before) throw new Problem('unknown_shipment', `Reservation ${id} was never shipped as ${shipmentRef}.`);
        if (before.unshipped) return undefined;
        const itemOf = new Map(current.lines.map(({ line, itemId }) => [line, itemId]));
        require(
          before.lines.flatMap(({ line, locationId }) =>
            locationId === null ? [] : [{ itemId: itemOf.get(line) as number, locationId }],
          ),
        );
        session.keepShipment({ ...before, unshipped: true });
        return unship(current, shipmentRef, before.lines);
      },
    });
  }

  async get(caller: Principal, id: string): Promise<Answer<ReservationView>> {
    const reservation = await this.mine(caller, id);
    const [view] = await this.views([reservation]);
    return versioned(view as ReservationView);
  }

  async list(
    caller: Principal,
    query: { orderRef?: string; status?: Status; channel?: string; sku?: string; limit: number; cursor?: string },
  ): Promise<Page<ReservationView>> {
    const [before] = decodeCursor(query.cursor, ['string']) ?? [];
    let channelId: number | undefined;
    if (caller.channel || query.channel !== undefined) {
      await this.directory.channel(query.channel ?? caller.channel?.code ?? '');
      channelId = channelFor(caller, query.channel, this.directory.known, 'parameter').id;
    }
    const now = this.clock();
    const rows = await this.repository.list({ ...query, channelId }, before as string | undefined, query.limit, now);
    const { nextCursor, data } = page(
      rows,
      query.limit,
      (row) => row,
      ({ id }) => [id],
    );
    return { data: await this.views(data), nextCursor };
  }

  /** Every step, oldest first. */
  async history(caller: Principal, id: string): Promise<Page<StepView>> {
    const reservation = await this.mine(caller, id);
    const steps = await this.repository.history(id);
    const configuration = await this.placesOf(
      [reservation],
      steps.flatMap(({ lines }) => lines.flatMap(({ locationId }) => locationId ?? [])),
    );
    const factorOf = new Map(reservation.lines.map((line) => [line.line, line.factor]));
    const data = steps.map((step) => ({
      step: step.step,
      action: step.action,
      at: step.at.toISOString(),
      actor: step.actor,
      reference: step.reference,
      lines: step.lines.map(({ line, quantity, locationId }) => {
        const location = locationId == null ? undefined : configuration.locationById(locationId)?.code;
        // A line that an edit took away has no unit any more: its quantity is in the base unit.
        const inUnit = quantity / (factorOf.get(line) ?? 10_000);
        return { line, quantity: inUnit, ...(location ? { location } : {}) };
      }),
    }));
    return { data, nextCursor: null };
  }

  /**
   * Lets go of holds whose time has come, of the oldest `most` of them, in a transaction for each mailbox, one behind the other: side by
   * side they took both cores. Returns how many it looked at; throws behind all of them when one could not be let go of. `rest` is
   * awaited behind each transaction: it is told how late the oldest is, how long the transaction took, both in milliseconds, and
   * how many holds were in it.
   */
  async sweep(most = SWEEP, rest?: (late: number, took: number, holds: number) => Promise<void>): Promise<number> {
    const due = await this.repository.expired(this.clock(), most);
    const oldest = Math.min(...due.map(({ expiresAt }) => expiresAt as number));
    const byMailbox = new Map<number, Reservation[]>();
    for (const hold of due) {
      const mailbox = this.engine.mailboxOf(hold.lines[0]?.sku ?? '');
      const portion = byMailbox.get(mailbox);
      if (portion) portion.push(hold);
      else byMailbox.set(mailbox, [hold]);
    }
    let failure: PromiseRejectedResult | undefined;
    for (const portion of byMailbox.values()) {
      const begun = performance.now();
      const posted = portion.map((hold) => this.engine.post(new ExpireCommand(this.book, hold)));
      for (const settled of await Promise.allSettled(posted)) if (settled.status === 'rejected') failure = settled;
      await rest?.(this.clock() - oldest, performance.now() - begun, portion.length);
    }
    if (failure) throw failure.reason;
    return due.length;
  }

  private async step(caller: Principal, intent: Intent, id: string, work: StepWork): Promise<Answer> {
    return this.engine.post(new StepCommand(this.book, caller, intent, await this.mine(caller, id), work));
  }

  /** The reservation, if the caller's channel may know of it: another channel's does not exist for it (semantics.md 12). */
  private async mine(caller: Principal, id: string): Promise<Reservation> {
    const reservation = await this.repository.find(id);
    if (!reservation || (caller.channel && caller.channel.id !== reservation.channelId)) {
      throw new Problem('not_found', `There is no reservation ${id}.`);
    }
    return reservation;
  }

  /** A channel that another process has just made is unknown to this one's copy: looked up before it is refused. */
  private async knowChannels(requests: readonly HoldRequest[], caller: Principal): Promise<void> {
    if (caller.channel) await this.directory.channelById(caller.channel.id);
    for (const code of new Set(requests.map(({ channel }) => channel))) if (code) await this.directory.channel(code);
  }

  /** Channels and locations, looked up again where another process has made one that these reservations name. */
  private async placesOf(reservations: readonly Reservation[], locationIds: readonly number[] = []) {
    const known = await this.directory.configuration();
    const standing = reservations.flatMap(({ lines }) => lines.flatMap(({ allocations }) => allocations));
    const places = [...locationIds, ...standing.map(({ locationId }) => locationId)];
    const complete =
      reservations.every(({ channelId }) => known.channelById(channelId)) &&
      places.every((id) => known.locationById(id));
    return complete ? known : this.directory.refreshConfiguration();
  }

  private async views(reservations: readonly Reservation[]): Promise<ReservationView[]> {
    const now = this.clock();
    const [configuration, uncovered] = await Promise.all([
      this.placesOf(reservations),
      this.repository.uncovered(reservations, now),
    ]);
    return reservations.map((reservation) =>
      viewOf(reservation, configuration, now, (line) => uncovered.get(`${reservation.id} ${line}`) ?? 0),
    );
  }
}

/** What a request names of a reservation's lines, in the base unit, and at locations the caller may know of. */
function partsOf(
  requested: readonly RequestedPart[] | undefined,
  { current, configuration, items }: StepDesk,
  caller: Principal,
): ShipPart[] | undefined {
  return requested?.map((part, index) => {
    const pointer = `/lines/${index}`;
    const line = current.lines.find((each) => each.line === part.line);
    if (!line) {
      const detail = `takes a line of the reservation: 1 to ${current.lines.length}`;
      throw invalid([{ pointer: `${pointer}/line`, code: 'unknown_line', detail }]);
    }
    const own = caller.channel && configuration.channelById(caller.channel.id)?.locations;
    const named = part.location === undefined ? undefined : configuration.location(part.location);
    const location = !own || own.some(({ id }) => id === named?.id) ? named : undefined;
    if (part.location !== undefined && !location) {
      throw unknownInBody('unknown_location', `${pointer}/location`, `There is no location ${part.location}.`);
    }
    const fractionDigits = items.get(line.itemId)?.fractionDigits ?? 4;
    return {
      line: part.line,
      quantity: inBase(line, part.quantity, fractionDigits, `${pointer}/quantity`),
      locationId: location?.id ?? null,
    };
  });
}

/** A quantity in the unit the line was made in, whatever the item's units are today. */
function inBase(line: ReservationLine, quantity: number, fractionDigits: number, pointer: string): Quantity {
  const unit = {
    code: line.uom,
    factor: line.factor,
    step: line.factor === ONE ? stepOf(fractionDigits) : line.factor,
  };
  return requestedQuantity(unit, quantity, pointer);
}
