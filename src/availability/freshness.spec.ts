import type { DirectoryChannel, DirectoryItem } from '../channels/directory.js';
import type { Position } from '../stock/position.js';
import { NOBODY_SILENT, rulesUnder, silenceAt } from './freshness.js';
import { Freshness } from './freshness.service.js';

const budgets = new Map([
  [1, { heardAt: 50, freshUntil: 100 }],
  [2, { heardAt: 150, freshUntil: 200 }],
]);

describe('who is silent', () => {
  it.each([
    [99, [], Number.NEGATIVE_INFINITY, 100],
    [100, [1], 100, 200],
    [250, [1, 2], 200, Number.POSITIVE_INFINITY],
  ])('at %d', (now, silent, from, until) => {
    const found = silenceAt(budgets, now);
    expect([...found.silent.keys()]).toEqual(silent);
    expect(found).toMatchObject({ from, until });
  });
});

describe('what stands by who is silent', () => {
  it('is the same object as long as the same are, however often the budgets are told', () => {
    const freshness = new Freshness();
    expect(freshness.silentAt(50)).toBe(NOBODY_SILENT);
    freshness.set(budgets);
    expect(freshness.silentAt(50)).toBe(NOBODY_SILENT);
    const one = freshness.silentAt(150);
    expect([...one]).toEqual([[1, 50]]);
    freshness.set(new Map(budgets));
    expect(freshness.silentAt(160)).toBe(one);
    freshness.set(new Map([...budgets, [1, { heardAt: 60, freshUntil: 110 }]]));
    expect([...freshness.silentAt(160)]).toEqual([[1, 60]]);
    expect([...freshness.silentAt(250).keys()]).toEqual([1, 2]);
  });
});

describe('what a channel promises of a silent location (semantics.md 28)', () => {
  const item = { sku: 'X', rules: new Map() } as unknown as DirectoryItem;
  const positions = [{ locationId: 1 }, { locationId: 3 }] as Position[];
  const channel = (stalePolicy: DirectoryChannel['stalePolicy'], enabled = true) =>
    ({
      ...{ id: 9, code: 'web', buffer: 10_000, backorderLimit: 0, stalePolicy, staleBuffer: 30_000 },
      locations: [
        { id: 1, code: 'A', enabled },
        { id: 2, code: 'B', enabled: true },
      ],
    }) as unknown as DirectoryChannel;
  const silent = new Map([[1, Date.parse('2026-03-01T08:00:00Z')]]);

  it('is what it always was, or less, or nothing', () => {
    expect(rulesUnder(channel('serve'), item, positions, silent).buffer).toBe(10_000);
    expect(rulesUnder(channel('buffer'), item, positions, silent).buffer).toBe(40_000);
    expect(() => rulesUnder(channel('refuse'), item, positions, silent)).toThrow(
      /stale_availability.*of A since 2026-03-01/,
    );
  });

  it('changes only for a location that is in use and carries the item', () => {
    for (const policy of ['buffer', 'refuse'] as const) {
      expect(rulesUnder(channel(policy), item, positions, NOBODY_SILENT).buffer).toBe(10_000);
      expect(rulesUnder(channel(policy), item, positions, new Map([[2, 0]])).buffer).toBe(10_000);
      expect(rulesUnder(channel(policy, false), item, positions, silent).buffer).toBe(10_000);
    }
  });
});
