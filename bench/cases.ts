/** What is measured: the same demand on the service over HTTP and on the baseline. */
export interface Case {
  readonly title: string;
  /** What one of them is called, and the table of both databases in which each leaves one row. */
  readonly unit: 'reservation' | 'event';
  readonly table: 'reservation' | 'inbox';
  /**
   * `reserve`, `send`: requests over HTTP against transactions of pgbench. `apply`: a backlog in the inbox against
   * COPY of the same rows.
   */
  readonly work: 'reserve' | 'send' | 'apply';
  /** Items that are asked for, each as likely as the others. */
  readonly items: number;
  /** The ratio of the medians, service to baseline, below which a change is not taken. */
  readonly floor: number;
  readonly goal: number;
}

const RESERVE = { work: 'reserve', unit: 'reservation', table: 'reservation' } as const;

export const CASES = {
  R5: { ...RESERVE, title: 'reserve over HTTP, one hot SKU', items: 1, floor: 1.5, goal: 4 },
  R6: { ...RESERVE, title: 'reserve over HTTP, uniform over 10,000 SKUs', items: 10_000, floor: 0.6, goal: 1.1 },
  R9: {
    work: 'send',
    unit: 'event',
    table: 'inbox',
    title: 'webhook accepted durably, single events',
    items: 10_000,
    floor: 1,
    goal: 3,
  },
  R10: {
    work: 'apply',
    unit: 'event',
    table: 'inbox',
    title: 'events applied, from inbox to position',
    items: 10_000,
    floor: 0.15,
    goal: 0.5,
  },
} as const satisfies Record<string, Case>;

export type CaseName = keyof typeof CASES;

/** SKUs of one length, so that every request of the generator has the same Content-Length. */
export function skuOf(index: number): string {
  return `SKU-${String(index).padStart(6, '0')}`;
}
