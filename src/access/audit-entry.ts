import { typeid } from 'typeid-js';
import type { Principal } from './principal.js';

/** A change, as whoever makes it says it. */
export interface AuditedChange {
  /** The path of what was changed, without `/v1/`: `clients/webshop`. */
  readonly resource: string;
  /** As it was and as it is, in the form of the API; null: it was not there, or is not any more. */
  readonly before: object | null;
  readonly after: object | null;
}

/** A line of the audit trail. */
export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  readonly clientId: string;
  readonly clientCode: string;
  readonly channelId: number | null;
  /** `key_…`, never the key; `holdfast`: the service itself. */
  readonly keyId: string;
  /** The operation id of the contract. */
  readonly action: string;
  readonly resource: string;
  readonly outcome: 'done' | 'refused';
  /** The problem code of a refusal. */
  readonly reason: string | null;
  /** How often the same was refused within the second. */
  readonly times: number;
  /** Of a change: the members that differ. */
  readonly before: object | null;
  readonly after: object | null;
  readonly requestId: string | null;
  readonly address: string | null;
}

/** What was changed is at most this long; a member that is longer only says how long it was. Characters of JSON. */
const LONGEST_MEMBER = 4_096;
const LONGEST_RESOURCE = 512;
const SECRET = /^(secret|key|password|pepper|token|hash|authorization)$/i;

/** The path of a resource from its parts, encoded as in a URL. */
export function resourceOf(...parts: readonly string[]): string {
  return parts.map(encodeURIComponent).join('/').slice(0, LONGEST_RESOURCE);
}

/** Throws an Error where the route does not say `audited`: the entry would not know the request. */
export function entryOf(caller: Principal, change: AuditedChange, at: number): AuditEntry {
  const { origin } = caller;
  if (!origin) throw new Error(`${change.resource} is changed by a route that is not marked as audited.`);
  return {
    ...whoOf(caller, at),
    action: origin.operation,
    resource: change.resource,
    outcome: 'done',
    reason: null,
    ...differences(change.before, change.after),
    requestId: origin.requestId,
    address: origin.address,
  };
}

/** A refusal of what the path names. */
export function refusalOf(
  caller: Principal,
  refused: { action: string; path: string; reason: string; requestId: string; address: string },
  at: number,
): AuditEntry {
  const { path, ...rest } = refused;
  const resource = path.replace(/^\/(v\d+\/)?/, '').slice(0, LONGEST_RESOURCE);
  return { ...whoOf(caller, at), ...rest, resource, outcome: 'refused', before: null, after: null };
}

function whoOf({ clientId, clientCode, keyId, channel }: Principal, at: number) {
  return {
    id: typeid('aud').toString(),
    at: new Date(at),
    clientId,
    clientCode,
    channelId: channel?.id ?? null,
    keyId,
    times: 1,
  };
}

/** Of two forms of a resource the members that differ, without secrets; all of it where there is only one form. */
export function differences(
  before: object | null,
  after: object | null,
): { readonly before: object | null; readonly after: object | null } {
  const [old, now] = [membersOf(before), membersOf(after)];
  const differs = (name: string) => old?.get(name) !== now?.get(name);
  const pick = (members: ReadonlyMap<string, string> | null) =>
    members &&
    Object.fromEntries([...members].filter(([name]) => differs(name)).map(([name, text]) => [name, shown(text)]));
  return { before: pick(old), after: pick(now) };
}

function membersOf(resource: object | null): Map<string, string> | null {
  if (resource === null) return null;
  const members = Object.entries(resource).filter(([name, value]) => !SECRET.test(name) && value !== undefined);
  return new Map(members.map(([name, value]) => [name, JSON.stringify(value, withoutSecrets) ?? 'null']));
}

function withoutSecrets(name: string, value: unknown): unknown {
  return SECRET.test(name) ? undefined : value;
}

function shown(text: string): unknown {
  return text.length > LONGEST_MEMBER ? { omittedCharacters: text.length } : JSON.parse(text);
}
