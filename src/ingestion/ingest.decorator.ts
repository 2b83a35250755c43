import { createParamDecorator, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { HotRequest } from '../access/endpoint.decorator.js';
import { traceparentOf } from '../access/traceparent.js';
import { isCode } from '../problems/fields.dto.js';
import { invalid, Problem } from '../problems/problem.js';

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

/** The source and the request, where both are in order at a glance. */
export function plainlyIngested({ parameter: source, query, body, headers, id, traceparent }: HotRequest) {
  if (query !== '' || !isCode(source)) return undefined;
  return [source, { body, headers, requestId: id, traceparent: traceparent ?? null, atomic: false }];
}

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
