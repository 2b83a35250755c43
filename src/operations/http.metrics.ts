import { type Metric, register } from 'prom-client';

const NAME = 'http_server_request_duration_seconds';
/** The advice of OpenTelemetry's semantic conventions, with two finer steps: a reservation takes 2 to 20 ms. In seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Answers of one route and status since the process started. */
class Series {
  seconds = 0;
  /** How many took at most so long and longer than the bound before; last: longer than all bounds. */
  private readonly counts = new Array<number>(BOUNDS.length + 1).fill(0);

  constructor(
    readonly method: string,
    readonly route: string,
    readonly status: number,
  ) {}

  observe(seconds: number): void {
    let at = 0;
    while (at < BOUNDS.length && seconds > (BOUNDS[at] as number)) at += 1;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.seconds += seconds;
  }

  /** How many took at most so many seconds. */
  within(): Map<number, number> {
    const within = new Map<number, number>();
    let sum = 0;
    for (const [at, count] of this.counts.entries()) {
      sum += count;
      within.set(BOUNDS[at] ?? Number.POSITIVE_INFINITY, sum);
    }
    return within;
  }
}

const known = new Map<string, Series>();

/**
 * A feature's metrics stand in its own `*.metrics.ts`, at module level, on prom-client's one registry: then nobody has to
 * be handed a registry, and /metrics shows whatever the process has loaded. This one counts by itself, and speaks
 * prom-client's language only to who asks: its histogram sorts and joins the labels of each observation.
 */
register.registerMetric({
  name: NAME,
  get: async () => ({
    name: NAME,
    help: 'Time from the first byte of a request to the last of its answer.',
    type: 'histogram',
    aggregator: 'sum',
    values: [...known.values()].flatMap((series) => {
      const { method, route, status, seconds } = series;
      const labels = { method, route, status };
      const within = [...series.within()];
      return [
        ...within.map(([bound, value]) => ({
          metricName: `${NAME}_bucket`,
          labels: { le: bound === Number.POSITIVE_INFINITY ? '+Inf' : bound, ...labels },
          value,
        })),
        { metricName: `${NAME}_sum`, labels, value: seconds },
        { metricName: `${NAME}_count`, labels, value: within.at(-1)?.[1] as number },
      ];
    }),
  }),
} as unknown as Metric);

/** Counts an answered request under its route's pattern: a label a SKU would make a time series a SKU. */
export function observeRequest(
  request: { readonly method: string; readonly routeOptions: { readonly url?: string | undefined } },
  reply: { readonly statusCode: number; readonly elapsedTime: number },
): void {
  const { method } = request;
  const { statusCode } = reply;
  const route = request.routeOptions.url ?? 'unmatched';
  const name = `${method} ${statusCode} ${route}`;
  let series = known.get(name);
  if (series === undefined) {
    series = new Series(method, route, statusCode);
    known.set(name, series);
  }
  series.observe(reply.elapsedTime / 1000);
}

/** Answers of one route and status since the process started; `within`: how many took at most so many seconds. */
export interface Answered {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly count: number;
  readonly within: ReadonlyMap<number, number>;
}

/** What has been answered so far. */
export function answeredSoFar(): Answered[] {
  return [...known.values()].map((series) => {
    const { method, route, status } = series;
    const within = series.within();
    return { method, route, status, count: within.get(Number.POSITIVE_INFINITY) as number, within };
  });
}
