import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CatalogChanges } from '../catalog/catalog.changes.js';
import { Configuration, DirectoryChannel, DirectoryItem } from './directory.js';
import { DirectoryRepository } from './directory.repository.js';

/** About 100 MB at the very most: an item with a few units and rules takes under 1 KB. */
export const ITEMS_REMEMBERED = 100_000;
/** SKUs that no item has, 3 MB of them: however many somebody makes up, no more are remembered. */
const ABSENT_REMEMBERED = 10_000;
/**
 * Milliseconds for which a SKU that was looked for in vain is not looked for again. It is looked for at once when some
 * process says that it has made the item; this is for the one that was killed before it could.
 */
const ABSENT_MS = 500;

/** Items that are read together. */
interface Reading {
  readonly skus: Set<string>;
  readonly done: Promise<void>;
}

/**
 * This process's copy of the catalogue and the channels. Who uses it compares `revision` with the database in the
 * same breath as the figures it reads (the engine inside its transaction, availability in its query or in Redis),
 * and calls `refresh` when the copy is behind. So an old copy costs a second trip, never a wrong answer.
 */
@Injectable()
export class Directory {
  private readonly bySku = new LRUCache<string, DirectoryItem>({
    max: ITEMS_REMEMBERED,
    dispose: (item) => {
      if (this.byId.get(item.id) === item) this.byId.delete(item.id);
    },
  });
  private readonly byId = new Map<number, DirectoryItem>();
  private readonly absent = new LRUCache<string, true>({ max: ABSENT_REMEMBERED, ttl: ABSENT_MS });
  /** Counts the news of items: what began to be read before is not known to be so behind them. */
  private news = 0;
  /** Counts the databases: of two readings of one database the newer is right, of two databases the later. */
  private database = 0;
  private current: Configuration | undefined;
  /** The database that `current` was read of. */
  private readOf = 0;
  /** The reading that has not begun. */
  private next: Reading | undefined;
  /** Ends with the reading under way. */
  private underWay: Promise<void> = Promise.resolve();

  constructor(
    private readonly repository: DirectoryRepository,
    changes: CatalogChanges,
  ) {
    // This process's own changes: without it the copy would be behind until the next comparison of revisions.
    changes.listen(async ({ skus = [], configuration, everything }) => {
      for (const sku of skus) this.bySku.delete(sku);
      this.expect(skus);
      if (everything) this.forget();
      if (configuration || everything) await this.refreshConfiguration().catch(() => {}); // found out by revision later
    });
  }

  /** Locations and channels. */
  async configuration(): Promise<Configuration> {
    return this.loaded ?? this.refreshConfiguration();
  }

  /** What `configuration()` would answer, if it is at hand. */
  get loaded(): Configuration | undefined {
    return this.readOf === this.database ? this.current : undefined;
  }

  /** The copy at hand, for code that has awaited `configuration()` before. */
  get known(): Configuration {
    if (!this.current) throw new Error('The directory was used before it was loaded.');
    return this.current;
  }

  /** The channel with this code; looks again before it says that there is none. */
  async channel(code: string): Promise<DirectoryChannel | undefined> {
    return (await this.configuration()).channel(code) ?? (await this.refreshConfiguration()).channel(code);
  }

  async channelById(id: number): Promise<DirectoryChannel | undefined> {
    return (await this.configuration()).channelById(id) ?? (await this.refreshConfiguration()).channelById(id);
  }

  /** Loads the items that are not at hand. Afterwards `item(sku)` answers for all of them; undefined: no such item. */
  async load(skus: readonly string[]): Promise<void> {
    const missing = this.missing(skus);
    if (missing.length === 0) return;
    const { database } = this;
    await this.read(missing);
    if (database !== this.database) return this.load(skus);
  }

  /**
   * Of these SKUs, those that are not at hand: to be read, and brought to what `begin` gave. Not those that were just looked for in
   * vain: for answers that may be half a second old, not for changes.
   */
  unknown(skus: readonly string[]): string[] {
    return this.missing(skus).filter((sku) => !this.absent.has(sku));
  }

  /** To be called before somebody else reads items by their SKUs; gives what keeps those, and remembers which there are not. */
  begin(): (skus: readonly string[], read: ReadonlyMap<string, DirectoryItem>) => void {
    const { news, database } = this;
    return (skus, read) => {
      if (database !== this.database) return;
      for (const sku of skus) {
        const item = read.get(sku);
        if (item) this.remember([item]);
        else if (news === this.news && !this.bySku.has(sku)) this.absent.set(sku, true);
      }
    };
  }

  /**
   * Those that are not at hand. The others become those that were used last: else what is read meanwhile could displace them,
   * and who had found them here would say that there is no such item.
   */
  private missing(skus: readonly string[]): string[] {
    return skus.filter((sku) => this.bySku.get(sku) === undefined);
  }

  /** Another process says that it has written these items: who was not there may be. */
  expect(skus: readonly string[]): void {
    this.news += 1;
    for (const sku of skus) this.absent.delete(sku);
  }

  item(sku: string): DirectoryItem | undefined {
    return this.bySku.get(sku);
  }

  /** The items with these ids; those deleted meanwhile are missing. */
  async itemsById(ids: readonly number[]): Promise<ReadonlyMap<number, DirectoryItem>> {
    const items = new Map<number, DirectoryItem>();
    for (const id of ids) {
      const item = this.byId.get(id);
      if (item) items.set(id, item);
    }
    const missing = ids.filter((id) => !items.has(id));
    if (missing.length === 0) return items;
    const { database } = this;
    const read = await this.repository.itemsById([...new Set(missing)]);
    if (database !== this.database) return this.itemsById(ids);
    this.remember(read);
    for (const item of read) items.set(item.id, item);
    return items;
  }

  /** Reads again whatever turned out to be behind. */
  async refresh(stale: { configuration: boolean; items: readonly DirectoryItem[] }): Promise<void> {
    for (const item of stale.items) this.bySku.delete(item.sku);
    await Promise.all([
      stale.configuration ? this.refreshConfiguration() : undefined,
      stale.items.length > 0 ? this.load(stale.items.map((item) => item.sku)) : undefined,
    ]);
  }

  async refreshConfiguration(): Promise<Configuration> {
    const { database, current } = this;
    if (current && database === this.readOf && (await this.repository.configurationRevision()) === current.revision) {
      return current;
    }
    const read = await this.repository.configuration();
    if (database !== this.database) return this.refreshConfiguration();
    // Two refreshes may overtake each other: the newer revision stays.
    if (!this.current || this.readOf !== database || read.revision > this.current.revision) this.current = read;
    this.readOf = database;
    return this.current;
  }

  /** What is in use stays until it is read anew (`known`). */
  private forget(): void {
    this.database += 1;
    this.bySku.clear();
    this.absent.clear();
  }

  /**
   * Those who miss items while others are read wait, and then share a statement. Never one that was sent before they
   * came: it would not have what was made meanwhile.
   */
  private read(skus: readonly string[]): Promise<void> {
    this.next ??= this.beginNext();
    for (const sku of skus) this.next.skus.add(sku);
    return this.next.done;
  }

  private beginNext(): Reading {
    const skus = new Set<string>();
    const done = this.underWay.then(async () => {
      this.next = undefined;
      const { database } = this;
      const items = await this.repository.itemsBySku([...skus]);
      if (database === this.database) this.remember(items);
    });
    this.underWay = done.catch(() => {});
    return { skus, done };
  }

  private remember(items: readonly DirectoryItem[]): void {
    for (const item of items) {
      this.absent.delete(item.sku); // else, where the item is read anew because it has changed, others are told there is none
      this.bySku.set(item.sku, item);
      this.byId.set(item.id, item);
    }
  }
}
