import fc from 'fast-check';
import { type Facts, isMet, OBJECTIVES, type RouteTimes } from './objective.js';

const QUIET: Facts = {
  requests: [],
  oldestEventSeconds: null,
  oldestExceptionSeconds: null,
  openExceptions: 0,
  budgetedSources: 0,
  silentSources: 0,
};

function answered(place: string, status: number, count: number, quick = count): RouteTimes {
  const [method, route] = place.split(' ') as [string, string];
  const within = new Map([
    [0.025, quick],
    [0.1, quick],
  ]);
  return { method, route, status, count, within };
}

/** What each objective says of these facts, by id: kept, broken, or null for not known. */
function standing(facts: Partial<Facts>): Record<string, boolean | null> {
  const all = OBJECTIVES.map((objective) => {
    const { measured } = objective.measure({ ...QUIET, ...facts });
    return [objective.id, isMet(objective, measured)];
  });
  return Object.fromEntries(all);
}

const ONE = 'GET /v1/availability/:sku';
const HOLD = 'POST /v1/reservations';

describe('an objective', () => {
  it('is not known before anything was asked, and kept where nothing waits', () => {
    expect(standing({})).toEqual({
      availability_latency: null,
      reservation_latency: null,
      errors: null,
      event_lag: true,
      exceptions_open: true,
      sources_heard: true,
    });
  });

  it.each<[string, string, Partial<Facts>, boolean]>([
    ['availability_latency', '99 of 100 are quick', { requests: [answered(ONE, 200, 100, 99)] }, true],
    ['availability_latency', '98 of 100 are quick', { requests: [answered(ONE, 200, 100, 98)] }, false],
    [
      'availability_latency',
      'a quick 503 is no answer',
      { requests: [answered(ONE, 200, 50), answered(ONE, 503, 1)] },
      false,
    ],
    ['reservation_latency', 'a refusal is an answer', { requests: [answered(HOLD, 409, 10)] }, true],
    ['reservation_latency', 'it is slow', { requests: [answered(HOLD, 201, 10, 9)] }, false],
    ['errors', 'one of 1,000 fails', { requests: [answered(HOLD, 201, 999), answered(HOLD, 500, 1)] }, true],
    ['errors', 'two of 1,000 fail', { requests: [answered(HOLD, 201, 998), answered(HOLD, 500, 2)] }, false],
    ['event_lag', 'one waits 5 s', { oldestEventSeconds: 5 }, true],
    ['event_lag', 'one waits longer', { oldestEventSeconds: 5.1 }, false],
    ['exceptions_open', 'many are of today', { oldestExceptionSeconds: 86_400, openExceptions: 900 }, true],
    ['exceptions_open', 'one is of yesterday', { oldestExceptionSeconds: 86_401, openExceptions: 1 }, false],
    ['sources_heard', 'one of two is silent', { budgetedSources: 2, silentSources: 1 }, false],
  ])('%s: %s', (id, _, facts, kept) => {
    expect(standing(facts)[id]).toBe(kept);
  });

  it('counts the health of the service in no share of errors', () => {
    expect(standing({ requests: [answered('GET /health/ready', 503, 10)] }).errors).toBeNull();
  });

  it('measures a share from 0 to 1, whatever was answered', () => {
    const times = fc.record({
      place: fc.constantFrom(ONE, HOLD, 'GET /v1/items'),
      status: fc.constantFrom(200, 409, 500, 503),
      count: fc.nat(1_000),
    });
    fc.assert(
      fc.property(fc.array(times), (all) => {
        const requests = all.map(({ place, status, count }) => answered(place, status, count, Math.floor(count / 2)));
        for (const { unit, measure } of OBJECTIVES) {
          const { measured, sample } = measure({ ...QUIET, requests });
          if (unit !== 'share') continue;
          expect(measured === null).toBe(sample === 0);
          expect(measured ?? 0).toBeGreaterThanOrEqual(0);
          expect(measured ?? 0).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
