import { Answer, etag } from '../access/answer.js';
import type { Intent } from '../access/idempotency.js';
import type { Principal } from '../access/principal.js';
import type { Silence } from '../availability/freshness.js';
import type { Configuration, DirectoryChannel, DirectoryItem } from '../channels/directory.js';
import { channelFor } from '../channels/named-channel.js';
import { invalid, Problem } from '../problems/problem.js';
import type { Catalogue, Desk, PositionNeed } from '../stock/command.js';
import { Displaced } from '../stock/command.js';
import type { PositionKey } from '../stock/ledger.js';
import { sellableOf } from '../stock/position.js';
import {
  admit,
  differences,
  positionsFor,
  RequestedLine,
  ResolvedLine,
  refuseShort,
  resolveLines,
  sameLines,
} from './admission.js';
import { isCapped } from './hoarding.js';
import type { HoardPlace } from './hoards.repository.js';
import { hasExpired, Reservation, standing } from './reservation.js';
import {
  CappedCommand,
  mustBeLocked,
  ReservationBook,
  ReservationCommand,
  ReservationSession,
} from './reservation.session.js';
import { viewOf } from './reservation.view.js';
import { reservationId } from './reservation-id.js';
import { commit, expire, mustBeHeld, Step } from './transitions.js';

/** What a hold asks for (api.md, POST /v1/reservations). */
export interface HoldRequest {
  readonly channel?: string;
  readonly orderRef?: string;
  readonly ttlSeconds?: number;
  readonly mode: 'all_or_nothing' | 'partial';
  readonly commit: boolean;
  readonly lines: readonly RequestedLine[];
}

/** One hold, found out about: its channel, its lines, how long it may last. */
interface ResolvedHold {
  readonly channel: DirectoryChannel;
  readonly lines: readonly ResolvedLine[];
  readonly ttlSeconds: number;
}

/** Where to count what a client holds of these items, if the channel caps that. */
function hoardsOf(lines: readonly ResolvedLine[], channel: DirectoryChannel, clientId: string): readonly HoardPlace[] {
  if (!isCapped(channel)) return [];
  return positionsFor(lines, channel).map((key) => ({ ...key, channelId: channel.id, clientId }));
}

/** Decides one hold: found, then admitted. Shared by the single call and the batch. */
class Hold {
  private resolved: ResolvedHold | undefined;

  constructor(
    private readonly caller: Principal,
    private readonly request: HoldRequest,
  ) {}

  resolve(catalogue: Catalogue): readonly PositionNeed[] {
    const channel = channelFor(this.caller, this.request.channel, catalogue.configuration);
    const ttlSeconds = this.request.ttlSeconds ?? channel.holdTtlSeconds;
    if (ttlSeconds > channel.maxHoldTtlSeconds) {
      const detail = `takes at most ${channel.maxHoldTtlSeconds} seconds in channel ${channel.code}`;
      throw invalid([{ pointer: '/ttlSeconds', code: 'max', detail }]);
    }
    const lines = resolveLines(this.request.lines, channel, catalogue);
    this.resolved = { channel, lines, ttlSeconds };
    return positionsFor(lines, channel);
  }

  /** Once it is resolved. A commitment from the start holds nothing. */
  get hoards(): readonly HoardPlace[] {
    if (!this.resolved || this.request.commit) return [];
    return hoardsOf(this.resolved.lines, this.resolved.channel, this.caller.clientId);
  }

  decide(desk: Desk, session: ReservationSession, silent: Silence): Reservation {
    if (!this.resolved) throw new Error('A hold is resolved before it is decided.');
    const { channel, lines, ttlSeconds } = this.resolved;
    const admitted = admit(lines, channel, desk.ledger, undefined, silent);
    refuseShort(admitted, this.request.mode === 'partial');
    if (!this.request.commit) {
      session.hoards.requireWithin(channel, this.caller.clientId, admitted.lines, undefined);
    }
    const held: Reservation = {
      id: reservationId(),
      channelId: channel.id,
      clientId: this.caller.clientId,
      orderRef: this.request.orderRef ?? null,
      status: 'held',
      expiresAt: desk.now + ttlSeconds * 1_000,
      createdAt: desk.now,
      version: 1,
      lines: admitted.lines,
    };
    const hold: Step = {
      action: 'hold',
      reservation: held,
      postings: differences(held.id, [], held.lines, 'hold'),
      lines: held.lines.map(({ line, reserved }) => ({ line, quantity: reserved })),
    };
    if (!this.request.commit) return session.take(hold, desk, this.caller.keyId);
    // A commitment from the start has no moment in which it could expire, so none is noted.
    session.take({ ...hold, reservation: { ...held, expiresAt: null } }, desk, this.caller.keyId);
    return session.take(commit(held, undefined, undefined, desk.now), desk, this.caller.keyId);
  }
}

/** POST /v1/reservations. */
export class HoldCommand implements CappedCommand {
  readonly skus: readonly string[];
  readonly weight: number;
  private readonly hold: Hold;
  private configuration: Configuration | undefined;

  constructor(
    private readonly book: ReservationBook,
    caller: Principal,
    readonly intent: Intent,
    request: HoldRequest,
  ) {
    this.hold = new Hold(caller, request);
    this.skus = request.lines.map(({ sku }) => sku);
    this.weight = request.lines.length;
  }

  get hoards(): readonly HoardPlace[] {
    return this.hold.hoards;
  }

  prepare(catalogue: Catalogue): readonly PositionNeed[] {
    this.configuration = catalogue.configuration;
    return this.hold.resolve(catalogue);
  }

  decide(desk: Desk): () => Answer {
    const session = desk.session(this.book);
    const reservation = this.hold.decide(desk, session, this.book.freshness.silentAt(desk.now));
    return () => answerOf(reservation, this.configuration as Configuration, desk, session, 201);
  }
}

/** POST /v1/reservations/batch: each decided on its own, all in one transaction, answered together (207). */
export class HoldBatchCommand implements CappedCommand {
  readonly skus: readonly string[];
  readonly weight: number;
  private readonly holds: { readonly hold: Hold; problem?: Problem }[];
  private configuration: Configuration | undefined;

  constructor(
    private readonly book: ReservationBook,
    caller: Principal,
    readonly intent: Intent,
    requests: readonly HoldRequest[],
  ) {
    this.holds = requests.map((request) => ({ hold: new Hold(caller, request) }));
    this.skus = requests.flatMap(({ lines }) => lines.map(({ sku }) => sku));
    this.weight = this.skus.length;
  }

  get hoards(): readonly HoardPlace[] {
    return this.holds.flatMap(({ hold, problem }) => (problem ? [] : hold.hoards));
  }

  prepare(catalogue: Catalogue): readonly PositionNeed[] {
    this.configuration = catalogue.configuration;
    return this.holds.flatMap((each) => {
      each.problem = undefined;
      return ownProblem(each, () => each.hold.resolve(catalogue)) ?? [];
    });
  }

  decide(desk: Desk): () => Answer {
    const session = desk.session(this.book);
    const silent = this.book.freshness.silentAt(desk.now);
    const decided = this.holds.map((each) => {
      const reservation = each.problem ? undefined : ownProblem(each, () => each.hold.decide(desk, session, silent));
      return { reservation, problem: each.problem };
    });
    return () => {
      const results = decided.map(({ reservation, problem }) =>
        reservation
          ? { status: 201, reservation: view(reservation, this.configuration as Configuration, desk, session) }
          : { status: (problem as Problem).status, problem: (problem as Problem).document() },
      );
      return new Answer(207, { results });
    };
  }
}

/** A refusal concerns one of the batch, not its neighbours. */
function ownProblem<T>(each: { problem?: Problem }, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    each.problem = error;
    return undefined;
  }
}

/** PUT /v1/reservations/{id}/lines: the new lines of a hold, checked by their difference (semantics.md 17). */
export class EditCommand implements ReservationCommand, CappedCommand {
  readonly reservationIds: readonly string[];
  readonly skus: readonly string[];
  readonly weight: number;
  private resolved:
    | { channel: DirectoryChannel; lines: readonly ResolvedLine[]; configuration: Configuration }
    | undefined;

  constructor(
    private readonly book: ReservationBook,
    private readonly caller: Principal,
    readonly intent: Intent,
    private snapshot: Reservation,
    private readonly lines: readonly RequestedLine[],
    private readonly version: number | undefined,
  ) {
    this.reservationIds = [snapshot.id];
    this.skus = [...lines, ...snapshot.lines].map(({ sku }) => sku);
    this.weight = lines.length + snapshot.lines.length;
  }

  get hoards(): readonly HoardPlace[] {
    return this.resolved ? hoardsOf(this.resolved.lines, this.resolved.channel, this.snapshot.clientId) : [];
  }

  prepare(catalogue: Catalogue): readonly PositionNeed[] {
    const { configuration } = catalogue;
    const channel = configuration.channelById(this.snapshot.channelId) as DirectoryChannel;
    const lines = resolveLines(this.lines, channel, catalogue);
    this.resolved = { channel, lines, configuration };
    return [...positionsFor(lines, channel), ...standing(this.snapshot)];
  }

  decide(desk: Desk): () => Answer {
    const session = desk.session(this.book);
    const { channel, lines, configuration } = this.resolved as NonNullable<typeof this.resolved>;
    const current = session.find(this.snapshot.id) as Reservation;
    this.snapshot = current;
    mustBeHeld(current, desk.now);
    if (this.version !== undefined && this.version !== current.version) {
      throw new Problem(
        'version_conflict',
        `Reservation ${current.id} is at version ${current.version}. Read it again.`,
      );
    }
    mustBeLocked(current, desk);
    if (sameLines(current, lines)) return () => answerOf(current, configuration, desk, session, 200);
    const silent = this.book.freshness.silentAt(desk.now);
    const admitted = admit(lines, channel, desk.ledger, current, silent);
    refuseShort(admitted, false);
    session.hoards.requireWithin(channel, current.clientId, admitted.lines, current);
    const edited = session.take(
      {
        action: 'edit',
        reservation: { ...current, lines: admitted.lines, version: current.version + 1 },
        postings: differences(current.id, current.lines, admitted.lines, 'edit'),
        lines: admitted.lines.map(({ line, reserved }) => ({ line, quantity: reserved })),
      },
      desk,
      this.caller.keyId,
    );
    return () => answerOf(edited, configuration, desk, session, 200);
  }
}

/** What a step is decided by: the reservation as it stands, and the catalogue as it proved to be current. */
export interface StepDesk {
  readonly current: Reservation;
  readonly desk: Desk;
  readonly session: ReservationSession;
  readonly configuration: Configuration;
  /** The items of its lines by id; those deleted since are missing. */
  readonly items: ReadonlyMap<number, DirectoryItem>;
  /** Sends the command into the next batch unless these positions are locked. */
  require(positions: readonly PositionKey[]): void;
}

export interface StepWork {
  /** Positions beyond those it stands at, such as the one a shipment leaves from. */
  readonly elsewhere?: (configuration: Configuration) => readonly PositionKey[];
  /** Undefined: it was taken before, nothing changes. */
  readonly step: (at: StepDesk) => Step | undefined;
}

/** A step of a reservation that exists: commit, release, extend, cancel, ship, un-ship. */
export class StepCommand implements ReservationCommand {
  readonly reservationIds: readonly string[];
  readonly skus: readonly string[];
  readonly weight: number;
  private configuration: Configuration | undefined;
  private items: ReadonlyMap<number, DirectoryItem> = new Map();
  private readonly required: PositionKey[] = [];

  constructor(
    private readonly book: ReservationBook,
    private readonly caller: Principal,
    readonly intent: Intent,
    private snapshot: Reservation,
    private readonly work: StepWork,
  ) {
    this.reservationIds = [snapshot.id];
    this.skus = snapshot.lines.map(({ sku }) => sku);
    this.weight = snapshot.lines.length;
  }

  prepare({ configuration, item }: Catalogue): readonly PositionNeed[] {
    this.configuration = configuration;
    this.items = new Map(
      this.snapshot.lines.flatMap(({ sku, itemId }) => {
        const found = item(sku);
        return found ? [[itemId, found] as const] : [];
      }),
    );
    return [...standing(this.snapshot), ...(this.work.elsewhere?.(configuration) ?? []), ...this.required];
  }

  decide(desk: Desk): () => Answer {
    const session = desk.session(this.book);
    const current = session.find(this.snapshot.id) as Reservation;
    const configuration = this.configuration as Configuration;
    this.snapshot = current;
    mustBeLocked(current, desk);
    const require = (positions: readonly PositionKey[]) => this.require(positions, desk);
    const step = this.work.step({ current, desk, session, configuration, items: this.items, require });
    const after = step ? session.take(step, desk, this.caller.keyId) : current;
    return () => answerOf(after, configuration, desk, session, 200);
  }

  private require(positions: readonly PositionKey[], desk: Desk): void {
    const missing = positions.filter(({ itemId, locationId }) => !desk.ledger.position(itemId, locationId));
    if (missing.length === 0) return;
    this.required.push(...missing);
    throw new Displaced(`${this.snapshot.id} also needs positions that are not locked`);
  }
}

/** Lets a hold go whose time has come, when the positions it stood at have not seen to it before. Repeats harmlessly. */
export class ExpireCommand implements ReservationCommand {
  readonly onlyLetsGo = true;
  readonly intent = null;
  readonly reservationIds: readonly string[];
  readonly skus: readonly string[];
  readonly weight: number;

  constructor(
    private readonly book: ReservationBook,
    private snapshot: Reservation,
  ) {
    this.reservationIds = [snapshot.id];
    this.skus = snapshot.lines.map(({ sku }) => sku);
    this.weight = snapshot.lines.length;
  }

  prepare(): readonly PositionNeed[] {
    return standing(this.snapshot);
  }

  decide(desk: Desk): () => Answer {
    const session = desk.session(this.book);
    const current = session.find(this.snapshot.id) as Reservation;
    this.snapshot = current;
    mustBeLocked(current, desk);
    if (hasExpired(current, desk.now)) session.take(expire(current), desk, 'holdfast');
    return () => new Answer(204, undefined);
  }
}

/** What may leave a position by instruction: on hand and in a condition to be sold. */
export function onHandAt(desk: Desk) {
  return (itemId: number, locationId: number): number | undefined => {
    const position = desk.ledger.position(itemId, locationId);
    return position && sellableOf(position);
  };
}

function view(reservation: Reservation, configuration: Configuration, desk: Desk, session: ReservationSession) {
  return viewOf(reservation, configuration, desk.now, (line) => session.uncoveredOf(reservation.id, line));
}

function answerOf(
  reservation: Reservation,
  configuration: Configuration,
  desk: Desk,
  session: ReservationSession,
  status: number,
): Answer {
  return new Answer(status, view(reservation, configuration, desk, session), {
    ETag: etag(reservation.version),
    ...(status === 201 ? { Location: `/v1/reservations/${reservation.id}` } : {}),
  });
}
