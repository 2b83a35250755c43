import x12 from 'node-x12';
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

/** Of the transaction sets that say something of stock, the loops that matter to what they say. */
const LOOPS: Readonly<Record<string, Loops>> = {
  '846': { N1: {}, LIN: { QTY: {}, N1: {} } },
  '856': { HL: { N1: {} } },
  '944': { N1: {}, W07: {} },
  '945': { N1: {}, LX: { W12: {} }, W12: {} },
  '947': { N1: {}, W19: {} },
};

/** How many elements a segment has at most. More of them means that a terminator was lost, and two segments read as one. */
const MOST_ELEMENTS: Readonly<Record<string, number>> = {
  BIA: 7,
  BSN: 7,
  CTT: 7,
  DTM: 6,
  HL: 4,
  LIN: 31,
  LX: 1,
  MAN: 6,
  N1: 6,
  N3: 2,
  N4: 7,
  N9: 7,
  PRF: 7,
  QTY: 4,
  REF: 4,
  SN1: 8,
  UIT: 3,
  W03: 7,
  W06: 12,
  W07: 18,
  W12: 22,
  W13: 6,
  W14: 6,
  W15: 6,
  W17: 9,
  W19: 20,
};

/** Elements that hold a unit of measure, of two characters. */
const UNITS: Readonly<Record<string, number>> = { QTY: 3, SN1: 3, UIT: 1, W07: 2, W12: 5, W13: 2, W19: 3 };

/**
 * Reads X12 of any version, with the delimiters that its ISA names. Throws MappingFailed unless the envelopes close, and
 * every count and control number in them is right.
 */
export function readX12(given: string): Interchange {
  // Where a line end closes a segment, that of the last one is often left out.
  const text = /\s/.test(given.charAt(105)) ? `${given.trimEnd()}${given.charAt(105)}` : given;
  const delimiters = delimitersOf(text);
  const interchanges = parse(text, delimiters);
  const [first] = interchanges;
  if (first === undefined) throw broken('it has no ISA');
  const { header } = first;
  return {
    standard: 'X12',
    sender: elementOf(header, 6),
    receiver: elementOf(header, 8),
    control: elementOf(header, 13),
    test: interchanges.some((interchange) => elementOf(interchange.header, 15) === 'T'),
    messages: interchanges.flatMap((interchange) =>
      interchange.functionalGroups.flatMap((group) =>
        group.transactions.map((transaction) => messageOf(transaction, group.header, delimiters)),
      ),
    ),
  };
}

interface Delimiters {
  readonly element: string;
  readonly component: string;
  readonly segment: string;
}

function delimitersOf(text: string): Delimiters {
  const delimiters = { element: text.charAt(3), component: text.charAt(104), segment: text.charAt(105) };
  const { element, component, segment } = delimiters;
  if (!text.startsWith('ISA') || text.length < 106) throw broken('it does not begin with an ISA of 106 characters');
  if (/[A-Za-z0-9\s]/.test(element) || /[A-Za-z0-9]/.test(component + segment)) {
    throw broken('its ISA has not the fixed width, so that its delimiters cannot be found');
  }
  if (new Set([element, component, segment]).size !== 3)
    throw broken('its delimiters are not different from each other');
  const rest = text.slice(text.lastIndexOf(segment) + 1);
  if (/\S/.test(rest)) throw broken(`its last segment, ${rest.trim().slice(0, 20)}, is not terminated`);
  return delimiters;
}

function parse(text: string, { element }: Delimiters): readonly x12.X12Interchange[] {
  if (text.charAt(103) !== element) throw broken('its ISA has not the fixed width of 106 characters');
  let parsed: x12.X12Interchange | x12.X12FatInterchange;
  try {
    parsed = new x12.X12Parser(true).parse(text);
  } catch (error) {
    const { name, message } = error as Error;
    throw broken(
      name === 'ParserError'
        ? message.replace(/^X12 Standard: /, '').replace(/[.!]$/, '')
        : 'a segment has no elements',
      error,
    );
  }
  const interchanges = 'interchanges' in parsed ? parsed.interchanges : [parsed];
  for (const { trailer, functionalGroups } of interchanges) {
    if (trailer === undefined) throw broken('it has no IEA');
    for (const group of functionalGroups) {
      if (group.trailer === undefined) throw broken(`group ${elementOf(group.header, 6)} has no GE`);
      for (const { header, trailer: end } of group.transactions) {
        if (end === undefined) throw broken(`transaction set ${elementOf(header, 2)} has no SE`);
      }
    }
  }
  return interchanges;
}

function messageOf(transaction: x12.X12Transaction, group: x12.X12Segment, { component }: Delimiters): Message {
  const type = elementOf(transaction.header, 1);
  const control = elementOf(transaction.header, 2);
  const segments = transaction.segments.map(({ tag, elements }) => ({
    tag,
    elements: elements.map(({ value }) => (value ?? '').split(component)),
  }));
  for (const [i, segment] of segments.entries())
    requireSound(segment, `segment ${i + 2} of transaction set ${control}`);
  requireTotals(
    type,
    segments.map((segment) => ({ ...named(segment), tag: segment.tag })),
    control,
  );
  const body = nest(segments, LOOPS[type] ?? {}) as Record<string, unknown>;

  for (const line of (body.LIN ?? []) as Record<string, unknown>[]) line.ID = idsOf(line as Segment);
  if (type === '856') body.HL = tree((body.HL ?? []) as Record<string, unknown>[], control);
  return { type, control, made: timeOf(elementOf(group, 4), elementOf(group, 5)), body: body as Segment };
}

function requireSound({ tag, elements }: RawSegment, where: string): void {
  const most = MOST_ELEMENTS[tag];
  if (most !== undefined && elements.length > most) {
    throw broken(
      `${tag}, ${where}, has ${elements.length} elements where ${most} are the most: a terminator is missing in it`,
    );
  }
  const unit = UNITS[tag];
  const code = unit === undefined ? '' : (elements[unit - 1]?.[0] ?? '').trim();
  if (code !== '' && !/^[A-Z0-9]{2}$/.test(code)) {
    throw broken(
      `${tag}${String(unit).padStart(2, '0')}, ${where}, is ${code.slice(0, 20)}, which is no unit of measure`,
    );
  }
}

/** Which element sums up which element of which segments, where the sender gives it. */
const TOTALS: Readonly<Record<string, { readonly total: string; readonly of: string }>> = {
  '856': { total: 'CTT02', of: 'SN102' },
  '944': { total: 'W1401', of: 'W0701' },
  '945': { total: 'W0301', of: 'W1203' },
};

/** The count of lines and the hash total, where the sender gives them. */
function requireTotals(type: string, segments: readonly Readonly<Record<string, string>>[], control: string): void {
  const valuesOf = (name: string) => segments.flatMap((fields) => fields[name] ?? []);
  // Of a set that is not read, what its totals sum up is not known.
  const counted = type === '846' || type === '856' ? valuesOf('CTT01')[0] : undefined;
  const lines = segments.filter(({ HL01, tag }) => (type === '856' ? HL01 !== undefined : tag === 'LIN')).length;
  if (counted !== undefined && Number(counted) !== lines) {
    throw broken(`CTT01 of transaction set ${control} counts ${counted} lines, and there are ${lines}`);
  }
  const rule = TOTALS[type];
  const [total] = rule === undefined ? [] : valuesOf(rule.total);
  if (rule === undefined || total === undefined) return;
  const sum = valuesOf(rule.of).reduce((before, value) => before + Number(value), 0);
  if (!(Math.abs(sum - Number(total)) < 1e-6)) {
    throw broken(`${rule.total} of transaction set ${control} says ${total}, and its lines have ${sum} together`);
  }
}

/** LIN02 and LIN03, LIN04 and LIN05, …: qualifier and number. */
function idsOf(line: Segment): Record<string, string> {
  const ids: Record<string, string> = {};
  for (let i = 2; i < 32; i += 2) {
    const qualifier = line[`LIN${String(i).padStart(2, '0')}`];
    const value = line[`LIN${String(i + 1).padStart(2, '0')}`];
    if (typeof qualifier === 'string' && typeof value === 'string') ids[qualifier] ??= value;
  }
  return ids;
}

/** The levels of a ship notice in each other: shipment, order, pack, item. */
function tree(levels: readonly Record<string, unknown>[], control: string): Record<string, unknown>[] {
  const byNumber = new Map<unknown, Record<string, unknown>>();
  const roots: Record<string, unknown>[] = [];
  for (const level of levels) {
    for (const line of (level.LIN ?? []) as Record<string, unknown>[]) line.ID = idsOf(line as Segment);
    if (byNumber.has(level.HL01)) throw broken(`two HL of transaction set ${control} have the number ${level.HL01}`);
    // Looked up before it is put there: what could point to itself or forwards could point in a circle.
    const parent = byNumber.get(level.HL02);
    byNumber.set(level.HL01, level);
    if (level.HL02 === undefined) {
      roots.push(level);
      continue;
    }
    if (parent === undefined) {
      throw broken(
        `HL ${level.HL01} of transaction set ${control} names ${level.HL02} as its parent, which is not before it`,
      );
    }
    const children = (parent.HL ?? []) as unknown[];
    children.push(level);
    parent.HL = children;
  }
  return roots;
}

function elementOf(segment: x12.X12Segment | undefined, element: number): string {
  return (segment?.valueOf(element) ?? '').trim();
}

/** CCYYMMDD and HHMM or longer; null for anything else. */
function timeOf(day: string, clock: string): string | null {
  const date = /^(\d{4})(\d\d)(\d\d)$/.exec(day);
  const time = /^(\d\d)(\d\d)(\d\d)?\d*$/.exec(clock);
  if (!date || !time) return null;
  return `${date[1]}-${date[2]}-${date[3]}T${time[1]}:${time[2]}:${time[3] ?? '00'}`;
}
