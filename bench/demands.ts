import type { CaseName } from './cases.js';
import type { Work } from './wire.js';

/** What is asked of the service over and over, and of the baseline. */
export interface Demand {
  /**
   * `reserve`, `send`: requests over HTTP against transactions of pgbench. `apply`: a backlog in the inbox against
   * COPY of the same rows.
   */
  readonly work: 'reserve' | 'send' | 'apply';
  /** What one of them is called, and the table of both databases in which each leaves one row. */
  readonly unit: 'reservation' | 'event';
  readonly table: 'reservation' | 'inbox';
  /** Items that are asked for, each as likely as the others. */
  readonly items: number;
}

/** A demand that is made by requests. */
export type Requested = Omit<Demand, 'work'> & { readonly work: Work };

const RESERVE = { work: 'reserve', unit: 'reservation', table: 'reservation' } as const;
const EVENT = { unit: 'event', table: 'inbox', items: 10_000 } as const;

export const DEMANDS = {
  R5: { ...RESERVE, items: 1 },
  R6: { ...RESERVE, items: 10_000 },
  R9: { ...EVENT, work: 'send' },
  R10: { ...EVENT, work: 'apply' },
} as const satisfies Partial<Record<CaseName, Demand>>;
