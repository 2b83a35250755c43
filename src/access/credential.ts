import type { BlockList } from 'node:net';
import type { Principal } from './principal.js';

/** What a bearer of a key or a token has proved: who it is, until when, and from where it may say so. */
export interface Credential {
  readonly principal: Principal;
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAt: number;
  /** null: from everywhere. */
  readonly addresses: BlockList | null;
}
