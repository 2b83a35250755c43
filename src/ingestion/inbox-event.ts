import { hash as digest } from 'node:crypto';
import { mintEventId } from './event-id.js';
import type { Proof } from './signature.js';

export const EVENT_STATUSES = ['received', 'applied', 'duplicate', 'stale', 'parked', 'exception'] as const;
export type EventStatus = (typeof EVENT_STATUSES)[number];

/** What the events of one request have in common. */
export interface Delivery {
  readonly sourceId: number;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly contentType: string;
  /** Those that a profile may ask for; null: none. */
  readonly headers: Readonly<Record<string, string>> | null;
  readonly proof: Proof | { readonly scheme: 'key'; readonly keyId: string };
  readonly traceparent: string | null;
  readonly requestId: string;
  /** Ours, of a request whose events are applied all or none (semantics.md 26); null: each for itself. */
  readonly batch: string | null;
  /** null: not from a file. */
  readonly importId: string | null;
}

/** Why an event is an exception from the start. */
export interface Rejection {
  readonly code: 'mapping_failed' | 'conflicting_duplicate';
  readonly detail: string;
}

/** An event on its way into the inbox. */
export interface NewEvent {
  readonly delivery: Delivery;
  readonly id: string;
  /** The sender's own, or else `sha256:` and the hash, of what may come again with `@` and when it came. */
  readonly eventId: string;
  readonly payload: string;
  /** The bytes are no text that PostgreSQL holds, so `payload` is their base64. */
  readonly base64: boolean;
  /** SHA-256 of the bytes, in hex: as a text it costs an eighth of what it does as a Buffer. */
  readonly hash: string;
  /** Empty, or of another body than the first under its id the hash of that. */
  readonly variant: string;
  readonly rejection: Rejection | null;
}

/**
 * `text`: the slice as UTF-8. `named`: the sender's id of it; null: it has none, so its bytes are its name, and `receipt`
 * with them where the same bytes may come again and say something new.
 */
export function newEvent(
  delivery: Delivery,
  slice: Buffer,
  text: string,
  named: string | null,
  rejection: Rejection | null,
  receipt = '',
): NewEvent {
  const hash = digest('sha256', slice, 'hex');
  // Half a character or a NUL: rare enough that finding out may cost an encoding.
  const base64 = text.includes('\0') || (text.includes('\ufffd') && !Buffer.from(text).equals(slice));
  return {
    delivery,
    id: mintEventId(delivery.receivedAt),
    eventId: named ?? `sha256:${hash}${receipt}`,
    payload: base64 ? slice.toString('base64') : text,
    base64,
    hash,
    variant: '',
    rejection,
  };
}

/** The same event where its id is taken by another body: kept beside it, as an exception (semantics.md 22). */
export function conflicting(event: NewEvent): NewEvent {
  const detail = `Another body came first under the id ${event.eventId}. Nothing of this one is applied.`;
  return {
    ...event,
    variant: event.hash,
    rejection: { code: 'conflicting_duplicate', detail },
  };
}

/** What profiles read: the text, or of bytes that are none a character each, as EDI in a one-byte set is read. */
export function payloadText(payload: string, base64: boolean): string {
  return base64 ? Buffer.from(payload, 'base64').toString('latin1') : payload;
}
