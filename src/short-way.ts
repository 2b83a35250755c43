import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type pino from 'pino';
import type { Answer } from './access/answer.js';
import type { ShortRoute } from './access/endpoint.decorator.js';
import { traceparentOf } from './access/traceparent.js';
import { observeRequest } from './operations/http.metrics.js';
import { type Arrivals, hasTooManyHeaders, PROTECTIVE_HEADERS, SMALL_BODY } from './protection.js';
import { requestIdOf } from './request-id.js';

/** Bodies of JSON, by themselves or of a kind; in UTF-8, as JSON is. */
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json(?:; ?charset=utf-8)?$/i;
const PROTECTION = PROTECTIVE_HEADERS.flat();

interface Listed extends ShortRoute {
  /** As in metrics: `/v1/ingest/:source`. */
  readonly url: string;
  /** Before its parameter, which is its end. */
  readonly prefix: string;
  /** Found at the first request: when a route is made, the application is not whole. */
  call?: Call;
}

type Call = (...given: readonly unknown[]) => Promise<Answer>;

/**
 * From Node's request to the controller and back, for a POST of bytes that anyone may make and that is in order at a glance:
 * there is nothing in it for a guard, a parser or a hook to do, and Fastify and Nest took 17 of the 77 µs of an event to do
 * nothing. Any other request goes the ordinary way, as does, with what it is refused for, any that is refused: there is one
 * place that judges and explains. The answer is the same on both ways, to the byte.
 */
export class ShortWay {
  private readonly routes: Listed[] = [];
  private readonly refused = new WeakMap<IncomingMessage, Error>();
  private readonly server: Server;
  private readonly ordinary: RequestListener[];

  constructor(
    private readonly app: NestFastifyApplication,
    private readonly arrivals: Arrivals,
    private readonly log: pino.Logger,
  ) {
    this.server = app.getHttpServer();
    this.ordinary = this.server.listeners('request') as RequestListener[];
    this.server.removeAllListeners('request').on('request', (request, response) => this.receive(request, response));
  }

  add(url: string, route: ShortRoute): void {
    this.routes.push({ ...route, url, prefix: url.slice(0, url.indexOf(':')) });
  }

  /** Why the request was refused on the short way; undefined: it has not been there. */
  refusalOf(request: IncomingMessage): Error | undefined {
    return this.refused.get(request);
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const route = this.routeOf(request);
    if (route === undefined) {
      this.goOn(request, response);
      return;
    }
    const since = performance.now();
    const parts: Buffer[] = [];
    this.arrivals.watch(request);
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      this.arrivals.arrived(request);
      const body = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      this.answer(route, request, response, body, since);
    });
  }

  private answer(route: Listed, request: IncomingMessage, response: ServerResponse, body: Buffer, since: number): void {
    const { headers, url = '' } = request;
    const id = requestIdOf(request);
    const traceparent = traceparentOf(headers.traceparent);
    route.call ??= this.callOf(route);
    route.call(...route.argumentsOf(url.slice(route.prefix.length), { body, headers, id, traceparent })).then(
      (answer) => {
        const text = answer.text ?? JSON.stringify(answer.body);
        const lines = ['x-request-id', id];
        if (traceparent !== undefined) lines.push('traceparent', traceparent);
        lines.push(...PROTECTION, 'content-type', 'application/json; charset=utf-8');
        for (const name in answer.headers) lines.push(name.toLowerCase(), answer.headers[name] as string);
        lines.push('content-length', String(Buffer.byteLength(text)));
        if (!this.server.listening) lines.push('connection', 'close');
        // One chunk, so one plain write: `end` with the text would make a list of two of it, the second empty.
        response.socket?.cork();
        response.writeHead(answer.status, lines).write(text);
        response.socket?.uncork();
        response.end();
        const elapsedTime = performance.now() - since;
        observeRequest({ method: 'POST', routeOptions: route }, { statusCode: answer.status, elapsedTime });
      },
      (error) => {
        this.refused.set(request, error);
        this.goOn(request, response);
      },
    );
  }

  private callOf({ controller, method }: Listed): Call {
    const found: Record<string, Call> = this.app.get(controller, { strict: false });
    return (...given) => (found[method] as Call)(...given);
  }

  private goOn(request: IncomingMessage, response: ServerResponse): void {
    for (const listener of this.ordinary) listener.call(this.server, request, response);
  }

  /** undefined: there is something about the request that is not everyday. */
  private routeOf(request: IncomingMessage): Listed | undefined {
    const { method, url = '', headers } = request;
    if (method !== 'POST') return undefined;
    const route = this.routes.find(({ prefix }) => url.startsWith(prefix));
    if (route === undefined || !route.parameter.test(url.slice(route.prefix.length))) return undefined;
    const length = Number(headers['content-length'] ?? 0);
    const everyday =
      length > 0 &&
      length <= SMALL_BODY &&
      JSON_TYPE.test(headers['content-type'] ?? '') &&
      headers.host !== undefined &&
      headers.origin === undefined &&
      headers.expect === undefined &&
      headers['transfer-encoding'] === undefined &&
      !hasTooManyHeaders(request) &&
      // While it shuts down, Fastify closes connections behind their answers.
      this.server.listening &&
      // Then each answer has its line.
      !this.log.isLevelEnabled('debug');
    return everyday ? route : undefined;
  }
}
