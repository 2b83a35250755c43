/** The kinds of fact that a source may own of a location (semantics.md 25). */
export const FACTS = ['on_hand', 'supply', 'catalog', 'orders'] as const;
export type FactKind = (typeof FACTS)[number];

/** Who may say what of which location, and when. Times in milliseconds since 1970. */
export interface Ownership {
  readonly sourceId: number;
  /** null: every location that no other source owns by name at that time. */
  readonly locationId: number | null;
  readonly fact: FactKind;
  readonly from: number;
  /** null: until further notice. */
  readonly until: number | null;
}

/** The source that owns a fact of a location at a time; undefined: nobody does. Who is named for it counts over '*'. */
export function ownerOf(
  ownerships: readonly Ownership[],
  fact: FactKind,
  locationId: number,
  at: number,
): number | undefined {
  let everywhere: number | undefined;
  for (const each of ownerships) {
    if (each.fact !== fact || at < each.from || (each.until !== null && at >= each.until)) continue;
    if (each.locationId === locationId) return each.sourceId;
    if (each.locationId === null) everywhere = each.sourceId;
  }
  return everywhere;
}

/** Whether a source owns a fact somewhere, for what is of no location: an item, an order that stands nowhere. */
export function ownsAnywhere(ownerships: readonly Ownership[], sourceId: number, fact: FactKind, at: number): boolean {
  return ownerships.some(
    (each) =>
      each.sourceId === sourceId && each.fact === fact && at >= each.from && (each.until === null || at < each.until),
  );
}
