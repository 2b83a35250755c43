import { TypeID } from 'typeid-js';
import { randomBlock, timeLetters, twoLetters } from '../access/type-id.js';

/** A new `evt_…`: UUIDv7 of that millisecond, so that the id alone says when the event came, and with it its day. */
export function mintEventId(receivedAt: number): string {
  const random = randomBlock(16);
  const bits = (i: number) => random[i] ?? 0;
  // Version and variant stand among the random bits: 0111 and 11 of them, one and 10 and two, then 60.
  const first = twoLetters(0b01110 | (bits(0) & 1), bits(1));
  const second = twoLetters(bits(2), ((bits(3) & 1) << 4) | 0b01000 | ((bits(3) >>> 1) & 3));
  let id = `evt_${timeLetters(receivedAt)}${first}${second}`;
  for (let i = 4; i < 16; i += 2) id += twoLetters(bits(i), bits(i + 1));
  return id;
}

/** Milliseconds since 1970; undefined for what is no id of an event. */
export function receivedAtOf(id: string): number | undefined {
  try {
    const typeId = TypeID.fromString(id, 'evt');
    const view = new DataView(Uint8Array.from(typeId.toUUIDBytes()).buffer);
    return view.getUint32(0) * 0x10000 + view.getUint16(4);
  } catch {
    return undefined;
  }
}
