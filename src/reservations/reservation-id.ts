import { letter, randomBlock, timeLetters } from '../access/type-id.js';

/** Random bytes of an id: four to begin the count of a millisecond at, nine behind it. */
const BYTES = 13;

let millisecond = 0;
let count = 0;

/**
 * `res_` and a UUID of version 7 (RFC 9562) in 26 characters (TypeID 0.3): 48 bits of time, a count of 32 bits that
 * begins anywhere below 2^31 in each millisecond, 42 random bits. In one process every id sorts behind the one before
 * it, also when the clock goes back.
 */
export function reservationId(now: number = Date.now()): string {
  const random = randomBlock(BYTES);
  if (now > millisecond) {
    millisecond = now;
    count = (((random[0] ?? 0) & 0x7f) << 24) | ((random[1] ?? 0) << 16) | ((random[2] ?? 0) << 8) | (random[3] ?? 0);
  } else if (count === 0xffffffff) {
    millisecond += 1; // never in practice: it would take 2^31 ids in a millisecond
    count = 0;
  } else count += 1;
  // Version and variant stand among the bits of the count: 0111, 12 bits, 10, 20 bits, and the random ones.
  let id = `res_${timeLetters(millisecond)}${letter(0b01110 | (count >>> 31))}${letter(count >>> 26)}${letter(count >>> 21)}`;
  id += letter((((count >>> 20) & 1) << 4) | 0b01000 | ((count >>> 18) & 3));
  id += letter(count >>> 13) + letter(count >>> 8) + letter(count >>> 3);
  id += letter(((count & 7) << 2) | ((random[4] ?? 0) & 3));
  for (let i = 5; i < BYTES; i += 1) id += letter(random[i] ?? 0);
  return id;
}
