import {
  type Attributes,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/**
 * Spans of our own. `src/tracing.ts` is loaded before this and has registered who collects them, or nobody does: then all
 * of this is one comparison with undefined.
 */
const provider = trace.getTracerProvider();
const tracer = provider instanceof ProxyTracerProvider ? provider.getDelegateTracer('holdfast') : undefined;

/** How long the last spans may take to be sent when the service ends, in milliseconds. */
const FLUSH_MS = 2_000;

/** Whether anybody collects spans: what is looked up for them alone need not be. */
export const isTracing = tracer !== undefined;

/** What the work at hand is traced as; undefined: it is not. */
export function traceOrigin(): object | undefined {
  return tracer && trace.getActiveSpan();
}

/** Names the span of a request by its route, which was not known when the span was made. As src/tracing.sdk.ts does for Fastify. */
export function nameRequest(method: string, route: string): void {
  if (tracer) trace.getActiveSpan()?.updateName(`${method} ${route}`).setAttribute('http.route', route);
}

/** What a sender traces by this traceparent, to be linked with; it cannot be linked back, for it is not here. */
export function senderOrigin(traceparent: string): object | undefined {
  const sender = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent }));
  return sender && trace.wrapSpanContext(sender);
}

/** Work as a span below the one at hand. `about`: what the outcome says of it, in numbers. */
export function inSpan<T>(name: string, work: () => Promise<T>, about: (outcome: T) => Attributes): Promise<T> {
  if (!tracer) return work();
  return tracer.startActiveSpan(name, (span) => finish(span, work, about));
}

/** A statement that PostgreSQL answers, named like those that pg sends itself, but for the database. Its text without its values. */
export function inStatementSpan<T>({ name, text }: { name: string; text: string }, work: () => Promise<T>): Promise<T> {
  if (!tracer) return work();
  const attributes = { 'db.system.name': 'postgresql', 'db.query.text': text };
  return tracer.startActiveSpan(`pg.query:${name}`, { kind: SpanKind.CLIENT, attributes }, (span) =>
    finish(span, work, () => ({})),
  );
}

/**
 * Work that is done for several at once: a trace of its own, linked with the spans of those who asked for it, and they
 * with it. `originsOf`: what `traceOrigin` answered them, or `senderOrigin`; asked only where spans are collected.
 */
export function inSharedSpan<T>(
  name: string,
  originsOf: () => readonly (object | undefined)[],
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  if (!tracer) return work();
  const spans = originsOf().filter((origin) => origin !== undefined) as Span[];
  const links = spans.map((span) => ({ context: span.spanContext() }));
  return tracer.startActiveSpan(name, { root: true, links, attributes }, (span) => {
    for (const origin of spans) origin.addLink({ context: span.spanContext() });
    return finish(span, work, () => ({}));
  });
}

/** Sends the spans that still wait. */
export async function flushSpans(): Promise<void> {
  const collecting = provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
  const { forceFlush } = collecting as { forceFlush?: () => Promise<void> };
  if (!forceFlush) return;
  const enough = new Promise((resolve) => setTimeout(resolve, FLUSH_MS).unref());
  await Promise.race([forceFlush.call(collecting).catch(() => {}), enough]);
}

async function finish<T>(span: Span, work: () => Promise<T>, about: (outcome: T) => Attributes): Promise<T> {
  try {
    const outcome = await work();
    span.setAttributes(about(outcome));
    return outcome;
  } catch (error) {
    // Its kind, and not its words: they may quote data.
    span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', (error as Error)?.name ?? 'unknown');
    throw error;
  } finally {
    span.end();
  }
}
