/**
 * Cuts a body of JSON into its events without reading them, so that every byte stays as it was sent: an id of 2^60, a
 * member that stands twice, a price of 1.10. Only brackets and strings are followed; whether a slice is good JSON is
 * found out by whoever reads it.
 */

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** There are more events than are taken. */
export class TooManySlices extends Error {}

/**
 * The entries of a list, or the values that stand one behind the other (NDJSON, or just one), at most `most`.
 * undefined: brackets or quotes do not match, so where one ends nobody knows; but for lines of which each begins an
 * object: there a line that breaks off takes no other with it. Throws `TooManySlices`.
 */
export function jsonSlices(body: Buffer, most: number): Buffer[] | undefined {
  const start = body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  const first = skipSpace(body, start);
  if (body[first] === OPEN_LIST) {
    const end = endOfValue(body, first);
    if (end === undefined) return undefined;
    if (skipSpace(body, end) === body.length) return entries(body, first + 1, end - 1, most);
  }
  return values(body, first, most) ?? objectLines(body, first, most);
}

/** Between the brackets of a list. Nothing at all is a list of none; nothing between two commas is a slice of no bytes. */
function entries(body: Buffer, from: number, end: number, most: number): Buffer[] | undefined {
  const slices: Buffer[] = [];
  let at = skipSpace(body, from);
  if (at === end) return slices;
  for (;;) {
    const close = endOfEntry(body, at, end);
    if (close === undefined) return undefined;
    if (slices.length === most) throw new TooManySlices();
    slices.push(trimmed(body, at, close));
    if (close === end) return slices;
    at = skipSpace(body, close + 1);
  }
}

function values(body: Buffer, from: number, most: number): Buffer[] | undefined {
  const slices: Buffer[] = [];
  for (let at = from; at < body.length; ) {
    const end = endOfValue(body, at);
    if (end === undefined) return undefined;
    if (slices.length === most) throw new TooManySlices();
    slices.push(trimmed(body, at, end));
    at = skipSpace(body, end);
  }
  return slices;
}

/** Each line, where there are several and each begins as an object does. */
function objectLines(body: Buffer, from: number, most: number): Buffer[] | undefined {
  const slices: Buffer[] = [];
  for (let at = from; at < body.length; ) {
    if (body[at] !== OPEN_OBJECT) return undefined;
    const newline = body.indexOf(NEWLINE, at);
    const end = newline === -1 ? body.length : newline;
    if (slices.length === most) throw new TooManySlices();
    slices.push(trimmed(body, at, end));
    at = skipSpace(body, end);
  }
  return slices.length > 1 ? slices : undefined;
}

/** The next comma that belongs to the list itself, or the end of the list. */
function endOfEntry(body: Buffer, from: number, end: number): number | undefined {
  let at = from;
  while (at < end && body[at] !== COMMA) {
    const next = endOfToken(body, at, end);
    if (next === undefined) return undefined;
    at = next;
  }
  return at;
}

/** Behind the value that begins here: a list, an object, a string, or whatever else stands on the line. */
function endOfValue(body: Buffer, from: number): number | undefined {
  const byte = body[from];
  if (byte === QUOTE || byte === OPEN_LIST || byte === OPEN_OBJECT) return endOfToken(body, from, body.length);
  const lineEnd = body.indexOf(NEWLINE, from);
  return lineEnd === -1 ? body.length : lineEnd;
}

/** Behind a whole string, list or object, else behind the byte. undefined: it has no end, or one too many. */
function endOfToken(body: Buffer, from: number, end: number): number | undefined {
  const byte = body[from];
  if (byte === QUOTE) return endOfString(body, from, end);
  if (byte !== OPEN_LIST && byte !== OPEN_OBJECT) return from + 1;
  let depth = 0;
  for (let at = from; at < end; ) {
    switch (body[at]) {
      case QUOTE: {
        const behind = endOfString(body, at, end);
        if (behind === undefined) return undefined;
        at = behind;
        continue;
      }
      case OPEN_LIST:
      case OPEN_OBJECT:
        depth += 1;
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth -= 1;
        if (depth === 0) return at + 1;
        break;
    }
    at += 1;
  }
  return undefined;
}

function endOfString(body: Buffer, from: number, end: number): number | undefined {
  for (let at = body.indexOf(QUOTE, from + 1); at !== -1 && at < end; at = body.indexOf(QUOTE, at + 1)) {
    let escapes = 0;
    while (body[at - 1 - escapes] === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
  return undefined;
}

function trimmed(body: Buffer, from: number, to: number): Buffer {
  let end = to;
  while (end > from && isSpace(body[end - 1])) end -= 1;
  return body.subarray(from, end);
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && isSpace(body[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09;
}
