import type { Quantity } from '../catalog/quantity.js';
import { invalid, Problem } from '../problems/problem.js';
import { Change, changeOnHand, MovementKind } from './movement.js';
import { Condition, POSITION_MOST, Position, sellableOf, Unsellable } from './position.js';

/** Why stock is adjusted by hand (api.md). */
export const REASONS = ['correction', 'count', 'damage', 'loss', 'found', 'receipt', 'return', 'other'] as const;
export type Reason = (typeof REASONS)[number];

const KINDS: Record<Reason, MovementKind> = {
  correction: 'adjustment',
  count: 'count',
  damage: 'adjustment',
  loss: 'adjustment',
  found: 'adjustment',
  receipt: 'receipt',
  return: 'return',
  other: 'adjustment',
};

/** By how much, or to what; in ten-thousandths of the base unit. */
export interface Adjustment {
  readonly delta?: Quantity;
  readonly onHand?: Quantity;
  readonly condition: Condition;
  readonly reason: Reason;
  readonly note?: string;
  readonly reference?: string;
}

/**
 * The changes a manual adjustment posts; none when the figure is already so (semantics.md 6). One that would take on
 * hand, or the units of the named condition, below zero is refused. What is reserved does not stand in its way: a count
 * is a fact (7).
 */
export function adjust(position: Position, adjustment: Adjustment): Change[] {
  const { condition, reason, note, reference } = adjustment;
  const onHand = adjustment.onHand ?? position.onHand + (adjustment.delta ?? 0);
  if (onHand < 0) throw belowZero('on hand', position.onHand, adjustment.delta ?? 0);
  if (onHand > POSITION_MOST) {
    const pointer = adjustment.delta === undefined ? '/onHand' : '/delta';
    throw invalid([{ pointer, code: 'too_large', detail: 'would bring on hand above 900,000,000,000' }]);
  }
  const change = { kind: KINDS[reason], reason, note, reference };
  if (condition === 'sellable') return changeOnHand(position, onHand, change);
  const difference = onHand - position.onHand;
  if (difference === 0) return [];
  if (position.unsellable[condition] + difference < 0) {
    throw belowZero(condition, position.unsellable[condition], difference);
  }
  return [{ ...change, onHand: difference, unsellable: difference, condition }];
}

function belowZero(figure: string, is: Quantity, delta: Quantity): Problem {
  return new Problem('negative_on_hand', `${figure} is ${is / 10_000}: it cannot change by ${delta / 10_000}.`);
}

/** Units that are there change their condition; more than are in `from` is refused. */
export function changeCondition(
  position: Position,
  quantity: Quantity,
  from: Condition,
  to: Condition,
  about: { reason: string; reference?: string },
): Change[] {
  const there = from === 'sellable' ? sellableOf(position) : position.unsellable[from];
  if (there < quantity) {
    throw new Problem('insufficient_stock', `Only ${there / 10_000} are ${from} here.`, {
      extra: { available: there / 10_000 },
    });
  }
  const changes: { condition: Unsellable; unsellable: Quantity }[] = [];
  if (from !== 'sellable') changes.push({ condition: from, unsellable: -quantity });
  if (to !== 'sellable') changes.push({ condition: to, unsellable: quantity });
  return changes.map((change) => ({ kind: 'condition_change', ...about, ...change }));
}
