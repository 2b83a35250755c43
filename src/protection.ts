import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, register } from 'prom-client';
import type { Config } from './config.js';
import { Problem, type ProblemCode } from './problems/problem.js';
import { TurnResponse } from './turn-response.js';

/**
 * What holds a bad client off before anything of its request is believed. Decision 0018 has the reasons and the figures.
 */

/** Bytes of request line and headers together. */
const MOST_HEADER_BYTES = 16 * 1024;
/** RFC 9110 asks for 8,000 bytes of URL at least; the longest that means anything here has a cursor and a few filters. */
const MOST_URL_BYTES = 8 * 1024;
/** A browser behind two proxies sends 40. */
const MOST_HEADERS = 100;
/** A body up to this is not counted: as many of them as there may be connections fit into memory. In bytes. */
export const SMALL_BODY = 16 * 1024;

/**
 * On every answer; pages have a Content-Security-Policy of their own (src/contract/page-policy.ts). An answer of JSON is
 * to be looked at by a program: shown in a browser it may do nothing, nor be taken for something else, nor be embedded.
 * Set one by one from a list that is made once: helmet takes 9 µs a request for its headers, 5 for these, this 0.7.
 */
export const PROTECTIVE_HEADERS = [
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
] as const;

export function setProtectiveHeaders(reply: FastifyReply): void {
  for (const [name, value] of PROTECTIVE_HEADERS) reply.header(name, value);
}

const cut =
  (register.getSingleMetric('holdfast_http_refused_total') as Counter<'reason'> | undefined) ??
  new Counter({
    name: 'holdfast_http_refused_total',
    help: 'Connections and requests refused before they were looked at, by reason.',
    labelNames: ['reason'],
  });

/** Settings of Node's server. Our own bounds, also where NODE_OPTIONS or a newer Node says otherwise. */
export function serverOptions(config: Config) {
  return {
    keepAliveTimeout: config.keepAliveTimeoutMs,
    // Neither sends nor takes a byte: also who asks for much and does not read it. Longer than any answer takes.
    connectionTimeout: 4 * config.requestTimeoutMs,
    // Of bodies we take care ourselves: an import may take hours, and Node knows one time for all.
    requestTimeout: 0,
    http: {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: config.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(config.headersTimeoutMs, 5_000),
      insecureHTTPParser: false,
      // Answered by us, with a problem document.
      requireHostHeader: false,
      ServerResponse: TurnResponse,
    },
  } satisfies FastifyHttpOptions<Server>;
}

/** What a page may read of an answer beside its body. */
const EXPOSED_HEADERS = [
  'ETag',
  'Link',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'Deprecation',
  'Sunset',
  'Idempotent-Replayed',
  'X-Request-Id',
  'traceparent',
];

/**
 * Pages of these origins may call us, with a key that they send themselves: there are no cookies, and none are taken.
 */
export function corsFor(origins: readonly string[]) {
  return {
    origin: [...origins],
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'X-Request-Id',
      'traceparent',
    ],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 600,
    // Else a preflight that is none is answered with plain text.
    strictPreflight: false,
  };
}

/** What an answer says of it to who asks from no page, name after value: `vary` as the answer itself would have it. */
export function corsLines(vary = 'Origin'): string[] {
  return ['vary', vary, 'access-control-expose-headers', EXPOSED_HEADERS.join(', ')];
}

/** Where a request stands among those that arrive. */
const PLACE = Symbol('place');

type Arriving = IncomingMessage & { [PLACE]?: number | undefined };

/** The requests of one server whose bodies are still arriving: how long they take, and how much memory. */
export class Arrivals {
  /**
   * By their places, which the next take over. Not a Set: whenever its table is full it is left for another, and as long as no full
   * collection has been the one that was left keeps alive whom it had, with their answers. A third of all that queries of
   * 100 lines allocate stayed so; without it one takes 3.8 µs of CPU a line instead of 5.5.
   */
  private readonly arriving: (Arriving | undefined)[] = [];
  /** In which interval the one of this place came. Who is there at the end of a later one has had a whole interval. */
  private readonly cameIn: number[] = [];
  private readonly free: number[] = [];
  private interval = 0;
  private largeBytes = 0;
  private readonly mostBytes: number;

  constructor(config: Config, server: Server) {
    this.mostBytes = config.bodyMemoryMb * 1024 * 1024;
    server.maxConnections = config.maxConnections;
    server.on('drop', () => cut.inc({ reason: 'connections' }));
    const sweep = setInterval(() => this.sweep(), config.requestTimeoutMs).unref();
    server.once('close', () => clearInterval(sweep));
  }

  /** What a request is refused for by its first lines alone; undefined: nothing. From here on its body is watched. */
  admit(arriving: FastifyRequest, reply: FastifyReply): Problem | undefined {
    const request = arriving.raw;
    const { url = '', headers, httpVersionMinor } = request;
    if (url.length > MOST_URL_BYTES) return refusal('url_too_long', 'The URL has more than 8 KiB.');
    if (hasTooManyHeaders(request)) {
      return refusal('headers_too_large', `The request has more than ${MOST_HEADERS} headers.`);
    }
    if (headers.host === undefined && httpVersionMinor === 1) {
      return refusal('malformed_request', 'A request of HTTP/1.1 has a Host header.');
    }
    const chunked = headers['transfer-encoding'] !== undefined;
    const length = chunked ? Number.POSITIVE_INFINITY : Number(headers['content-length'] ?? 0);
    if (length === 0) return undefined;
    if (length > SMALL_BODY) {
      const bytes = Math.min(length, arriving.routeOptions.bodyLimit);
      if (this.largeBytes + bytes > this.mostBytes) {
        return refusal('overloaded', 'Too many large bodies are arriving at once.', { retryAfter: 1 });
      }
      this.largeBytes += bytes;
      // Also when the client hangs up, of which no hook hears.
      reply.raw.once('close', () => {
        this.largeBytes -= bytes;
      });
    }
    this.watch(request);
    return undefined;
  }

  /** The body is to arrive in time. */
  watch(request: Arriving): void {
    if (request[PLACE] !== undefined) return;
    const place = this.free.pop() ?? this.arriving.length;
    this.arriving[place] = request;
    this.cameIn[place] = this.interval;
    request[PLACE] = place;
  }

  /** The body is there, or a stream that its reader looks after. */
  arrived(request: Arriving): void {
    const place = request[PLACE];
    if (place === undefined) return;
    this.arriving[place] = undefined;
    this.free.push(place);
    request[PLACE] = undefined;
  }

  /** The request is answered. What of its body still comes has as long as any body. */
  answered(request: IncomingMessage): void {
    this.arrived(request);
    if (!request.complete && !request.destroyed) this.watch(request);
  }

  private sweep(): void {
    for (const [place, request] of this.arriving.entries()) {
      if (request === undefined || this.cameIn[place] === this.interval) continue;
      this.arrived(request);
      if (request.complete || request.destroyed) continue;
      cut.inc({ reason: 'body_timeout' });
      sayAndClose(request.socket, new Problem('request_timeout', 'The body did not arrive in time.'));
      request.socket.destroySoon();
    }
    this.interval += 1;
  }
}

export function hasTooManyHeaders({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.length > 2 * MOST_HEADERS;
}

function refusal(code: ProblemCode, detail: string, more = {}): Problem {
  cut.inc({ reason: code });
  // What is on its way behind the first lines is not read.
  return new Problem(code, detail, { ...more, headers: { Connection: 'close' } });
}

/** What is not HTTP, or more header than is read, or too slow, never becomes a request: answered on the bare socket. */
export function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const problem = whatIsWrong(error.code);
  cut.inc({ reason: problem.code });
  sayAndClose(socket, problem);
}

function whatIsWrong(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem('headers_too_large', 'The headers have more than 16 KiB.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Problem('request_timeout', 'The headers of the request did not arrive in time.');
  }
  return new Problem('malformed_request', 'This is not a request of HTTP/1.1.');
}

function sayAndClose(socket: Socket, problem: Problem): void {
  const body = JSON.stringify({ ...problem.document(), instance: '/', requestId: randomUUID() });
  const headers = [
    ...PROTECTIVE_HEADERS,
    ['content-type', 'application/problem+json; charset=utf-8'],
    ['content-length', Buffer.byteLength(body)],
    ['connection', 'close'],
  ];
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
