/** What is measured: the same demand on the service over HTTP and on the baseline. */
export interface Case {
  readonly title: string;
  /** Items that are reserved, each as likely as the others. */
  readonly items: number;
  /** The ratio of the medians, service to baseline, below which a change is not taken. */
  readonly floor: number;
  readonly goal: number;
}

export const CASES = {
  R5: { title: 'reserve over HTTP, one hot SKU', items: 1, floor: 1.5, goal: 4 },
  R6: { title: 'reserve over HTTP, uniform over 10,000 SKUs', items: 10_000, floor: 0.6, goal: 1.1 },
} as const satisfies Record<string, Case>;

export type CaseName = keyof typeof CASES;

/** SKUs of one length, so that every request of the generator has the same Content-Length. */
export function skuOf(index: number): string {
  return `SKU-${String(index).padStart(6, '0')}`;
}
