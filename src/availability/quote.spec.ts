import fc from 'fast-check';
import { ONE, stepOf } from '../catalog/quantity.js';
import { unitOf } from '../catalog/unit-of-measure.js';
import type { DirectoryChannel, DirectoryItem } from '../channels/directory.js';
import type { Position } from '../stock/position.js';
import { quote, standingOf } from './quote.js';
import { plan } from './sourcing.js';

const item = (overrides: Partial<DirectoryItem> = {}): DirectoryItem => ({
  id: 1,
  sku: 'A',
  baseUom: 'EA',
  fractionDigits: 0,
  tracked: true,
  active: true,
  uoms: [{ code: 'XCS', factor: 4 * ONE }],
  rules: new Map(),
  revision: 1,
  updatedAt: 1_000,
  ...overrides,
});
const channel = (locations: number, overrides: Partial<DirectoryChannel> = {}): DirectoryChannel => ({
  id: 1,
  code: 'web',
  sourcing: 'listed_order',
  priority: 0,
  buffer: 0,
  backorderLimit: 0,
  holdTtlSeconds: 900,
  maxHoldTtlSeconds: 86_400,
  stalePolicy: 'serve',
  staleBuffer: 0,
  maxOpenHolds: null,
  maxHeldQuantity: null,
  locations: Array.from({ length: locations }, (_, i) => ({ id: i + 1, code: `L${i + 1}`, enabled: true })),
  ...overrides,
});
const position = (locationId: number, onHand: number, figures: Partial<Position> = {}): Position => ({
  itemId: 1,
  locationId,
  onHand: onHand * ONE,
  unsellable: { damaged: 0, expired: 0, recalled: 0, quarantined: 0, inspection: 0 },
  reserved: 0,
  incoming: 0,
  safetyStock: 0,
  version: 3,
  nextExpiry: null,
  asOf: 5_000 + locationId,
  ...figures,
});
const say = (of: DirectoryItem, by: DirectoryChannel, positions: Position[], uom?: string, expand = false) => {
  const unit = unitOf(of, uom);
  if (!unit) throw new Error(`no ${uom}`);
  return quote(of, by, unit, standingOf(of, by, positions), expand);
};

describe('a quote', () => {
  it('says what there is, since when and of which version', () => {
    expect(say(item(), channel(2), [position(1, 4), position(2, 3)])).toEqual({
      sku: 'A',
      channel: 'web',
      uom: 'EA',
      available: 7,
      backorderable: 0,
      status: 'in_stock',
      stale: false,
      asOf: '1970-01-01T00:00:05.002Z',
      version: 6,
    });
  });

  it('counts packages that are whole at one location: 7 pieces are 1 case of 4 (semantics.md 2)', () => {
    expect(say(item(), channel(2), [position(1, 7)], 'XCS').available).toBe(1);
    expect(say(item(), channel(2), [position(1, 7), position(2, 6)], 'XCS').available).toBe(2);
    expect(say(item(), channel(2), [position(1, 2), position(2, 2)], 'XCS').available).toBe(0);
  });

  it('says fractions exactly: 49.5 − 0.25 is 49.25 (semantics.md 1)', () => {
    const metres = item({ baseUom: 'MTR', fractionDigits: 2 });
    expect(say(metres, channel(1), [position(1, 49.5, { reserved: 2_500 })]).available).toBe(49.25);
  });

  it.each<[string, Partial<DirectoryItem>, number | null, Position[], string]>([
    ['in_stock', {}, 0, [position(1, 1)], 'in_stock'],
    ['out_of_stock', {}, 0, [position(1, 0)], 'out_of_stock'],
    ['backorder where more may be taken', {}, 5, [position(1, 0)], 'backorder'],
    ['backorder where any amount may be taken', {}, null, [position(1, 0)], 'backorder'],
    ['not_carried, however many may be backordered (semantics.md 10)', {}, null, [], 'not_carried'],
    ['not_carried where it stands only elsewhere (semantics.md 10)', {}, 0, [position(9, 5)], 'not_carried'],
    ['untracked (semantics.md 8)', { tracked: false }, 0, [], 'untracked'],
  ])('is %s', (_, overrides, backorderLimit, positions, status) => {
    expect(
      say(item(overrides), channel(1, { backorderLimit: backorderLimit && backorderLimit * ONE }), positions).status,
    ).toBe(status);
  });

  it('uses the rules of the item in the channel before those of the channel (semantics.md 11)', () => {
    const rules = new Map([[1, { buffer: 3 * ONE, backorderLimit: null }]]);
    const by = channel(1, { buffer: 5 * ONE, backorderLimit: 2 * ONE });
    expect(say(item({ rules }), by, [position(1, 10)])).toMatchObject({ available: 7, backorderable: null });
    expect(say(item(), by, [position(1, 10)])).toMatchObject({ available: 5, backorderable: 2 });
  });

  it('says a package beyond stock only where it is whole', () => {
    expect(say(item(), channel(1, { backorderLimit: 7 * ONE }), [position(1, 0)], 'XCS').backorderable).toBe(1);
  });

  it('lists the channel’s locations in sourcing order, a disabled one with 0 (semantics.md 9)', () => {
    const by = channel(3, {
      locations: [
        { id: 2, code: 'L2', enabled: true },
        { id: 1, code: 'L1', enabled: false },
        { id: 3, code: 'L3', enabled: true },
      ],
    });
    const quoted = say(item(), by, [position(1, 5), position(2, 6), position(9, 7)], 'EA', true);
    expect(quoted).toMatchObject({ available: 6 });
    expect(quoted.locations?.map(({ location, available }) => [location, available])).toEqual([
      ['L2', 6],
      ['L1', 0],
    ]);
  });

  it('promises exactly what a plan can give, and not one package more', () => {
    const figure = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(
        fc.array(figure, { minLength: 1, maxLength: 4 }),
        figure,
        fc.constantFrom('EA', 'XCS'),
        fc.constantFrom<'listed_order' | 'fullest_first'>('listed_order', 'fullest_first'),
        (onHand, buffer, uom, sourcing) => {
          const by = channel(onHand.length, { buffer: buffer * ONE, sourcing });
          const positions = onHand.map((each, i) => position(i + 1, each));
          const unit = unitOf(item(), uom) as NonNullable<ReturnType<typeof unitOf>>;
          const { promisable } = standingOf(item(), by, positions);
          const { available } = say(item(), by, positions, uom);
          const shortOf = (packages: number) =>
            plan(promisable, sourcing, [{ quantity: packages * unit.factor, step: unit.step, locationId: null }])[0]
              ?.short;
          if (available > 0) expect(shortOf(available)).toBe(0);
          expect(shortOf(available + 1)).toBeGreaterThan(0);
          expect(stepOf(0)).toBe(ONE);
        },
      ),
    );
  });
});
