import { parseJson } from './lossless.js';

export const PROFILE_FORMATS = ['json', 'x12', 'edifact'] as const;
/** What a payload is written in. */
export type ProfileFormat = (typeof PROFILE_FORMATS)[number];

/** Where an event says which one it is. The first that says anything counts. */
export type IdentifyRule =
  /** A header of the request, such as `x-shopify-webhook-id`. Of several events in one body each has its place behind it. */
  | { readonly header: string }
  /** RFC 6901, into the payload: `/id`. Texts and numbers are taken. */
  | { readonly pointer: string }
  /**
   * RFC 6901, to what is only there in a payload of absolute figures without a time. Nothing tells one of those from the
   * same figures sent later, and 50, 49, 50 is three reports: where no other rule says anything, each is known by when it
   * was received. So one that is sent again counts again, which is harmless to a figure, and never to a difference.
   */
  | { readonly received: string };

/**
 * Values that a payload lacks or that differ from site to site, such as `location`, or `locations` from the vendor's
 * codes to ours. A profile reads them as `$constants`.
 */
export type Constants = Readonly<Record<string, unknown>>;

/** How the payloads of one vendor become canonical events. */
export interface Profile {
  readonly name: string;
  readonly version: number;
  readonly title: string;
  readonly vendor: string;
  readonly format: ProfileFormat;
  /** Nothing that is said of an id: an event is then known by the hash of its payload. EDI is known by its control numbers. */
  readonly identify: readonly IdentifyRule[];
  /** Pointers to lists in a document of which each entry is an event for itself: see `documentEvents`. Default: none. */
  readonly events?: readonly string[];
  /** JSONata, from the payload to a canonical event, a list of them, or nothing. null: the payload is canonical itself. */
  readonly expression: string | null;
  readonly constants: Constants;
}

/** The headers of a request that a profile may need, by their names in lower case. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** Whether the profile's event is one of many in its body, and which. */
export interface Place {
  readonly index: number;
  readonly of: number;
  /** Of a file: which. */
  readonly line?: number;
}

/**
 * What an event is known by among those of its source; null: nothing in it says so, or it cannot be read, and the hash of
 * its payload has to do. Cheap, and never throws.
 */
export function identify(profile: Profile, payload: string, headers: Headers, place?: Place): string | null {
  if (profile.format === 'x12') return x12Id(payload);
  if (profile.format === 'edifact') return edifactId(payload);
  return nameIn(profile, payload, undefined, headers, place);
}

/** The same of a payload that is an object of JSON, and has been read by `JSON.parse`. */
export function identifyRead(profile: Profile, payload: string, json: object, headers: Headers): string | null {
  return nameIn(profile, payload, json, headers, undefined);
}

function nameIn(profile: Profile, payload: string, read: unknown, headers: Headers, place?: Place): string | null {
  let json = read;
  for (const rule of profile.identify) {
    if ('received' in rule) continue;
    if ('header' in rule) {
      const id = headers[rule.header]?.trim();
      if (id) return bounded(place === undefined || place.of === 1 ? id : `${id}/${place.index}`);
      continue;
    }
    json ??= readJson(payload);
    let id = at(json, rule.pointer);
    // JavaScript may have rounded it.
    if (typeof id === 'number' && read !== undefined) id = at(readJson(payload), rule.pointer);
    if (typeof id === 'string' && id !== '') return bounded(id);
    if (typeof id === 'number') return String(id);
  }
  return null;
}

/** Whether a payload that `identify` finds no id in is told from the same one at another time by its receipt. `read`: see there. */
export function isKnownByReceipt(profile: Profile, payload: string, read?: object): boolean {
  let json: unknown = read;
  return profile.identify.some((rule) => {
    if (!('received' in rule)) return false;
    json ??= readJson(payload);
    return at(json, rule.received) !== undefined;
  });
}

/**
 * The events in one document, each as JSON text of its own: with an id of its own it is known when it comes again in
 * another document, and what is wrong with one holds up no other. null: the payload is one event, or cannot be read.
 */
export function documentEvents(profile: Profile, payload: string): readonly string[] | null {
  if (!profile.events?.length) return null;
  const json = readJson(payload);
  for (const pointer of profile.events) {
    const list = at(json, pointer);
    if (Array.isArray(list)) return writeJson(list);
  }
  return null;
}

/** null: an entry is nested so deep that it cannot be written, although it could be read. */
function writeJson(list: readonly unknown[]): readonly string[] | null {
  try {
    return list.map((event) => JSON.stringify(event));
  } catch {
    return null;
  }
}

/** An id is kept with at most 255 characters; a longer one is none, rather than one that others begin with too. */
function bounded(id: string): string | null {
  return id.length <= 255 ? id : null;
}

function readJson(payload: string): unknown {
  try {
    return parseJson(payload);
  } catch {
    return undefined;
  }
}

/** Pointers that were taken apart: there are as many as rules. */
const pointers = new Map<string, readonly string[]>();

function namesOf(pointer: string): readonly string[] {
  let names = pointers.get(pointer);
  if (names === undefined) {
    const parts = pointer.split('/').slice(1);
    names = parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    if (pointers.size >= 1_000) pointers.clear();
    pointers.set(pointer, names);
  }
  return names;
}

/** The value at an RFC 6901 pointer, undefined where there is none. */
function at(json: unknown, pointer: string): unknown {
  let value = json;
  for (const name of namesOf(pointer)) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (!Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Sender, receiver, and the control number, which its sender counts. */
function x12Id(payload: string): string | null {
  const text = payload.trimStart();
  const isa = text.startsWith('ISA') ? text.slice(0, 106).split(text.charAt(3)) : [];
  const [sender, receiver, control] = [isa[6], isa[8], isa[13]].map((part) => part?.trim());
  return sender && receiver && control ? `${sender}/${receiver}/${control}` : null;
}

function edifactId(payload: string): string | null {
  const text = payload.trimStart();
  const una = text.startsWith('UNA');
  const [component = ':', element = '+', , , , terminator = "'"] = una ? text.slice(3, 9) : ":+.? '";
  const [segment = ''] = text
    .slice(una ? 9 : 0, 1000)
    .trimStart()
    .split(terminator);
  // A release character in a name stays in it, and so the name is the same each time.
  const unb = segment.split(element);
  const [sender, receiver, control] = [unb[2], unb[3], unb[5]].map((part) => part?.split(component)[0]?.trim());
  return unb[0] === 'UNB' && sender && receiver && control ? bounded(`${sender}/${receiver}/${control}`) : null;
}
