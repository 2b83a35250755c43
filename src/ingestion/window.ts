import { compareMoments, type Moment } from './absolute-figure.js';

/** An event on its way, as far as its order is concerned. */
export interface Turn {
  /** In order of arrival. */
  readonly turn: number;
  readonly moment: Moment;
  /** What it is about: items, orders, shipments. Events that share one are applied in order. */
  readonly keys: readonly string[];
}

/**
 * Parts events into groups that have nothing to do with each other, each in the order in which it is to be applied: as
 * its source counts, or where it does not by its clock, and else as they arrived. Adds their keys to `all`.
 */
export function groupsOf<T extends Turn>(events: readonly T[], all?: Set<string>): T[][] {
  const parents = events.map((_, index) => index);
  const find = (index: number): number => {
    let root = index;
    while (parents[root] !== root) root = parents[root] as number;
    for (let at = index; at !== root; ) {
      const next = parents[at] as number;
      parents[at] = root;
      at = next;
    }
    return root;
  };
  const firstWith = new Map<string, number>();
  for (const [index, { keys }] of events.entries()) {
    for (const key of keys) {
      const first = firstWith.get(key);
      if (first === undefined) firstWith.set(key, index);
      else parents[find(index)] = find(first);
    }
  }
  if (all) for (const key of firstWith.keys()) all.add(key);
  const groups = new Map<number, T[]>();
  for (const [index, event] of events.entries()) {
    const root = find(index);
    const group = groups.get(root);
    if (group) group.push(event);
    else groups.set(root, [event]);
  }
  return [...groups.values()].map(inOrder);
}

/** Numbers count only where all have one: half of an order is none. */
function inOrder<T extends Turn>(events: T[]): T[] {
  if (events.length === 1) return events;
  const counted = events.every(({ moment }) => moment.sequence !== null);
  return events.sort((a, b) => {
    const order = counted ? compareMoments(a.moment, b.moment) : a.moment.at - b.moment.at;
    return order || a.turn - b.turn;
  });
}

/** Cuts what is in order into parcels of about `most` rows; a single event of more is a parcel of its own. */
export function parcels<T>(entries: readonly T[], most: number, rowsOf: (entry: T) => number): T[][] {
  const cut: T[][] = [];
  let parcel: T[] = [];
  let rows = 0;
  for (const entry of entries) {
    const more = rowsOf(entry);
    if (parcel.length > 0 && rows + more > most) {
      cut.push(parcel);
      parcel = [];
      rows = 0;
    }
    parcel.push(entry);
    rows += more;
  }
  if (parcel.length > 0) cut.push(parcel);
  return cut;
}
