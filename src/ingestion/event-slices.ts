import { ediSlices, isEdi } from './edi-slices.js';
import { jsonSlices, TooManySlices } from './json-slices.js';

/** Events that one request takes. */
export const MOST_EVENTS = 10_000;

/**
 * Cuts a body into its events, each byte for byte: a list or lines of JSON into entries, EDI into interchanges; anything
 * else is one event. Nothing is read: what cannot be cut is kept whole. Throws `TooManySlices`.
 */
export function eventSlices(body: Buffer, most: number = MOST_EVENTS): Buffer[] {
  const first = body.findIndex((byte) => byte > 0x20);
  if (first === -1) return [];
  const beginning = body.subarray(first);
  if (isEdi(beginning)) {
    const slices = ediSlices(beginning);
    if (slices.length > most) throw new TooManySlices();
    return slices;
  }
  const isJson = /^\ufeff?\s*[[{]/.test(beginning.toString('utf8', 0, 64));
  return isJson ? (jsonSlices(beginning, most) ?? [body]) : [body];
}
