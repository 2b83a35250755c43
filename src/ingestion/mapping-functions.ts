import { glnOf, type Trade, tradeOf } from './epc.js';
import type { Constants } from './profiles.js';

/** What an expression can call beside the functions of JSONata. A name that a payload lacks is looked for in `$constants`. */
export type MappingFunctions = Readonly<Record<string, (...given: never[]) => unknown>>;

/** What is wrong with a payload, in the words of its profile. */
export class ProfileFault extends Error {
  override readonly name = 'ProfileFault';
}

type Identified = { readonly sku: string } | { readonly identifier: Readonly<Record<string, string>> };
type Fields = Readonly<Record<string, unknown>>;

/** Units as X12 and EDIFACT name them, where Rec 20 has another code for the same (packages are Rec 21 with an X). */
const UNITS: Readonly<Record<string, string>> = {
  BX: 'XBX',
  CA: 'XCS',
  CS: 'XCS',
  CT: 'XCT',
  FT: 'FOT',
  KG: 'KGM',
  LB: 'LBR',
  PC: 'EA',
  PCE: 'EA',
  PL: 'XPX',
};
/** Qualifiers of EDI under which our own number stands: stock keeping unit, buyer's number. */
const SKUS = ['SK', 'BP', 'IN', 'SKU'];
/** Those of a GTIN, in X12 and in EDIFACT. */
const GTINS = ['UK', 'UP', 'EN', 'UI', 'UA', 'EO', 'SRV', 'EAN'];
/** Those of the partner's number: of the seller, vendor, manufacturer, supplier. */
const PARTNERS = ['VN', 'VP', 'VC', 'MG', 'SA', 'MF'];

/**
 * The functions for one source. What they look up in `constants`: `location`, `locations` (theirs to ours), `units`,
 * `items` (theirs to our SKUs), `skuQualifiers`, `party`, `utcOffset`.
 */
export function mappingFunctions(constants: Constants, source: string): MappingFunctions {
  const offset = textOf(constants.utcOffset) ?? 'Z';
  const skus = Array.isArray(constants.skuQualifiers) ? (constants.skuQualifiers as unknown[]) : SKUS;

  const location = (id?: unknown): string => {
    const given = textOf(id);
    const ours = given === undefined ? constants.location : (own(constants.locations, given) ?? given);
    if (typeof ours === 'string' && ours !== '') return ours;
    throw new ProfileFault(
      'The payload names no location. Set constants.location in a profile of your own on this one.',
    );
  };

  const partner = (value: unknown): Identified => {
    const given = textOf(value) ?? '';
    const sku = own(constants.items, given);
    if (typeof sku === 'string') return { sku };
    return { identifier: { type: 'partner', value: given, party: textOf(constants.party) ?? source } };
  };

  const gtin = (value: unknown): Identified => ({ identifier: { type: 'gtin', value: textOf(value) ?? '' } });

  const item = (ids?: Fields): Identified => {
    const under = (qualifiers: readonly unknown[]) => {
      const found = qualifiers.find((qualifier) => textOf(own(ids, String(qualifier))) !== undefined);
      return found === undefined ? undefined : textOf(own(ids, String(found)));
    };
    const [sku, trade, theirs] = [under(skus), under(GTINS), under(PARTNERS)];
    if (sku !== undefined) return { sku };
    if (trade !== undefined) return gtin(trade);
    if (theirs !== undefined) return partner(theirs);
    const named = Object.entries(ids ?? {}).map(([qualifier, value]) => `${qualifier} ${value}`);
    throw new ProfileFault(
      `A line names no item that is known by its kind of number (${named.join(', ') || 'it has none'}). ` +
        'Set constants.skuQualifiers to the qualifier that your SKUs come under.',
    );
  };

  /**
   * Of N1 or NAD segments the first with the first of the qualifiers that any has, as a location: by its number, else by
   * `constants.location`, else by its name.
   */
  const place = (parties: readonly Fields[] | Fields | undefined, qualifiers: readonly string[] | string): string => {
    const found = listOf(qualifiers).flatMap((qualifier) =>
      listOf(parties).filter(({ N101, NAD01 }) => (N101 ?? NAD01) === qualifier),
    );
    const [id] = found.flatMap(({ N104, NAD02 }) => textOf(N104 ?? NAD02) ?? []);
    if (id !== undefined) return location(id);
    return location(constants.location === undefined ? found[0]?.N102 : undefined);
  };

  /** A time of the sender's clock, with the offset of `constants.utcOffset` unless it has one. */
  const time = (text: unknown): string | undefined => {
    const given = textOf(text)?.trim().replace(' ', 'T');
    if (given === undefined || !/T\d\d:\d\d/.test(given)) return undefined;
    return /(?:[Zz]|[+-]\d\d:\d\d)$/.test(given) ? given : `${given}${offset}`;
  };

  /** CCYYMMDD, with HHMM or HHMMSS: when something is expected, a day begins at midnight. */
  const at = (day: unknown, clock?: unknown): string | undefined => {
    const date = /^(\d{4})(\d\d)(\d\d)$/.exec(textOf(day) ?? '');
    const hours = /^(\d\d)(\d\d)(\d\d)?\d*$/.exec(textOf(clock) ?? '0000');
    if (!date || !hours) return undefined;
    return `${date[1]}-${date[2]}-${date[3]}T${hours[1]}:${hours[2]}:${hours[3] ?? '00'}${offset}`;
  };

  /** Of DTM segments of EDIFACT the first with the first of the qualifiers, by the formats 102, 203 and 204. */
  const dtm = (dates: readonly Fields[] | Fields | undefined, qualifiers: readonly string[] | string) => {
    for (const qualifier of listOf(qualifiers)) {
      const date = listOf(dates).find(({ DTM01 }) => DTM01 === qualifier);
      const value = textOf(date?.DTM01_2);
      if (value !== undefined && /^\d{8}(\d{4}(\d\d)?)?$/.test(value))
        return at(value.slice(0, 8), value.slice(8) || '0000');
    }
    return undefined;
  };

  return {
    location,
    partner,
    gtin,
    item,
    place,
    time,
    at,
    dtm,
    decimal,
    unit: (code?: unknown) => {
      const given = textOf(code);
      return given === undefined ? undefined : (own(constants.units, given) ?? UNITS[given] ?? given);
    },
    epc: (id: unknown): Trade | undefined => tradeOf(textOf(id) ?? ''),
    gln: (id: unknown): string | undefined => glnOf(textOf(id) ?? '') ?? textOf(id),
    // Would evaluate text out of a payload.
    eval: () => {
      throw new ProfileFault('$eval is not to be had in a profile.');
    },
  };
}

/** A number that came as text, with the point or the comma of EDIFACT; never a guess. */
function decimal(value: unknown): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  if (typeof value === 'string' && /^\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)\s*$/.test(value))
    return Number(value.replace(',', '.'));
  throw new ProfileFault(`${JSON.stringify(value)?.slice(0, 40)} is no number.`);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' ? String(value) : undefined;
}

function own(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null && Object.hasOwn(object, name)
    ? (object as Record<string, unknown>)[name]
    : undefined;
}

/** JSONata hands over a list of one as its entry. */
function listOf<T>(value: readonly T[] | T | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as T];
}
