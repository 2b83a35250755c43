import type { Quantity } from '../catalog/quantity.js';
import type { ReservationSession } from '../reservations/reservation.session.js';
import type { Desk } from '../stock/command.js';
import type { PositionKey } from '../stock/ledger.js';
import type { Change, MovementKind } from '../stock/movement.js';
import { type Position, uncoveredOf } from '../stock/position.js';
import { isStale } from './absolute-figure.js';
import type { FeedKey } from './applying.repository.js';
import type { ApplyingSession } from './applying.session.js';
import type { Fact } from './fact.js';
import type { Recorded } from './physical-fact.js';
import type { Row, Surroundings, Task } from './task.js';

/** Where one row of an event is decided: what is locked, what is posted, and in whose name. */
export class FactDesk {
  constructor(
    readonly desk: Desk,
    readonly session: ApplyingSession,
    readonly reservations: ReservationSession,
    readonly around: Surroundings,
    readonly task: Task,
    readonly row: Row,
  ) {}

  get fact(): Fact {
    return this.row.fact;
  }

  get now(): number {
    return this.desk.now;
  }

  /** What a movement of this event says of itself. */
  change(kind: MovementKind, reference: string | null, reason: string | null = null): Change {
    const change = { kind, source: this.task.source.code, eventId: this.task.inbox.eventId, turn: this.task.turn };
    if (reference === null && reason === null) return change;
    return { ...change, ...(reference === null ? {} : { reference }), ...(reason === null ? {} : { reason }) };
  }

  position(key: PositionKey): Position {
    const position = this.desk.ledger.position(key.itemId, key.locationId);
    if (!position) throw new Error(`Position ${key.itemId}/${key.locationId} was not asked for.`);
    return position;
  }

  feed({ itemId, locationId }: PositionKey): FeedKey {
    return { sourceId: this.task.source.id, itemId, locationId };
  }

  /** Whether the last figure of this source contains the fact at a position already (semantics.md 23). */
  isInside(key: PositionKey): boolean {
    return isStale(this.fact.moment, this.session.lastFigure(this.feed(key)));
  }

  /** Keeps that so much came or went, for a figure that may come late. */
  keepDelta(key: PositionKey, quantity: Quantity, committedAt: number | null = null): void {
    if (quantity === 0) return;
    const { at, sequence, turn = null } = this.fact.moment;
    const { itemId, locationId } = key;
    const sourceId = this.task.source.id;
    this.session.keepDelta({ sourceId, itemId, locationId, at, sequence, turn, quantity, committedAt });
  }

  post(key: PositionKey, change: Change): void {
    this.desk.ledger.post(key, change, this.task.source.code);
  }

  /** Posts what a fact does to a position; what cannot be is an exception of this kind. */
  record(key: PositionKey, { changes, rest }: Recorded, kind = 'negative_on_hand'): void {
    const before = uncoveredOf(this.position(key));
    for (const change of changes) this.post(key, change);
    this.noteShortfall(key, before);
    if (rest > 0) this.noteRest(key, rest, kind);
  }

  /** What could not be recorded because on hand ends at 0 (semantics.md 7). */
  noteRest(key: PositionKey, rest: Quantity, kind = 'negative_on_hand'): void {
    const detail =
      kind === 'negative_on_hand'
        ? `${rest / 10_000} more left than were on hand: on hand is 0 now. Count the location.`
        : `${rest / 10_000} more than were there should have changed their condition. Look at the location.`;
    this.note(key, kind, detail, { quantity: rest / 10_000 });
  }

  /** More is uncovered than before the fact: say whose (semantics.md 7). */
  noteShortfall(key: PositionKey, before: Quantity): void {
    const more = uncoveredOf(this.position(key)) - before;
    if (more <= 0) return;
    const detail = `${more / 10_000} that are reserved here are not there any more: find other stock, or cancel.`;
    const { affected: _, ...exception } = this.exception(key, 'shortfall', detail, null);
    this.session.fallShort(key, more, exception);
  }

  /** Opens an exception that tells what the event did. */
  note(key: PositionKey, kind: string, detail: string, affected: unknown): void {
    this.session.except(this.exception(key, kind, detail, affected));
  }

  private exception(key: PositionKey, kind: string, detail: string, affected: unknown) {
    const { inbox, source } = this.task;
    const { item, location, to } = this.row;
    const at = to && to.id === key.locationId ? to : location;
    const about = { sku: item?.sku ?? null, location: at?.code ?? null, detail, affected, fact: null };
    const of = { inboxId: inbox.id, inboxReceivedAt: inbox.receivedAt, eventId: inbox.eventId };
    return { kind, sourceId: source.id, ...of, ...about };
  }
}
