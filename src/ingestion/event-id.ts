import { randomFillSync } from 'node:crypto';
import { TypeID } from 'typeid-js';

const random = Buffer.alloc(16 * 256);
let used = random.length;

/** A new `evt_…`: UUIDv7 of that millisecond, so that the id alone says when the event came, and with it its day. */
export function mintEventId(receivedAt: number): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const bytes = Uint8Array.from(random.subarray(used, used + 16));
  used += 16;
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(receivedAt / 0x10000));
  view.setUint16(4, receivedAt % 0x10000);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return TypeID.fromUUIDBytes('evt', bytes).toString();
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
