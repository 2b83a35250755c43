import diagnostics from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { type Attributes, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import type { FastifyInstance } from 'fastify';
import { masked } from './log.js';

/** Probes and scrapes come every few seconds and tell nothing. */
const NOT_TRACED = /^\/(health|metrics)(\/|\?|$)/;
/** What the instrumentations know of a request or a failure and a trace should not: queries, and words with data in them. */
const LEFT_OUT = ['url.query', 'http.target', 'http.url', 'exception.message', 'exception.stacktrace'];

/** Spans of HTTP, of PostgreSQL and of our own (src/operations/spans.tracer.ts), sent as OTLP over HTTP in JSON. */
export function startTracing(): void {
  const resource = resourceFromAttributes({ 'service.name': 'holdfast' })
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ 'service.instance.id': `${process.pid}` }));
  new NodeTracerProvider({
    resource: defaultResource().merge(resource),
    spanProcessors: [new DiscreetProcessor(new OTLPTraceExporter())],
  }).register();

  // Both wrap what is loaded by `require` from here on. Loading it now wraps it for those too who `import` it, since these
  // are the same objects: so no loader hook is needed, which would look at every module of the service.
  const instrumentations = [
    new HttpInstrumentation({
      disableOutgoingRequestInstrumentation: true,
      ignoreIncomingRequestHook: ({ url = '' }) => NOT_TRACED.test(url),
    }),
    new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true }),
  ];
  for (const each of instrumentations) each.enable();
  const require = createRequire(import.meta.url);
  for (const wrapped of ['http', 'pg']) require(wrapped);

  // The span of a request is made before there is a route.
  diagnostics.subscribe('fastify.initialization', (message) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRequest', (request, _reply, done) => {
      const { url } = request.routeOptions;
      if (url !== undefined) {
        trace.getActiveSpan()?.updateName(`${request.method} ${url}`).setAttribute('http.route', url);
      }
      done();
    });
  });
}

/** Takes out of a span what may be a secret or somebody's data before it is sent. */
class DiscreetProcessor extends BatchSpanProcessor {
  override onEnd(span: ReadableSpan): void {
    trim(span.attributes);
    for (const event of span.events) if (event.attributes) trim(event.attributes);
    // What PostgreSQL says may quote the value that it did not like.
    delete (span.status as { message?: string }).message;
    super.onEnd(span);
  }
}

function trim(attributes: Attributes): void {
  for (const name of LEFT_OUT) delete attributes[name];
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string') attributes[name] = masked(value);
  }
}
