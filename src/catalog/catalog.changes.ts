import { Injectable } from '@nestjs/common';

/** What of the catalogue was just committed: these items, or channels and locations. */
export interface CatalogChange {
  readonly skus?: readonly string[];
  readonly configuration?: boolean;
  /** The database is another one than before: what was read of it may never have been, and revisions may be lower. */
  readonly everything?: boolean;
}

/**
 * Tells the features above that the catalogue has changed, behind the commit and before the answer, so that a caller
 * reads its own writes. It only hastens: whoever misses it finds out by the revision in the database. A listener must
 * not throw: the change is committed.
 */
@Injectable()
export class CatalogChanges {
  private readonly listeners: ((change: CatalogChange) => Promise<void>)[] = [];

  /** Listeners are told one after the other, in the order in which they asked. */
  listen(listener: (change: CatalogChange) => Promise<void>): void {
    this.listeners.push(listener);
  }

  async announce(change: CatalogChange): Promise<void> {
    for (const listener of this.listeners) await listener(change);
  }
}
