import type { FactKind, Ownership } from './ownership.js';

/** What a source is to own, and where that stands in the request. */
export interface Claim {
  readonly locationId: number | null;
  readonly fact: FactKind;
  /** undefined: from now on, or if nobody ever owned it, since ever. */
  readonly from: number | undefined;
  readonly pointer: string;
}

export interface OwnershipPlan {
  readonly conflicts: readonly { readonly pointer: string; readonly owner: number }[];
  /** Each with the end it gets; null: it has none any longer, because who was to take over does not. */
  readonly ended: readonly Ownership[];
  /** Planned for the future, and now no longer. */
  readonly dropped: readonly Ownership[];
  readonly begun: readonly Ownership[];
}

/**
 * What changes if `sourceId` is to own exactly `claims` from now on. A claim from a time in the future takes over from
 * whoever owns it then; any other that somebody else owns is a conflict. One location taken over from the owner of all
 * leaves that one the others. A takeover that is called off leaves to its owner what it would have taken.
 */
export function planOwnership(
  ownerships: readonly Ownership[],
  sourceId: number,
  claims: readonly Claim[],
  now: number,
): OwnershipPlan {
  const own = ownerships.filter((one) => one.sourceId === sourceId && endOf(one) > now);
  const kept = new Set<Ownership>();
  const fresh = claims.filter((claim) => {
    const same = own.find((one) => sameThing(one, claim) && (claim.from === undefined || claim.from === one.from));
    if (same) kept.add(same);
    return !same;
  });

  const conflicts: { pointer: string; owner: number }[] = [];
  const ended: Ownership[] = own
    .filter((one) => !kept.has(one) && one.from < now)
    .map((one) => ({ ...one, until: now }));
  const dropped = own.filter((one) => !kept.has(one) && one.from >= now);
  const givenBack = new Map<Ownership, number | null>();
  for (const { locationId, fact, from, until } of dropped) {
    for (const other of ownerships) {
      const wasTaken = other.sourceId !== sourceId && other.until === from && overlaps(other, { locationId, fact });
      if (wasTaken && (other.locationId !== null || locationId === null)) givenBack.set(other, until);
    }
  }
  const others = ownerships
    .filter((one) => one.sourceId !== sourceId)
    .map((one) => (givenBack.has(one) ? { ...one, until: givenBack.get(one) ?? null } : one));
  const begun = fresh.map((claim): Ownership => {
    const { locationId, fact, pointer } = claim;
    const everOwned = ownerships.some((one) => overlaps(one, claim));
    const from = claim.from ?? (everOwned ? now : Number.NEGATIVE_INFINITY);
    for (const other of others) {
      if (!overlaps(other, claim) || endOf(other) <= from) continue;
      if (from <= now || other.from >= from) conflicts.push({ pointer, owner: other.sourceId });
      else if (other.locationId !== null || locationId === null) ended.push({ ...other, until: from });
    }
    return { sourceId, locationId, fact, from, until: null };
  });
  const takenAnew = (one: Ownership) => ended.some((other) => other.sourceId === one.sourceId && sameStart(one, other));
  for (const [one, until] of givenBack) if (!takenAnew(one)) ended.push({ ...one, until });
  return { conflicts, ended, dropped, begun };
}

/** Infinity: no end is set. */
export function endOf({ until }: Pick<Ownership, 'until'>): number {
  return until ?? Number.POSITIVE_INFINITY;
}

type Thing = Pick<Ownership, 'locationId' | 'fact'>;

function sameThing(one: Thing, other: Thing): boolean {
  return one.fact === other.fact && one.locationId === other.locationId;
}

function sameStart(one: Ownership, other: Ownership): boolean {
  return sameThing(one, other) && one.from === other.from;
}

function overlaps(one: Thing, other: Thing): boolean {
  return (
    one.fact === other.fact &&
    (one.locationId === null || other.locationId === null || one.locationId === other.locationId)
  );
}
