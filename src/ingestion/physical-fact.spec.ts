import fc from 'fast-check';
import { apply } from '../stock/movement.js';
import { flawOf, type Position, UNSELLABLE } from '../stock/position.js';
import { type OpenLine, recordCondition, recordDelta, recordFigure, uncoveredBy } from './physical-fact.js';

function positionOf(onHand: number, damaged = 0, quarantined = 0): Position {
  const unsellable = { damaged, quarantined, expired: 0, recalled: 0, inspection: 0 };
  const figures = { onHand, unsellable, reserved: 0, incoming: 0, safetyStock: 0 };
  return { itemId: 1, locationId: 1, ...figures, version: 0, nextExpiry: null, asOf: 0 };
}

function figuresAfter(position: Position, changes: readonly object[]): [number, number, number] {
  for (const change of changes) apply(position, change as never, 0);
  expect(flawOf(position)).toBeUndefined();
  return [position.onHand, position.unsellable.damaged, position.unsellable.quarantined];
}

describe('a physical fact (semantics.md 7)', () => {
  it.each([
    ['a receipt', 10, 0, 5, 'sellable', [15, 0, 0], 0],
    ['a receipt of damaged goods', 10, 1, 5, 'damaged', [15, 6, 0], 0],
    ['a loss', 10, 0, -4, 'sellable', [6, 0, 0], 0],
    ['more lost than there is', 10, 0, -14, 'sellable', [0, 0, 0], 4],
    ['sellable units lost, unsellable ones first to go where nothing else is', 10, 8, -4, 'sellable', [6, 6, 0], 0],
    ['damaged units thrown away', 10, 4, -3, 'damaged', [7, 1, 0], 0],
    ['more damaged units thrown away than were known', 10, 4, -6, 'damaged', [4, 0, 0], 0],
    ['more damaged units thrown away than there are at all', 10, 4, -12, 'damaged', [0, 0, 0], 2],
  ] as const)('%s', (_, onHand, damaged, delta, condition, figures, rest) => {
    const position = positionOf(onHand, damaged);
    const recorded = recordDelta(position, delta, condition, { kind: 'adjustment' });
    expect(figuresAfter(position, recorded.changes)).toEqual(figures);
    expect(recorded.rest).toBe(rest);
  });

  it('is a figure of at least 0', () => {
    const position = positionOf(10, 3);
    const recorded = recordFigure(position, -2, { kind: 'count' });
    expect(figuresAfter(position, recorded.changes)).toEqual([0, 0, 0]);
    expect(recorded.rest).toBe(2);
  });

  it('of the same figure changes nothing', () => {
    expect(recordFigure(positionOf(10, 3), 10, { kind: 'count' })).toEqual({ changes: [], rest: 0 });
  });

  it('never leaves an impossible position, and says what it could not record', () => {
    const units = fc.nat(20);
    fc.assert(
      fc.property(
        units,
        units,
        units,
        fc.integer({ min: -80, max: 40 }),
        fc.constantFrom('sellable', ...UNSELLABLE),
        (free, damaged, quarantined, delta, condition) => {
          const position = positionOf(free + damaged + quarantined, damaged, quarantined);
          const before = position.onHand;
          const recorded = recordDelta(position, delta, condition, { kind: 'adjustment' });
          figuresAfter(position, recorded.changes);
          expect(position.onHand).toBe(Math.max(0, before + delta));
          expect(recorded.rest).toBe(Math.max(0, -(before + delta)));
        },
      ),
    );
  });
});

describe('a change of condition', () => {
  it.each([
    ['of sellable units', 4, 'sellable', 'damaged', [10, 6, 0], 0],
    ['back to sellable', 2, 'damaged', 'sellable', [10, 0, 0], 0],
    ['between two others', 1, 'damaged', 'quarantined', [10, 1, 1], 0],
    ['of more than there are', 12, 'sellable', 'damaged', [10, 10, 0], 4],
    ['into itself', 2, 'damaged', 'damaged', [10, 2, 0], 0],
  ] as const)('%s', (_, quantity, from, to, figures, rest) => {
    const position = positionOf(10, 2);
    const recorded = recordCondition(position, quantity, from, to, { kind: 'condition_change' });
    expect(figuresAfter(position, recorded.changes)).toEqual(figures);
    expect(recorded.rest).toBe(rest);
  });
});

describe('a shortfall', () => {
  const line = (reservationId: string, priority: number, createdAt: number, quantity: number): OpenLine => ({
    ...{ reservationId, priority, createdAt, quantity: quantity * 10_000 },
    ...{ orderRef: null, channel: `p${priority}`, line: 1 },
  });
  const open = [line('res_a', 5, 1, 4), line('res_b', 0, 2, 3), line('res_c', 0, 3, 2), line('res_d', 5, 4, 1)];

  it.each([
    [0, []],
    [1, [['res_c', 1]]],
    [2, [['res_c', 2]]],
    [
      4,
      [
        ['res_c', 2],
        ['res_b', 2],
      ],
    ],
    [
      6,
      [
        ['res_c', 2],
        ['res_b', 3],
        ['res_d', 1],
      ],
    ],
    [
      99,
      [
        ['res_c', 2],
        ['res_b', 3],
        ['res_d', 1],
        ['res_a', 4],
      ],
    ],
  ])('of %d uncovers the newest commitments of the lowest channels', (quantity, expected) => {
    const named = uncoveredBy(quantity * 10_000, open).map((each) => [each.reservation, each.quantity]);
    expect(named).toEqual(expected);
  });
});
