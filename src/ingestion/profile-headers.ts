import type { SignatureScheme } from './source.js';

/** What vendors say beside the body: a topic, a shop, an id. `ce-`: CloudEvents in binary mode. */
const KEPT = /^(?:x-|ce-|webhook-)/;
/** What proxies add, and what proves the body: of no use to a profile. */
const DROPPED =
  /^(?:x-forwarded-|x-real-ip$|x-request-id$|x-amzn-|webhook-signature$)|signature|hmac|token|secret|auth|key/;
const MOST = 32;
const LONGEST = 1_024;

/** The headers that a profile may ask for, by their names in lower case; null: none. */
export function profileHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  { header }: SignatureScheme,
): Record<string, string> | null {
  const kept: Record<string, string> = {};
  let count = 0;
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== 'string' || value.length > LONGEST || name === header) continue;
    if (!KEPT.test(name) || DROPPED.test(name) || count === MOST) continue;
    kept[name] = value;
    count += 1;
  }
  return count === 0 ? null : kept;
}
