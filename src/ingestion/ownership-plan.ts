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
  /** Each with the end it gets. */
  readonly ended: readonly Ownership[];
  /** Planned for the future, and now no longer. */
  readonly dropped: readonly Ownership[];
  readonly begun: readonly Ownership[];
}

/**
 * What changes if `sourceId` is to own exactly `claims` from now on. A claim from a time in the future takes over from
 * whoever owns it then; any other that somebody else owns is a conflict. One location taken over from the owner of all
 * leaves that one the others.
 */
export function planOwnership(
  ownerships: readonly Ownership[],
  sourceId: number,
  claims: readonly Claim[],
  now: number,
): OwnershipPlan {
  const own = ownerships.filter((one) => one.sourceId === sourceId && endOf(one) > now);
  const others = ownerships.filter((one) => one.sourceId !== sourceId);
  const kept = new Set<Ownership>();
  const fresh = claims.filter((claim) => {
    const same = own.find((one) => sameThing(one, claim) && (claim.from === undefined || claim.from === one.from));
    if (same) kept.add(same);
    return !same;
  });

  const conflicts: { pointer: string; owner: number }[] = [];
  const ended = own.filter((one) => !kept.has(one) && one.from < now).map((one) => ({ ...one, until: now }));
  const dropped = own.filter((one) => !kept.has(one) && one.from >= now);
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

function overlaps(one: Thing, other: Thing): boolean {
  return (
    one.fact === other.fact &&
    (one.locationId === null || other.locationId === null || one.locationId === other.locationId)
  );
}
