/** Why no event can be made of a slice, whatever the profile; undefined: a profile may look at it. */
export function unidentifiable(slice: Buffer): string | undefined {
  if (slice.length === 0) return 'There is nothing between two commas.';
  if (slice.length > 64) return undefined;
  const text = slice.toString('utf8');
  return /^(?:null|true|false|-?\d[\d.eE+-]*|".*")$/s.test(text)
    ? `An event is an object, not ${text.replaceAll('\0', '\ufffd')}.`
    : undefined;
}

/** The longest id of a sender that is kept. */
const LONGEST = 255;

/** Whether the sender's id can be kept as it is: PostgreSQL takes neither NUL nor half a surrogate pair. */
export function isEventId(id: string): boolean {
  return id.length > 0 && id.length <= LONGEST && !/[\p{Cc}\p{Cs}]/u.test(id);
}
