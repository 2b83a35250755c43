import { Gauge, register } from 'prom-client';
import { isStale } from './source-health.dto.js';
import type { SourceHealth } from './source-health.repository.js';

/** One for each member of a source's health. Made once a process: tests start several applications in one. */
const GAUGES = {
  lastHeard: [
    'holdfast_source_last_heard_timestamp_seconds',
    'When a source was last heard of, in seconds since 1970.',
  ],
  lastEvent: [
    'holdfast_source_last_event_timestamp_seconds',
    'When the last event of a source came, in seconds since 1970.',
  ],
  freshness: ['holdfast_source_freshness_seconds', 'How long a source may be silent; none: as long as it likes.'],
  stale: ['holdfast_source_stale', '1: a source has been silent for longer than that.'],
  lag: ['holdfast_source_lag_seconds', 'Age of the oldest event of a source that is still to be applied.'],
  received: ['holdfast_source_backlog_received', 'Events of a source that are still to be applied.'],
  parked: ['holdfast_source_backlog_parked', 'Events of a source that wait for something to appear or be repaired.'],
  exceptions: ['holdfast_source_exceptions_open', 'Open exceptions of a source.'],
  rate: ['holdfast_source_events_per_minute', 'Events of a source in the last 60 seconds.'],
} as const;

/** Reads the health of all sources; scraped by Prometheus, at most once a second. */
type Reader = () => Promise<{ readonly now: number; readonly sources: readonly SourceHealth[] }>;

const REMEMBER_MS = 1_000;
let reader: Reader | undefined;
let readAt = Number.NEGATIVE_INFINITY;
let reading: Promise<void> = Promise.resolve();

const gauges = Object.fromEntries(
  Object.entries(GAUGES).map(([key, [name, help]]) => {
    const collect = () => readOnce();
    const known = register.getSingleMetric(name) as Gauge | undefined;
    return [key, known ?? new Gauge({ name, help, labelNames: ['source'], collect })];
  }),
) as unknown as Record<keyof typeof GAUGES, Gauge<'source'>>;

/** The application whose sources the gauges show: the one that was started last. */
export function showHealthOf(next: Reader | undefined): void {
  reader = next;
  readAt = Number.NEGATIVE_INFINITY;
}

/** All gauges are set by whichever is asked first. A database that is away leaves them as they were. */
function readOnce(): Promise<void> {
  if (performance.now() - readAt < REMEMBER_MS) return reading;
  readAt = performance.now();
  reading = (async () => {
    const read = await reader?.().catch(() => undefined);
    if (!read) return;
    for (const gauge of Object.values(gauges)) gauge.reset();
    for (const health of read.sources) {
      const { source, lastHeardAt, lastEventAt, freshnessSeconds, waitingSince } = health;
      if (lastHeardAt !== null) gauges.lastHeard.set({ source }, lastHeardAt / 1_000);
      if (lastEventAt !== null) gauges.lastEvent.set({ source }, lastEventAt / 1_000);
      if (freshnessSeconds !== null) gauges.freshness.set({ source }, freshnessSeconds);
      gauges.stale.set({ source }, isStale(health, read.now) ? 1 : 0);
      gauges.lag.set({ source }, waitingSince === null ? 0 : Math.max(0, read.now - waitingSince) / 1_000);
      gauges.received.set({ source }, health.received);
      gauges.parked.set({ source }, health.parked);
      gauges.exceptions.set({ source }, health.exceptionsOpen);
      gauges.rate.set({ source }, health.eventsPerMinute);
    }
  })();
  return reading;
}
