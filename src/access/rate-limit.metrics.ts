import { Counter, Gauge, register } from 'prom-client';

/** Made once a process: tests start several applications in one. */
function once<T>(name: string, make: () => T): T {
  return (register.getSingleMetric(name) as T | undefined) ?? make();
}

/** Decisions that the counter has not been told of: it takes four times as long as the decision, and does when somebody asks. */
const untold = new Map<string, number>();

once('holdfast_rate_limit_decisions_total', () => {
  return new Counter({
    name: 'holdfast_rate_limit_decisions_total',
    help: 'Requests of limited keys, by what was decided and by whom: redis, process (no REDIS_URL), insurance (Redis is away).',
    labelNames: ['channel', 'outcome', 'mode'] as const,
    collect() {
      for (const [labels, count] of untold) {
        const [channel = '', outcome = '', mode = ''] = labels.split(' ');
        this.inc({ channel, outcome, mode }, count);
      }
      untold.clear();
    },
  });
});

/** Counts a decision about a request; `channel`: its code, empty where there is none. */
export function countDecision(channel: string, outcome: 'accepted' | 'limited', mode: string): void {
  const labels = `${channel} ${outcome} ${mode}`;
  untold.set(labels, (untold.get(labels) ?? 0) + 1);
}

export const rateLimitMetrics = {
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
