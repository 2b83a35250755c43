import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import type { Position } from '../stock/position.js';
import type { ItemStock } from './availability.repository.js';
import { positionAt } from './expiring.js';

/** At 2 KB an item with its answers, 40 MB at most. */
const ITEMS = 20_000;
/** Items of which it is remembered when they last changed; beyond them a reading under way is not kept. */
const CHANGES = 50_000;
/**
 * Milliseconds ahead for which it is written down what will have to be read again: to look through a full copy takes 1.6 ms, and
 * where memory is slow 9.
 */
const SOON_MS = 10_000;

/** What was heard of an item: `revision` of the item itself; positions that are newer than what was known. */
export interface Heard {
  readonly itemId: number;
  readonly revision?: number;
  readonly positions: readonly Position[];
}

interface Kept {
  readonly stock: ItemStock;
  /** When the first of its holds expires, in milliseconds since 1970. */
  readonly until: number;
  /** Until when it is known what expires. */
  readonly known: number;
}

/**
 * The stock of items that are asked for, in this process. Only true while everything is heard that is published
 * (stock.news.ts): it is empty before, and emptied when that ends. What it has is as new as Redis; what this process
 * commits is in it before the caller has its answer.
 */
@Injectable()
export class StockCopy {
  private readonly kept = new LRUCache<number, Kept>({ max: ITEMS });
  /** The items of which what is known ends before `soonIs`, and maybe others. */
  private readonly soon = new Set<number>();
  private soonIs = Number.NEGATIVE_INFINITY;
  private readonly changedAt = new LRUCache<number, number>({
    max: CHANGES,
    dispose: (at, _, reason) => {
      if (reason === 'evict') this.forgottenAt = Math.max(this.forgottenAt, at);
    },
  });
  /** Counts what changes; a reading that began before a change of its item may not have seen it. */
  private changes = 0;
  private forgottenAt = 0;
  private generation = 0;
  private heardConfiguration: number | undefined;
  private isHearing: () => boolean = () => false;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** `isHearing`: whether nothing was missed until now. */
  listen(isHearing: () => boolean): void {
    if (this.config.availabilityCopy) this.isHearing = isHearing;
  }

  get trusted(): boolean {
    return this.isHearing();
  }

  /** The revision of channels and locations as last heard; undefined: not known. */
  get configuration(): number | undefined {
    return this.trusted ? this.heardConfiguration : undefined;
  }

  /** The stock of an item, if it is at hand and it is known what has expired of it since. Only for who has found it trusted. */
  get(itemId: number, now: number): ItemStock | undefined {
    const kept = this.kept.get(itemId);
    return kept === undefined || kept.until > now ? kept?.stock : this.expire(kept.stock, now);
  }

  /** Whether the item is at hand, but a hold of it has expired of which nothing else is known: then Redis knows no more. */
  isOutdated(itemId: number, now: number): boolean {
    return this.trusted && (this.kept.peek(itemId)?.until ?? Number.POSITIVE_INFINITY) <= now;
  }

  /** The items at hand of which it is not known what will have expired at that time. */
  endingBefore(time: number): number[] {
    if (!this.trusted) return [];
    if (time > this.soonIs) {
      this.soonIs = time + SOON_MS;
      for (const [id, { known }] of this.kept.entries()) if (known <= this.soonIs) this.soon.add(id);
    }
    const ending: number[] = [];
    for (const id of this.soon) {
      const known = this.kept.peek(id)?.known ?? Number.POSITIVE_INFINITY;
      if (known <= time) ending.push(id);
      else if (known > this.soonIs) this.soon.delete(id);
    }
    return ending;
  }

  /** The stock at hand of which it is known what has expired since. */
  read(itemIds: readonly number[], now: number): Map<number, ItemStock> {
    const items = new Map<number, ItemStock>();
    if (!this.trusted) return items;
    for (const id of itemIds) {
      const stock = this.get(id, now);
      if (stock) items.set(id, stock);
    }
    return items;
  }

  /** To be called before a reading of Redis or the database; gives what keeps its result, where nothing overtook it. */
  begin(): (itemIds: readonly number[], read: ReadonlyMap<number, ItemStock>) => void {
    const { changes, generation } = this;
    return (itemIds, read) => {
      if (!this.trusted || generation !== this.generation) return;
      for (const id of itemIds) {
        const stock = read.get(id);
        const overtaken = (this.changedAt.get(id) ?? this.forgottenAt) > changes;
        if (stock && !overtaken) this.keep(stock);
      }
    };
  }

  /** Takes what was committed here or elsewhere: in any order, however late or often. */
  hear({ itemId, revision = 0, positions }: Heard): void {
    this.changes += 1;
    this.changedAt.set(itemId, this.changes);
    const known = this.kept.get(itemId)?.stock;
    if (!known) return;
    const at = new Map(known.positions.map((position) => [position.locationId, position]));
    const expiries = new Map(known.expiries);
    let news = revision > known.revision;
    for (const position of positions) {
      const version = at.get(position.locationId)?.version ?? -1;
      // Without an expiry that counts (0), it says less than what is known of the same version (stock.cache.ts).
      const says = position.nextExpiry === 0 ? version < position.version : version <= position.version;
      if (!says) continue;
      at.set(position.locationId, position);
      expiries.delete(position.locationId);
      news = true;
    }
    if (!news) return;
    this.keep({ ...known, revision: Math.max(known.revision, revision), positions: [...at.values()], expiries });
  }

  /** What this process has committed, before whoever asked for it is told. */
  hearOwn(positions: readonly Position[]): void {
    if (!this.trusted) return;
    for (const position of positions) this.hear({ itemId: position.itemId, positions: [position] });
  }

  /** The item is gone. */
  forget(itemId: number): void {
    this.kept.delete(itemId);
  }

  hearConfiguration(revision: number): void {
    this.heardConfiguration = Math.max(revision, this.heardConfiguration ?? 0);
  }

  /** Something may have been missed. */
  clear(): void {
    this.generation += 1;
    this.kept.clear();
    this.soon.clear();
    this.changedAt.clear();
    this.heardConfiguration = undefined;
  }

  private expire(stock: ItemStock, now: number): ItemStock | undefined {
    const positions: Position[] = [];
    for (const position of stock.positions) {
      const at = positionAt(position, stock.expiries?.get(position.locationId) ?? [], now);
      if (at === undefined) return undefined;
      positions.push(at);
    }
    return this.keep({ ...stock, positions, overdue: true });
  }

  private keep(stock: ItemStock): ItemStock {
    let until = Number.POSITIVE_INFINITY;
    let known = Number.POSITIVE_INFINITY;
    for (const { locationId, nextExpiry } of stock.positions) {
      if (nextExpiry === null) continue;
      until = Math.min(until, nextExpiry);
      known = Math.min(known, stock.expiries?.get(locationId)?.at(-1)?.at ?? nextExpiry);
    }
    const kept = { stock: { ...stock, answers: new Map() }, until, known };
    this.kept.set(stock.itemId, kept);
    if (known <= this.soonIs) this.soon.add(stock.itemId);
    return kept.stock;
  }
}
