import fc from 'fast-check';
import { Advance } from './advance.js';
import { givenBack, owedAt, type Policy, policy, take } from './gcra.js';

const NOW = 1_795_000_000_123_456;

/** Redis, with one process that asks it, and takes in advance as it is told to. */
class Shared {
  readonly wholeAt: number[];
  private advance: Advance | undefined;
  asked = 0;

  constructor(private readonly policies: readonly Policy[]) {
    this.wholeAt = policies.map(() => 0);
  }

  /** Whether a request may pass, `at` milliseconds after the beginning. */
  admits(cost: number, at: number): boolean {
    const taken = this.advance?.take(cost, at);
    if (taken) return taken.admitted;
    this.asked += 1;
    const { back, advance, use } = this.advance?.end(at) ?? { back: 0, advance: 0, use: { since: at, units: 0 } };
    const now = NOW + Math.round(at * 1_000);
    for (const [i, each] of this.policies.entries()) {
      this.wholeAt[i] = now + givenBack(each, owedAt(each, this.wholeAt[i] as number, now), back);
    }
    const { admitted } = take(this.policies, this.wholeAt, cost, now);
    const wholeAt = [...this.wholeAt];
    const granted = take(this.policies, this.wholeAt, advance, now).admitted ? advance : 0;
    const units = use.units + (admitted ? cost : 0);
    this.advance = new Advance({ policies: this.policies, wholeAt, now, at, use: { ...use, units }, advance: granted });
    return admitted;
  }
}

describe('units that are taken in advance', () => {
  it('let through whom the budgets alone would have, and nobody who would not have come through a tenth of a second later', () => {
    const aPolicy = fc
      .tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 60 }))
      .map(([quota, seconds]) => policy(quota, seconds));
    const requests = fc.array(
      fc.record({ cost: fc.integer({ min: 1, max: 20 }), after: fc.constantFrom(0, 0.05, 1, 30, 400) }),
      { minLength: 1, maxLength: 400 },
    );
    fc.assert(
      fc.property(fc.tuple(aPolicy, aPolicy), requests, (policies, sent) => {
        const shared = new Shared(policies);
        const wider = policies.map(({ quota, interval }) => ({
          interval,
          quota: quota + Math.ceil(100_000 / interval),
        }));
        const exact = policies.map(() => 0);
        const late = policies.map(() => 0);
        let at = 0;
        for (const { cost, after } of sent) {
          at += after;
          const now = NOW + Math.round(at * 1_000);
          const charged = Math.min(cost, ...policies.map(({ quota }) => quota));
          const isAdmitted = shared.admits(charged, at);
          // What was refused by it would be refused by the budgets, from which the same was taken.
          if (!isAdmitted) expect(take(policies, exact, charged, now).admitted).toBe(false);
          else {
            expect(take(wider, late, charged, now).admitted).toBe(true);
            for (const [i, each] of policies.entries()) {
              exact[i] =
                now +
                Math.min(each.quota * each.interval, owedAt(each, exact[i] as number, now) + charged * each.interval);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('spare who asks often nearly all questions, and change nothing for who asks seldom', () => {
    const often = new Shared([policy(100_000, 10)]);
    for (let i = 0; i < 10_000; i += 1) expect(often.admits(1, i / 10)).toBe(true);
    expect(often.asked).toBeLessThan(30);
    const seldom = new Shared([policy(100_000, 10)]);
    for (let i = 0; i < 100; i += 1) expect(seldom.admits(1, 50 * i)).toBe(true);
    expect(seldom.asked).toBe(100);
  });

  it('are fewer the less is left, and none near the end', () => {
    const one = new Shared([policy(1_000, 3_600)]);
    for (let i = 0; i < 1_000; i += 1) expect(one.admits(1, i / 100)).toBe(true);
    expect(one.admits(1, 10)).toBe(false);
    expect(one.asked).toBeGreaterThan(64);
  });
});
