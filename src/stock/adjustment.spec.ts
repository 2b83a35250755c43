import fc from 'fast-check';
import { Problem } from '../problems/problem.js';
import { adjust, changeCondition } from './adjustment.js';
import { apply } from './movement.js';
import { CONDITIONS, type Condition, flawOf, POSITION_MOST, Position } from './position.js';

const ONE = 10_000;
const position = (figures: Partial<Position> = {}): Position => ({
  itemId: 1,
  locationId: 1,
  onHand: 10 * ONE,
  unsellable: { damaged: 2 * ONE, expired: 0, recalled: 0, quarantined: 0, inspection: 0 },
  reserved: 0,
  incoming: 0,
  safetyStock: 0,
  version: 1,
  nextExpiry: null,
  asOf: 0,
  ...figures,
});
const by = { condition: 'sellable', reason: 'correction' } as const;
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Problem).code;
  }
  return 'nothing';
};

describe('an adjustment', () => {
  it.each([
    ['by a delta', { delta: 3 * ONE }, [{ onHand: 3 * ONE }]],
    ['to a figure', { onHand: 7 * ONE }, [{ onHand: -3 * ONE }]],
    ['to the figure that is there: no movement (semantics.md 6)', { onHand: 10 * ONE }, []],
    ['to 0, with the damaged units', { onHand: 0 }, [{ onHand: -8 * ONE }, { onHand: -2 * ONE, unsellable: -2 * ONE }]],
    [
      'of damaged units',
      { delta: ONE, condition: 'damaged' },
      [{ onHand: ONE, unsellable: ONE, condition: 'damaged' }],
    ],
    ['of damaged units, away', { delta: -2 * ONE, condition: 'damaged' }, [{ onHand: -2 * ONE, unsellable: -2 * ONE }]],
    [
      'to a figure with units in inspection',
      { onHand: 11 * ONE, condition: 'inspection' },
      [{ onHand: ONE, unsellable: ONE }],
    ],
  ] as const)('changes on hand %s', (_, adjustment, changes) => {
    expect(adjust(position(), { ...by, ...adjustment })).toEqual(
      changes.map((change) => expect.objectContaining(change)),
    );
  });

  it.each([
    ['on hand', { delta: -11 * ONE }],
    ['the units of a condition', { delta: -3 * ONE, condition: 'damaged' }],
    ['the units of a condition, by a figure', { onHand: 9 * ONE, condition: 'expired' }],
  ] as const)('is refused when it would take %s below zero (semantics.md 6)', (_, adjustment) => {
    expect(codeOf(() => adjust(position(), { ...by, ...adjustment }))).toBe('negative_on_hand');
  });

  it('is refused when a position could not count that far', () => {
    const full = position({ onHand: POSITION_MOST });
    expect(codeOf(() => adjust(full, { ...by, delta: 1 }))).toBe('validation_failed');
    expect(adjust(full, { ...by, delta: -1 })).toHaveLength(1);
  });

  it('counts below what is reserved: a physical fact is not refused (semantics.md 7)', () => {
    expect(adjust(position({ reserved: 10 * ONE }), { ...by, onHand: ONE, reason: 'count' })).toHaveLength(2);
  });

  it.each([
    ['correction', 'adjustment'],
    ['count', 'count'],
    ['damage', 'adjustment'],
    ['loss', 'adjustment'],
    ['found', 'adjustment'],
    ['receipt', 'receipt'],
    ['return', 'return'],
    ['other', 'adjustment'],
  ] as const)('for %s is a movement of the kind %s', (reason, kind) => {
    expect(adjust(position(), { ...by, delta: ONE, reason, note: 'n', reference: 'r' })).toEqual([
      { kind, reason, note: 'n', reference: 'r', onHand: ONE },
    ]);
  });
});

describe('a change of condition', () => {
  const condition = fc.constantFrom<Condition>(...CONDITIONS);
  it('moves units that are there between any two conditions, and on hand by nothing', () => {
    fc.assert(
      fc.property(condition, condition, fc.integer({ min: 1, max: 20 * ONE }), (from, to, quantity) => {
        fc.pre(from !== to);
        const here = position();
        const there = from === 'sellable' ? 8 * ONE : from === 'damaged' ? 2 * ONE : 0;
        const change = () => changeCondition(here, quantity, from, to, { reason: 'looked at' });
        if (quantity > there) {
          expect(codeOf(change)).toBe('insufficient_stock');
          return;
        }
        for (const each of change()) {
          apply(here, each, 1);
          expect(each).toMatchObject({ kind: 'condition_change', reason: 'looked at' });
        }
        expect(flawOf(here)).toBeUndefined();
        expect(here.onHand).toBe(10 * ONE);
      }),
    );
  });
});
