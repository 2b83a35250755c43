/**
 * Cuts a file of EDI into its interchanges: X12 from ISA to IEA, EDIFACT from UNA or UNB to UNZ. Only the envelope is
 * looked at; characters may be of any one-byte set.
 */

/** ISA is of fixed length: its element separator stands at 3, its segment terminator at 105. */
const ISA_ELEMENT_SEPARATOR = 3;
const ISA_TERMINATOR = 105;
/** UNA names six characters, the last of which ends segments; without it that is an apostrophe. */
const UNA_LENGTH = 9;
const APOSTROPHE = 0x27;
const QUESTION_MARK = 0x3f;

/** True for what begins as an interchange does. */
export function isEdi(body: Buffer): boolean {
  return /^(?:ISA[^A-Za-z0-9\s]|UNA|UNB\+)/.test(body.toString('latin1', 0, 4));
}

/**
 * Each interchange, without what stands between them; what follows the last one is a slice as well, and so is one
 * without an end, which goes as far as the next one.
 */
export function ediSlices(body: Buffer): Buffer[] {
  const slices: Buffer[] = [];
  for (let at = skipSpace(body, 0); at < body.length; ) {
    const end = endOfInterchange(body, at);
    slices.push(body.subarray(at, end));
    at = skipSpace(body, end);
  }
  return slices;
}

function endOfInterchange(body: Buffer, from: number): number {
  if (body.toString('latin1', from, from + 3) === 'ISA') {
    const separator = body[from + ISA_ELEMENT_SEPARATOR];
    const terminator = body[from + ISA_TERMINATOR];
    if (separator === undefined || terminator === undefined) return body.length;
    const segment = (tag: string) => Buffer.from([...Buffer.from(tag), separator]);
    return endOfSegment(body, from, segment('IEA'), [segment('ISA')], terminator);
  }
  const named = body.toString('latin1', from, from + 3) === 'UNA';
  const terminator = (named ? body[from + UNA_LENGTH - 1] : undefined) ?? APOSTROPHE;
  return endOfSegment(
    body,
    from + (named ? UNA_LENGTH : 0),
    Buffer.from('UNZ'),
    [Buffer.from('UNA'), Buffer.from('UNB')],
    terminator,
    QUESTION_MARK,
  );
}

/**
 * Behind the segment with that tag; without one, where the next interchange begins, or the end of the body. `release`:
 * makes a terminator part of a value.
 */
function endOfSegment(
  body: Buffer,
  from: number,
  tag: Buffer,
  beginnings: readonly Buffer[],
  terminator: number,
  release?: number,
): number {
  const begins = (at: number, text: Buffer) => body.subarray(at, at + text.length).equals(text);
  let start = from;
  while (start < body.length) {
    let end = body.indexOf(terminator, start);
    while (end > start && release !== undefined && isReleased(body, end, start, release)) {
      end = body.indexOf(terminator, end + 1);
    }
    if (end === -1) return body.length;
    if (begins(start, tag)) return end + 1;
    const next = skipSpace(body, end + 1);
    if (beginnings.some((text) => begins(next, text))) return next;
    start = next;
  }
  return body.length;
}

function isReleased(body: Buffer, at: number, from: number, release: number): boolean {
  let releases = 0;
  while (at - 1 - releases >= from && body[at - 1 - releases] === release) releases += 1;
  return releases % 2 === 1;
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && (body[at] as number) <= 0x20) at += 1;
  return at;
}
