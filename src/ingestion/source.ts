import type { RateLimit } from '../access/principal.js';
import type { FieldError } from '../problems/problem.js';
import type { QuantityBasis } from './canonical-event.js';
import type { FactKind } from './ownership.js';

/** Who sends: what is agreed with it, and how its bodies are proved to be its own. */

export const SOURCE_KINDS = ['wms', 'erp', 'threepl', 'edi', 'other'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];
export const SCHEMES = ['standard_webhooks', 'hmac_sha256', 'static_header', 'basic'] as const;
export type Scheme = (typeof SCHEMES)[number];
export const ENCODINGS = ['base64', 'hex'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface SignatureScheme {
  readonly scheme: Scheme;
  /** Lower case. The header that carries the signature, or the secret itself. */
  readonly header?: string;
  /** Of an HMAC. */
  readonly encoding?: Encoding;
  /** Of Basic. */
  readonly username?: string;
}

/** What a client says of a source: PUT replaces all of it but the secrets. */
export interface SourceContent {
  readonly name: string;
  readonly kind: SourceKind;
  readonly profile: string;
  readonly signature: SignatureScheme;
  readonly quantityBasis: QuantityBasis;
  /** null: it may be silent as long as it likes. */
  readonly freshnessSeconds: number | null;
  /** In events; null: what every source may send. */
  readonly rateLimit: RateLimit | null;
}

export interface Source extends SourceContent {
  readonly id: number;
  readonly code: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastHeardAt: Date | null;
}

/** One entry of `owns`: these facts of this location. */
export interface Owns {
  /** A code, or `*` for every location. */
  readonly location: string;
  readonly facts: readonly FactKind[];
  /** Milliseconds since 1970. */
  readonly from?: number | undefined;
}

const SCHEMES_WITH_HEADER: readonly Scheme[] = ['hmac_sha256', 'static_header'];
/** Standard Webhooks: 24 to 64 random bytes, in base64 behind the prefix. */
const WEBHOOK_SECRET = /^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What the fields say against each other, each with its pointer. */
export function faultsOf(signature: SignatureScheme, owns: readonly Owns[]): FieldError[] {
  const faults: FieldError[] = [];
  const { scheme, header } = signature;
  if (SCHEMES_WITH_HEADER.includes(scheme) && header === undefined) {
    const detail = `is needed with ${scheme}: the name of the header, such as X-Shopify-Hmac-Sha256`;
    faults.push({ pointer: '/signature/header', code: 'required', detail });
  }
  const seen = new Set<string>();
  owns.forEach(({ location, facts }, i) => {
    facts.forEach((fact, j) => {
      const key = `${location} ${fact}`;
      if (seen.has(key)) {
        const detail = `${fact} of ${location} is listed twice`;
        faults.push({ pointer: `/owns/${i}/facts/${j}`, code: 'duplicate', detail });
      }
      seen.add(key);
    });
  });
  return faults;
}

/** Why the text cannot be a secret of that scheme; undefined: it can. */
export function faultOfSecret(scheme: Scheme, secret: string): string | undefined {
  if (scheme !== 'standard_webhooks') return undefined;
  const bytes = WEBHOOK_SECRET.test(secret) ? Buffer.from(secret.slice('whsec_'.length), 'base64').length : 0;
  return bytes >= 24 && bytes <= 64
    ? undefined
    : 'takes whsec_ and 24 to 64 bytes in base64, as Standard Webhooks does';
}

/** True if a PUT of `next` would leave everything as it is. */
export function sameSource(source: SourceContent, next: SourceContent): boolean {
  return JSON.stringify(contentOf(source)) === JSON.stringify(contentOf(next));
}

function contentOf({ name, kind, profile, signature, ...rest }: SourceContent): unknown[] {
  const { scheme, header, encoding, username } = signature;
  const limit = rest.rateLimit && [rest.rateLimit.requestsPerMinute, rest.rateLimit.burst];
  const proof = [scheme, header ?? null, encoding ?? null, username ?? null];
  return [name, kind, profile, proof, rest.quantityBasis, rest.freshnessSeconds, limit];
}
