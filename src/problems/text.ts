/** Codes of locations, channels, sources and clients (api.md). */
export const CODE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** 1 to 64 printable characters of any script, neither starting nor ending in a space. */
const SKU = /^(?! )[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,64}(?<! )$/u;

export function isSku(value: unknown): value is string {
  return typeof value === 'string' && SKU.test(value);
}

/** Text as people write it, on one line. PostgreSQL holds neither NUL nor half a surrogate pair. */
export function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most && /\S/.test(value) && !/[\p{Cc}\p{Cs}]/u.test(value);
}
