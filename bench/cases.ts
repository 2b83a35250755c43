/** What is judged: one figure, and what it should be. */
export interface Case {
  readonly title: string;
  /** `times`: a ratio to something measured in turn with it. */
  readonly unit: 'times' | 'ms' | 's' | 'MiB';
  readonly better: 'more' | 'less';
  /** The figure on whose wrong side a change is not taken. null: it is stated, not judged. */
  readonly floor: number | null;
  readonly goal: number | null;
}

const RATIO = { unit: 'times', better: 'more' } as const;
/** The 99th percentile. */
const P99 = { unit: 'ms', better: 'less' } as const;

/** Of the largest catalogue to the smallest. */
const GROWTH = { unit: 'times', better: 'less', floor: 1.5, goal: 1.1 } as const;

const STATED = { unit: 'times', better: 'more', floor: null, goal: null } as const;
const MEMORY = { unit: 'MiB', better: 'less' } as const;

/** How many times longer it takes than without what is done to it. */
const MOVED = { unit: 'times', better: 'less', floor: null, goal: null } as const;

/** In the order of the record. A word such as `L1` on the command line means L1 and all that begin with `L1-`. */
export const CASES = {
  R1: { ...RATIO, title: 'read availability, from the copy in the process', floor: 0.65, goal: 0.9 },
  R2: { ...RATIO, title: 'an ordinary controller route', floor: 0.5, goal: 0.75 },
  R3: { ...RATIO, title: 'read availability, through Redis', floor: 0.75, goal: 0.95 },
  R4: { ...RATIO, title: 'availability of 100 lines, SKUs a second', floor: 0.7, goal: 0.95 },
  R5: { ...RATIO, title: 'reserve over HTTP, one hot SKU', floor: 1.5, goal: 4 },
  R6: { ...RATIO, title: 'reserve over HTTP, uniform over 10,000 SKUs', floor: 0.6, goal: 1.1 },
  R7: { ...RATIO, title: 'one hot SKU against uniform, this service alone', floor: 0.9, goal: 1.3 },
  R8: { ...RATIO, title: 'one hot SKU against the naive endpoint', floor: 5, goal: 12 },
  R9: { ...RATIO, title: 'webhook accepted durably, single events', floor: 1, goal: 3 },
  R10: { ...RATIO, title: 'events applied, from inbox to position', floor: 0.15, goal: 0.5 },
  'L1-50': { ...P99, title: 'reserve at 50 % of the most, p99', floor: 25, goal: 5 },
  'L1-80': { ...P99, title: 'reserve at 80 % of the most, p99', floor: 80, goal: 15 },
  'L2-redis': { ...P99, title: 'commit to visible in Redis, p99', floor: 100, goal: 5 },
  'L2-process': { ...P99, title: 'commit to visible in another process, p99', floor: 250, goal: 15 },
  L3: { ...P99, title: 'event received to availability changed, p99 at half the load', floor: 500, goal: 50 },
  'S1-read': { ...GROWTH, title: 'cost of a read, as the catalogue grows' },
  'S1-reserve': { ...GROWTH, title: 'cost of a reservation, as the catalogue grows' },
  'S2-read': { ...STATED, title: 'reads by two processes, to one' },
  'S2-reserve': { ...STATED, title: 'reservations by two processes, to one' },
  'M1-idle': { ...MEMORY, title: 'resident memory, idle', floor: 200, goal: 120 },
  'M1-load': { ...MEMORY, title: 'resident memory under load with 100,000 SKUs', floor: 400, goal: 250 },
  M2: { title: 'npm start to the first good answer', unit: 's', better: 'less', floor: 5, goal: 2 },
  'sweep-many': { ...MOVED, title: 'read p99 while 10,000 holds of as many items expire, to before' },
  'sweep-one': { ...MOVED, title: 'read p99 of an item while 10,000 holds of it expire, to before' },
  burst: { title: 'web p99 beside a burst of EDI, to alone', unit: 'times', better: 'less', floor: null, goal: null },
} as const satisfies Record<string, Case>;

export type CaseName = keyof typeof CASES;

/** SKUs of one length, so that every request of the generator has the same Content-Length. */
export function skuOf(index: number): string {
  return `SKU-${String(index).padStart(6, '0')}`;
}
