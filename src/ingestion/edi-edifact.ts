import edifact from 'edifact';
import {
  broken,
  type Interchange,
  type Loops,
  type Message,
  named,
  nest,
  type RawSegment,
  type Segment,
} from './edi.js';

/** Of the messages that say something of stock, the groups that matter to what they say (D.96A and later). */
const LOOPS: Readonly<Record<string, Loops>> = {
  INVRPT: { NAD: {}, LIN: { NAD: {}, QTY: { NAD: {} } } },
  DESADV: { NAD: {}, CPS: { LIN: {} }, LIN: {} },
  RECADV: { NAD: {}, CPS: { LIN: {} }, LIN: {} },
};

/**
 * Reads EDIFACT with the delimiters of its UNA, or those of ISO 9735 without one. Throws MappingFailed unless the
 * envelopes close, and every count and reference in them is right.
 */
export function readEdifact(text: string): Interchange {
  const segments = parse(text);
  const [unb] = segments;
  const unz = segments.at(-1);
  if (unb?.tag !== 'UNB' || unz?.tag !== 'UNZ') throw broken('it does not go from UNB to UNZ');
  const head = named(unb);
  const { UNZ01, UNZ02 } = named(unz);
  if (UNZ02 !== head.UNB05) throw broken(`UNZ ends ${UNZ02}, and UNB began ${head.UNB05}`);
  const { messages, groups } = messagesOf(segments.slice(1, -1), madeOf(head));
  if (Number(UNZ01) !== (groups || messages.length)) {
    throw broken(`UNZ counts ${UNZ01} ${groups ? 'groups' : 'messages'}, and there are ${groups || messages.length}`);
  }
  return {
    standard: 'EDIFACT',
    sender: head.UNB02 ?? '',
    receiver: head.UNB03 ?? '',
    control: head.UNB05 ?? '',
    test: head.UNB11 === '1',
    messages,
  };
}

/** Delimiters that the parser would write into a regular expression as they are, and what stands for them meanwhile. */
const UNSAFE: Readonly<Record<string, string>> = { '[': '\x1c', '\\': '\x1d', ']': '\x1e', '^': '\x1f' };

function parse(text: string): RawSegment[] {
  const una = text.startsWith('UNA');
  if (una && text.length < 9) throw broken('its UNA has not nine characters');
  const [component, element, decimal, release, , terminator] = una ? text.slice(3, 9) : ":+.? '";
  const distinct = [component, element, release, terminator].filter((delimiter) => delimiter !== ' ');
  if (
    new Set(distinct).size !== distinct.length ||
    distinct.some((delimiter) => /[A-Za-z0-9]/.test(delimiter as string))
  ) {
    throw broken('the delimiters of its UNA are not different from each other and from data');
  }
  const unsafe = [component, element, release, terminator].filter((delimiter) =>
    Object.hasOwn(UNSAFE, delimiter as string),
  );
  const written = (value: string) =>
    unsafe.reduce<string>((t, c) => t.replaceAll(c as string, UNSAFE[c as string] as string), value);
  const read = (value: string) =>
    unsafe.reduce<string>((t, c) => t.replaceAll(UNSAFE[c as string] as string, c as string), value);
  const code = (delimiter: string | undefined) => written(delimiter as string).codePointAt(0);
  const parser = new edifact.Parser(undefined, {
    componentDataSeparator: code(component),
    dataElementSeparator: code(element),
    decimalMark: code(decimal),
    // A blank says that there is none; this one does not occur in text.
    releaseCharacter: release === ' ' ? 1 : code(release),
    segmentTerminator: code(terminator),
  });
  // Whatever Unicode has: the bytes were decoded before, by the character set that they are in.
  parser.encoding('UNOY');
  const segments: RawSegment[] = [];
  let elements: string[][] = [];
  parser.onopensegment = (tag) => {
    elements = [];
    segments.push({ tag, elements });
  };
  parser.onelement = () => {
    elements.push([]);
  };
  parser.oncomponent = (value) => {
    elements.at(-1)?.push(read(value));
  };
  parser.onclosesegment = () => {};
  try {
    // Blanks before a tag are how some systems make it readable.
    parser.write(written((una ? text.slice(9) : text).trimStart()));
    parser.end();
  } catch (error) {
    const near = segments.length === 0 ? 'at its start' : `in segment ${segments.length}, ${segments.at(-1)?.tag}`;
    throw broken(`${near}: ${(error as Error).message}`, error);
  }
  return segments;
}

function messagesOf(segments: readonly RawSegment[], made: string | null): { messages: Message[]; groups: number } {
  const messages: Message[] = [];
  let groups = 0;
  let group: { readonly reference?: string; readonly before: number } | undefined;
  let open: RawSegment[] | undefined;
  for (const segment of segments) {
    const fields = named(segment);
    if (open !== undefined) {
      open.push(segment);
      if (segment.tag === 'UNH') throw broken(`message ${named(open[0] as RawSegment).UNH01} has no UNT`);
      if (segment.tag !== 'UNT') continue;
      messages.push(messageOf(open, made));
      open = undefined;
    } else if (segment.tag === 'UNH') {
      open = [segment];
    } else if (segment.tag === 'UNG' && group === undefined) {
      group = { reference: fields.UNG05, before: messages.length };
      groups += 1;
    } else if (segment.tag === 'UNE' && group !== undefined) {
      const count = messages.length - group.before;
      if (Number(fields.UNE01) !== count) throw broken(`UNE counts ${fields.UNE01} messages, and there are ${count}`);
      if (fields.UNE02 !== group.reference) throw broken(`UNE ends ${fields.UNE02}, and UNG began ${group.reference}`);
      group = undefined;
    } else {
      throw broken(`${segment.tag} stands outside of a message`);
    }
  }
  if (open !== undefined) throw broken(`message ${named(open[0] as RawSegment).UNH01} has no UNT`);
  if (group !== undefined) throw broken(`group ${group.reference} has no UNE`);
  return { messages, groups };
}

function messageOf(segments: readonly RawSegment[], made: string | null): Message {
  const { UNH01: control = '', UNH02: type = '' } = named(segments[0] as RawSegment);
  const { UNT01, UNT02 } = named(segments.at(-1) as RawSegment);
  if (Number(UNT01) !== segments.length) {
    throw broken(`UNT of message ${control} counts ${UNT01} segments, and there are ${segments.length}`);
  }
  if (UNT02 !== control) throw broken(`UNT ends ${UNT02}, and UNH began ${control}`);
  const inner = segments.slice(1, -1);
  const lines = inner.filter(({ tag }) => tag === 'LIN').length;
  const counted = inner.map(named).find(({ CNT01 }) => CNT01 === '2')?.CNT01_2;
  if (counted !== undefined && Number(counted) !== lines) {
    throw broken(`CNT of message ${control} counts ${counted} lines, and there are ${lines}`);
  }
  // What ends a message is not of its last line.
  const end = inner.findIndex(({ tag }) => tag === 'CNT' || tag === 'UNS');
  const body = nest(end < 0 ? inner : inner.slice(0, end), LOOPS[type] ?? {}) as Record<string, unknown>;
  for (const line of linesOf(body)) line.ID = idsOf(line as Segment);
  return { type, control, made, body: body as Segment };
}

function linesOf(body: Record<string, unknown>): Record<string, unknown>[] {
  const packs = (body.CPS ?? []) as Record<string, unknown>[];
  return [body, ...packs].flatMap(({ LIN }) => (LIN ?? []) as Record<string, unknown>[]);
}

/** LIN with its C212, and each PIA: number and the code of who gave it. */
function idsOf(line: Segment): Record<string, string> {
  const ids: Record<string, string> = {};
  const add = (qualifier: unknown, value: unknown) => {
    if (typeof qualifier === 'string' && typeof value === 'string') ids[qualifier] ??= value;
  };
  add(line.LIN03_2, line.LIN03);
  for (const pia of (line.PIA ?? []) as readonly Segment[]) {
    for (const i of ['02', '03', '04', '05', '06']) add(pia[`PIA${i}_2`], pia[`PIA${i}`]);
  }
  return ids;
}

/** UNB04: YYMMDD and HHMM, or with the century as of syntax version 4. */
function madeOf({ UNB04: day = '', UNB04_2: clock = '' }: Readonly<Record<string, string>>): string | null {
  const date = /^(\d\d|\d{4})(\d\d)(\d\d)$/.exec(day);
  const time = /^(\d\d)(\d\d)$/.exec(clock);
  if (!date || !time) return null;
  const year = (date[1] as string).length === 2 ? `20${date[1]}` : date[1];
  return `${year}-${date[2]}-${date[3]}T${time[1]}:${time[2]}:00`;
}
