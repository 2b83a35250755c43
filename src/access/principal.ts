import { Problem } from '../problems/problem.js';

/** What a key may do. `admin` implies all (api.md). */
export const SCOPES = [
  'availability:read',
  'reservations:read',
  'reservations:write',
  'stock:read',
  'stock:write',
  'catalog:read',
  'catalog:write',
  'events:read',
  'events:manage',
  'admin',
] as const;
export type Scope = (typeof SCOPES)[number];

/** What is agreed with a channel or a client, in units of work (work.ts), or with a source, in events. */
export interface RateLimit {
  readonly requestsPerMinute: number;
  /** How many may come at once. */
  readonly burst: number;
}

/** The request in which a principal changes something, for the audit trail. */
export interface Origin {
  /** The operation id of the contract, such as `revokeKey`. */
  readonly operation: string;
  readonly requestId: string;
  /** Of the caller, as far as proxies are trusted to know it. */
  readonly address: string;
}

/** Who calls: the API client a key belongs to, and what that key may do. */
export interface Principal {
  readonly clientId: string;
  readonly clientCode: string;
  /** `key_…`, never the key itself. */
  readonly keyId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** The channel the client is bound to; null: it names one in each request. */
  readonly channel: { readonly id: number; readonly code: string } | null;
  /** What the client, and the channel it is bound to, may ask of the service; null: no limit. Both apply (api.md). */
  readonly limits: {
    readonly client: RateLimit | null;
    readonly channel: RateLimit | null;
    /** That its channel sells from, 0 without one: by them a line counts (work.ts). */
    readonly locations: number;
  };
  /** Of routes that are audited. */
  readonly origin?: Origin;
}

export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.has(scope) || principal.scopes.has('admin');
}

/** Throws `scope_required` unless the key has one of these scopes. */
export function requireScope(principal: Principal, ...scopes: readonly Scope[]): void {
  if (scopes.some((scope) => hasScope(principal, scope))) return;
  const requiredScope = scopes.join(' or ');
  throw new Problem('scope_required', `This call needs a key with the scope ${requiredScope}.`, {
    extra: { requiredScope },
  });
}

/** Throws `channel_forbidden` for a channel that is not the caller's, whether it exists or not (semantics.md 12). */
export function requireChannel(principal: Principal, code: string): void {
  if (principal.channel === null || principal.channel.code === code) return;
  throw new Problem('channel_forbidden', `This key belongs to the channel ${principal.channel.code}.`);
}

/** Throws `channel_forbidden` for a caller bound to a channel: what it asks for concerns the others too. */
export function requireEveryChannel(principal: Principal): void {
  if (principal.channel === null) return;
  const { code } = principal.channel;
  throw new Problem('channel_forbidden', `This needs a key bound to no channel; yours belongs to ${code}.`);
}
