import type { BlockList } from 'node:net';
import { Problem } from '../problems/problem.js';
import type { Principal } from './principal.js';

/** What a bearer of a key or a token has proved: who it is, until when, and from where it may say so. */
export interface Credential {
  readonly principal: Principal;
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAt: number;
  /** null: from everywhere. */
  readonly addresses: BlockList | null;
}

const CHALLENGE = { headers: { 'WWW-Authenticate': 'Bearer realm="holdfast"' } };

export function unauthenticated(detail: string): Problem {
  return new Problem('unauthenticated', detail, CHALLENGE);
}

/** `unauthenticated` for what was valid once. It is no attempt of a stranger. */
export class Expired extends Problem {
  constructor(detail: string) {
    super('unauthenticated', detail, CHALLENGE);
  }
}
