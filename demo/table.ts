export type Cell = string | number;

const GAP = '  ';
const figures = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/** A figure as a person reads it: 12,476. */
export function figure(value: number): string {
  return figures.format(value);
}

/** A table of plain text, indented by two, its last row set apart where it is a sum. */
export function table(titles: readonly string[], rows: readonly (readonly Cell[])[], { sum = false } = {}): string {
  const written = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? figure(cell) : cell)));
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...written.map((row) => (row[column] ?? '').length)),
  );
  const right = titles.map((_, column) => rows.length > 0 && rows.every((row) => isFigure(row[column])));
  const line = (cells: readonly string[]) =>
    `  ${cells
      .map((cell, column) => (right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join(GAP)}`.trimEnd();
  const rule = `  ${widths.map((width) => '─'.repeat(width)).join(GAP)}`;
  const body = written.map(line);
  if (sum && body.length > 1) body.splice(-1, 0, rule);
  return [line(titles), rule, ...body].join('\n');
}

/** Numbers, and texts that stand for one: 94.1 %, 1.3 ms, or nothing. */
function isFigure(cell: Cell | undefined): boolean {
  return typeof cell === 'number' || cell === undefined || cell === '' || /^[\d.,]+( %| ms| s)?$/.test(cell);
}
