import type { Quantity } from '../catalog/quantity.js';
import { toNumber } from '../catalog/quantity.js';
import type { DirectoryChannel } from '../channels/directory.js';
import { Problem } from '../problems/problem.js';
import { hasExpired, type Reservation, type ReservationLine } from './reservation.js';

/** Whose holds of what are counted: one client's of one item in one channel. */
export interface HoardKey {
  readonly channelId: number;
  readonly clientId: string;
  readonly itemId: number;
}

/** Holds that are open, and how much they hold of the item. */
export interface Hoard {
  readonly holds: number;
  readonly quantity: Quantity;
}

const NOTHING: Hoard = { holds: 0, quantity: 0 };

/** Whether the channel caps what one client may hold of an item. */
export function isCapped({ maxOpenHolds, maxHeldQuantity }: DirectoryChannel): boolean {
  return maxOpenHolds !== null || maxHeldQuantity !== null;
}

/**
 * What clients hold in channels with a cap, as a batch finds it and as its commands change it: read while the positions
 * are locked that every hold of the item in the channel locks, so nobody else adds to it meanwhile.
 */
export class Hoards {
  private readonly byName = new Map<string, Hoard>();

  /** As read. A key that nothing was found for is set as well: what is not here is not counted. */
  set(key: HoardKey, hoard: Hoard): void {
    this.byName.set(nameOf(key), hoard);
  }

  /** A reservation takes a step: `before` undefined where it is new. */
  change(before: Reservation | undefined, after: Reservation, now: number): void {
    if (this.byName.size === 0) return;
    if (before) this.add(before, -1, now);
    this.add(after, 1, now);
  }

  /**
   * Throws `hold_cap_reached` if a hold with these lines would be more than the channel lets one client hold of an item.
   * `own`: the hold as it stands, which may always become smaller.
   */
  requireWithin(
    channel: DirectoryChannel,
    clientId: string,
    lines: readonly ReservationLine[],
    own: Reservation | undefined,
  ): void {
    if (!isCapped(channel)) return;
    const { maxOpenHolds, maxHeldQuantity } = channel;
    const standing = heldOf(own?.lines ?? []);
    for (const [itemId, { sku, quantity }] of heldOf(lines)) {
      const hoard = this.byName.get(nameOf({ channelId: channel.id, clientId, itemId })) ?? NOTHING;
      const before = standing.get(itemId)?.quantity ?? 0;
      if (maxOpenHolds !== null && before === 0 && hoard.holds + 1 > maxOpenHolds) {
        throw capReached('maxOpenHolds', sku, maxOpenHolds, hoard.holds, 'open holds');
      }
      const others = hoard.quantity - before;
      if (maxHeldQuantity !== null && quantity > before && others + quantity > maxHeldQuantity) {
        throw capReached('maxHeldQuantity', sku, toNumber(maxHeldQuantity), toNumber(hoard.quantity), 'held units');
      }
    }
  }

  private add(reservation: Reservation, sign: 1 | -1, now: number): void {
    if (reservation.status !== 'held' || hasExpired(reservation, now)) return;
    for (const [itemId, { quantity }] of heldOf(reservation.lines)) {
      const name = nameOf({ ...reservation, itemId });
      const hoard = this.byName.get(name);
      if (hoard) {
        this.byName.set(name, { holds: hoard.holds + sign, quantity: hoard.quantity + sign * quantity });
      }
    }
  }
}

function nameOf({ channelId, clientId, itemId }: HoardKey): string {
  return `${channelId} ${clientId} ${itemId}`;
}

/** By item what lines hold of it: of tracked items, of which there is only so much. */
function heldOf(lines: readonly ReservationLine[]): Map<number, { sku: string; quantity: Quantity }> {
  const held = new Map<number, { sku: string; quantity: Quantity }>();
  for (const { itemId, sku, tracked, reserved } of lines) {
    if (!tracked || reserved === 0) continue;
    held.set(itemId, { sku, quantity: (held.get(itemId)?.quantity ?? 0) + reserved });
  }
  return held;
}

function capReached(name: string, sku: string, most: number, held: number, what: string): Problem {
  const detail =
    `This client has ${held} ${what} of ${sku} already, and ${most} is the most (${name} of the channel). ` +
    'Commit or release some of it first. Nothing was reserved.';
  return new Problem('hold_cap_reached', detail, { extra: { cap: { name, sku, most, held } } });
}
