import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Answer } from '../access/answer.js';
import { AuditTrail } from '../access/audit.service.js';
import { resourceOf } from '../access/audit-entry.js';
import { Intent, replay, unkeyed } from '../access/idempotency.js';
import { IdempotencyRepository } from '../access/idempotency.repository.js';
import { decodeCursor, Page, page } from '../access/page.js';
import { Principal, requireEveryChannel } from '../access/principal.js';
import type { Quantity } from '../catalog/quantity.js';
import { requestedQuantity, requestedUnit } from '../catalog/requested-quantity.js';
import type { DirectoryItem, DirectoryLocation } from '../channels/directory.js';
import { Directory } from '../channels/directory.service.js';
import type { Clock } from '../config.module.js';
import { CLOCK } from '../config.module.js';
import { invalid, Problem } from '../problems/problem.js';
import { adjust, changeCondition, Reason } from './adjustment.js';
import type { Condition, Position } from './position.js';
import { PostingEngine } from './posting.engine.js';
import { Place, PlaceCommand, placeOf, TransferCommand, view } from './stock.commands.js';
import type { MovementView, PositionView } from './stock.dto.js';
import { AuditRepository, Finding, StockRepository } from './stock.repository.js';
import { movementView, positionView } from './stock.view.js';

export interface AdjustmentRequest {
  readonly sku: string;
  readonly location: string;
  readonly delta?: number;
  readonly onHand?: number;
  readonly uom?: string;
  readonly condition: Condition;
  readonly reason: Reason;
  readonly note?: string;
  readonly reference?: string;
}

export interface ConditionChangeRequest {
  readonly sku: string;
  readonly location: string;
  readonly quantity: number;
  readonly uom?: string;
  readonly from: Condition;
  readonly to: Condition;
  readonly reason: string;
  readonly reference?: string;
}

export interface TransferRequest {
  readonly sku: string;
  readonly from: string;
  readonly to: string;
  readonly quantity: number;
  readonly uom?: string;
  readonly reference?: string;
}

/** The use cases of stock on hand. Every change goes through the posting engine. */
@Injectable()
export class StockService {
  constructor(
    private readonly engine: PostingEngine,
    private readonly directory: Directory,
    private readonly repository: StockRepository,
    private readonly audits: AuditRepository,
    private readonly trail: AuditTrail,
    private readonly idempotency: IdempotencyRepository,
    private readonly dataSource: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Changes on hand by `delta` or to `onHand`. 201 `{ movement (null if nothing changed), position }`. */
  async adjust(caller: Principal, intent: Intent, request: AdjustmentRequest): Promise<Answer> {
    if ((request.delta === undefined) === (request.onHand === undefined)) {
      throw invalid([{ pointer: '/delta', code: 'one_of', detail: 'give either delta or onHand' }]);
    }
    const mayUse = await this.locationsOf(caller, [request.location]);
    return this.engine.post(
      new PlaceCommand(
        intent,
        caller,
        request.sku,
        (catalogue) => placeOf(catalogue, request.sku, request.location, mayUse),
        (position, { item }) =>
          adjust(position, {
            ...request,
            delta: request.delta === undefined ? undefined : inBase(item, request.delta, request.uom, '/delta'),
            onHand: request.onHand === undefined ? undefined : inBase(item, request.onHand, request.uom, '/onHand'),
          }),
        (movements, position, place) => {
          const [first] = movements;
          return new Answer(201, { movement: first ? view(first, place) : null, position });
        },
      ),
    );
  }

  /** Moves units that are there into another condition. 201 `{ movements, position }`. */
  async changeCondition(caller: Principal, intent: Intent, request: ConditionChangeRequest): Promise<Answer> {
    if (request.from === request.to) {
      throw invalid([{ pointer: '/to', code: 'same', detail: 'takes another condition than from' }]);
    }
    const mayUse = await this.locationsOf(caller, [request.location]);
    return this.engine.post(
      new PlaceCommand(
        intent,
        caller,
        request.sku,
        (catalogue) => placeOf(catalogue, request.sku, request.location, mayUse),
        (position: Position, { item }: Place) => {
          const quantity = inBase(item, request.quantity, request.uom, '/quantity');
          return changeCondition(position, quantity, request.from, request.to, request);
        },
        (movements, position, place) =>
          new Answer(201, { movements: movements.map((movement) => view(movement, place)), position }),
      ),
    );
  }

  /** Moves free stock between two locations in one step. 201 `{ movements, from, to }`. */
  async transfer(caller: Principal, intent: Intent, request: TransferRequest): Promise<Answer> {
    if (request.from === request.to) {
      throw invalid([{ pointer: '/to', code: 'same', detail: 'takes another location than from' }]);
    }
    const mayUse = await this.locationsOf(caller, [request.from, request.to]);
    return this.engine.post(
      new TransferCommand(
        intent,
        caller,
        request.sku,
        (catalogue) => {
          const at = (field: 'from' | 'to') =>
            placeOf(catalogue, request.sku, request[field], mayUse, { sku: '/sku', location: `/${field}` });
          const from = at('from');
          const quantity = inBase(from.item, request.quantity, request.uom, '/quantity');
          return { from, to: at('to'), quantity };
        },
        request.reference,
      ),
    );
  }

  /** Sets how much of a position is kept back from every promise. Answers the position. */
  async setSafetyStock(caller: Principal, sku: string, code: string, safetyStock: number): Promise<Answer> {
    const mayUse = await this.locationsOf(caller, [code]);
    return this.engine.post(
      new PlaceCommand(
        unkeyed(caller.clientId),
        caller,
        sku,
        (catalogue) => {
          const item = catalogue.item(sku);
          if (!item) throw new Problem('unknown_sku', `There is no item ${sku}.`);
          const location = catalogue.configuration.location(code);
          if (!location || !mayUse(location)) throw new Problem('unknown_location', `There is no location ${code}.`);
          return { item, location };
        },
        (position, { item }) => {
          const figure = inBase(item, safetyStock, undefined, '/safetyStock');
          return figure === position.safetyStock ? [] : [{ kind: 'safety_stock', safetyStock: figure }];
        },
        (_movements, position) => new Answer(200, position),
      ),
    );
  }

  async positions(
    caller: Principal,
    query: { sku?: string; location?: string; limit: number; cursor?: string },
  ): Promise<Page<PositionView>> {
    const after = decodeCursor(query.cursor, ['string', 'string']) as [string, string] | undefined;
    const filter = { ...query, locationIds: await this.visibleLocations(caller) };
    const rows = await this.repository.list(filter, after, query.limit, this.clock());
    return page(
      rows,
      query.limit,
      (row) => positionView(row.position, row, row.expired, row.backordered),
      (row) => [row.sku, row.location],
    );
  }

  async movements(
    caller: Principal,
    query: { sku?: string; location?: string; since?: number; limit: number; cursor?: string },
  ): Promise<Page<MovementView>> {
    const after = decodeCursor(query.cursor, ['number', 'number', 'number']) as [number, number, number] | undefined;
    const filter = { ...query, locationIds: await this.visibleLocations(caller) };
    const rows = await this.repository.movements(filter, after, query.limit);
    return page(
      rows,
      query.limit,
      (row) => movementView(row, row.sku, row.location, row.event),
      (row) => [row.itemId, row.locationId, row.version],
    );
  }

  /** Runs the invariants of semantics.md over everything, at one moment. Throws `channel_forbidden`. */
  async audit(caller: Principal): Promise<{ checked: number; findings: readonly Finding[] }> {
    requireEveryChannel(caller);
    return this.dataSource.transaction('REPEATABLE READ', (tx) => this.audits.check(tx));
  }

  /** Makes every drifted position follow from its ledger again. Answers how many, and what still does not hold. Throws `channel_forbidden`. */
  async repair(caller: Principal, intent: Intent): Promise<Answer> {
    requireEveryChannel(caller);
    return this.dataSource.transaction(async (tx) => {
      await this.idempotency.lockIntent(tx, intent);
      const first = await this.idempotency.find(tx, intent);
      if (first) return replay(intent, first);
      const at = new Date(this.clock());
      const drifted = await this.audits.drifted(tx);
      for (const { itemId, locationId } of drifted) {
        await this.audits.lock(tx, itemId, locationId);
        await this.audits.repair(tx, itemId, locationId, caller.keyId, at);
      }
      const { checked, findings } = await this.audits.check(tx);
      const body = { checked, repaired: drifted.length, findings };
      const change = { before: { drifted }, after: body };
      await this.trail.record(tx, caller, { resource: resourceOf('stock', 'audit'), ...change });
      await this.idempotency.insert(tx, intent, 200, body, at);
      return new Answer(200, body);
    });
  }

  /** Which locations the caller may name; looks again for codes this process does not know yet. */
  async locationsOf(
    caller: Pick<Principal, 'channel'>,
    codes: readonly string[],
  ): Promise<(location: DirectoryLocation) => boolean> {
    const configuration = await this.directory.configuration();
    if (codes.some((code) => !configuration.location(code))) await this.directory.refreshConfiguration();
    const visible = await this.visibleLocations(caller);
    return visible ? (location) => visible.includes(location.id) : () => true;
  }

  /** A key of a channel sees that channel's locations only (semantics.md 12); undefined: all. */
  private async visibleLocations(caller: Pick<Principal, 'channel'>): Promise<number[] | undefined> {
    if (!caller.channel) return undefined;
    const channel = await this.directory.channelById(caller.channel.id);
    return channel?.locations.map(({ id }) => id) ?? [];
  }
}

/** A requested figure in ten-thousandths of the item's base unit. Throws 422 or 400 with the pointer. */
function inBase(item: DirectoryItem, value: number, uom: string | undefined, pointer: string): Quantity {
  return requestedQuantity(requestedUnit(item, uom, '/uom'), value, pointer);
}
