/** The fields of a body, each with what says of its value at a glance that it is in order. */
export type PlainFields = ReadonlyMap<string, (value: unknown) => boolean>;

/**
 * Whether the value is an object of these fields, each in order, and has those that it must. Of one that is not, nothing is
 * said: it may be in order all the same.
 */
export function hasPlainly(value: unknown, fields: PlainFields, ...required: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const field in value) if (!fields.get(field)?.((value as Record<string, unknown>)[field])) return false;
  for (const field of required) if (!(field in value)) return false;
  return true;
}
