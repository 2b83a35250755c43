import canonicalize from 'canonicalize';
import { FieldError } from '../problems/problem.js';
import { toGtin14 } from './gs1.js';
import { Quantity, stepOf } from './quantity.js';

/** `gtin`: GS1, worldwide. `mpn`: the manufacturer's, `party` says whose. `partner`: what `party` calls the item. */
export const IDENTIFIER_TYPES = ['gtin', 'mpn', 'partner'] as const;
export type IdentifierType = (typeof IDENTIFIER_TYPES)[number];

export interface Identifier {
  readonly type: IdentifierType;
  /** A GTIN has 14 digits here, however it was sent. */
  readonly value: string;
  /** Empty where the value needs none. */
  readonly party: string;
}

/** What a client says of an item: PUT replaces all of it. */
export interface ItemContent {
  readonly name: string;
  readonly baseUom: string;
  /** Digits after the point that a quantity of the base unit may have, 0 to 4. */
  readonly fractionDigits: number;
  /** false: always to be had, and without effect on any figure (semantics.md 8). */
  readonly tracked: boolean;
  readonly active: boolean;
  /** By code, ascending; `factor` in ten-thousandths of the base unit. */
  readonly uoms: readonly { readonly code: string; readonly factor: Quantity }[];
  /** By type, value and party, ascending. */
  readonly identifiers: readonly Identifier[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Item extends ItemContent {
  readonly id: number;
  readonly sku: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deleted: boolean;
}

/** The content in the one form it is kept in: lists sorted, GTINs of 14 digits, so that equal content is equal text. */
export function normalise(content: ItemContent): ItemContent {
  const identifiers = content.identifiers.map(({ type, value, party }) => ({
    type,
    value: type === 'gtin' ? (toGtin14(value) ?? value) : value,
    party,
  }));
  return {
    ...content,
    uoms: content.uoms.toSorted((a, b) => order(a.code, b.code)),
    identifiers: identifiers.toSorted(
      (a, b) => order(a.type, b.type) || order(a.value, b.value) || order(a.party, b.party),
    ),
  };
}

/** What the fields say against each other, each with its pointer; empty when the content can be kept. */
export function faultsOf(content: ItemContent): FieldError[] {
  return [...uomFaults(content), ...identifierFaults(content.identifiers), ...attributeFaults(content.attributes)];
}

/** True if a PUT of `next` would leave everything as it is. */
export function sameContent(item: ItemContent, next: ItemContent): boolean {
  return canonicalize(contentOf(item)) === canonicalize(contentOf(next));
}

/**
 * Why `next` would give quantities that are already kept another meaning, as a sentence; undefined if it would not.
 * They are kept in the base unit: in pieces, 12 is not 12 kilograms, and 0.5 has no place in an item of whole units.
 * The factor of another unit may change: an open line keeps the factor it was made with.
 */
export function changeOfMeaning(item: ItemContent, next: ItemContent): string | undefined {
  if (item.baseUom !== next.baseUom) return `baseUom cannot change from ${item.baseUom} to ${next.baseUom}`;
  if (next.fractionDigits < item.fractionDigits) {
    return `fractionDigits cannot fall from ${item.fractionDigits} to ${next.fractionDigits}`;
  }
  return undefined;
}

function uomFaults({ baseUom, fractionDigits, uoms }: ItemContent): FieldError[] {
  const seen = new Set([baseUom]);
  return uoms.flatMap(({ code, factor }, i) => {
    const faults: FieldError[] = [];
    if (seen.has(code)) {
      const detail = code === baseUom ? `${code} is the base unit: leave it out` : `${code} is listed twice`;
      faults.push({ pointer: `/uoms/${i}/code`, code: 'duplicate', detail });
    }
    seen.add(code);
    if (factor % stepOf(fractionDigits) !== 0) {
      const detail = `takes at most ${fractionDigits} fraction digits, as the item does: one ${code} must be a quantity of it`;
      faults.push({ pointer: `/uoms/${i}/factor`, code: 'too_precise', detail });
    }
    return faults;
  });
}

function identifierFaults(identifiers: readonly Identifier[]): FieldError[] {
  const seen = new Set<string>();
  return identifiers.flatMap(({ type, value, party }, i): FieldError[] => {
    const pointer = `/identifiers/${i}`;
    const known = type === 'gtin' ? toGtin14(value) : value;
    if (known === undefined) {
      const detail = 'takes a GTIN of 8, 12, 13 or 14 digits with its right check digit';
      return [{ pointer: `${pointer}/value`, code: 'invalid_gtin', detail }];
    }
    if (type === 'gtin' && party !== '') {
      const detail = 'is not taken with a gtin, which is the same for every party';
      return [{ pointer: `${pointer}/party`, code: 'unexpected', detail }];
    }
    if (type === 'partner' && party === '') {
      const detail = 'is needed with type partner: it says whose number the value is';
      return [{ pointer: `${pointer}/party`, code: 'required', detail }];
    }
    const key = JSON.stringify([type, known, party]);
    if (seen.has(key)) return [{ pointer, code: 'duplicate', detail: 'is listed twice' }];
    seen.add(key);
    return [];
  });
}

/** Attributes are the caller's own; the bounds are what a row should hold and what jsonb can. */
function attributeFaults(attributes: Readonly<Record<string, unknown>>): FieldError[] {
  let text: string | undefined;
  try {
    text = canonicalize(attributes);
  } catch {
    // Half a surrogate pair, or a number such as 1e400: neither has a canonical form, nor a place in jsonb.
  }
  if (text === undefined || /(?<!\\)(?:\\\\)*\\u0000/.test(text)) {
    const detail = 'takes finite numbers, and text without NUL characters and unpaired surrogates';
    return [{ pointer: '/attributes', code: 'invalid_value', detail }];
  }
  if (text.length > 16_384) {
    return [{ pointer: '/attributes', code: 'too_large', detail: 'takes at most 16,384 characters of JSON' }];
  }
  return [];
}

function contentOf(content: ItemContent): ItemContent {
  const { name, baseUom, fractionDigits, tracked, active, uoms, identifiers, attributes } = content;
  return { name, baseUom, fractionDigits, tracked, active, uoms, identifiers, attributes };
}

/** By code unit, as the database's collation "C" does for ASCII. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
