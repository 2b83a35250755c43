import canonicalize from 'canonicalize';
import type { FieldError } from '../problems/problem.js';
import type { QuantityBasis } from './canonical-event.js';
import type { Constants, IdentifyRule, Profile, ProfileFormat } from './profiles.js';

/** What an administrator says of a profile: PUT replaces all of it. What is null is as in `base`. */
export interface ProfileContent {
  readonly title: string;
  readonly vendor: string;
  /** A shipped profile. */
  readonly base: string | null;
  readonly format: ProfileFormat | null;
  readonly identify: readonly IdentifyRule[] | null;
  readonly expression: string | null;
  readonly constants: Constants;
  readonly quantityBasis: QuantityBasis | null;
}

/** Beside what a mapping needs, what a person does who sets up a source. */
export interface DescribedProfile extends Profile {
  readonly shipped: boolean;
  readonly base: string | null;
  /** How the vendor signs what it sends, in words. */
  readonly signature: string | null;
  /** How its events are told apart beyond what `identify` says, in words; null: by no more than that. */
  readonly identity?: string | null;
  /** What its figures usually mean; where a payload says which, that counts. */
  readonly quantityBasis: QuantityBasis;
}

export function sameProfile(one: ProfileContent, other: ProfileContent): boolean {
  const content = ({ title, vendor, base, format, identify, expression, constants, quantityBasis }: ProfileContent) =>
    canonicalize({ title, vendor, base, format, identify, expression, constants, quantityBasis });
  return content(one) === content(other);
}

/** What is wrong with it that its fields do not say each alone. */
export function faultsOf(content: ProfileContent, base: DescribedProfile | undefined): FieldError[] {
  const faults: FieldError[] = [];
  if (content.base !== null && base === undefined) {
    faults.push({ pointer: '/base', code: 'unknown_profile', detail: 'takes a shipped profile: GET /v1/profiles' });
  } else if (content.base === null || base?.expression === null) {
    const detail = 'is needed, because there is no expression beneath it';
    if (content.expression === null) faults.push({ pointer: '/expression', code: 'required', detail });
    if (content.base === null && content.format === null) {
      faults.push({ pointer: '/format', code: 'required', detail: 'takes json, x12 or edifact' });
    }
  }
  content.identify?.forEach((rule, i) => {
    const rules = Object.values(rule).filter(Boolean);
    if (rules.length === 1) return;
    const detail = 'takes either a header, a pointer or received';
    faults.push({ pointer: `/identify/${i}`, code: 'invalid_value', detail });
  });
  let text: string | undefined;
  try {
    text = canonicalize(content.constants);
  } catch {
    // Half a surrogate pair, or a number such as 1e400.
  }
  if (text === undefined || text.length > 262_144 || /(?<!\\)(?:\\\\)*\\u0000/.test(text)) {
    const detail = 'takes at most 262,144 characters of JSON, with finite numbers and without NUL characters';
    faults.push({ pointer: '/constants', code: 'invalid_value', detail });
  }
  return faults;
}

/** The profile that a mapping goes by: its own words, and beneath them those of the shipped one. */
export function profileOf(
  name: string,
  version: number,
  content: ProfileContent,
  base: DescribedProfile | undefined,
): DescribedProfile {
  return {
    name,
    version,
    title: content.title,
    vendor: content.vendor,
    shipped: false,
    base: content.base,
    format: content.format ?? base?.format ?? 'json',
    identify: content.identify ?? base?.identify ?? [],
    events: base?.events ?? [],
    expression: content.expression ?? base?.expression ?? null,
    constants: { ...base?.constants, ...content.constants },
    signature: base?.signature ?? null,
    identity: content.identify === null ? (base?.identity ?? null) : null,
    quantityBasis: content.quantityBasis ?? base?.quantityBasis ?? 'on_hand',
  };
}
