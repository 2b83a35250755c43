import type { RateLimit } from './principal.js';

/** What a client may ask where it has no limit of its own; null: as much as its channel lets it. */
export const TIERS = {
  trial: { requestsPerMinute: 60, burst: 20 },
  standard: { requestsPerMinute: 6_000, burst: 200 },
  high: { requestsPerMinute: 60_000, burst: 2_000 },
  unlimited: null,
} as const satisfies Record<string, RateLimit | null>;

export type Tier = keyof typeof TIERS;

export const TIER_NAMES = Object.keys(TIERS) as Tier[];
