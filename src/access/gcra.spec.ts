import fc from 'fast-check';
import { leftOf, type Policy, policy, shareOf, take, waitFor, windowOf } from './gcra.js';

/** Any moment: it must not matter which. */
const NOW = 1_795_000_000_123_456;

/** One budget, and requests at moments of the test's choosing. */
class Budget {
  private readonly wholeAt = [0];

  constructor(private readonly policy: Policy) {}

  admits(cost: number, now: number): boolean {
    return take([this.policy], this.wholeAt, cost, now).admitted;
  }
}

const aPolicy = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 120 }))
  .map(([quota, seconds]) => policy(quota, seconds));
/** Requests: what each costs, and how many microseconds after the one before it comes. */
const requests = fc.array(
  fc.record({ cost: fc.integer({ min: 1, max: 300 }), after: fc.integer({ min: 0, max: 5_000_000 }) }),
  { maxLength: 100 },
);

describe('a budget', () => {
  it('of 50 lets exactly 50 through at once', () => {
    const budget = new Budget(policy(50, 2));
    const admitted = Array.from({ length: 500 }, () => budget.admits(1, NOW)).filter(Boolean);
    expect(admitted).toHaveLength(50);
  });

  it('lets no more than the burst and what comes back meanwhile through across the edge of a window', () => {
    const budget = new Budget(policy(50, 2));
    // A window that is counted would let 50 through before its end and 50 behind it.
    const before = Array.from({ length: 60 }, () => budget.admits(1, NOW + 1_900_000)).filter(Boolean);
    const behind = Array.from({ length: 60 }, () => budget.admits(1, NOW + 2_100_000)).filter(Boolean);
    expect([before.length, behind.length]).toEqual([50, 5]);
  });

  it('charges nothing for what it refuses', () => {
    const budget = new Budget(policy(100, 60));
    expect([budget.admits(60, NOW), budget.admits(50, NOW), budget.admits(40, NOW), budget.admits(1, NOW)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it('is taken whole by a request that costs more than all of it', () => {
    const budget = new Budget(policy(10, 10));
    expect(budget.admits(2_000, NOW)).toBe(true);
    expect(budget.admits(1, NOW)).toBe(false);
    expect(budget.admits(2_000, NOW + 9_999_999)).toBe(false);
    expect(budget.admits(2_000, NOW + 10_000_000)).toBe(true);
  });

  it('counts as whole after the clock was put back, and not as empty for as long as that', () => {
    const budget = new Budget(policy(2, 60));
    budget.admits(2, NOW);
    expect(budget.admits(2, NOW - 3_600_000_000)).toBe(true);
  });

  it('never lets more through in any stretch of time than the whole budget and what comes back in it', () => {
    fc.assert(
      fc.property(aPolicy, requests, (of, sent) => {
        const budget = new Budget(of);
        const admitted: { at: number; charged: number }[] = [];
        let now = NOW;
        for (const { cost, after } of sent) {
          now += after;
          if (budget.admits(cost, now)) admitted.push({ at: now, charged: Math.min(cost, of.quota) });
        }
        for (let from = 0; from < admitted.length; from += 1) {
          let sum = 0;
          for (const { at, charged } of admitted.slice(from)) {
            sum += charged;
            const since = at - (admitted[from]?.at ?? 0);
            expect(sum).toBeLessThanOrEqual(of.quota + since / of.interval);
          }
        }
      }),
    );
  });

  it('admits whoever comes back after the wait it was told, and not a microsecond sooner', () => {
    fc.assert(
      fc.property(aPolicy, requests, fc.integer({ min: 1, max: 300 }), (of, sent, cost) => {
        const wholeAt = [0];
        for (const each of sent) take([of], wholeAt, each.cost, NOW);
        const { admitted, owed } = take([of], [...wholeAt], cost, NOW);
        if (admitted) return;
        const wait = waitFor(of, owed[0] as number, cost);
        expect(take([of], [...wholeAt], cost, NOW + wait - 1).admitted).toBe(false);
        expect(take([of], [...wholeAt], cost, NOW + wait).admitted).toBe(true);
      }),
    );
  });

  it('says what is left: so many more pass, and not one more', () => {
    fc.assert(
      fc.property(aPolicy, fc.integer({ min: 1, max: 300 }), (of, cost) => {
        const wholeAt = [0];
        const left = leftOf(of, take([of], wholeAt, cost, NOW).owed[0] as number);
        expect(left).toBe(of.quota - Math.min(cost, of.quota));
        if (left > 0) expect(take([of], [...wholeAt], left, NOW).admitted).toBe(true);
        if (left + 1 <= of.quota) expect(take([of], [...wholeAt], left + 1, NOW).admitted).toBe(false);
      }),
    );
  });
});

describe('several budgets', () => {
  it('are all taken from, or none of them', () => {
    const wholeAt = [0, 0];
    const both = [policy(100, 60), policy(10, 60)];
    expect(take(both, wholeAt, 10, NOW).admitted).toBe(true);
    const kept = [...wholeAt];
    expect(take(both, wholeAt, 1, NOW).admitted).toBe(false);
    expect(wholeAt).toEqual(kept);
  });
});

describe('the shares of processes', () => {
  it('together let no more through than the budget, and at the same pace', () => {
    fc.assert(
      fc.property(aPolicy, fc.integer({ min: 1, max: 20 }), (of, processes) => {
        fc.pre(processes <= of.quota);
        const share = shareOf(of, processes);
        expect(share.quota * processes).toBeLessThanOrEqual(of.quota);
        expect(share.quota).toBeGreaterThanOrEqual(1);
        expect(processes / share.interval).toBeCloseTo(1 / of.interval, 9);
        expect(windowOf(share)).toBeLessThanOrEqual(windowOf(of));
      }),
    );
  });
});
