import { Answer } from '../access/answer.js';
import { type AuditEntry, entryOf, resourceOf } from '../access/audit-entry.js';
import type { Intent } from '../access/idempotency.js';
import type { Principal } from '../access/principal.js';
import type { DirectoryItem, DirectoryLocation } from '../channels/directory.js';
import { invalid, Problem, unknownInBody } from '../problems/problem.js';
import type { Catalogue, Command, Desk, PositionNeed } from './command.js';
import type { PositionKey } from './ledger.js';
import type { Change, Movement } from './movement.js';
import { freeOf, POSITION_MOST, Position } from './position.js';
import type { PositionView } from './stock.dto.js';
import { movementView, positionView } from './stock.view.js';

/** An item and a location as a request names them, found. */
export interface Place {
  readonly item: DirectoryItem;
  readonly location: DirectoryLocation;
}

/** Finds what a body names. `mayUse`: whether the caller may know of the location. */
export function placeOf(
  catalogue: Catalogue,
  sku: string,
  code: string,
  mayUse: (location: DirectoryLocation) => boolean,
  pointers = { sku: '/sku', location: '/location' },
): Place {
  const item = catalogue.item(sku);
  if (!item) throw unknownInBody('unknown_sku', pointers.sku, `There is no item ${sku}.`);
  const location = catalogue.configuration.location(code);
  if (!location || !mayUse(location)) {
    throw unknownInBody('unknown_location', pointers.location, `There is no location ${code}.`);
  }
  return { item, location };
}

/** One change at one position: an adjustment, a change of condition, a safety stock. */
export class PlaceCommand implements Command {
  readonly skus: readonly string[];
  readonly weight = 1;
  private place: Place | undefined;
  private entry: AuditEntry | undefined;

  constructor(
    readonly intent: Intent,
    private readonly caller: Principal,
    sku: string,
    private readonly find: (catalogue: Catalogue) => Place,
    /** The changes to post, in order; throws a Problem to refuse. */
    private readonly change: (position: Position, place: Place) => readonly Change[],
    private readonly answer: (movements: readonly Movement[], position: PositionView, place: Place) => Answer,
  ) {
    this.skus = [sku];
  }

  prepare(catalogue: Catalogue): readonly PositionNeed[] {
    this.place = this.find(catalogue);
    return [{ ...keyOf(this.place), create: true }];
  }

  decide(desk: Desk): () => Answer {
    const place = this.place as Place;
    const key = keyOf(place);
    const position = desk.ledger.position(key.itemId, key.locationId) as Position;
    const changes = this.change(position, place);
    const before = viewAt(position, place);
    const movements = changes.map((change) => desk.ledger.post(key, change, this.caller.keyId));
    const after = viewAt(position, place);
    const [first] = movements;
    if (first) {
      const { reason, note, reference } = first;
      const resource = resourceOf('stock', before.sku, before.location);
      this.entry = entryOf(this.caller, { resource, before, after: { ...after, reason, note, reference } }, desk.now);
    }
    const answer = this.answer(movements, after, place);
    return () => answer;
  }

  audited(): AuditEntry | undefined {
    return this.entry;
  }
}

/** From one location to another, in one step; more than is free is refused. */
export class TransferCommand implements Command {
  readonly skus: readonly string[];
  readonly weight = 2;
  private entry: AuditEntry | undefined;
  private moved: { from: Place; to: Place; quantity: number } | undefined;

  constructor(
    readonly intent: Intent,
    private readonly caller: Principal,
    sku: string,
    private readonly find: (catalogue: Catalogue) => { from: Place; to: Place; quantity: number },
    private readonly reference: string | undefined,
  ) {
    this.skus = [sku];
  }

  prepare(catalogue: Catalogue): readonly PositionNeed[] {
    this.moved = this.find(catalogue);
    return [keyOf(this.moved.from), { ...keyOf(this.moved.to), create: true }];
  }

  decide(desk: Desk): () => Answer {
    const { from, to, quantity } = this.moved as NonNullable<typeof this.moved>;
    const source = desk.ledger.position(from.item.id, from.location.id);
    const free = source ? freeOf(source) : 0;
    if (!source || free < quantity) {
      throw new Problem('insufficient_stock', `Only ${free / 10_000} are free at ${from.location.code}.`, {
        extra: {
          shortages: [
            {
              line: 1,
              sku: from.item.sku,
              requested: quantity / 10_000,
              available: free / 10_000,
              reason: source ? 'insufficient' : 'not_stocked',
            },
          ],
        },
      });
    }
    const target = desk.ledger.position(to.item.id, to.location.id) as Position;
    if (target.onHand + quantity > POSITION_MOST) {
      const detail = `would bring on hand at ${to.location.code} above 900,000,000,000`;
      throw invalid([{ pointer: '/quantity', code: 'too_large', detail }]);
    }
    const reference = this.reference;
    const before = { from: viewAt(source, from), to: viewAt(target, to) };
    const out = desk.ledger.post(
      keyOf(from),
      { kind: 'transfer_out', onHand: -quantity, reference },
      this.caller.keyId,
    );
    const into = desk.ledger.post(keyOf(to), { kind: 'transfer_in', onHand: quantity, reference }, this.caller.keyId);
    const after = { from: viewAt(source, from), to: viewAt(target, to) };
    const resource = resourceOf('stock', from.item.sku);
    this.entry = entryOf(this.caller, { resource, before, after: { ...after, reference } }, desk.now);
    const body = { movements: [view(out, from), view(into, to)], ...after };
    return () => new Answer(201, body);
  }

  audited(): AuditEntry | undefined {
    return this.entry;
  }
}

export function view(movement: Movement, place: Place) {
  return movementView(movement, place.item.sku, place.location.code);
}

function keyOf({ item, location }: Place): PositionKey {
  return { itemId: item.id, locationId: location.id };
}

/** Under the lock and after expired holds went, nothing of `reserved` is expired; what backorders are is left to reads. */
function viewAt(position: Position, { item, location }: Place): PositionView {
  return positionView(position, { sku: item.sku, location: location.code, enabled: location.enabled }, 0, 0);
}
