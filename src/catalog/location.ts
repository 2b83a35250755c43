/** `threepl`: run by a logistics provider; `virtual`: no place, such as a supplier's stock. */
export const LOCATION_TYPES = ['warehouse', 'store', 'threepl', 'virtual'] as const;
export type LocationType = (typeof LOCATION_TYPES)[number];

/** What a client says of a location: PUT replaces all of it. */
export interface LocationContent {
  readonly name: string;
  readonly type: LocationType;
  /** false: its stock is in no promise, its holds stay valid (semantics.md 9). */
  readonly enabled: boolean;
  readonly gln: string | null;
  readonly timezone: string | null;
}

export interface Location extends LocationContent {
  readonly id: number;
  readonly code: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** True if a PUT of `next` would leave everything as it is. */
export function sameLocation(location: LocationContent, next: LocationContent): boolean {
  return (['name', 'type', 'enabled', 'gln', 'timezone'] as const).every((field) => location[field] === next[field]);
}

/** True for a name of the IANA time zone database, such as Europe/Berlin; an offset such as +01:00 is none. */
export function isTimezone(value: unknown): value is string {
  if (typeof value !== 'string' || !/^[A-Za-z][\w+/-]{1,63}$/.test(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}
