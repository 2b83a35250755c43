import { Unit, wholeUnits } from '../catalog/unit-of-measure.js';
import { DirectoryChannel, DirectoryItem } from '../channels/directory.js';
import { freeOf, Position } from '../stock/position.js';
import { availableToPromise, Promisable } from './available-to-promise.js';
import { NOBODY_SILENT, rulesUnder, type Silence } from './freshness.js';

export type AvailabilityStatus = 'in_stock' | 'out_of_stock' | 'backorder' | 'not_carried' | 'untracked';
export const AVAILABILITY_STATUSES: readonly AvailabilityStatus[] = [
  'in_stock',
  'out_of_stock',
  'backorder',
  'not_carried',
  'untracked',
];

/** What a channel may promise of an item, as clients see it; quantities in `uom` (api.md). */
export interface Quote {
  sku: string;
  channel: string;
  uom: string;
  available: number;
  /** null: unlimited. */
  backorderable: number | null;
  status: AvailabilityStatus;
  stale: boolean;
  asOf: string;
  version: number;
  locations?: { location: string; available: number; stale: boolean; asOf: string }[];
}

/** The positions of an item at a channel's locations, in sourcing order, and what follows from them. */
export interface Standing {
  readonly positions: readonly Position[];
  /** Whose figures of them may be out of date. */
  readonly silent: Silence;
  readonly promisable: Promisable;
}

/**
 * The same figures and the same function that a reservation is admitted by (architecture.md). Throws
 * `stale_availability` where the channel does not promise what may be out of date.
 */
export function standingOf(
  item: DirectoryItem,
  channel: DirectoryChannel,
  ofItem: readonly Position[],
  silent: Silence = NOBODY_SILENT,
): Standing {
  const at = new Map(ofItem.map((position) => [position.locationId, position]));
  // An item taken off sale is carried nowhere, whatever still stands there.
  const positions = item.active ? channel.locations.flatMap(({ id }) => at.get(id) ?? []) : [];
  const enabled = new Set(channel.locations.filter((location) => location.enabled).map(({ id }) => id));
  const rules = rulesUnder(channel, item, positions, silent);
  return { positions, silent, promisable: availableToPromise(positions, (id) => enabled.has(id), rules) };
}

/** Says a standing in a unit. A package counts only where it is whole: 7 pieces are 1 case of 4 (semantics.md 2). */
export function quote(
  item: DirectoryItem,
  channel: DirectoryChannel,
  unit: Unit,
  { positions, silent, promisable }: Standing,
  expandLocations: boolean,
): Quote {
  const whole = promisable.sources.reduce((sum, { free }) => sum + Math.floor(free / unit.step) * unit.step, 0);
  const available = item.tracked ? wholeUnits(unit, Math.min(whole, promisable.available)) : 0;
  const { backorderable } = promisable;
  const changedAt = positions.reduce((latest, position) => Math.max(latest, position.asOf), 0) || item.updatedAt;
  // What is stale was true when its source was last heard, whatever has changed here since.
  const heardAt = silent.size === 0 ? [] : positions.flatMap(({ locationId }) => silent.get(locationId) ?? []);
  const asOf = heardAt.length === 0 ? changedAt : Math.min(...heardAt);
  const more = item.tracked ? (backorderable === null ? null : wholeUnits(unit, backorderable)) : null;
  return {
    sku: item.sku,
    channel: channel.code,
    uom: unit.code,
    available,
    backorderable: more,
    status: statusOf(item, positions, available, more),
    stale: heardAt.length > 0,
    asOf: new Date(asOf).toISOString(),
    version: positions.reduce((sum, position) => sum + position.version, 0),
    ...(expandLocations ? { locations: byLocation(item, channel, unit, positions, silent) } : {}),
  };
}

function statusOf(
  item: DirectoryItem,
  positions: readonly Position[],
  available: number,
  backorderable: number | null,
): AvailabilityStatus {
  if (item.active && !item.tracked) return 'untracked';
  if (positions.length === 0) return 'not_carried';
  if (available > 0) return 'in_stock';
  return backorderable === null || backorderable > 0 ? 'backorder' : 'out_of_stock';
}

function byLocation(
  item: DirectoryItem,
  channel: DirectoryChannel,
  unit: Unit,
  positions: readonly Position[],
  silent: Silence,
): Quote['locations'] {
  const locations = new Map(channel.locations.map((location) => [location.id, location]));
  return positions.flatMap((position) => {
    const location = locations.get(position.locationId);
    if (!location) return [];
    const available = location.enabled && item.tracked ? wholeUnits(unit, freeOf(position)) : 0;
    const heardAt = silent.get(location.id);
    const asOf = new Date(heardAt ?? position.asOf).toISOString();
    return [{ location: location.code, available, stale: heardAt !== undefined, asOf }];
  });
}
