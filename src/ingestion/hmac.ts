import { createHash, createHmac, hash } from 'node:crypto';

/**
 * HMAC-SHA256 (RFC 2104) of two one-shot hashes over a key that is prepared once: 1.1 µs for an event of 200 bytes, where
 * the object of `createHmac` takes 2.4.
 */

/** Of SHA-256, in bytes: what it works through at a time, and its result. */
const BLOCK = 64;
const DIGEST = 32;
/** Bytes that are copied behind the key to be hashed in one go. A longer message is no worse off with `createHmac`. */
const MOST_COPIED = 16 * 1024;

const inner = Buffer.alloc(BLOCK + MOST_COPIED);
const outer = Buffer.alloc(BLOCK + DIGEST);

export interface HmacKey {
  readonly bytes: Buffer;
  /** A block of the key with each of the two paddings. */
  readonly inner: Buffer;
  readonly outer: Buffer;
}

export function hmacKey(bytes: Buffer): HmacKey {
  const block = Buffer.alloc(BLOCK);
  block.set(bytes.length > BLOCK ? createHash('sha256').update(bytes).digest() : bytes);
  return {
    bytes,
    inner: block.map((byte) => byte ^ 0x36) as Buffer,
    outer: block.map((byte) => byte ^ 0x5c) as Buffer,
  };
}

/** Of the prefix in UTF-8 and the message. */
export function hmac(key: HmacKey, prefix: string, message: Buffer, encoding: 'base64' | 'hex'): string {
  // A character takes up to three bytes.
  if (3 * prefix.length + message.length > MOST_COPIED) {
    return createHmac('sha256', key.bytes).update(prefix).update(message).digest(encoding);
  }
  inner.set(key.inner);
  const begin = prefix === '' ? BLOCK : BLOCK + inner.write(prefix, BLOCK, 'utf8');
  inner.set(message, begin);
  outer.set(key.outer);
  // As text, a character a byte: a Buffer costs twice what the hash itself does.
  outer.write(hash('sha256', inner.subarray(0, begin + message.length), 'binary'), BLOCK, 'latin1');
  return hash('sha256', outer, encoding);
}
