import { Counter, Histogram, register } from 'prom-client';

/** Metrics of the posting engine. Made once a process: tests start several applications in one. */
function once<T>(name: string, make: () => T): T {
  return (register.getSingleMetric(name) as T | undefined) ?? make();
}

export const engineMetrics = {
  batch: once('holdfast_engine_batch_commands', () => {
    return new Histogram({
      name: 'holdfast_engine_batch_commands',
      help: 'Commands committed in one transaction.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    });
  }),
  wait: once('holdfast_engine_wait_seconds', () => {
    return new Histogram({
      name: 'holdfast_engine_wait_seconds',
      help: 'Time from arrival of a command to the opening of its transaction.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    });
  }),
  commit: once('holdfast_engine_commit_seconds', () => {
    return new Histogram({
      name: 'holdfast_engine_commit_seconds',
      help: 'Time from sending the writes of a batch to the answer of COMMIT.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    });
  }),
  refused: once('holdfast_engine_refused_total', () => {
    return new Counter({
      name: 'holdfast_engine_refused_total',
      help: 'Commands refused, by reason.',
      labelNames: ['reason'],
    });
  }),
};
