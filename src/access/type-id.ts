import { randomFillSync } from 'node:crypto';

/**
 * Parts of TypeIDs (TypeID 0.3: a prefix and a UUID of version 7 in 26 letters) for ids that are made by the ten thousand
 * a second: the library checks every id it has made by reading it again, 2 µs each.
 */

/** Crockford's base 32. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** Random bytes are asked for by the block: a call for a few of them costs as much as one for thousands. */
const BLOCK = 8_192;

const random = Buffer.alloc(BLOCK);
let used = BLOCK;
let millisecond = -1;
let time = '';

/** Of the lowest five bits. */
export function letter(bits: number): string {
  return ALPHABET[bits & 31] as string;
}

const PAIRS = Array.from({ length: 1_024 }, (_, bits) => letter(bits >>> 5) + letter(bits));

/** Of the lowest five bits of each. */
export function twoLetters(first: number, second: number): string {
  return PAIRS[((first & 31) << 5) | (second & 31)] as string;
}

/** The first ten letters, three bits and nine times five: milliseconds since 1970. */
export function timeLetters(now: number): string {
  if (now === millisecond) return time;
  let text = '';
  let rest = now;
  for (let i = 0; i < 10; i += 1) {
    text = letter(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  millisecond = now;
  time = text;
  return text;
}

/** As many random bytes, to be used before anybody asks for more. */
export function randomBlock(bytes: number): Uint8Array {
  if (used + bytes > BLOCK) {
    randomFillSync(random);
    used = 0;
  }
  used += bytes;
  return random.subarray(used - bytes, used);
}
