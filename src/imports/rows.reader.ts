import { type CsvError, parse } from 'csv-parse';
import { ediSlices } from '../ingestion/edi-slices.js';
import { Problem } from '../problems/problem.js';
import { columnOf, fromCells } from './cells.js';
import {
  type Fault,
  type Format,
  type Kind,
  MOST_EVENT_BYTES,
  MOST_ROW_BYTES,
  type Place,
  type Row,
} from './import.js';

/** The body from this byte on. */
export type Source = (fromByte: number) => AsyncIterable<Buffer>;

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');
/** As spreadsheets and Unix write them, in one file too if need be. */
const RECORD_DELIMITER = ['\r\n', '\n'];
/** Each costs reading what follows once more, so a file that is no CSV at all is given up. */
const MOST_BROKEN_ROWS = 1_000;

/** The header of a CSV that begins with `start`, and where its first row begins. Throws `validation_failed`. */
export async function readHeader(start: Buffer): Promise<{ names: string[]; end: Place }> {
  const skip = start.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  const { records, error } = await parseOnce(start.subarray(skip));
  const [first] = records;
  if (!first || (first.cells.length === 1 && first.cells[0] === '')) {
    const detail = error ? `The header is not CSV: ${sayWhy(error)}.` : 'The body lacks its first line, the header.';
    throw new Problem('validation_failed', detail);
  }
  const line = 1 + newlinesIn(first.cells);
  return { names: first.cells.map((name) => name.trim()), end: { byte: skip + first.bytes, line } };
}

/** The rows of the body from a place on, in order; blank lines are passed over. Throws a Problem where it cannot go on. */
export function readRows(
  body: { kind: Kind; format: Format; columns: readonly string[] | null },
  source: Source,
  from: Place,
): AsyncGenerator<Row> {
  if (body.format === 'x12' || body.format === 'edifact') return readInterchanges(source, from);
  if (body.format === 'ndjson' && body.kind === 'events') {
    return readNdjson(source, from, MOST_EVENT_BYTES, (line) => ({ slice: line }));
  }
  if (body.format === 'ndjson') return readNdjson(source, from, MOST_ROW_BYTES, (line) => parseObject(line.toString()));
  return readCsv(body.kind, body.columns ?? [], source, from);
}

/**
 * A row whose quotes do not match takes nothing else with it: reading starts again on the next line. The parser itself
 * would swallow what follows, up to the next quote or the end.
 */
async function* readCsv(kind: Kind, names: readonly string[], source: Source, from: Place): AsyncGenerator<Row> {
  const columns = names.map((name) => columnOf(kind, name));
  let at = from;
  for (let broken = 0; ; broken += 1) {
    const error = yield* readSoundCsv(source, at, (cells) => {
      if (cells.length === columns.length) return fromCells(columns, cells);
      throw new Problem('validation_failed', `The row has ${cells.length} values, the header names ${columns.length}.`);
    });
    if (!error) return;
    if (broken === MOST_BROKEN_ROWS) {
      const detail = `Behind line ${error.at.line} this is no CSV: ${MOST_BROKEN_ROWS} rows before it were not either.`;
      throw new Problem('validation_failed', detail);
    }
    const end = { byte: await nextLine(source, error.at.byte), line: error.at.line + 1 };
    const detail = `The row is not CSV: ${sayWhy(error.cause)}.`;
    yield { line: end.line, end, fault: { code: 'validation_failed', detail } };
    at = end;
  }
}

/** Returns where the first row begins that is not CSV; undefined at the end of the body. */
async function* readSoundCsv(
  source: Source,
  from: Place,
  valuesOf: (cells: string[]) => unknown,
): AsyncGenerator<Row, { at: Place; cause: CsvError } | undefined> {
  const parser = new CsvParser();
  let at = from;
  const rowsOf = function* (records: readonly CsvRecord[]): Generator<Row> {
    for (const { cells, bytes } of records) {
      const line = at.line + 1;
      at = { byte: from.byte + bytes, line: line + newlinesIn(cells) };
      if (cells.length > 1 || cells[0] !== '') yield rowOf(line, at, () => valuesOf(cells));
    }
  };
  for await (const piece of source(from.byte)) {
    const { records, error } = await parser.write(piece);
    yield* rowsOf(records);
    if (error) return { at, cause: error };
  }
  const { records, error } = await parser.end();
  yield* rowsOf(records);
  return error && { at, cause: error };
}

/** Each interchange is a row; its line is which it is. */
async function* readInterchanges(source: Source, from: Place): AsyncGenerator<Row> {
  const pieces: Buffer[] = [];
  for await (const piece of source(0)) pieces.push(piece);
  const body = Buffer.concat(pieces);
  let line = 0;
  let end = 0;
  for (const slice of ediSlices(body)) {
    line += 1;
    end = body.indexOf(slice, end) + slice.length;
    if (end > from.byte) yield { line, end: { byte: end, line }, values: { slice } };
  }
}

/** `most`: bytes of a line. */
async function* readNdjson(
  source: Source,
  from: Place,
  most: number,
  valuesOf: (line: Buffer) => unknown,
): AsyncGenerator<Row> {
  let at = from;
  let kept: Buffer[] = [];
  let length = 0;
  const take = (piece: Buffer) => {
    length += piece.length;
    // What is too long is not kept; its length still counts.
    if (length <= most) kept.push(piece);
  };
  const finish = (): Row | undefined => {
    const line = length > most ? undefined : trimmed(Buffer.concat(kept));
    at = { byte: at.byte + length, line: at.line + 1 };
    kept = [];
    length = 0;
    if (line?.length === 0) return undefined;
    return rowOf(at.line, at, () => {
      if (line === undefined) throw new Problem('payload_too_large', `A row takes at most ${most / 1024} KiB.`);
      return valuesOf(line);
    });
  };
  for await (const piece of source(from.byte)) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      take(piece.subarray(start, end + 1));
      start = end + 1;
      const row = finish();
      if (row) yield row;
    }
    if (start < piece.length) take(piece.subarray(start));
  }
  const last = length > 0 ? finish() : undefined;
  if (last) yield last;
}

/** Without what JSON takes for space around it, nor the mark that a file may begin with. */
function trimmed(line: Buffer): Buffer {
  let start = line.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  let end = line.length;
  while (start < end && (line[start] as number) <= 0x20) start += 1;
  while (end > start && (line[end - 1] as number) <= 0x20) end -= 1;
  return line.subarray(start, end);
}

function parseObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Problem('malformed_json', `The line is not JSON: ${(error as Error).message.slice(0, 300)}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Problem('validation_failed', 'Each line takes one JSON object.');
}

function rowOf(line: number, end: Place, values: () => unknown): Row {
  try {
    return { line, end, values: values() };
  } catch (error) {
    if (error instanceof Problem) return { line, end, fault: faultOf(error) };
    throw error;
  }
}

/** What a problem of the single call says of a row: all its fields at fault in one sentence each. */
export function faultOf({ code, detail, more }: Problem): Fault {
  const errors = more.errors ?? [];
  const pointer = errors[0]?.pointer;
  const sentences = errors.map((error) => `${error.pointer ?? ''}: ${error.detail}`);
  return {
    code,
    detail: (code === 'validation_failed' && sentences.length > 0 ? sentences.join('; ') : detail).slice(0, 1_000),
    ...(pointer ? { pointer } : {}),
  };
}

interface CsvRecord {
  readonly cells: string[];
  /** Where it ends, from where its parser began. */
  readonly bytes: number;
}

interface Parsed {
  readonly records: CsvRecord[];
  readonly error: CsvError | undefined;
}

/** csv-parse, asked piece by piece, so that what was read before an error is not lost with it. */
class CsvParser {
  private records: CsvRecord[] = [];
  private readonly parser = parse({
    record_delimiter: RECORD_DELIMITER,
    relax_column_count: true, // counted by us, a row each
    max_record_size: MOST_ROW_BYTES, // a quote that is never closed must not take in the body
    on_record: (cells, { bytes }) => {
      this.records.push({ cells, bytes });
      return null;
    },
  });

  constructor() {
    this.parser.on('error', () => {}); // told by `write` and `end`
    this.parser.resume();
  }

  write(piece: Buffer): Promise<Parsed> {
    return new Promise((resolve) => {
      this.parser.write(piece, (error) => resolve(this.taken(error)));
    });
  }

  end(): Promise<Parsed> {
    return new Promise((resolve) => {
      this.parser.once('end', () => resolve(this.taken()));
      this.parser.once('error', (error) => resolve(this.taken(error)));
      this.parser.end();
    });
  }

  private taken(error?: Error | null): Parsed {
    return { records: this.records.splice(0), error: (error ?? undefined) as CsvError | undefined };
  }
}

async function parseOnce(text: Buffer): Promise<Parsed> {
  const parser = new CsvParser();
  const { records, error } = await parser.write(text);
  if (records.length > 0 || error) return { records, error };
  return parser.end();
}

/** In our words: the parser's own name a line of the piece that it was given. */
function sayWhy({ code }: CsvError): string {
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote is opened and never closed';
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'text follows a closing quote; a quote inside a quoted value is written twice';
    case 'INVALID_OPENING_QUOTE':
      return 'a quote stands within a value; quote all of the value, and write the quote inside twice';
    case 'CSV_MAX_RECORD_SIZE':
      return `it has more than ${MOST_ROW_BYTES / 1024} KiB, or a quote is opened and never closed`;
    default:
      return 'it cannot be read';
  }
}

/** The byte behind the next newline. */
async function nextLine(source: Source, from: number): Promise<number> {
  let passed = from;
  for await (const piece of source(from)) {
    const newline = piece.indexOf(NEWLINE);
    if (newline >= 0) return passed + newline + 1;
    passed += piece.length;
  }
  return passed;
}

/** Only a quoted cell holds any. */
function newlinesIn(cells: readonly string[]): number {
  return cells.reduce((sum, cell) => sum + (cell.includes('\n') ? cell.split('\n').length - 1 : 0), 0);
}
