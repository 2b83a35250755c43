import { MappingFailed } from './event-fields.js';

/**
 * A segment as a profile reads it: its elements by tag and number as the standards write them (`QTY02`; of a composite
 * the first component is `QTY01`, the others `QTY01_2`, …), what follows it in its loop by tag as lists, and for LIN
 * also `ID`: the numbers of the item by their qualifiers.
 */
export interface Segment {
  readonly [name: string]: string | readonly Segment[] | Readonly<Record<string, string>> | undefined;
}

/** One segment as it stands in the interchange. */
export interface RawSegment {
  readonly tag: string;
  /** Each element as its components. */
  readonly elements: readonly (readonly string[])[];
}

/** One transaction set, or message. */
export interface Message {
  /** `846`, `DESADV`. */
  readonly type: string;
  /** Its own control number. */
  readonly control: string;
  /** When its group, or interchange, was made, RFC 3339 in the sender's time: `2026-03-01T08:30:00`, without an offset. */
  readonly made: string | null;
  readonly body: Segment;
}

/** What one file holds; several interchanges in it count as one. */
export interface Interchange {
  readonly standard: 'X12' | 'EDIFACT';
  readonly sender: string;
  readonly receiver: string;
  readonly control: string;
  /** Marked as a test by its sender. */
  readonly test: boolean;
  readonly messages: readonly Message[];
}

export function broken(detail: string, cause?: unknown): MappingFailed {
  return new MappingFailed(`The interchange is broken: ${detail}. Nothing of it was taken.`, [], cause);
}

/** Which segments open a loop, and which loops may stand in it. */
export interface Loops {
  readonly [tag: string]: Loops;
}

/** Elements by their names in the standard. */
export function named({ tag, elements }: RawSegment): Record<string, string> {
  const fields: Record<string, string> = {};
  elements.forEach((components, i) => {
    const name = `${tag}${String(i + 1).padStart(2, '0')}`;
    components.forEach((value, j) => {
      const text = value.trim();
      if (text !== '') fields[j === 0 ? name : `${name}_${j + 1}`] = text;
    });
  });
  return fields;
}

/**
 * The segments of a message as loops in loops: a segment that opens one takes in those behind it, until another of that
 * loop, or of one further out, comes.
 */
export function nest(segments: readonly RawSegment[], loops: Loops): Segment {
  type Open = { readonly fields: Record<string, unknown>; readonly loops: Loops };
  const open: Open[] = [{ fields: {}, loops }];
  for (const segment of segments) {
    const { tag } = segment;
    const fields: Record<string, unknown> = named(segment);
    const depth = open.findLastIndex((loop) => Object.hasOwn(loop.loops, tag));
    if (depth >= 0) open.length = depth + 1;
    const around = (open.at(-1) as Open).fields;
    const siblings = (around[tag] ?? []) as unknown[];
    siblings.push(fields);
    around[tag] = siblings;
    if (depth >= 0) open.push({ fields, loops: (open[depth] as Open).loops[tag] as Loops });
  }
  return (open[0] as Open).fields as Segment;
}
