import fc from 'fast-check';
import {
  Allocation,
  giveUp,
  hasExpired,
  ReservationLine,
  sendOff,
  statusAt,
  statusOfCommitment,
} from './reservation.js';

const at = (locationId: number, quantity: number, backordered = 0): Allocation => ({
  locationId,
  quantity,
  backordered,
});
const line = (shipped: number, reserved: number) => ({ shipped, reserved }) as ReservationLine;

describe('a hold', () => {
  it('does not exist from the instant of its expiry (semantics.md 16)', () => {
    const hold = { status: 'held', expiresAt: 1_000 } as const;
    expect([hasExpired(hold, 999), statusAt(hold, 999)]).toEqual([false, 'held']);
    expect([hasExpired(hold, 1_000), statusAt(hold, 1_000)]).toEqual([true, 'expired']);
  });

  it('does not expire any more once it is something else', () => {
    expect(statusAt({ status: 'committed', expiresAt: null }, 5)).toBe('committed');
    expect(statusAt({ status: 'released', expiresAt: 1 }, 5)).toBe('released');
  });
});

describe('a commitment', () => {
  it.each([
    ['committed', [line(0, 5), line(0, 0)]],
    ['partially_shipped', [line(5, 0), line(0, 1)]],
    ['shipped', [line(5, 0), line(0, 0)]],
    ['cancelled', [line(0, 0), line(0, 0)]],
  ])('is %s by what was shipped and what is open (semantics.md 14)', (status, lines) => {
    expect(statusOfCommitment(lines)).toBe(status);
  });
});

const allocations = fc
  .uniqueArray(
    fc.record({
      locationId: fc.integer({ min: 1, max: 6 }),
      quantity: fc.integer({ min: 1, max: 50 }),
      share: fc.integer({ min: 0, max: 4 }),
    }),
    { selector: ({ locationId }) => locationId, minLength: 1, maxLength: 5 },
  )
  .map((all) =>
    all.map(({ locationId, quantity, share }) => at(locationId, quantity, Math.floor((quantity * share) / 4))),
  );
const sum = (all: readonly Allocation[], of: 'quantity' | 'backordered' = 'quantity') =>
  all.reduce((total, each) => total + each[of], 0);

/** What was there is what is taken and what is left, at every location; no part is empty or has more beyond stock than it is. */
function expectConserved(
  before: readonly Allocation[],
  taken: readonly Allocation[],
  left: readonly Allocation[],
): void {
  for (const { locationId, quantity, backordered } of before) {
    const parts = [...taken, ...left].filter((each) => each.locationId === locationId);
    expect([sum(parts), sum(parts, 'backordered')]).toEqual([quantity, backordered]);
  }
  for (const each of [...taken, ...left]) {
    expect(each.quantity).toBeGreaterThan(0);
    expect(each.backordered).toBeGreaterThanOrEqual(0);
    expect(each.backordered).toBeLessThanOrEqual(each.quantity);
  }
}

describe('giving up', () => {
  it('takes what was promised beyond stock first', () => {
    expect(giveUp([at(1, 5), at(2, 8, 3)], 4)).toEqual({ taken: [at(2, 4, 3)], left: [at(1, 5), at(2, 4)] });
  });

  it('takes the rest in the order it stands', () => {
    expect(giveUp([at(1, 5), at(2, 8, 3)], 10)).toEqual({ taken: [at(1, 2), at(2, 8, 3)], left: [at(1, 3)] });
  });

  it('takes exactly what it was told, and loses nothing', () => {
    fc.assert(
      fc.property(allocations, fc.integer({ min: 0, max: 250 }), (before, quantity) => {
        const { taken, left } = giveUp(before, quantity);
        expect(sum(taken)).toBe(Math.min(quantity, sum(before)));
        expectConserved(before, taken, left);
      }),
    );
  });
});

describe('sending off', () => {
  const everything = () => 1_000;

  it('takes what was promised beyond stock last', () => {
    expect(sendOff([at(1, 8, 3)], 5, undefined, everything)).toEqual({ taken: [at(1, 5)], left: [at(1, 3, 3)] });
    expect(sendOff([at(1, 8, 3)], 6, undefined, everything)).toEqual({ taken: [at(1, 6, 1)], left: [at(1, 2, 2)] });
  });

  it('takes where it is on hand first, if no location is named', () => {
    const onHand = (locationId: number) => (locationId === 2 ? 5 : 0);
    expect(sendOff([at(1, 3, 3), at(2, 5)], 5, undefined, onHand)).toEqual({ taken: [at(2, 5)], left: [at(1, 3, 3)] });
    expect(sendOff([at(1, 3, 3), at(2, 5)], 6, undefined, onHand).taken).toEqual([at(1, 1, 1), at(2, 5)]);
  });

  it('takes what stands at the named location first, on hand or not', () => {
    expect(sendOff([at(1, 5), at(2, 5)], 6, 2, () => 0)).toEqual({ taken: [at(1, 1), at(2, 5)], left: [at(1, 4)] });
    expect(sendOff([at(1, 5), at(2, 5)], 6, 9, everything).taken).toEqual([at(1, 5), at(2, 1)]);
  });

  it('takes exactly what it was told, no more from a place than is on hand while another has some, and loses nothing', () => {
    const stock = fc.array(fc.integer({ min: -5, max: 60 }), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(
        allocations,
        fc.integer({ min: 0, max: 250 }),
        fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
        stock,
        (before, quantity, named, onHand) => {
          const here = (locationId: number) => onHand[locationId] as number;
          const { taken, left } = sendOff(before, quantity, named, here);
          expect(sum(taken)).toBe(Math.min(quantity, sum(before)));
          expectConserved(before, taken, left);
          if (named !== undefined) return;
          const most = before.reduce(
            (total, each) => total + Math.min(each.quantity, Math.max(0, here(each.locationId))),
            0,
          );
          const beyond = taken.reduce(
            (total, each) => total + Math.max(0, each.quantity - Math.max(0, here(each.locationId))),
            0,
          );
          expect(beyond).toBe(Math.max(0, sum(taken) - most));
        },
      ),
    );
  });
});
