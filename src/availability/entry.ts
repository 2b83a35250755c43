import { type Position, UNSELLABLE, type Unsellable } from '../stock/position.js';

/**
 * Positions as the fields and values of their item's entry in Redis: `<location>`, `<version>:<figures>`.
 * `overdue`: they do not count until those holds are let go, and then with a newer version.
 */
export function fieldsOf(positions: readonly Position[], overdue = false): (string | number)[] {
  return positions.flatMap((position) => {
    const { onHand, unsellable, reserved, incoming, safetyStock, nextExpiry, asOf } = position;
    const figures = [
      onHand,
      reserved,
      incoming,
      safetyStock,
      overdue ? 0 : nextExpiry,
      asOf,
      ...UNSELLABLE.map((of) => unsellable[of]),
    ];
    return [position.locationId, `${position.version}:${JSON.stringify(figures)}`];
  });
}

/** What an entry says of its item. */
export interface Entry {
  /** Of the item: the newest that was read or announced. */
  readonly revision: number;
  readonly positions: readonly Position[];
}

/** What an entry says, as its fields and values in lines. undefined: it is not whole, or not ours. */
export function parseEntry(itemId: number, text: string): Entry | undefined {
  const said = text.split('\n');
  let revision: number | undefined;
  let announced = 0;
  const positions: Position[] = [];
  for (let i = 0; i + 1 < said.length; i += 2) {
    const [field, value] = [said[i], said[i + 1] as string];
    if (field === 'r') revision = wholeNumber(value);
    else if (field === 'n') announced = wholeNumber(value) ?? 0;
    else {
      const position = parsePosition(itemId, wholeNumber(field), value);
      if (!position) return undefined;
      positions.push(position);
    }
  }
  if (revision === undefined) return undefined;
  return { revision: Math.max(revision, announced), positions };
}

export function parsePosition(itemId: number, locationId: number | undefined, value: string): Position | undefined {
  const [, version, text = ''] = /^(\d+):(.*)$/.exec(value) ?? [];
  if (version === undefined || locationId === undefined) return undefined;
  const [onHand, reserved, incoming, safetyStock, nextExpiry, asOf, ...unsellable] = figuresOf(text);
  const known = [onHand, reserved, incoming, safetyStock, asOf, ...unsellable];
  const sound = unsellable.length === UNSELLABLE.length && known.every(Number.isFinite);
  if (!sound || (nextExpiry !== null && !Number.isFinite(nextExpiry))) return undefined;
  return {
    itemId,
    locationId,
    onHand,
    unsellable: Object.fromEntries(UNSELLABLE.map((of, index) => [of, unsellable[index]])) as Record<
      Unsellable,
      number
    >,
    reserved,
    incoming,
    safetyStock,
    version: Number(version),
    nextExpiry,
    asOf,
  } as Position;
}

function figuresOf(text: string): (number | null)[] {
  try {
    const figures: unknown = JSON.parse(text);
    return Array.isArray(figures) ? figures : [];
  } catch {
    return [];
  }
}

export function wholeNumber(text: string | null | undefined): number | undefined {
  return text && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
