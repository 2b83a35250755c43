/**
 * Loaded before everything else (`node --import ./dist/tracing.js dist/main.js`), because what is traced has to be wrapped
 * before anybody uses it. Does nothing, and loads nothing, unless OTEL_EXPORTER_OTLP_ENDPOINT or
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says where spans go: the standard settings of OpenTelemetry, which is why they are
 * read here and not in src/config.ts. The processes that evaluate profiles inherit this line, but no environment.
 */
const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_SDK_DISABLED } = process.env;

if ((OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || OTEL_EXPORTER_OTLP_ENDPOINT) && OTEL_SDK_DISABLED !== 'true') {
  (await import('./tracing.sdk.js')).startTracing();
}

export {};
