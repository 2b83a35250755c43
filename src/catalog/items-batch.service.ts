import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../config.module.js';
import type { Tx } from '../postgres/connections.js';
import { invalid, Problem } from '../problems/problem.js';
import { changeOfMeaning, faultsOf, type Identifier, type ItemContent, normalise, sameContent } from './item.js';
import { type PutItem, readItem } from './items.dto.js';
import { ItemsRepository } from './items.repository.js';
import { ItemsService } from './items.service.js';
import { ItemsBatchRepository, type Known, type Wanted } from './items-batch.repository.js';

/** What became of one item of a batch. */
export type Outcome = 'changed' | 'unchanged' | Problem;

interface Entry extends Wanted {
  /** Its place in the batch. */
  readonly index: number;
}

interface KnownEntry extends Entry, Known {
  readonly isNew: boolean;
  /** What it had before. */
  readonly before: readonly Identifier[];
}

/**
 * Many PUTs of items in one transaction, by the rules of the single one. What is plain, new items and changed ones, is
 * written set-based: 500 items take some 12 statements where single PUTs take 4,000. Whatever else there is (an item
 * that was deleted, a change of meaning, an identifier that another item has, a SKU that comes twice) goes through the
 * single PUT, behind the others, so that those rules are written down once.
 */
@Injectable()
export class ItemsBatch {
  constructor(
    private readonly items: ItemsService,
    private readonly single: ItemsRepository,
    private readonly repository: ItemsBatchRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** One outcome an item, in order; a refused one changes nothing. The caller announces the changed SKUs. */
  async put(tx: Tx, rows: readonly { sku: string; body: PutItem }[]): Promise<Outcome[]> {
    const outcomes = new Map<number, Outcome>();
    const together = new Map<string, Entry>();
    const alone: Entry[] = [];
    for (const [index, { sku, body }] of rows.entries()) {
      const content = readItem(body);
      const faults = faultsOf(content);
      const entry = { index, sku, content: normalise(content) };
      if (faults.length > 0) outcomes.set(index, invalid(faults));
      else if (together.has(sku)) alone.push(entry);
      else together.set(sku, entry);
    }
    alone.push(...(await this.writeTogether(tx, [...together.values()], outcomes)));
    for (const entry of alone.sort((a, b) => a.index - b.index)) {
      outcomes.set(entry.index, await this.writeAlone(tx, entry));
    }
    return rows.map((_, index) => outcomes.get(index) as Outcome);
  }

  /** Returns the entries that need the single PUT. The locks are taken in its order: items, new items, identifiers. */
  private async writeTogether(tx: Tx, entries: readonly Entry[], outcomes: Map<number, Outcome>): Promise<Entry[]> {
    const left: Entry[] = [];
    const missing: Entry[] = [];
    const written: KnownEntry[] = [];
    const skus = entries.map(({ sku }) => sku);
    const ids = await this.repository.lock(tx, skus);
    const found = await this.repository.find(tx, [...ids.keys()]);
    for (const entry of entries) {
      const item = found.get(entry.sku);
      if (!item) missing.push(entry);
      else if (item.deleted || changeOfMeaning(item, entry.content) !== undefined) left.push(entry);
      else if (sameContent(item, entry.content)) outcomes.set(entry.index, 'unchanged');
      else written.push({ ...entry, id: item.id, isNew: false, before: item.identifiers });
    }
    const inserted = await this.repository.insert(tx, missing);
    for (const entry of missing) {
      const id = inserted.get(entry.sku);
      if (id === undefined)
        left.push(entry); // another request was quicker
      else written.push({ ...entry, id, isNew: true, before: [] });
    }
    const identifiers = written.flatMap(({ before, content }) => [...before, ...content.identifiers]);
    if (identifiers.length > 0) await this.single.lockIdentifiers(tx, identifiers);
    const contested = await this.repository.contested(tx, written);
    for (const id of wantedTwice(written)) contested.add(id);
    const clean = written.filter(({ id }) => !contested.has(id));
    const disputed = written.filter(({ id }) => contested.has(id));
    await this.repository.withdraw(
      tx,
      disputed.filter(({ isNew }) => isNew).map(({ id }) => id),
    );
    await this.repository.update(
      tx,
      clean.filter(({ isNew }) => !isNew),
      new Date(this.clock()),
    );
    await this.repository.replaceParts(tx, clean);
    for (const { index } of clean) outcomes.set(index, 'changed');
    return [...left, ...disputed];
  }

  /** In a savepoint of its own: what it has written goes with its refusal. */
  private async writeAlone(tx: Tx, { sku, content }: Entry): Promise<Outcome> {
    try {
      const { changed } = await tx.transaction((inner) => this.items.write(inner, sku, content, undefined));
      return changed ? 'changed' : 'unchanged';
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  }
}

/** The items that want an identifier which one before them in the batch wants too. */
function wantedTwice(entries: readonly { id: number; content: ItemContent }[]): number[] {
  const wanted = new Set<string>();
  return entries.flatMap(({ id, content }) => {
    const names = content.identifiers.map(({ type, value, party }) => JSON.stringify([type, value, party]));
    const twice = names.some((name) => wanted.has(name));
    if (!twice) for (const name of names) wanted.add(name);
    return twice ? [id] : [];
  });
}
