import type { Readable } from 'node:stream';
import { type Type, VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type pino from 'pino';
import type { IdentifiedRequest } from './access/access.guard.js';
import { Answer } from './access/answer.js';
import type { DeprecatedRoute } from './access/deprecated.decorator.js';
import { DeprecatedUseService } from './access/deprecated-use.service.js';
import type { EndpointRoute } from './access/endpoint.decorator.js';
import { Refusals } from './access/refusals.service.js';
import { traceparentOf } from './access/traceparent.js';
import { AppModule } from './app.module.js';
import type { Config } from './config.js';
import type { Clock } from './config.module.js';
import { HotWay } from './hot-way.js';
import { masked, openLog } from './log.js';
import { observeRequest } from './operations/http.metrics.js';
import { requireShallow } from './problems/nesting.js';
import { type AnsweredRequest, ProblemFilter, sendProblem } from './problems/problem.filter.js';
import { Problem } from './problems/problem.js';
import { withoutSecrets } from './problems/text.js';
import { validationPipe } from './problems/validation.pipe.js';
import { Arrivals, corsFor, refuseConnection, serverOptions, setProtectiveHeaders } from './protection.js';
import { requestIdOf } from './request-id.js';

/** The largest JSON body, in bytes. Imports are streamed and have a bound of their own. */
const BODY_LIMIT = 1024 * 1024;
/** The largest body of a route that takes bytes (`raw` of @Endpoint), in bytes. */
const RAW_LIMIT = 5 * 1024 * 1024;

export interface AppOptions {
  /** Milliseconds since 1970; tests turn it. Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Build the module graph without instantiating anything: for the OpenAPI document. */
  readonly preview?: boolean;
  /** Whether hot routes may go past Fastify and Nest (hot-way.ts). Default true; tests compare. */
  readonly hot?: boolean;
  /** Routes beside ours: tests bring one that is deprecated. */
  readonly controllers?: Type[];
}

/** The application as it runs, is tested and is documented: one and the same. Does not listen. */
export async function createApp(config: Config, options: AppOptions = {}): Promise<NestFastifyApplication> {
  const log = openLog(config);
  const adapter = new FastifyAdapter({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger a request, which pino makes with all that its lines will bear, would be for the one in a thousand that logs.
    childLoggerFactory: (logger: FastifyBaseLogger) => logger,
    bodyLimit: BODY_LIMIT,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    ...serverOptions(config),
    // While it shuts down, a request that still arrives on an open connection is answered, and the connection closed.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1024, caseSensitive: true, ignoreTrailingSlash: false },
    genReqId: requestIdOf,
    clientErrorHandler: refuseConnection,
    // What Fastify refuses before routing, such as a path that is not percent-encoded.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      setProtectiveHeaders(reply);
      sendProblem(error, request, reply);
    },
  } as ConstructorParameters<typeof FastifyAdapter>[0]);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config, options.clock ?? Date.now, options.controllers),
    adapter,
    { logger: options.preview ? false : ['error', 'warn'], abortOnError: false, preview: options.preview ?? false },
  );
  app.enableVersioning({ type: VersioningType.URI });
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ProblemFilter());
  if (config.corsOrigins.length > 0) app.enableCors(corsFor(config.corsOrigins));
  // Who reads debug lines has one of each answer, which the ordinary way writes.
  const isHot = options.hot ?? !['debug', 'trace'].includes(config.logLevel);
  const arrivals = new Arrivals(config, app.getHttpServer());
  const hotWay = new HotWay(app, arrivals, config.corsOrigins.length > 0);
  speakHttp(app, log, arrivals, hotWay, isHot);
  return app;
}

/** What holds for every answer, also for those that Fastify gives without Nest. */
function speakHttp(
  app: NestFastifyApplication,
  log: pino.Logger,
  arrivals: Arrivals,
  hotWay: HotWay,
  isHot: boolean,
): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('X-Request-Id', request.id);
    const traceparent = traceparentOf(request.headers.traceparent);
    if (traceparent !== undefined) reply.header('traceparent', traceparent);
    setProtectiveHeaders(reply);
    done(hotWay.handOver(request, reply) ?? arrivals.admit(request, reply));
  });
  fastify.addHook('preParsing', (request, _reply, payload, done) => done(null, hotWay.bodyOf(request) ?? payload));
  // Many clients say application/json also where they send nothing, as with POST …/release.
  const parse = fastify.getDefaultJsonParser('error', 'error');
  app.useBodyParser('application/json', { bodyLimit: BODY_LIMIT }, (request, body, done) => {
    if (routeOf(request as FastifyRequest).raw) done(null, body);
    else if (body.length === 0) done(null, undefined);
    else parse(request as FastifyRequest, body.toString('utf8'), done);
  });
  // Nest would take a form for a body of JSON: nothing says that it does, and a page may send one without being asked.
  app.useBodyParser('application/x-www-form-urlencoded', { bodyLimit: BODY_LIMIT }, (request, _body, done) => {
    const { is404 } = request as FastifyRequest;
    done(is404 ? null : new Problem('unsupported_media_type', 'This call takes no form. Send application/json.'));
  });
  fastify.removeContentTypeParser('text/plain');
  fastify.addContentTypeParser('*', (request, payload, done) => {
    const { streams, raw } = routeOf(request);
    const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    if (raw) collect(payload, RAW_LIMIT).then((body) => done(null, body), done);
    else if (request.is404 || streams?.includes(type)) done(null, payload);
    else
      done(new Problem('unsupported_media_type', 'This call does not take that Content-Type. Send application/json.'));
  });
  fastify.addHook('onRoute', (route) => {
    const said = (route.config ?? {}) as EndpointRoute & DeprecatedRoute;
    const { raw, hot, deprecated } = said;
    if (raw) route.bodyLimit = RAW_LIMIT;
    if (hot && isHot && !deprecated && route.method !== 'HEAD') hotWay.add(route.method as string, route.url, said);
    if (!deprecated) return;
    route.onRequest = (_request, reply, done) => {
      reply.headers(deprecated);
      done();
    };
    route.onResponse = (request, _reply, done) => {
      const { operation, principal } = request as IdentifiedRequest;
      app.get(DeprecatedUseService).count(operation ?? route.url, principal?.clientCode ?? '');
      done();
    };
  });
  fastify.addHook('preValidation', (request, _reply, done) => {
    arrivals.arrived(request.raw);
    requireShallow(request.body);
    done();
  });
  fastify.addHook('preSerialization', (_request, reply, payload, done) => {
    if (!(payload instanceof Answer)) return done(null, payload);
    const { text } = payload;
    reply.status(payload.status).headers(payload.headers);
    if (text !== undefined) reply.serializer(() => text as string); // it takes a Buffer as well
    done(null, payload.body);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    observeRequest(request, reply);
    arrivals.answered(request.raw);
    if (reply.statusCode === 403) noteRefusal(app, request);
    // A success is worth a line only to who asks for it: at 5,000 requests a second the log would be the load.
    if (reply.statusCode < 400 && !log.isLevelEnabled('debug')) return done();
    const line = {
      requestId: request.id,
      method: request.method,
      // Without its query: what is looked for is nobody's business, and some put keys there.
      path: masked(request.url.split('?', 1)[0] as string),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    };
    if (reply.statusCode >= 500) log.error(line, 'answered');
    else if (reply.statusCode >= 400) log.info(line, 'answered');
    else log.debug(line, 'answered');
    done();
  });
}

/** Who may not do what it asked for stands in the audit trail, whoever refused it. */
function noteRefusal(app: NestFastifyApplication, request: IdentifiedRequest & AnsweredRequest): void {
  const { principal, operation: action, problem: reason, id: requestId, ip: address } = request;
  if (!principal || !action || !reason) return;
  const path = withoutSecrets(request.url.split('?', 1)[0] as string);
  app.get(Refusals).note({ principal, action, path, reason, requestId, address });
}

function routeOf(request: FastifyRequest): EndpointRoute {
  return (request.routeOptions.config ?? {}) as EndpointRoute;
}

/** All of a body. Throws `payload_too_large` as soon as it is, and lets the rest pass by unread. */
async function collect(payload: Readable, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of payload.iterator({ destroyOnReturn: false })) {
      length += part.length;
      if (length > most) {
        payload.resume();
        throw new Problem('payload_too_large', `The body is larger than ${most / 1024 / 1024} MiB. Split it.`);
      }
      parts.push(part);
    }
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    // A sender that hung up is no fault of ours, whatever the code of the error looks like.
    throw new Problem('malformed_request', 'The body broke off before its end. Send it again.', { cause });
  }
  return Buffer.concat(parts, length);
}
