import { createParamDecorator, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ShortArguments } from '../access/endpoint.decorator.js';
import { traceparentOf } from '../access/traceparent.js';
import { invalid, Problem } from '../problems/problem.js';
import { CODE } from '../problems/text.js';

/** A request of a source, of which nothing is believed yet. */
export interface IngestRequest {
  /** As sent: not inflated. */
  readonly body: Buffer;
  readonly headers: FastifyRequest['headers'];
  readonly requestId: string;
  readonly traceparent: string | null;
  /** All of its events, or none. */
  readonly atomic: boolean;
}

/** The source and the request, where both are in order at a glance: there is no query then. */
export const plainlyIngested: ShortArguments = {
  parameter: CODE,
  argumentsOf: (source, { body, headers, id, traceparent = null }): [source: string, request: IngestRequest] => [
    source,
    { body, headers, requestId: id, traceparent, atomic: false },
  ],
};

/** Throws `unsupported_media_type` for a form, which Fastify has taken apart before we see it. */
export const Ingested = createParamDecorator((_: unknown, context: ExecutionContext): IngestRequest => {
  const { body = Buffer.alloc(0), headers, id, query } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!Buffer.isBuffer(body)) {
    throw new Problem('unsupported_media_type', 'Send events as they are, not as a form.');
  }
  return {
    body,
    headers,
    requestId: id,
    traceparent: traceparentOf(headers.traceparent) ?? null,
    atomic: atomicOf(query),
  };
});

function atomicOf(query: unknown): boolean {
  const { atomic = 'false' } = query as { atomic?: unknown };
  if (atomic === 'true' || atomic === 'false') return atomic === 'true';
  throw invalid([{ parameter: 'atomic', code: 'invalid_value', detail: 'takes true or false' }]);
}
