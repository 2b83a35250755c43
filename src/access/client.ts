import type { RateLimit, Scope } from './principal.js';

/** Who calls: a program or a partner, with keys of its own. */
export interface Client {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  /** The code of the channel its keys are bound to; null: none. */
  readonly channel: string | null;
  readonly rateLimit: RateLimit | null;
  readonly version: number;
  readonly createdAt: Date;
}

/** What is known of a key after it was shown. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly lastFour: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  /** null: never, which only ADMIN_API_KEY has. */
  readonly expiresAt: Date | null;
  /** To within five minutes. */
  readonly lastUsedAt: Date | null;
}
