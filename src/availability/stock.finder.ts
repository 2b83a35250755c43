import { Inject, Injectable } from '@nestjs/common';
import { Configuration, DirectoryItem } from '../channels/directory.js';
import { Directory } from '../channels/directory.service.js';
import { CLOCK, type Clock } from '../config.module.js';
import { inSpan } from '../operations/spans.tracer.js';
import type { DatabaseState, ItemStock } from './availability.repository.js';
import { countCopyReads, StockCache } from './stock.cache.js';
import { StockCopy } from './stock.copy.js';
import { StockReader } from './stock.reader.js';

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
    // Nearly always all are at hand: then nothing is put together to look for others.
    if (skus.some((sku) => this.directory.item(sku) === undefined)) await this.directory.lookUp(skus);
    for (let attempt = 1; ; attempt += 1) {
      const configuration = this.directory.loaded ?? (await this.directory.configuration());
      const asked = skus.map((sku) => this.directory.item(sku));
      const items = asked.filter((item) => item !== undefined);
      const stock = await this.stockOf(items.map(({ id }) => id));
      // An older revision in the cache does no harm: the figures do not depend on it, only our copy must not be older.
      const behind = items.filter((item) => (stock.items.get(item.id)?.revision ?? Infinity) > item.revision);
      const moved = stock.configuration > configuration.revision;
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

  /** Of these items, and maybe of others whom somebody else has asked for in the same moment. */
  private async stockOf(
    ids: readonly number[],
  ): Promise<{ configuration: number; items: ReadonlyMap<number, ItemStock> }> {
    const now = this.clock();
    const known = this.copy.configuration;
    const kept = this.copy.read(ids, now);
    countCopyReads(kept.size);
    if (known !== undefined && kept.size === ids.length) return { configuration: known, items: kept };
    const absent = kept.size === 0 ? ids : ids.filter((id) => !kept.has(id));
    const inRedis = absent.filter((id) => !this.copy.isOutdated(id, now));
    const keep = this.copy.begin();
    const cached = await inSpan('read cache', () => this.cache.read(inRedis, now), readings(inRedis.length));
    keep(inRedis, cached.items);
    const missing = absent.filter((id) => !cached.items.has(id));
    const revision = cached.configuration ?? known;
    const isWhole = missing.length === 0 && revision !== undefined;
    // Nearly always so where there is no copy: then nothing is put together a second time.
    if (isWhole && kept.size === 0) return { configuration: revision, items: cached.items };
    const items = new Map(kept);
    for (const id of absent) {
      const stock = cached.items.get(id);
      if (stock) items.set(id, stock);
    }
    if (isWhole) return { configuration: revision, items };
    const { state, found } = await this.readThrough(missing);
    // Where no item was found, the statement says nothing of the configuration either.
    if (state === undefined) return { configuration: await this.cache.configuration(), items };
    for (const stock of found) items.set(stock.itemId, stock);
    return { configuration: state.configuration, items };
  }

  /** Asks the database for these items, and keeps what it says in Redis too. */
  private async readThrough(ids: readonly number[]): Promise<{ state?: DatabaseState; found: ItemStock[] }> {
    if (ids.length === 0) return { found: [] };
    const { losses } = this.cache;
    const { state, items } = await this.reader.read(ids);
    const found = ids.flatMap((id) => items.get(id) ?? []);
    // Behind the reader's own keeping: what is filled is published, to this process too, and would look as if it had overtaken the
    // reading. Where the time of a hold has come, the entry would not be served until that is let go of.
    const lasting = found.filter(({ overdue }) => !overdue);
    await this.cache.fill(state, lasting, losses);
    return { state, found };
  }
}

/** What a span of reading the cache says. */
function readings(asked: number) {
  return ({ items }: { readonly items: ReadonlyMap<number, unknown> }) => ({
    'holdfast.cache.asked': asked,
    'holdfast.cache.found': items.size,
  });
}
