/** What the service promises of itself, in one place, and whether it keeps it. */

/** Answers of one route and status since the process started. */
export interface RouteTimes {
  readonly method: string;
  /** The pattern of the route, `/v1/availability/:sku`. */
  readonly route: string;
  readonly status: number;
  readonly count: number;
  /** How many of them took at most so many seconds, by the bounds of the histogram. */
  readonly within: ReadonlyMap<number, number>;
}

/** What is measured against. Ages in seconds; null: there is nothing to measure. */
export interface Facts {
  readonly requests: readonly RouteTimes[];
  /** Of the oldest event that is still to be applied. */
  readonly oldestEventSeconds: number | null;
  readonly oldestExceptionSeconds: number | null;
  readonly openExceptions: number;
  /** Sources with a freshness budget, and how many of them are past it. */
  readonly budgetedSources: number;
  readonly silentSources: number;
}

export interface Measure {
  /** null: nothing has happened yet that it could be measured by. */
  readonly measured: number | null;
  /** How many answers, events, exceptions or sources it was measured by. */
  readonly sample: number;
}

export interface Objective {
  readonly id: string;
  /** What is promised, as a sentence. */
  readonly promise: string;
  readonly target: number;
  readonly unit: 'share' | 'seconds' | 'sources';
  /** Whether the target is a floor or a ceiling. */
  readonly bound: 'at_least' | 'at_most';
  /** Since the start of this process, or as it is now, over all processes. */
  readonly window: 'process' | 'now';
  readonly measure: (facts: Facts) => Measure;
}

/** Seconds; each is a bound of the histogram of requests, so that the shares are counted and not estimated. */
const AVAILABILITY_SECONDS = 0.025;
const RESERVATION_SECONDS = 0.1;

export const OBJECTIVES: readonly Objective[] = [
  {
    id: 'availability_latency',
    promise: '99 % of availability answers take at most 25 ms.',
    target: 0.99,
    unit: 'share',
    bound: 'at_least',
    window: 'process',
    measure: ({ requests }) => quickShare(requests, 'GET /v1/availability/:sku', AVAILABILITY_SECONDS),
  },
  {
    id: 'reservation_latency',
    promise: '99 % of reservations are decided within 100 ms.',
    target: 0.99,
    unit: 'share',
    bound: 'at_least',
    window: 'process',
    measure: ({ requests }) => quickShare(requests, 'POST /v1/reservations', RESERVATION_SECONDS),
  },
  {
    id: 'errors',
    promise: '99.9 % of requests are answered without a 5xx.',
    target: 0.999,
    unit: 'share',
    bound: 'at_least',
    window: 'process',
    // Readiness says 503 to whatever asks, which is what it is for.
    measure: ({ requests }) =>
      shareOf(
        requests.filter(({ route }) => route.startsWith('/v1/')),
        ({ status, count }) => (status < 500 ? count : 0),
      ),
  },
  {
    id: 'event_lag',
    promise: 'No event waits longer than 5 s to be applied.',
    target: 5,
    unit: 'seconds',
    bound: 'at_most',
    window: 'now',
    measure: ({ oldestEventSeconds }) => ({
      measured: oldestEventSeconds ?? 0,
      sample: oldestEventSeconds === null ? 0 : 1,
    }),
  },
  {
    id: 'exceptions_open',
    promise: 'No exception stays open longer than 24 hours.',
    target: 86_400,
    unit: 'seconds',
    bound: 'at_most',
    window: 'now',
    measure: ({ oldestExceptionSeconds, openExceptions }) => ({
      measured: oldestExceptionSeconds ?? 0,
      sample: openExceptions,
    }),
  },
  {
    id: 'sources_heard',
    promise: 'Every source is heard of within its freshness budget.',
    target: 0,
    unit: 'sources',
    bound: 'at_most',
    window: 'now',
    measure: ({ silentSources, budgetedSources }) => ({ measured: silentSources, sample: budgetedSources }),
  },
];

/** Whether it is kept; null: nothing has happened yet that would tell. */
export function isMet({ target, bound }: Pick<Objective, 'target' | 'bound'>, measured: number | null): boolean | null {
  if (measured === null) return null;
  return bound === 'at_least' ? measured >= target : measured <= target;
}

/** The share of the answers of a route that were quick and no 5xx. */
function quickShare(requests: readonly RouteTimes[], place: string, seconds: number): Measure {
  const own = requests.filter(({ method, route }) => `${method} ${route}` === place);
  return shareOf(own, ({ status, within }) => (status < 500 ? (within.get(seconds) ?? 0) : 0));
}

function shareOf(requests: readonly RouteTimes[], good: (of: RouteTimes) => number): Measure {
  const sample = requests.reduce((sum, { count }) => sum + count, 0);
  const kept = requests.reduce((sum, of) => sum + good(of), 0);
  return { measured: sample === 0 ? null : kept / sample, sample };
}
