import { type ChannelContent, faultsOf, itemFaultsOf, sameChannel } from './channel.js';

const content = (overrides: Partial<ChannelContent> = {}): ChannelContent => ({
  name: 'Web',
  locations: ['HAM', 'MUC'],
  sourcing: 'listed_order',
  priority: 0,
  buffer: 0,
  backorderLimit: 0,
  holdTtlSeconds: 900,
  maxHoldTtlSeconds: 86_400,
  rateLimit: null,
  stalePolicy: 'serve',
  staleBuffer: 0,
  maxOpenHolds: null,
  maxHeldQuantity: null,
  ...overrides,
});

describe('a channel', () => {
  it.each<[Partial<ChannelContent>, string[]]>([
    [{}, []],
    [{ locations: [] }, []],
    [{ locations: ['HAM', 'MUC', 'HAM', 'ham', 'MUC'] }, ['/locations/2', '/locations/4']],
    [{ holdTtlSeconds: 60, maxHoldTtlSeconds: 60 }, []],
    [{ holdTtlSeconds: 61, maxHoldTtlSeconds: 60 }, ['/holdTtlSeconds']],
  ])('with %j has faults at %j', (of, pointers) => {
    expect(faultsOf(content(of)).map(({ pointer }) => pointer)).toEqual(pointers);
  });

  it.each<Partial<ChannelContent>>([
    { locations: ['MUC', 'HAM'] },
    { sourcing: 'fullest_first' },
    { priority: 1 },
    { buffer: 1 },
    { backorderLimit: null },
    { holdTtlSeconds: 60 },
    { maxHoldTtlSeconds: 3_600 },
    { rateLimit: { requestsPerMinute: 1, burst: 1 } },
    { stalePolicy: 'refuse' },
    { staleBuffer: 1 },
    { maxOpenHolds: 1 },
    { maxHeldQuantity: 1 },
    { name: 'Shop' },
  ])('is another with %j', (change) => {
    expect(sameChannel(content(), content())).toBe(true);
    expect(sameChannel(content(), content(change))).toBe(false);
  });

  it('is the same in whatever order the members of its limit came', () => {
    const limits = [
      { requestsPerMinute: 2, burst: 1 },
      { burst: 1, requestsPerMinute: 2 },
    ].map((rateLimit) => content({ rateLimit }));
    expect(sameChannel(limits[0] as ChannelContent, limits[1] as ChannelContent)).toBe(true);
  });

  it.each([
    [{ buffer: 10_000, backorderLimit: null }, 0, []],
    [{ buffer: 5_000, backorderLimit: 15_000 }, 0, ['/buffer', '/backorderLimit']],
    [{ buffer: 5_000, backorderLimit: undefined }, 1, []],
  ])('says of an item %j with %i fraction digits: faults at %j', (rule, fractionDigits, pointers) => {
    expect(itemFaultsOf(rule, fractionDigits).map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
