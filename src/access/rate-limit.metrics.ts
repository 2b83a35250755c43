import { Counter, Gauge, register } from 'prom-client';

/** Made once a process: tests start several applications in one. */
function once<T>(name: string, make: () => T): T {
  return (register.getSingleMetric(name) as T | undefined) ?? make();
}

export const rateLimitMetrics = {
  decisions: once('holdfast_rate_limit_decisions_total', () => {
    return new Counter({
      name: 'holdfast_rate_limit_decisions_total',
      help: 'Requests of limited keys, by what was decided and by whom: redis, process (no REDIS_URL), insurance (Redis is away).',
      labelNames: ['channel', 'outcome', 'mode'] as const,
    });
  }),
  limited: once('holdfast_rate_limited_total', () => {
    return new Counter({
      name: 'holdfast_rate_limited_total',
      help: 'Requests answered 429, by each policy that was violated.',
      labelNames: ['channel', 'policy'] as const,
    });
  }),
  processes: once('holdfast_processes', () => {
    return new Gauge({
      name: 'holdfast_processes',
      help: 'Processes that serve this database, as far as this one knows. Each lets its share pass where Redis is away.',
    });
  }),
};
