import type { Quantity } from '../catalog/quantity.js';

/** What the engine and the answers need to know of an item. Quantities in ten-thousandths. */
export interface DirectoryItem {
  readonly id: number;
  readonly sku: string;
  readonly baseUom: string;
  readonly fractionDigits: number;
  readonly tracked: boolean;
  readonly active: boolean;
  readonly uoms: readonly { readonly code: string; readonly factor: Quantity }[];
  /** What single channels say about this item, by channel id. */
  readonly rules: ReadonlyMap<number, ChannelItemRule>;
  /** Compared inside the engine's transaction: a lower one than the database's is out of date. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly updatedAt: number;
}

/** `undefined`: the channel's own figure counts. `backorderLimit` null: unlimited. */
export interface ChannelItemRule {
  readonly buffer: Quantity | undefined;
  readonly backorderLimit: Quantity | null | undefined;
}

export interface DirectoryLocation {
  readonly id: number;
  readonly code: string;
  readonly enabled: boolean;
  readonly gln?: string | null;
}

/** Serve the figure all the same, keep `staleBuffer` back, or refuse. */
export type StalePolicy = 'serve' | 'buffer' | 'refuse';

export type Sourcing = 'listed_order' | 'fullest_first' | 'single_location';

export interface DirectoryChannel {
  readonly id: number;
  readonly code: string;
  readonly sourcing: Sourcing;
  readonly priority: number;
  readonly buffer: Quantity;
  /** null: unlimited. */
  readonly backorderLimit: Quantity | null;
  readonly holdTtlSeconds: number;
  readonly maxHoldTtlSeconds: number;
  /** Holds that one client may have open on one item; null: any number. */
  readonly maxOpenHolds: number | null;
  /** How much of one item one client may hold; null: any amount. */
  readonly maxHeldQuantity: Quantity | null;
  /** What it does where a source has been silent too long (semantics.md 28). */
  readonly stalePolicy: StalePolicy;
  readonly staleBuffer: Quantity;
  /** In sourcing order, disabled ones included. */
  readonly locations: readonly DirectoryLocation[];
}

/** All locations and channels as of one revision. */
export class Configuration {
  private readonly locationsByCode: ReadonlyMap<string, DirectoryLocation>;
  private readonly locationsById: ReadonlyMap<number, DirectoryLocation>;
  private readonly locationsByGln: ReadonlyMap<string, DirectoryLocation>;
  private readonly channelsByCode: ReadonlyMap<string, DirectoryChannel>;
  private readonly channelsById: ReadonlyMap<number, DirectoryChannel>;

  constructor(
    readonly revision: number,
    locations: readonly DirectoryLocation[],
    channels: readonly DirectoryChannel[],
  ) {
    this.locationsByCode = new Map(locations.map((location) => [location.code, location]));
    this.locationsById = new Map(locations.map((location) => [location.id, location]));
    this.locationsByGln = new Map(locations.flatMap((location) => (location.gln ? [[location.gln, location]] : [])));
    this.channelsByCode = new Map(channels.map((channel) => [channel.code, channel]));
    this.channelsById = new Map(channels.map((channel) => [channel.id, channel]));
  }

  /** All of them. */
  locations(): Iterable<DirectoryLocation> {
    return this.locationsById.values();
  }
  location(code: string): DirectoryLocation | undefined {
    return this.locationsByCode.get(code);
  }
  /** The location with this code, or with this GS1 location number where no location has that code. */
  locationNamed(name: string): DirectoryLocation | undefined {
    return this.locationsByCode.get(name) ?? this.locationsByGln.get(name);
  }
  locationById(id: number): DirectoryLocation | undefined {
    return this.locationsById.get(id);
  }
  channel(code: string): DirectoryChannel | undefined {
    return this.channelsByCode.get(code);
  }
  channelById(id: number): DirectoryChannel | undefined {
    return this.channelsById.get(id);
  }
}

/** The buffer and backorder limit of `item` in `channel`: the item's own where it has one (semantics.md 11). */
export function rulesFor(
  channel: DirectoryChannel,
  item: DirectoryItem,
): { buffer: Quantity; backorderLimit: Quantity | null } {
  const rule = item.rules.get(channel.id);
  return {
    buffer: rule?.buffer ?? channel.buffer,
    backorderLimit: rule?.backorderLimit === undefined ? channel.backorderLimit : rule.backorderLimit,
  };
}
