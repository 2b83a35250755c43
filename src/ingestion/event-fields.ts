import type { Quantity } from '../catalog/quantity.js';
import { parseQuantity } from '../catalog/quantity.js';
import type { FieldError } from '../problems/problem.js';
import { isText } from '../problems/text.js';

/**
 * A payload that does not say what its profile promises: an exception of kind `mapping_failed`, with an entry for each
 * thing that is wrong. Pointers are into the payload where it is canonical, else into what the profile made of it.
 */
export class MappingFailed extends Error {
  override readonly name = 'MappingFailed';

  constructor(
    readonly detail: string,
    readonly errors: readonly FieldError[] = [],
    cause?: unknown,
  ) {
    super(detail, { cause });
  }
}

/** One line for a person: the first thing that is wrong, and how many more there are. */
export function summaryOf(errors: readonly FieldError[]): string {
  const [first] = errors;
  if (first === undefined) return 'The event is not valid.';
  const more = errors.length - 1;
  return `${first.pointer || 'The event'}: ${first.detail}${more === 0 ? '' : ` (and ${more} more)`}`;
}

/** Past so many faults of one event, more of them say nothing new. */
const MOST_FAULTS = 100;

export interface QuantityRange {
  readonly zero?: boolean;
  readonly negative?: boolean;
}

/**
 * The fields of one JSON object, read by name: a value of the right shape or a fault with its pointer. After a fault a
 * reading goes on with a stand-in, so that one answer names everything that is wrong; what was read counts only if
 * `faults` is empty. Null is as good as left out.
 */
export class Fields {
  readonly faults: FieldError[];

  private constructor(
    private readonly object: Readonly<Record<string, unknown>>,
    private readonly path: string,
    faults: FieldError[],
  ) {
    this.faults = faults;
  }

  /** Of a value that should be an object; if it is none, of an empty one, and the fault is noted. */
  static of(value: unknown, path = '', faults: FieldError[] = []): Fields {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new Fields(value as Record<string, unknown>, path, faults);
    }
    note(faults, path, 'invalid_type', `takes an object, not ${kindOf(value)}`);
    return new Fields({}, path, faults);
  }

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  value(name: string): unknown {
    // Own members only: `constructor` is no field that somebody sent.
    return Object.hasOwn(this.object, name) ? (this.object[name] ?? undefined) : undefined;
  }

  fault(name: string, code: string, detail: string): void {
    note(this.faults, name === '' ? this.path : this.pointerTo(name), code, detail);
  }

  /**
   * Notes a member that is a known one but for case and underscores: to pass over `order_ref` would book a shipment
   * against no order. Any other unknown member is left alone, because senders add what they like. `known`: names, as
   * they are and without case and underscores.
   */
  lookalikes(known: ReadonlyMap<string, string>): void {
    for (const name in this.object) {
      if (known.get(name) === name) continue;
      const meant = known.get(name.replace(/[_-]/g, '').toLowerCase());
      if (meant === undefined || meant === name) continue;
      this.fault(name, 'unknown_field', `is not a field of this event: did you mean ${meant}?`);
    }
  }

  text(name: string, most: number): string {
    return this.optionalText(name, most) ?? this.missing(name, `takes 1 to ${most} characters of text`, '');
  }

  optionalText(name: string, most: number): string | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (isText(value, most)) return value;
    this.fault(name, 'invalid_text', `takes 1 to ${most} characters of text, not ${kindOf(value)}`);
    return '';
  }

  /** In ten-thousandths of its unit (semantics.md 1 and 3). */
  quantity(name: string, range: QuantityRange = {}): Quantity {
    return this.optionalQuantity(name, range) ?? this.missing(name, 'takes a number', 0);
  }

  optionalQuantity(name: string, { zero = false, negative = false }: QuantityRange = {}): Quantity | null {
    const value = this.value(name);
    if (value === undefined) return null;
    const quantity = parseQuantity(value);
    if (quantity === 'not_a_number') {
      this.fault(name, quantity, `takes a number with at most 4 fraction digits, not ${kindOf(value)}`);
    } else if (quantity === 'too_precise') {
      this.fault(name, quantity, 'takes at most 4 fraction digits');
    } else if (quantity === 'too_large') {
      this.fault(name, quantity, 'takes at most 100,000,000,000');
    } else if (quantity === 0 && !zero) {
      this.fault(name, 'zero', 'takes a quantity other than 0');
    } else if (quantity < 0 && !negative) {
      this.fault(name, 'negative', `takes a quantity ${zero ? 'not below' : 'above'} 0`);
    } else {
      return quantity;
    }
    return 0;
  }

  boolean(name: string, otherwise: boolean): boolean {
    return this.optionalBoolean(name) ?? otherwise;
  }

  optionalBoolean(name: string): boolean | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (typeof value === 'boolean') return value;
    this.fault(name, 'invalid_type', `takes true or false, not ${kindOf(value)}`);
    return false;
  }

  /** Milliseconds since 1970. */
  optionalTime(name: string): number | null {
    const value = this.value(name);
    if (value === undefined) return null;
    const time = typeof value === 'string' ? parseTime(value) : undefined;
    if (time !== undefined) return time;
    this.fault(name, 'invalid_time', 'takes a time with its offset as in RFC 3339, such as 2026-03-01T08:30:00Z');
    return 0;
  }

  oneOf<T extends string>(name: string, of: readonly T[], otherwise?: T): T {
    const value = this.value(name);
    if (value === undefined && otherwise !== undefined) return otherwise;
    if (of.includes(value as T)) return value as T;
    const detail = `takes one of ${of.join(', ')}`;
    this.fault(name, value === undefined ? 'required' : 'invalid_value', detail);
    return of[0] as T;
  }

  /** The object under `name`, to be read on; an empty one if it is not there, without a fault. */
  fields(name: string): Fields {
    const value = this.value(name);
    return value === undefined
      ? new Fields({}, `${this.path}/${name}`, this.faults)
      : Fields.of(value, `${this.path}/${name}`, this.faults);
  }

  /** Each entry of the list under `name` read by `read`; null where there is no list. */
  optionalList<T>(name: string, most: number, read: (entry: Fields, index: number) => T): T[] | null {
    const list = this.entries(name, most);
    return list?.map((entry, i) => read(Fields.of(entry, `${this.path}/${name}/${i}`, this.faults), i)) ?? null;
  }

  list<T>(name: string, most: number, read: (entry: Fields, index: number) => T): T[] {
    const list = this.optionalList(name, most, read);
    if (list !== null && list.length > 0) return list;
    if (!this.has(name) || list?.length === 0) this.fault(name, 'required', 'takes a list of at least one entry');
    return [];
  }

  /** The entries of the list under `name` as they are; null where there is none. */
  entries(name: string, most: number): readonly unknown[] | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (Array.isArray(value) && value.length <= most) return value;
    const detail = `takes a list of at most ${most.toLocaleString('en')} entries`;
    this.fault(name, Array.isArray(value) ? 'too_many' : 'invalid_type', detail);
    return null;
  }

  pointerTo(name: string): string {
    return `${this.path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }

  private missing<T>(name: string, detail: string, standIn: T): T {
    if (!this.has(name)) this.fault(name, 'required', detail);
    return standIn;
  }
}

/** A day that there is: times come by the thousand of one day, and this look was half of what reading one cost. */
let lastDay = '';

/**
 * Milliseconds since 1970 of an RFC 3339 time, whose offset is required: a time of no zone is a guess. Digits past the
 * millisecond are cut off. undefined: not a time, or a day no calendar has.
 */
export function parseTime(text: string): number | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  if (!parts) return undefined;
  const [, day, clock, fraction = '', offset] = parts as unknown as [
    string,
    string,
    string,
    string | undefined,
    string,
  ];
  if (day !== lastDay) {
    // The day alone first: Date reads 30 February as 1 March.
    const midnight = Date.parse(`${day}T00:00:00Z`);
    if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
    lastDay = day;
  }
  const time = Date.parse(`${day}T${clock}${fraction.slice(0, 4)}${offset.toUpperCase()}`);
  // Before 1970 nothing was fed: a year 0001 is how some systems write that they do not know.
  return time >= 0 ? time : undefined;
}

function note(faults: FieldError[], pointer: string, code: string, detail: string): void {
  if (faults.length < MOST_FAULTS) faults.push({ pointer, code, detail });
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return value === '' ? 'an empty text' : `the text ${JSON.stringify(shorten(value))}`;
  return typeof value === 'object' ? 'an object' : String(value);
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
