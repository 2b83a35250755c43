import { take } from './gcra.js';
import type { Principal, RateLimit } from './principal.js';
import { type Limits, limitsOf, limitsOfCaller, rateLimitHeader, refusalOf } from './rate-limit.js';

const NOW = 1_795_000_000_000_000;
const caller = (client: RateLimit | null, channel: RateLimit | null): Principal => ({
  ...{ clientId: 'cli_1', clientCode: 'shop', keyId: 'key_1', scopes: new Set(), channel: { id: 7, code: 'web' } },
  limits: { client, channel, locations: 1 },
});
const of = (limit: RateLimit) => limitsOf([{ name: 'channel', key: '{1}', limit }]) as Limits;

describe('a limit', () => {
  it.each<[RateLimit, string]>([
    // As fast as the minute gives them back.
    [{ requestsPerMinute: 6_000, burst: 200 }, '"channel-burst";q=200;w=2, "channel-sustained";q=6000;w=60'],
    // Faster than the minute: within ten seconds, until the minute is used up.
    [{ requestsPerMinute: 600, burst: 200 }, '"channel-burst";q=200;w=10, "channel-sustained";q=600;w=60'],
    // More at once than in a minute.
    [{ requestsPerMinute: 1, burst: 50 }, '"channel-burst";q=50;w=10, "channel-sustained";q=50;w=3000'],
    // A window below a second is said as one.
    [{ requestsPerMinute: 600, burst: 2 }, '"channel-burst";q=2;w=1, "channel-sustained";q=600;w=60'],
  ])('of %j is said as %s', (limit, header) => {
    expect(of(limit).policyHeader).toBe(header);
  });

  it('of a channel and of a client apply together, and are kept where one script of a Redis Cluster can reach both', () => {
    const limit = { requestsPerMinute: 60, burst: 5 };
    const { allowances, policies } = limitsOfCaller(caller(limit, limit)) as Limits;
    expect(policies.map(({ name }) => name)).toEqual([
      'channel-burst',
      'channel-sustained',
      'client-burst',
      'client-sustained',
    ]);
    expect(allowances.map(({ key }) => /\{.*\}/.exec(key)?.[0])).toEqual(['{channel-7}', '{channel-7}']);
    expect(new Set(allowances.map(({ key }) => key)).size).toBe(2);
  });

  it('is none where neither has one', () => {
    expect(limitsOfCaller(caller(null, null))).toBeNull();
    expect(limitsOfCaller({ ...caller(null, null), channel: null })).toBeNull();
  });
});

describe('an answer', () => {
  const { policies } = of({ requestsPerMinute: 600, burst: 200 });

  it('says what is left of each budget, and when it is whole again', () => {
    const taken = take(policies, [0, 0], 50, NOW);
    expect(rateLimitHeader(policies, taken)).toBe('"channel-burst";r=150;t=3, "channel-sustained";r=550;t=5');
  });

  it('that refuses names only what was violated, with the wait for this very request', () => {
    const wholeAt = [0, 0];
    take(policies, wholeAt, 200, NOW);
    expect(refusalOf(policies, take(policies, wholeAt, 100, NOW), 100)).toEqual({
      violated: ['channel-burst'],
      retryAfter: 5,
      header: '"channel-burst";r=0;t=5',
    });
  });

  it('says to wait for the slowest of the budgets that were violated', () => {
    const wholeAt = [0, 0];
    const strict = of({ requestsPerMinute: 6, burst: 12 }).policies;
    take(strict, wholeAt, 12, NOW);
    expect(refusalOf(strict, take(strict, wholeAt, 2, NOW), 2)).toMatchObject({
      violated: ['channel-burst', 'channel-sustained'],
      retryAfter: 20,
    });
  });
});
