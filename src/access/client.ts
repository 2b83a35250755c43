import type { RateLimit, Scope } from './principal.js';
import type { Tier } from './tier.js';

/** What an administrator may change of a client. */
export interface ClientSettings {
  readonly name: string;
  readonly tier: Tier;
  /** null: that of its tier. */
  readonly rateLimit: RateLimit | null;
  /** Addresses and CIDR ranges its keys may be used from; empty: from everywhere. */
  readonly allowedAddresses: readonly string[];
}

/** Who calls: a program or a partner, with keys of its own. */
export interface Client extends ClientSettings {
  readonly id: string;
  readonly code: string;
  /** The code of the channel its keys are bound to; null: none. */
  readonly channel: string | null;
  readonly version: number;
  readonly createdAt: Date;
}

/** True if both say the same, in whatever order the ranges stand. */
export function sameSettings(a: ClientSettings, b: ClientSettings): boolean {
  const limit = ({ rateLimit }: ClientSettings) => [rateLimit?.requestsPerMinute, rateLimit?.burst].join();
  const addresses = ({ allowedAddresses }: ClientSettings) => allowedAddresses.toSorted().join();
  return a.name === b.name && a.tier === b.tier && limit(a) === limit(b) && addresses(a) === addresses(b);
}

/** What is known of a key after it was shown. */
export interface ApiKey {
  readonly id: string;
  /** The code of its client. */
  readonly client: string;
  readonly name: string;
  readonly prefix: string;
  readonly lastFour: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  /** null: never, which only ADMIN_API_KEY has. */
  readonly expiresAt: Date | null;
  /** To within five minutes. */
  readonly lastUsedAt: Date | null;
  /** The key that a rotation made in its place. */
  readonly successorId: string | null;
}
