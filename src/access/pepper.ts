import { createHash, createHmac, hkdfSync } from 'node:crypto';

/** What the hashes of keys depend on beside the keys. Kept apart from the database, whose dump then verifies no guess. */
export interface Pepper {
  /** Names it in the rows; derived one way, so it tells nothing. */
  readonly id: string;
  readonly key: Buffer;
}

/** From the text of a setting, which is random: nothing slow is needed. */
export function pepperOf(text: string): Pepper {
  const derive = (info: string, bytes: number) => Buffer.from(hkdfSync('sha256', text, '', info, bytes));
  return { id: derive('holdfast api key pepper id', 9).toString('base64url'), key: derive('holdfast api keys', 32) };
}

/**
 * HMAC-SHA-256. A key has 192 random bits, so a slow password hash would only slow us (NIST SP 800-63B, look-up secrets).
 * Without a pepper: plain SHA-256, as keys were kept before there was one.
 */
export function hashKey(key: string, pepper: Pepper | null): Buffer {
  return (pepper ? createHmac('sha256', pepper.key) : createHash('sha256')).update(key).digest();
}
