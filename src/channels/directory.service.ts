import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CatalogChanges } from '../catalog/catalog.changes.js';
import { Configuration, DirectoryChannel, DirectoryItem } from './directory.js';
import { DirectoryRepository } from './directory.repository.js';

/** About 100 MB at the very most: an item with a few units and rules takes under 1 KB. */
const ITEMS_REMEMBERED = 100_000;

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
  private current: Configuration | undefined;

  constructor(
    private readonly repository: DirectoryRepository,
    changes: CatalogChanges,
  ) {
    // This process's own changes: without it the copy would be behind until the next comparison of revisions.
    changes.listen(async ({ skus = [], configuration }) => {
      for (const sku of skus) this.bySku.delete(sku);
      if (configuration) await this.refreshConfiguration().catch(() => {}); // found out by revision later
    });
  }

  /** Locations and channels. */
  async configuration(): Promise<Configuration> {
    this.current ??= await this.repository.configuration();
    return this.current;
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
    const missing = skus.filter((sku) => !this.bySku.has(sku));
    if (missing.length > 0) this.remember(await this.repository.itemsBySku([...new Set(missing)]));
  }

  item(sku: string): DirectoryItem | undefined {
    return this.bySku.get(sku);
  }

  /** The items with these ids; those deleted meanwhile are missing. */
  async itemsById(ids: readonly number[]): Promise<ReadonlyMap<number, DirectoryItem>> {
    const missing = ids.filter((id) => !this.byId.has(id));
    if (missing.length > 0) this.remember(await this.repository.itemsById([...new Set(missing)]));
    return new Map(
      ids.flatMap((id) => {
        const item = this.byId.get(id);
        return item ? [[id, item] as const] : [];
      }),
    );
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
    if (this.current && (await this.repository.configurationRevision()) === this.current.revision) return this.current;
    const read = await this.repository.configuration();
    // Two refreshes may overtake each other: the newer revision stays.
    if (!this.current || read.revision > this.current.revision) this.current = read;
    return this.current;
  }

  private remember(items: readonly DirectoryItem[]): void {
    for (const item of items) {
      this.bySku.set(item.sku, item);
      this.byId.set(item.id, item);
    }
  }
}
