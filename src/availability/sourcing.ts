import type { Quantity } from '../catalog/quantity.js';
import type { Sourcing } from '../channels/directory.js';
import type { Promisable } from './available-to-promise.js';

/** One line's demand for an item, in ten-thousandths of the base unit. */
export interface Want {
  readonly quantity: Quantity;
  /** What it may be split into: one package, or the item's smallest quantity (semantics.md 2). */
  readonly step: Quantity;
  /** The location the line insists on; null: wherever the channel finds it. */
  readonly locationId: number | null;
}

export interface Share {
  readonly locationId: number;
  readonly quantity: Quantity;
  /** How much of it is promised beyond what is there. */
  readonly backordered: Quantity;
}

/** What a want gets. `short` is what it does not get, `available` what there was of stock for it. */
export interface Plan {
  readonly shares: readonly Share[];
  readonly short: Quantity;
  readonly available: Quantity;
  readonly reason: ShortageReason | undefined;
}

export type ShortageReason = 'insufficient' | 'not_carried' | 'not_stocked' | 'no_single_location';

/**
 * Splits the wants of one item over what a channel may promise, each over what the ones before it left
 * (semantics.md 13 and 15). Wants that insist on a location go first, so that the others do not take it from them.
 * Nothing is reserved by it.
 *
 * `own` is what the same reservation holds already, by location: it is used first and needs no promise, so an edit is
 * checked by its difference only (semantics.md 17).
 */
export function plan(
  promisable: Promisable,
  sourcing: Sourcing,
  wants: readonly Want[],
  own: ReadonlyMap<number, Quantity> = new Map(),
): Plan[] {
  const stock = new Stock(promisable, own);
  const order = new Map(wants.map((want, index) => [want, index]));
  const plans: Plan[] = [];
  const located = wants.filter((want) => want.locationId !== null);
  const free = wants.filter((want) => want.locationId === null);
  for (const want of located) plans[order.get(want) as number] = planLocated(stock, want);

  const places = placesFor(stock, sourcing, free);
  for (const want of free) {
    const planned = stock.take(want, places.places, places.backorderAt);
    const reason = planned.short > 0 ? (stock.empty ? 'not_carried' : places.reason) : undefined;
    plans[order.get(want) as number] = { ...planned, reason };
  }
  return plans;
}

function planLocated(stock: Stock, want: Want): Plan {
  const place = want.locationId as number;
  const known = stock.places.includes(place);
  const planned = stock.take(want, known ? [place] : [], known ? place : undefined);
  if (planned.short === 0) return { ...planned, reason: undefined };
  return { ...planned, reason: stock.empty ? 'not_carried' : known ? 'insufficient' : 'not_stocked' };
}

interface Places {
  readonly places: readonly number[];
  readonly backorderAt: number | undefined;
  readonly reason: ShortageReason;
}

/** Where the wants that insist on nothing are sourced from, in this order. */
function placesFor(stock: Stock, sourcing: Sourcing, wants: readonly Want[]): Places {
  const listed = stock.places;
  if (sourcing === 'listed_order') return { places: listed, backorderAt: stock.backorderAt, reason: 'insufficient' };
  // A stable sort: of two equally full locations the one listed first is first.
  const fullest = [...listed].sort((a, b) => stock.at(b) - stock.at(a));
  if (sourcing === 'fullest_first') return { places: fullest, backorderAt: stock.backorderAt, reason: 'insufficient' };
  // single_location: all of the item from one place, rather where this reservation holds some already.
  const total = wants.reduce((sum, want) => sum + want.quantity, 0);
  const enough = listed.filter((place) => stock.at(place) >= total);
  const own = listed.filter((place) => stock.ownAt(place) > 0);
  if (enough.length === 0 && own.reduce((sum, place) => sum + stock.ownAt(place), 0) >= total) {
    // Held in several places before the channel sold from single ones: what is held is not taken away.
    return { places: own, backorderAt: own[0], reason: 'insufficient' };
  }
  const single = enough.find((place) => stock.ownAt(place) > 0) ?? enough[0] ?? fullest[0];
  return {
    places: single === undefined ? [] : [single],
    backorderAt: single,
    reason: stock.total >= total && enough.length === 0 ? 'no_single_location' : 'insufficient',
  };
}

/** What remains of a promise while wants are planned. */
class Stock {
  readonly places: readonly number[];
  readonly empty: boolean;
  readonly backorderAt: number | undefined;
  private readonly free: Map<number, Quantity>;
  private readonly own: Map<number, Quantity>;
  /** Of the free stock, over all locations, after the buffer. */
  private available: Quantity;
  private backorderable: Quantity;

  constructor(promisable: Promisable, own: ReadonlyMap<number, Quantity>) {
    this.free = new Map(promisable.sources.map((source) => [source.locationId, source.free]));
    this.own = new Map(own);
    const elsewhere = [...own.keys()].filter((place) => !this.free.has(place));
    this.places = [...this.free.keys(), ...elsewhere];
    this.empty = this.places.length === 0;
    this.available = promisable.available;
    this.backorderable = promisable.backorderable ?? promisable.room;
    this.backorderAt = promisable.backorderAt;
  }

  /** What could come from a place, at the most. */
  at(place: number): Quantity {
    return this.ownAt(place) + Math.min(this.free.get(place) ?? 0, this.available);
  }

  /** What could come from all places together. */
  get total(): Quantity {
    return this.places.reduce((sum, place) => sum + this.ownAt(place), this.available);
  }

  ownAt(place: number): Quantity {
    return this.own.get(place) ?? 0;
  }

  take(want: Want, places: readonly number[], backorderAt: number | undefined): Omit<Plan, 'reason'> {
    const taken = new Map<number, Quantity>();
    let open = want.quantity;
    const use = (place: number, most: Quantity): Quantity => {
      const quantity = floorTo(want.step, Math.min(open, most));
      if (quantity > 0) taken.set(place, (taken.get(place) ?? 0) + quantity);
      open -= quantity;
      return quantity;
    };
    for (const place of places) this.spend(place, use(place, this.ownAt(place)));
    for (const place of places) this.spend(place, use(place, this.at(place)));
    const available = want.quantity - open;
    const backordered = backorderAt === undefined ? 0 : floorTo(want.step, Math.min(open, this.backorderable));
    this.backorderable -= backordered;
    const shares = [...taken].map(([locationId, quantity]) => ({ locationId, quantity, backordered: 0 }));
    return {
      shares: backordered > 0 ? addBackorder(shares, backorderAt as number, backordered) : shares,
      short: open - backordered,
      available,
    };
  }

  /** Takes from a place: own first, then free. */
  private spend(place: number, quantity: Quantity): void {
    const fromOwn = Math.min(quantity, this.ownAt(place));
    this.own.set(place, this.ownAt(place) - fromOwn);
    this.free.set(place, (this.free.get(place) ?? 0) - (quantity - fromOwn));
    this.available -= quantity - fromOwn;
  }
}

function addBackorder(shares: Share[], locationId: number, backordered: Quantity): Share[] {
  const standing = shares.find((share) => share.locationId === locationId);
  if (!standing) return [...shares, { locationId, quantity: backordered, backordered }];
  return shares.map((share) =>
    share === standing ? { locationId, quantity: share.quantity + backordered, backordered } : share,
  );
}

function floorTo(step: Quantity, quantity: Quantity): Quantity {
  return Math.floor(Math.max(0, quantity) / step) * step;
}
