import { ArgumentsHost, Catch, ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isConflict, isOutage } from '../postgres/outage.js';
import { Problem, ProblemCode } from './problem.js';
import { withoutSecrets } from './text.js';

/** A request that was answered with a problem, and with which. */
export type AnsweredRequest = FastifyRequest & { problem?: ProblemCode };

const BY_STATUS: Record<number, ProblemCode> = {
  400: 'malformed_json',
  404: 'not_found',
  413: 'payload_too_large',
  414: 'url_too_long',
  415: 'unsupported_media_type',
};

const DETAIL_BY_STATUS: Record<number, string> = {
  404: 'No route answers this method and path. The contract is at /openapi/v1.json.',
  414: 'A part of the path is longer than 1,024 characters.',
  413: 'The body is larger than 1 MiB, or 5 MiB of events. Split the request, or use POST /v1/imports for bulk data.',
  415: 'This call does not take that Content-Type. Send application/json.',
};

/** Turns whatever was thrown into the problem a client may see. A 5xx never shows an exception's message. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const error = thrown as { statusCode?: number; code?: string; message?: string };
  if (error?.code === 'FST_ERR_BAD_URL') {
    const detail = 'The path is not percent-encoded UTF-8: encode a SKU before it goes into a path.';
    return new Problem('validation_failed', detail, { cause: thrown });
  }
  const status = thrown instanceof HttpException ? thrown.getStatus() : error?.statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    const code = BY_STATUS[status] ?? 'validation_failed';
    const detail = DETAIL_BY_STATUS[status] ?? (error.message || 'The request could not be read.');
    return new Problem(code, detail, { cause: thrown });
  }
  // Worth a retry, so 503 and not 500.
  if (isConflict(thrown)) {
    return new Problem(
      'overloaded',
      'Others change the same at this moment. Nothing was changed: repeat the request.',
      {
        retryAfter: 1,
        cause: thrown,
      },
    );
  }
  if (isOutage(thrown)) {
    return new Problem('unavailable', 'The database does not answer. Repeat the request with the same key.', {
      retryAfter: 1,
      cause: thrown,
    });
  }
  return new Problem('internal_error', 'The request failed on our side. It is safe to repeat it with the same key.', {
    cause: thrown,
  });
}

/** Sends a problem document; shared by the Nest filter and the paths Fastify answers without Nest. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(thrown);
  (request as AnsweredRequest).problem = problem.code;
  if (problem.status >= 500) {
    const { id: requestId } = request;
    request.log.error({ requestId, err: problem.more.cause ?? thrown, code: problem.code }, 'request failed');
  }
  if (problem.more.retryAfter !== undefined) reply.header('Retry-After', String(Math.ceil(problem.more.retryAfter)));
  for (const [name, value] of Object.entries(problem.more.headers ?? {})) reply.header(name, value);
  const path = request.url.split('?', 1)[0];
  reply
    .status(problem.status)
    .header('Content-Type', 'application/problem+json; charset=utf-8')
    .header('Cache-Control', 'no-store')
    // The hook that gives it to every answer does not run for what Fastify refuses before routing.
    .header('X-Request-Id', request.id)
    .send(withoutSecrets(JSON.stringify({ ...problem.document(), instance: path, requestId: request.id })));
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}
