import { type Ownership, ownerOf, ownsAnywhere } from './ownership.js';

const OLD = 1;
const NEW = 2;
const WMS = 3;
/** The old ERP owns everything until 100, the new one from then on; the WMS owns what is on hand at location 7. */
const ownerships: Ownership[] = [
  { sourceId: OLD, locationId: null, fact: 'on_hand', from: 0, until: 100 },
  { sourceId: NEW, locationId: null, fact: 'on_hand', from: 100, until: null },
  { sourceId: OLD, locationId: null, fact: 'catalog', from: 0, until: null },
  { sourceId: WMS, locationId: 7, fact: 'on_hand', from: 50, until: null },
];

describe('who owns a fact (semantics.md 25)', () => {
  it.each([
    ['before the migration the old one', 'on_hand', 1, 99, OLD],
    ['from its moment on the new one', 'on_hand', 1, 100, NEW],
    ['whoever is named for the location', 'on_hand', 7, 60, WMS],
    ['before it was named whoever has the rest', 'on_hand', 7, 49, OLD],
    ['of another kind someone else', 'catalog', 7, 200, OLD],
    ['of a kind that nobody owns nobody', 'orders', 7, 200, undefined],
    ['before all time nobody', 'on_hand', 1, -1, undefined],
  ] as const)('%s', (_, fact, location, at, owner) => {
    expect(ownerOf(ownerships, fact, location, at)).toBe(owner);
  });

  it('may be asked of no location in particular', () => {
    expect(ownsAnywhere(ownerships, WMS, 'on_hand', 60)).toBe(true);
    expect(ownsAnywhere(ownerships, WMS, 'on_hand', 40)).toBe(false);
    expect(ownsAnywhere(ownerships, OLD, 'on_hand', 100)).toBe(false);
    expect(ownsAnywhere(ownerships, WMS, 'catalog', 60)).toBe(false);
  });
});
