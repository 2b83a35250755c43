import { Readable } from 'node:stream';
import { createParamDecorator, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { parseIdempotencyKey } from '../access/idempotency.js';
import { traceparentOf } from '../access/traceparent.js';
import { Problem } from '../problems/problem.js';
import { EVENT_MEDIA_TYPES, type Format, MEDIA_TYPES } from './import.js';

/** A body on its way in, of which nothing is read yet. */
export interface Upload {
  readonly format: Format;
  readonly body: Readable;
  /** In bytes, as announced; undefined: the sender does not say. */
  readonly length: number | undefined;
  /** The Idempotency-Key. */
  readonly key: string;
  readonly traceparent: string | null;
}

/** Throws `unsupported_media_type`, `idempotency_key_missing`. */
export const Uploaded = createParamDecorator((_: unknown, context: ExecutionContext) => uploadOf(context, MEDIA_TYPES));

/** The same for a file of events, which may be EDI. */
export const UploadedEvents = createParamDecorator((_: unknown, context: ExecutionContext) =>
  uploadOf(context, EVENT_MEDIA_TYPES),
);

function uploadOf(context: ExecutionContext, types: Readonly<Record<string, Format>>): Upload {
  const { headers, body } = context.switchToHttp().getRequest<FastifyRequest>();
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const format = types[type.trim()];
  if (!format || !(body instanceof Readable)) {
    const takes = Object.keys(types).join(' or ');
    throw new Problem('unsupported_media_type', `Send ${takes}, and say so in Content-Type.`);
  }
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  if (charset !== undefined && isText(format) && !/=\s*"?utf-?8"?\s*$/.test(charset)) {
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
    traceparent: traceparentOf(headers.traceparent) ?? null,
  };
}

/** Of UTF-8. EDI names its own set of characters. */
export function isText(format: Format): boolean {
  return format === 'csv' || format === 'ndjson';
}
