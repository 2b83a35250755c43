import fc from 'fast-check';
import type { Problem } from '../problems/problem.js';
import { MOST_ROW_BYTES, type Row } from './import.js';
import { readHeader, readRows, type Source } from './rows.reader.js';

/** The text in pieces of `size` bytes, as the spool keeps it. */
function sourceOf(text: string, size = 7): Source {
  const bytes = Buffer.from(text);
  return async function* (fromByte) {
    for (let at = fromByte; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
}

async function all(rows: AsyncIterable<Row>): Promise<Row[]> {
  const read: Row[] = [];
  for await (const row of rows) read.push(row);
  return read;
}

async function csv(text: string, size?: number): Promise<Row[]> {
  const { names, end } = await readHeader(Buffer.from(text));
  return all(readRows({ kind: 'levels', format: 'csv', columns: names }, sourceOf(text, size), end));
}

const ndjson = (text: string, size?: number) =>
  all(readRows({ kind: 'levels', format: 'ndjson', columns: null }, sourceOf(text, size), { byte: 0, line: 0 }));

const brief = (rows: readonly Row[]) => rows.map(({ line, values, fault }) => [line, values ?? fault?.code]);

describe('a CSV', () => {
  it('is read with quotes, a byte order mark, both ends of line and values of several lines (RFC 4180)', async () => {
    const text =
      '\ufeffsku, location ,onHand,note\r\n' +
      'A,HAM,1,"a ""quoted"", one"\r\n\r\n' +
      '"Ü 1",HAM,2,"two\r\nlines\nor three"\n' +
      '\n  \n' +
      'B,HAM,3,';
    for (const size of [1, 3, 1_000]) {
      expect(brief(await csv(text, size))).toEqual([
        [2, { sku: 'A', location: 'HAM', onHand: 1, note: 'a "quoted", one' }],
        [4, { sku: 'Ü 1', location: 'HAM', onHand: 2, note: 'two\r\nlines\nor three' }],
        [8, 'validation_failed'],
        [9, { sku: 'B', location: 'HAM', onHand: 3 }],
      ]);
    }
  });

  it('says how many values a row has too many or too few, and goes on', async () => {
    const rows = await csv('sku,location,onHand\nA,HAM\nB,HAM,1,2\nC,HAM,3\n');
    expect(rows.map(({ fault }) => fault?.detail)).toEqual([
      'The row has 2 values, the header names 3.',
      'The row has 4 values, the header names 3.',
      undefined,
    ]);
  });

  it('loses only the row whose quotes do not match', async () => {
    const text = 'sku,location,onHand\nA,HAM,1\nB,"HAM"x,2\nC,H"AM,3\nD,HAM,4\nE,"HAM,5\nF,HAM,6\n';
    for (const size of [1, 5, 1_000]) {
      expect(brief(await csv(text, size))).toEqual([
        [2, { sku: 'A', location: 'HAM', onHand: 1 }],
        [3, 'validation_failed'],
        [4, 'validation_failed'],
        [5, { sku: 'D', location: 'HAM', onHand: 4 }],
        [6, 'validation_failed'],
        [7, { sku: 'F', location: 'HAM', onHand: 6 }],
      ]);
    }
  });

  it('does not take in what follows a quote that is never closed', async () => {
    const good = 'G,HAM,1\n'.repeat(60_000);
    const rows = await csv(`sku,location,onHand\nA,"HAM,1\n${good}`, 64 * 1024);
    expect(rows.length).toBe(60_001);
    expect(rows[0]?.fault?.detail).toContain('never closed');
    expect(rows.filter(({ fault }) => fault).length).toBe(1);
  });

  it('is given up when it is none', async () => {
    await expect(csv(`sku,location,onHand\n${'a"b\n'.repeat(2_000)}`, 64 * 1024)).rejects.toMatchObject({
      code: 'validation_failed',
      detail: expect.stringContaining('Behind line 1001 this is no CSV'),
    });
  });

  it.each([
    ['', /lacks its first line/],
    ['\n', /lacks its first line/],
    ['"sku', /is not CSV: a quote is opened and never closed/],
  ])('has no header in %j', async (text, detail) => {
    const error = await readHeader(Buffer.from(text)).catch((problem: Problem) => problem);
    expect(error).toMatchObject({ code: 'validation_failed', detail: expect.stringMatching(detail) });
  });
});

describe('an NDJSON', () => {
  it('is read line by line, blank ones passed over', async () => {
    const text = '\ufeff{"sku":"Ü"}\r\n\n  \n{"sku":"B"}\n{"sku":"C"}';
    for (const size of [1, 5, 1_000]) {
      expect(brief(await ndjson(text, size))).toEqual([
        [1, { sku: 'Ü' }],
        [4, { sku: 'B' }],
        [5, { sku: 'C' }],
      ]);
    }
  });

  it('loses only the lines that are no object, or too long', async () => {
    const long = JSON.stringify({ sku: 'x'.repeat(MOST_ROW_BYTES) });
    expect(brief(await ndjson(`{"sku":\n[1]\nnull\n"A"\n${long}\n{"sku":"A"}\n`, 1_000))).toEqual([
      [1, 'malformed_json'],
      [2, 'validation_failed'],
      [3, 'validation_failed'],
      [4, 'validation_failed'],
      [5, 'payload_too_large'],
      [6, { sku: 'A' }],
    ]);
  });
});

describe('reading', () => {
  const cell = fc.constantFrom('A', 'ü', '"', ',', '\n', '\r\n', '', 'x y', '🙂');
  const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  it('goes on from the end of any row as if it had never stopped', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (cells, newline, size, broken) => {
          const lines = cells.map((row) => row.map(quoted).join(','));
          if (broken) lines.splice(lines.length >> 1, 0, 'a"b,c');
          const text = ['sku,location,note', ...lines].join(newline);
          const body = { kind: 'levels', format: 'csv', columns: ['sku', 'location', 'note'] } as const;
          const { end } = await readHeader(Buffer.from(text));
          const rows = await all(readRows(body, sourceOf(text, size), end));
          for (const [i, row] of rows.entries()) {
            expect(await all(readRows(body, sourceOf(text, size), row.end))).toEqual(rows.slice(i + 1));
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
