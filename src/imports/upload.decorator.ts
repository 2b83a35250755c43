import { Readable } from 'node:stream';
import { createParamDecorator, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { parseIdempotencyKey } from '../access/idempotency.js';
import { Problem } from '../problems/problem.js';
import { type Format, MEDIA_TYPES } from './import.js';

/** A body on its way in, of which nothing is read yet. */
export interface Upload {
  readonly format: Format;
  readonly body: Readable;
  /** In bytes, as announced; undefined: the sender does not say. */
  readonly length: number | undefined;
  /** The Idempotency-Key. */
  readonly key: string;
}

/** Throws `unsupported_media_type`, `idempotency_key_missing`. */
export const Uploaded = createParamDecorator((_: unknown, context: ExecutionContext): Upload => {
  const { headers, body } = context.switchToHttp().getRequest<FastifyRequest>();
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const format = MEDIA_TYPES[type.trim()];
  if (!format || !(body instanceof Readable)) {
    throw new Problem('unsupported_media_type', 'Send text/csv or application/x-ndjson, and say so in Content-Type.');
  }
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  if (charset !== undefined && !/=\s*"?utf-?8"?\s*$/.test(charset)) {
    throw new Problem('unsupported_media_type', `Send the body in UTF-8, not in ${charset.trim()}.`);
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Problem('unsupported_media_type', 'Send the body as it is, without Content-Encoding.');
  }
  const length = headers['content-length'];
  return {
    format,
    body,
    length: length === undefined ? undefined : Number(length),
    key: parseIdempotencyKey(headers['idempotency-key'] as string | undefined),
  };
});
