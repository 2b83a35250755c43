import type { FastifyReply, FastifyRequest } from 'fastify';
import { Histogram } from 'prom-client';

/**
 * A feature's metrics stand in its own `*.metrics.ts`, at module level, on prom-client's one registry:
 * then nobody has to be handed a registry, and /metrics shows whatever the process has loaded.
 */
const duration = new Histogram({
  name: 'http_server_request_duration_seconds',
  help: 'Time from the first byte of a request to the last of its answer.',
  labelNames: ['method', 'route', 'status'] as const,
  // The advice of OpenTelemetry's semantic conventions, with two finer steps: a reservation takes 2 to 20 ms.
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
});

/** Counts an answered request under its route's pattern: a label a SKU would make a time series a SKU. */
export function observeRequest(request: FastifyRequest, reply: FastifyReply): void {
  const route = request.routeOptions.url ?? 'unmatched';
  duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
}

/** Answers of one route and status since the process started; `within`: how many took at most so many seconds. */
export interface Answered {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly count: number;
  readonly within: ReadonlyMap<number, number>;
}

/** What has been answered so far, as the histogram has it. */
export async function answeredSoFar(): Promise<Answered[]> {
  const found = new Map<
    string,
    { method: string; route: string; status: number; count: number; within: Map<number, number> }
  >();
  for (const { labels, metricName, value } of (await duration.get()).values) {
    const { method = '', route = '', status } = labels;
    const key = `${method} ${route} ${status}`;
    const one = found.get(key) ?? {
      method: String(method),
      route: String(route),
      status: Number(status),
      count: 0,
      within: new Map(),
    };
    found.set(key, one);
    if (metricName?.endsWith('_count')) one.count = value;
    const bound = (labels as { le?: number | string }).le;
    if (metricName?.endsWith('_bucket') && typeof bound === 'number') one.within.set(bound, value);
  }
  return [...found.values()];
}
