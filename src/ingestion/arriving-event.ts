import { isEventId, unidentifiable } from './event-identity.js';
import { type Delivery, type NewEvent, newEvent } from './inbox-event.js';
import { documentEvents, identify, type Place, type Profile } from './profiles.js';

/** Of a document that wraps its events each is one, known by its own id when it comes again in another document. */
export function eventsIn(profile: Profile | undefined, slice: Buffer): Buffer[] {
  if (!profile?.events?.length) return [slice];
  return documentEvents(profile, slice.toString('utf8'))?.map((event) => Buffer.from(event)) ?? [slice];
}

/** Kept under the sender's id; where it has none, under its hash. */
export function eventOf(profile: Profile | undefined, slice: Buffer, delivery: Delivery, place: Place): NewEvent {
  const refused = (detail: string) => newEvent(delivery, slice, null, { code: 'mapping_failed', detail });
  const reason = unidentifiable(slice);
  if (reason !== undefined) return refused(reason);
  const id = profile === undefined ? null : identify(profile, slice.toString('utf8'), delivery.headers ?? {}, place);
  if (id !== null && !isEventId(id))
    return refused('Its id takes 1 to 255 characters, none of them a control character.');
  return newEvent(delivery, slice, id, null);
}
