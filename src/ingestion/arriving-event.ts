import { isEventId, unidentifiable } from './event-identity.js';
import { type Delivery, type NewEvent, newEvent } from './inbox-event.js';
import { documentEvents, identify, identifyRead, isKnownByReceipt, type Place, type Profile } from './profiles.js';

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Bytes of a body that is read although a header may say what it is called; a larger one is cut without being read. */
const MOST_AT_ONCE = 64 * 1024;

/** Of a document that wraps its events each is one, known by its own id when it comes again in another document. */
export function eventsIn(profile: Profile | undefined, slice: Buffer): Buffer[] {
  if (!profile?.events?.length) return [slice];
  return documentEvents(profile, slice.toString('utf8'))?.map((event) => Buffer.from(event)) ?? [slice];
}

/** Kept under the sender's id; where it has none, under its hash, or that and when it came. */
export function eventOf(profile: Profile | undefined, slice: Buffer, delivery: Delivery, place: Place): NewEvent {
  const text = slice.toString('utf8');
  const reason = unidentifiable(slice);
  if (reason !== undefined) return newEvent(delivery, slice, text, null, { code: 'mapping_failed', detail: reason });
  const id = profile === undefined ? null : identify(profile, text, delivery.headers ?? {}, place);
  const isUnnamed = id === null && profile !== undefined && isKnownByReceipt(profile, text);
  return named(delivery, slice, text, id, isUnnamed ? receiptOf(delivery, place) : '');
}

/**
 * The event of a body that is one object of JSON, as most bodies are: reading it says at once where it ends and what it
 * is called. undefined: the body is to be cut.
 */
export function loneEvent(profile: Profile | undefined, body: Buffer, delivery: Delivery): NewEvent | undefined {
  if (profile?.format !== 'json' || profile.events?.length) return undefined;
  if (body[0] !== OPEN_OBJECT || body.at(-1) !== CLOSE_OBJECT || body.length > MOST_AT_ONCE) return undefined;
  const text = body.toString('utf8');
  let json: object;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const id = identifyRead(profile, text, json, delivery.headers ?? {});
  const isUnnamed = id === null && isKnownByReceipt(profile, text, json);
  return named(delivery, body, text, id, isUnnamed ? receiptOf(delivery, undefined) : '');
}

/** When and where it came, the same if the same line of a file is read again. */
function receiptOf({ importId, receivedAt }: Delivery, place: Place | undefined): string {
  const when = importId === null ? new Date(receivedAt).toISOString() : `${importId}:${place?.line}`;
  return place === undefined || place.of === 1 ? `@${when}` : `@${when}/${place.index}`;
}

function named(delivery: Delivery, slice: Buffer, text: string, id: string | null, receipt: string): NewEvent {
  if (id === null || isEventId(id)) return newEvent(delivery, slice, text, id, null, receipt);
  const detail = 'Its id takes 1 to 255 characters, none of them a control character.';
  return newEvent(delivery, slice, text, null, { code: 'mapping_failed', detail });
}
