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

/** Who calls: the API client a key belongs to, and what that key may do. */
export interface Principal {
  readonly clientId: string;
  readonly clientCode: string;
  /** `key_…`, never the key itself. */
  readonly keyId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** The channel the client is bound to; null: it names one in each request. */
  readonly channel: { readonly id: number; readonly code: string } | null;
}

export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.has(scope) || principal.scopes.has('admin');
}
