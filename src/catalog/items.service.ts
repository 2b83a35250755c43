import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Answer, versioned } from '../access/answer.js';
import { AuditTrail } from '../access/audit.service.js';
import { resourceOf } from '../access/audit-entry.js';
import { decodeCursor, Page, page } from '../access/page.js';
import { Expectation, expectVersion } from '../access/precondition.js';
import type { Principal } from '../access/principal.js';
import { CLOCK, type Clock } from '../config.module.js';
import type { Tx } from '../postgres/connections.js';
import { invalid, Problem } from '../problems/problem.js';
import { CatalogChanges } from './catalog.changes.js';
import { toGtin14 } from './gs1.js';
import { changeOfMeaning, faultsOf, Item, ItemContent, normalise, sameContent } from './item.js';
import { ItemsQuery, ItemView, PutItem, readItem, viewItem } from './items.dto.js';
import { ItemsRepository } from './items.repository.js';
import { toNumber } from './quantity.js';

/** What a PUT has left, and whether that is another thing than before. */
export interface Written<View> {
  /** As it was; null: it was not there. */
  readonly before: View | null;
  readonly answer: Answer<View>;
  readonly changed: boolean;
}

/** What is sold: items, their units of measure and the numbers others know them by. */
@Injectable()
export class ItemsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ItemsRepository,
    private readonly audit: AuditTrail,
    private readonly changes: CatalogChanges,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Creates or replaces. Throws `validation_failed`, `version_conflict`, `in_use`, `identifier_taken`. */
  async put(caller: Principal, sku: string, body: PutItem, expected: Expectation): Promise<Answer<ItemView>> {
    const content = readItem(body);
    const faults = faultsOf(content);
    if (faults.length > 0) throw invalid(faults);
    const answer = await this.dataSource.transaction(async (tx) => {
      const { before, answer, changed } = await this.write(tx, sku, normalise(content), expected);
      if (changed)
        await this.audit.record(tx, caller, { resource: resourceOf('items', sku), before, after: answer.body });
      return answer;
    });
    await this.changes.announce({ skus: [sku] });
    return answer;
  }

  async get(sku: string): Promise<Answer<ItemView>> {
    const item = await this.repository.find(this.dataSource.manager, sku);
    if (!item || item.deleted) throw unknownSku(sku);
    return versioned(viewItem(item));
  }

  async list({ limit, cursor, identifier }: ItemsQuery): Promise<Page<ItemView>> {
    const [after = ''] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const values = identifier === undefined ? null : [identifier, toGtin14(identifier) ?? identifier];
    const rows = await this.repository.list(this.dataSource.manager, after, limit + 1, values);
    return page(rows, limit, viewItem, (item) => [item.sku]);
  }

  /** Throws `unknown_sku`, `version_conflict`, `in_use`. */
  async remove(caller: Principal, sku: string, expected: Expectation): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const id = await this.repository.lockAgainstUse(tx, sku);
      const item = id === undefined ? undefined : await this.repository.find(tx, sku);
      if (!item || item.deleted) throw unknownSku(sku);
      expectVersion(expected, item.version);
      await this.repository.lockPositions(tx, item.id);
      await this.requireUnused(tx, caller, item);
      await this.repository.retire(tx, item.id, new Date(this.clock()));
      await this.audit.record(tx, caller, { resource: resourceOf('items', sku), before: viewItem(item), after: null });
    });
    await this.changes.announce({ skus: [sku] });
  }

  /** A PUT within `tx`: the content is sound and normalised, and the caller announces the change. */
  async write(tx: Tx, sku: string, content: ItemContent, expected: Expectation): Promise<Written<ItemView>> {
    let id = await this.repository.lock(tx, sku);
    if (id === undefined) {
      expectVersion(expected, undefined);
      id = await this.repository.insert(tx, sku, content);
      if (id !== undefined) {
        await this.writeParts(tx, id, content, []);
        return { before: null, answer: versioned(viewItem(await this.reread(tx, sku)), true), changed: true };
      }
      // Another request created the SKU between our look and our insert.
      id = (await this.repository.lock(tx, sku)) as number;
    }
    const item = await this.reread(tx, sku);
    expectVersion(expected, item.deleted ? undefined : item.version);
    const before = item.deleted ? null : viewItem(item);
    if (before && sameContent(item, content)) return { before, answer: versioned(before), changed: false };
    const meaning = changeOfMeaning(item, content);
    if (meaning !== undefined) {
      await this.repository.lockAgainstUse(tx, sku);
      await this.repository.lockPositions(tx, id);
      if (await this.repository.hasQuantities(tx, id)) {
        throw new Problem('in_use', `There are quantities of ${sku}, and so its ${meaning}. Use another SKU.`);
      }
    }
    await this.repository.update(tx, id, content, new Date(this.clock()));
    await this.writeParts(tx, id, content, item.identifiers);
    return { before, answer: versioned(viewItem(await this.reread(tx, sku)), item.deleted), changed: true };
  }

  private async writeParts(tx: Tx, id: number, content: ItemContent, before: Item['identifiers']): Promise<void> {
    await this.repository.replaceUoms(tx, id, content.uoms);
    await this.repository.lockIdentifiers(tx, [...before, ...content.identifiers]);
    const taken = await this.repository.replaceIdentifiers(tx, id, content.identifiers);
    if (taken) {
      throw new Problem('identifier_taken', `${taken.sku} has the ${taken.type} ${taken.value} already.`);
    }
  }

  /** Who has some of it, and where, is said to a caller bound to no channel only (semantics.md 12). */
  private async requireUnused(tx: Tx, caller: Principal, item: Item): Promise<void> {
    const use = await this.findUse(tx, item);
    if (use === undefined) return;
    const guarded = `There are quantities or open reservations of ${item.sku}.`;
    throw new Problem('in_use', caller.channel === null ? use : guarded);
  }

  private async findUse(tx: Tx, item: Item): Promise<string | undefined> {
    const position = await this.repository.findFigures(tx, item.id);
    if (position) {
      const figures = (['onHand', 'reserved', 'incoming', 'safetyStock'] as const)
        .filter((figure) => position[figure] !== 0)
        .map((figure) => `${figure} ${toNumber(position[figure])}`);
      return `${item.sku} has ${figures.join(', ')} at ${position.location}: bring it to 0 first.`;
    }
    const reservation = await this.repository.findOpenReservation(tx, item.id, new Date(this.clock()));
    return reservation && `${item.sku} is reserved by ${reservation}: release, cancel or ship it first.`;
  }

  private async reread(tx: Tx, sku: string): Promise<Item> {
    return (await this.repository.find(tx, sku)) as Item;
  }
}

export function unknownSku(sku: string): Problem {
  return new Problem('unknown_sku', `There is no item ${sku}. Create it with PUT /v1/items/{sku}.`);
}
