import { Counter, Histogram, register } from 'prom-client';

/** Metrics of receiving. Made once a process: tests start several applications in one. */
function once<T>(name: string, make: () => T): T {
  return (register.getSingleMetric(name) as T | undefined) ?? make();
}

/**
 * Events since somebody last looked, by source and what became of them: to find a counter by its labels takes prom-client
 * 0.6 µs, which is done once a look instead of once an event.
 */
let uncounted = new Map<string, Map<string, number>>();

export function countReceived(source: string, status: string): void {
  let counts = uncounted.get(source);
  if (counts === undefined) {
    counts = new Map();
    uncounted.set(source, counts);
  }
  counts.set(status, (counts.get(status) ?? 0) + 1);
}

export const receivingMetrics = {
  events: once('holdfast_ingest_events_total', () => {
    return new Counter({
      name: 'holdfast_ingest_events_total',
      help: 'Events taken in, by source and what became of them: received, duplicate or rejected.',
      labelNames: ['source', 'status'] as const,
      collect() {
        for (const [source, counts] of uncounted) {
          for (const [status, events] of counts) this.inc({ source, status }, events);
        }
        uncounted = new Map();
      },
    });
  }),
  refused: once('holdfast_ingest_refused_total', () => {
    return new Counter({
      name: 'holdfast_ingest_refused_total',
      help: 'Requests of a source that were refused whole, by reason.',
      labelNames: ['source', 'reason'] as const,
    });
  }),
  batch: once('holdfast_ingest_batch_events', () => {
    return new Histogram({
      name: 'holdfast_ingest_batch_events',
      help: 'Events made durable by one commit.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 10_000],
    });
  }),
};
