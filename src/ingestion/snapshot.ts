import type { ItemName, StockSnapshot } from './canonical-event.js';

/** A position at one of the locations that a snapshot names. */
export interface Listed {
  readonly sku: string;
  readonly locationId: number;
}

/**
 * What a complete snapshot omits, and so says to be 0 (semantics.md 27): positions at the locations it names of items
 * that no row names, not even a row that cannot be read. Where a row might name any item, nothing is zeroed.
 */
export function omittedBy(
  snapshot: StockSnapshot,
  listed: readonly Listed[],
  locationIdOf: (name: string) => number | undefined,
  skuOf: (name: ItemName) => string | undefined,
): Listed[] {
  const named = new Set<string>();
  const unclear = new Set<number>();
  let nowhere = false;
  for (const { item, location } of [
    ...snapshot.rows.map((row) => ({ item: row, location: row.location })),
    ...snapshot.faults,
  ]) {
    const sku = item === null ? undefined : skuOf(item);
    const locationId = location === null ? undefined : locationIdOf(location);
    if (location !== null && locationId === undefined) continue; // no location of ours
    if (sku === undefined && locationId === undefined) nowhere = true;
    else if (sku === undefined) unclear.add(locationId as number);
    else if (locationId === undefined) named.add(sku);
    else named.add(`${locationId} ${sku}`);
  }
  if (nowhere) return [];
  return listed.filter(
    ({ sku, locationId }) => !unclear.has(locationId) && !named.has(sku) && !named.has(`${locationId} ${sku}`),
  );
}

/** The locations that a snapshot speaks for. */
export function locationsOf({ locations, rows }: StockSnapshot): readonly string[] {
  return locations ?? [...new Set(rows.map(({ location }) => location))];
}
