import { Ledger } from './ledger.js';
import type { Position } from './position.js';

const position = (itemId: number, locationId: number, figures: Partial<Position> = {}): Position => ({
  itemId,
  locationId,
  onHand: 100,
  unsellable: { damaged: 0, expired: 0, recalled: 0, quarantined: 0, inspection: 0 },
  reserved: 0,
  incoming: 0,
  safetyStock: 0,
  version: 3,
  nextExpiry: null,
  asOf: 0,
  ...figures,
});
const place = (id: number) => ({ id, code: `L${id}`, enabled: true });

describe('a ledger', () => {
  it('numbers the movements of a position without gap and shows each to the next', () => {
    const ledger = new Ledger(500, [position(1, 1), position(1, 2)]);
    ledger.post({ itemId: 1, locationId: 1 }, { kind: 'hold', reserved: 10 }, 'key_a');
    ledger.post({ itemId: 1, locationId: 2 }, { kind: 'hold', reserved: 1 }, 'key_a');
    expect(ledger.position(1, 1)?.reserved).toBe(10);
    ledger.post({ itemId: 1, locationId: 1 }, { kind: 'release', reserved: -10 }, 'key_b');
    expect(
      ledger.movements.map(({ locationId, version, kind, actor, at }) => [locationId, version, kind, actor, at]),
    ).toEqual([
      [1, 4, 'hold', 'key_a', 500],
      [2, 4, 'hold', 'key_a', 500],
      [1, 5, 'release', 'key_b', 500],
    ]);
  });

  it('takes of a key only which position it is, whatever else the caller keeps with it', () => {
    const ledger = new Ledger(500, [position(1, 1)]);
    const target = { itemId: 1, locationId: 1, onHand: 40 };
    const movement = ledger.post(target, { kind: 'count', onHand: -60 }, 'key');
    expect(movement.onHand).toBe(-60);
    expect(ledger.position(1, 1)?.onHand).toBe(40);
  });

  it('keeps what a position was before the first change, conditions included', () => {
    const ledger = new Ledger(500, [position(1, 1), position(2, 1)]);
    const key = { itemId: 1, locationId: 1 };
    ledger.post(key, { kind: 'condition_change', unsellable: 2, condition: 'damaged' }, 'key');
    ledger.post(key, { kind: 'adjustment', onHand: 5 }, 'key');
    expect(ledger.changed()).toEqual([{ position: ledger.position(1, 1), before: position(1, 1) }]);
    expect(ledger.position(1, 1)).toMatchObject({ onHand: 105, version: 5 });
  });

  it('tells of no position where holds are overdue still: only such were let go of there (semantics.md 16)', () => {
    const ledger = new Ledger(500, [position(1, 1), position(1, 2, { nextExpiry: 400 }), position(1, 3)]);
    for (const locationId of [1, 2]) {
      ledger.post({ itemId: 1, locationId }, { kind: 'expire', reserved: 0 }, 'holdfast');
    }
    expect(ledger.changed().map((each) => each.position.locationId)).toEqual([1, 2]);
    expect(ledger.told()).toEqual([{ position: ledger.position(1, 1), before: position(1, 1) }]);
    ledger.settleExpiry(ledger.position(1, 2) as Position, 501);
    expect(ledger.told().map((each) => each.position.locationId)).toEqual([1, 2]);
  });

  it('tells where a hold no longer expires when it was to, without anything to write', () => {
    const ledger = new Ledger(500, [position(1, 1, { nextExpiry: 600 }), position(1, 2)]);
    for (const locationId of [1, 2, 3]) ledger.prolong({ itemId: 1, locationId });
    ledger.post({ itemId: 1, locationId: 2 }, { kind: 'commit', reserved: 0 }, 'key');
    expect(ledger.changed().map((each) => each.position.locationId)).toEqual([2]);
    expect(ledger.told().map((each) => [each.position.locationId, each.before.version])).toEqual([
      [2, 3],
      [1, 3],
    ]);
  });

  it('answers positions in the order of the locations asked, and only those that are there', () => {
    const ledger = new Ledger(0, [position(1, 1), position(1, 3), position(2, 2)]);
    expect(ledger.positionsAt(1, [place(3), place(2), place(1)]).map(({ locationId }) => locationId)).toEqual([3, 1]);
    expect(ledger.positionsAt(9, [place(1)])).toEqual([]);
    expect([...ledger.locked()]).toHaveLength(3);
  });

  it.each([
    ['on hand below 0', { kind: 'ship', onHand: -101 }],
    ['reserved below 0', { kind: 'release', reserved: -1 }],
    ['more unsellable than on hand', { kind: 'condition_change', unsellable: 101, condition: 'damaged' }],
  ] as const)('does not post what leaves %s', (flaw, change) => {
    const ledger = new Ledger(0, [position(1, 1)]);
    expect(() => ledger.post({ itemId: 1, locationId: 1 }, change, 'key')).toThrow(flaw);
  });

  it('does not post to a position it has not locked', () => {
    expect(() => new Ledger(0, []).post({ itemId: 1, locationId: 1 }, { kind: 'hold', reserved: 1 }, 'key')).toThrow(
      'not locked',
    );
  });

  it('notes the earliest expiry only, and nothing at a position that is not locked', () => {
    const ledger = new Ledger(0, [position(1, 1)]);
    const key = { itemId: 1, locationId: 1 };
    for (const [at, noted] of [
      [900, 900],
      [950, 900],
      [800, 800],
    ] as const) {
      ledger.noteExpiry(key, at);
      expect(ledger.position(1, 1)?.nextExpiry).toBe(noted);
    }
    ledger.noteExpiry({ itemId: 1, locationId: 2 }, 1);
    expect(ledger.changed()).toHaveLength(1);
    ledger.settleExpiry(ledger.position(1, 1) as Position, null);
    expect(ledger.position(1, 1)?.nextExpiry).toBeNull();
    expect(ledger.changed()[0]?.before.nextExpiry).toBeNull();
  });
});
