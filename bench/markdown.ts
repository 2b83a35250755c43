import { type Quantiles, type Spread, spreadOf } from './statistics.js';

/** Columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

/** `median (least – most)` */
export function spread({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} – ${max.toFixed(digits)})`;
}

/** Quantiles of milliseconds, each the median of its rounds (least – most). */
export function waitingTable(rows: readonly (readonly [title: string, rounds: readonly Quantiles[]])[]): string[] {
  const cells = (rounds: readonly Quantiles[]) =>
    (['p50', 'p99', 'p999', 'most'] as const).map((each) => spread(spreadOf(rounds.map((round) => round[each])), 1));
  return table(
    ['ms', 'p50', 'p99', 'p99.9', 'most'],
    rows.map(([title, rounds]) => [title, ...cells(rounds)]),
  );
}
