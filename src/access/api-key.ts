import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { hashKey, type Pepper } from './pepper.js';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SHAPE = /^hf_[0-9A-Za-z]{9}_[0-9A-Za-z]{33}[0-9A-Za-z]{6}$/;

/** A key as it is shown once, and what is kept of it. */
export interface MintedKey {
  readonly key: string;
  readonly hash: Buffer;
  /** The id of the pepper under which it was hashed. */
  readonly pepper: string;
  /** `hf_` and nine characters: enough to recognise a key in a list or a leak. Empty for a key of another shape. */
  readonly prefix: string;
  readonly lastFour: string;
}

/**
 * Makes a key: `hf_<id>_<192 random bits><CRC-32>`, base 62. The checksum lets scanners and the guard
 * reject a typo without asking the database.
 */
export function mintKey(pepper: Pepper): MintedKey {
  const id = base62(BigInt(`0x${randomBytes(7).toString('hex')}`), 9).slice(-9);
  const body = `hf_${id}_${base62(BigInt(`0x${randomBytes(24).toString('hex')}`), 33)}`;
  return describeKey(body + checksum(body), pepper);
}

/** What is kept of a key that exists already, such as ADMIN_API_KEY: of 16 characters, a prefix would tell too many. */
export function describeKey(key: string, pepper: Pepper): MintedKey {
  const prefix = SHAPE.test(key) ? key.slice(0, 12) : '';
  return { key, hash: hashKey(key, pepper), pepper: pepper.id, prefix, lastFour: key.slice(-4) };
}

/** False for a key of our shape with a typo in it. Keys of another shape (ADMIN_API_KEY) are left to the hash. */
export function isPlausible(key: string): boolean {
  if (!key.startsWith('hf_')) return key.length >= 16 && key.length <= 255;
  return SHAPE.test(key) && checksum(key.slice(0, -6)) === key.slice(-6);
}

function checksum(text: string): string {
  return base62(BigInt(crc32(text)), 6);
}

function base62(value: bigint, width: number): string {
  let text = '';
  for (let rest = value; rest > 0n; rest /= 62n) text = ALPHABET[Number(rest % 62n)] + text;
  return text.padStart(width, '0');
}
