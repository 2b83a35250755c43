import { type FactKind, type Ownership, ownerOf } from './ownership.js';
import { type Claim, planOwnership } from './ownership-plan.js';

const HAM = 1;
const MUC = 2;
const EVER = Number.NEGATIVE_INFINITY;
const OPEN = null;
const NOW = 1_000;

const owns = (
  sourceId: number,
  locationId: number | null,
  from = EVER,
  until: number | null = OPEN,
  fact: FactKind = 'on_hand',
) => ({ sourceId, locationId, fact, from, until }) satisfies Ownership;
const claim = (locationId: number | null, from?: number, fact: FactKind = 'on_hand') =>
  ({ locationId, fact, from, pointer: `/${locationId}` }) satisfies Claim;

describe('a claim', () => {
  const plan = (ownerships: Ownership[], claims: Claim[]) => planOwnership(ownerships, 2, claims, NOW);
  const nothing = { conflicts: [], ended: [], dropped: [], begun: [] };

  it('to what nobody ever owned holds since ever', () => {
    expect(plan([], [claim(HAM)])).toEqual({ ...nothing, begun: [owns(2, HAM)] });
  });

  it('to what somebody owned once holds from now on', () => {
    expect(plan([owns(1, HAM, EVER, 500)], [claim(HAM)])).toEqual({ ...nothing, begun: [owns(2, HAM, NOW)] });
  });

  it('that is met already changes nothing, also where it ends later', () => {
    expect(plan([owns(2, HAM)], [claim(HAM)])).toEqual(nothing);
    expect(plan([owns(2, HAM, EVER, 2_000), owns(1, HAM, 2_000)], [claim(HAM)])).toEqual(nothing);
    expect(plan([owns(2, HAM, 2_000), owns(1, HAM, EVER, 2_000)], [claim(HAM, 2_000)])).toEqual(nothing);
  });

  it.each<[string, Ownership, Claim]>([
    ['what another source owns', owns(1, HAM), claim(HAM)],
    ['all, of which another owns one', owns(1, HAM), claim(null)],
    ['one, of which another owns all', owns(1, null), claim(HAM)],
    ['what another source will own', owns(1, HAM, 2_000), claim(HAM)],
    ['a time that is past', owns(1, HAM, EVER, 500), claim(HAM, 400)],
    ['a time before another has it', owns(1, HAM, 3_000), claim(HAM, 2_000)],
  ])('to %s is a conflict', (_, other, wanted) => {
    expect(plan([other], [wanted]).conflicts).toEqual([{ pointer: wanted.pointer, owner: 1 }]);
  });

  it('from a later time takes over then', () => {
    expect(plan([owns(1, HAM), owns(1, MUC)], [claim(HAM, 2_000)])).toEqual({
      ...nothing,
      ended: [owns(1, HAM, EVER, 2_000)],
      begun: [owns(2, HAM, 2_000)],
    });
    expect(plan([owns(1, HAM)], [claim(null, 2_000)]).ended).toEqual([owns(1, HAM, EVER, 2_000)]);
  });

  it('to one location from a later time leaves the others to who owns all', () => {
    const { ended, begun, conflicts } = plan([owns(1, null)], [claim(HAM, 2_000)]);
    expect({ ended, conflicts }).toEqual({ ended: [], conflicts: [] });
    const after = [owns(1, null), ...begun];
    expect([1_999, 2_000].map((at) => ownerOf(after, 'on_hand', HAM, at))).toEqual([1, 2]);
    expect(ownerOf(after, 'on_hand', MUC, 2_000)).toBe(1);
  });

  it('to take over that is called off leaves it to who has it, and one put off until then', () => {
    const planned = [owns(1, HAM, EVER, 2_000), owns(2, HAM, 2_000)];
    const dropped = [owns(2, HAM, 2_000)];
    expect(plan(planned, [])).toEqual({ ...nothing, dropped, ended: [owns(1, HAM)] });
    expect(plan(planned, [claim(HAM, 3_000)])).toEqual({
      ...nothing,
      dropped,
      ended: [owns(1, HAM, EVER, 3_000)],
      begun: [owns(2, HAM, 3_000)],
    });
    // Somebody else takes it over still later.
    const more = [owns(1, HAM, EVER, 2_000), owns(2, HAM, 2_000, 3_000), owns(3, HAM, 3_000)];
    expect(plan(more, []).ended).toEqual([owns(1, HAM, EVER, 3_000)]);
  });

  it('that is no longer made ends now, or never begins', () => {
    expect(plan([owns(2, HAM), owns(2, MUC, 2_000)], [])).toEqual({
      ...nothing,
      ended: [owns(2, HAM, EVER, NOW)],
      dropped: [owns(2, MUC, 2_000)],
    });
  });
});
