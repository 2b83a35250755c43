import { Inject, Injectable } from '@nestjs/common';
import { Configuration, DirectoryItem } from '../channels/directory.js';
import { Directory } from '../channels/directory.service.js';
import { CLOCK, type Clock } from '../config.module.js';
import { inSpan } from '../operations/spans.tracer.js';
import type { ItemStock } from './availability.repository.js';
import { type CacheRead, countCopyReads, StockCache } from './stock.cache.js';
import { StockCopy } from './stock.copy.js';
import { type Reading, StockReader } from './stock.reader.js';

/** How often a reading is repeated when the catalogue moved between two trips. */
const ATTEMPTS = 4;

export interface Found {
  readonly item: DirectoryItem;
  readonly stock: ItemStock;
}

/** The stock of SKUs with the channels it is promised in, all of the same revisions. */
export interface FoundStock {
  readonly configuration: Configuration;
  /** In the order of the SKUs; undefined: there is no such item. */
  readonly found: readonly (Found | undefined)[];
}

interface Stock {
  readonly configuration: number;
  readonly items: ReadonlyMap<number, ItemStock>;
  /** By SKU, those that were read of the database by it. */
  readonly catalogue?: ReadonlyMap<string, DirectoryItem>;
}

const NOTHING: CacheRead = { configuration: undefined, items: new Map() };

/** Finds stock where it is nearest: the copy in the process, Redis, the database. */
@Injectable()
export class StockFinder {
  constructor(
    private readonly directory: Directory,
    private readonly copy: StockCopy,
    private readonly cache: StockCache,
    private readonly reader: StockReader,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** What `find` would answer, where the process has all of it; undefined: somebody has to be asked. */
  atHand(skus: readonly string[]): FoundStock | undefined {
    const { loaded: configuration } = this.directory;
    const heard = this.copy.configuration;
    if (configuration === undefined || heard === undefined || heard > configuration.revision) return undefined;
    const now = this.clock();
    const found: Found[] = [];
    for (const sku of skus) {
      const item = this.directory.item(sku);
      if (item === undefined) return undefined;
      const stock = this.copy.get(item.id, now);
      if (stock === undefined || stock.revision > item.revision) return undefined;
      found.push({ item, stock });
    }
    countCopyReads(found.length);
    return { configuration, found };
  }

  /**
   * What the cache does not have, the database does; a copy of the catalogue that turns out to be older than the figures
   * is read again.
   */
  async find(skus: readonly string[]): Promise<FoundStock> {
    for (let attempt = 1; ; attempt += 1) {
      const configuration = this.directory.loaded ?? (await this.directory.configuration());
      const unknown = this.directory.unknown(skus);
      const atHand = skus.map((sku) => this.directory.item(sku));
      const ids = atHand.filter((item) => item !== undefined).map(({ id }) => id);
      const stock = await this.stockOf(ids, unknown);
      const asked = unknown.length === 0 ? atHand : skus.map((sku, i) => atHand[i] ?? stock.catalogue?.get(sku));
      // An older revision in the cache does no harm: the figures do not depend on it, only our copy must not be older.
      const behind = asked
        .filter((item) => item !== undefined)
        .filter((item) => (stock.items.get(item.id)?.revision ?? Infinity) > item.revision);
      // Another database, whose items are others: what was taken of the directory before is not of it.
      const moved = stock.configuration > configuration.revision || this.directory.loaded !== configuration;
      if ((!moved && behind.length === 0) || attempt === ATTEMPTS) {
        const found = asked.map((item) => {
          const here = item && stock.items.get(item.id);
          return here && { item, stock: here };
        });
        return { configuration, found };
      }
      await this.directory.refresh({ configuration: moved, items: behind });
    }
  }

  /** Of the items with these ids and these SKUs, and maybe of others whom somebody else has asked for in the same moment. */
  private async stockOf(ids: readonly number[], skus: readonly string[]): Promise<Stock> {
    const now = this.clock();
    const known = this.copy.configuration;
    const kept = this.copy.read(ids, now);
    countCopyReads(kept.size);
    const absent = kept.size === 0 ? ids : ids.filter((id) => !kept.has(id));
    const wanted = absent.length + skus.length;
    if (known !== undefined && wanted === 0) return { configuration: known, items: kept };
    const inRedis = absent.filter((id) => !this.copy.isOutdated(id, now));
    const cached = inRedis.length === 0 && wanted > 0 ? NOTHING : await this.readCache(inRedis, now);
    const missing = absent.filter((id) => !cached.items.has(id));
    const isWhole = missing.length === 0 && skus.length === 0;
    const revision = cached.configuration ?? known;
    // Nearly always so where there is no copy: then nothing is put together a second time.
    if (isWhole && kept.size === 0 && revision !== undefined) return { configuration: revision, items: cached.items };
    const items = new Map(kept);
    for (const id of absent) {
      const stock = cached.items.get(id);
      if (stock) items.set(id, stock);
    }
    if (isWhole) return { configuration: revision ?? (await this.cache.configuration()), items };
    const { state, found, catalogue } = await this.readThrough(missing, skus);
    for (const stock of found) items.set(stock.itemId, stock);
    return { configuration: state.configuration, items, catalogue };
  }

  private async readCache(ids: readonly number[], now: number): Promise<CacheRead> {
    const keep = this.copy.begin();
    const cached = await inSpan('read cache', () => this.cache.read(ids, now), readings(ids.length));
    keep(ids, cached.items);
    return cached;
  }

  /** Asks the database for these items, and keeps what it says in Redis too. */
  private async readThrough(ids: readonly number[], skus: readonly string[]): Promise<Reading> {
    const { losses } = this.cache;
    const read = await this.reader.read(ids, skus);
    // Behind the reader's own keeping: what is filled is published, to this process too, and would look as if it had overtaken the
    // reading. Where the time of a hold has come, the entry would not be served until that is let go of.
    const lasting = read.found.filter(({ overdue }) => !overdue);
    await this.cache.fill(read.state, lasting, losses);
    return read;
  }
}

/** What a span of reading the cache says. */
function readings(asked: number) {
  return ({ items }: { readonly items: ReadonlyMap<number, unknown> }) => ({
    'holdfast.cache.asked': asked,
    'holdfast.cache.found': items.size,
  });
}
