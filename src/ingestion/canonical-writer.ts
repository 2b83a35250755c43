import type { Identifier } from '../catalog/item.js';
import { type Quantity, toNumber } from '../catalog/quantity.js';
import type { CanonicalEvent, ItemName, Stocked } from './canonical-event.js';

/**
 * An event as api.md writes it: JSON numbers in the unit named, RFC 3339 times, nothing for what was not said. What
 * `parseCanonical` reads of it is the event again, but for the faulty rows of a snapshot, which are shown as `faults`.
 */
export function canonicalJson({ type, id, time, sequence, data }: CanonicalEvent): Record<string, unknown> {
  return {
    specversion: '1.0',
    id,
    type,
    ...(time === null ? {} : { time: isoTime(time) }),
    ...(sequence === null ? {} : { sequence }),
    data: written(data as unknown as Record<string, unknown>),
  };
}

const TIMES = new Set(['expectedAt', 'nettedUpTo']);
const QUANTITIES = new Set(['quantity', 'factor']);
/** What holds names as they are, or the sender's own members: not to be looked into. */
const VERBATIM = new Set(['attributes', 'locations']);

function written(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data)) {
    if (value === null || value === undefined) continue;
    if (QUANTITIES.has(name)) json[name] = toNumber(value as Quantity);
    else if (TIMES.has(name)) json[name] = isoTime(value as number);
    else if (name === 'faults') Object.assign(json, faultsJson(value as readonly Record<string, unknown>[]));
    else if (name === 'changes') Object.assign(json, written(value as Record<string, unknown>));
    else if (name === 'item') Object.assign(json, written(value as ItemName & Record<string, unknown>));
    else if (name === 'identifier') json[name] = identifierJson(value as Identifier);
    else if (name === 'identifiers') json[name] = (value as Identifier[]).map(identifierJson);
    else if (Array.isArray(value) && !VERBATIM.has(name))
      json[name] = (value as Stocked[]).map((row) => written({ ...row }));
    else json[name] = value;
  }
  return json;
}

function faultsJson(faults: readonly Record<string, unknown>[]): Record<string, unknown> {
  return faults.length === 0 ? {} : { faults: faults.map(written) };
}

function identifierJson({ type, value, party }: Identifier): Record<string, string> {
  return { type, value, ...(party === '' ? {} : { party }) };
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
