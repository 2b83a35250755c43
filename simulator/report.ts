import type { SourceHealth } from '../demo/answers.js';
import { figure } from '../demo/table.js';
import type { Sending } from './sending.js';
import type { States } from './states.js';

/** Two heads: what it is about, and the column. */
const COLUMNS = [
  ['', 'day', 10],
  ['', 'sent', 8],
  ['answered:', 'received', 9],
  ['', 'duplicate', 9],
  ['', 'rejected', 8],
  ['so far:', 'applied', 8],
  ['', 'stale', 6],
  ['', 'parked', 6],
  ['', 'exception', 9],
  ['', 'waiting', 7],
  ['', 'open exc.', 9],
  ['', 'lag', 7],
] as const;

/** Written while it is played, so its widths are fixed. */
export class LiveTable {
  private begun = false;

  constructor(private readonly say: (text: string) => void) {}

  line({ day, sent, answers }: Sending, counts: ReturnType<States['counts']>, health: SourceHealth): void {
    if (!this.begun) {
      this.say(row(COLUMNS.map(([about]) => about)));
      this.say(row(COLUMNS.map(([, name]) => name)));
      this.say(row(COLUMNS.map(([, , width]) => '─'.repeat(width))));
    }
    this.begun = true;
    const { received, duplicate, rejected } = answers;
    const { applied, stale, parked, exception } = counts;
    const figures = [sent, received, duplicate, rejected, applied, stale + counts.duplicate, parked, exception];
    const open = [health.backlog.received, health.exceptionsOpen].map(figure);
    this.say(row([day, ...figures.map(figure), ...open, `${health.lagSeconds.toFixed(2)} s`]));
  }
}

function row(cells: readonly string[]): string {
  const padded = cells.map((cell, column) => {
    const width = COLUMNS[column]?.[2] ?? 0;
    return column === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
  return `  ${padded.join('  ')}`.trimEnd();
}
