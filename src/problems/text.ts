/** Codes of locations, channels, sources and clients (api.md). */
export const CODE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** 1 to 64 printable characters of any script, neither starting nor ending in a space. */
export const SKU = /^(?! )[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,64}(?<! )$/u;

/** What nearly all SKUs are made of. Classes of Unicode are looked up character by character. */
const ASCII_SKU = /^[!-~]{1,64}$/;

export function isSku(value: unknown): value is string {
  return typeof value === 'string' && (ASCII_SKU.test(value) || SKU.test(value));
}

/** Text as people write it, on one line. PostgreSQL holds neither NUL nor half a surrogate pair. */
export function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most && /\S/.test(value) && !/[\p{Cc}\p{Cs}]/u.test(value);
}

const API_KEY = /hf_[0-9A-Za-z]{9}_[0-9A-Za-z]{39}/g;
const SOURCE_SECRET = /whsec_[A-Za-z0-9+/=%]{16,}/g;

/**
 * Text for an answer or the audit trail: a key or a secret that somebody has put where none belongs, in a path say, is
 * cut to how it starts.
 */
export function withoutSecrets(text: string): string {
  if (!text.includes('hf_') && !text.includes('whsec_')) return text;
  return text.replace(API_KEY, (key) => `${key.slice(0, 12)}…`).replace(SOURCE_SECRET, 'whsec_…');
}
