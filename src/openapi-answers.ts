import type { HeaderObject, OpenApiDocument, Operation, Response } from './openapi-document.js';
import type { ProblemCode } from './problems/problem.js';
import { codesIn, problemResponses } from './problems/problem-response.js';

/**
 * The headers of answers, described once. A header that is sent and that no answer names fails the tests that meet it
 * (test/support/truth.ts).
 */
export const HEADERS = {
  'X-Request-Id': {
    description: 'The one that was sent, or one of ours; finds the request in our log.',
    required: true,
    schema: { type: 'string', maxLength: 64, example: '0b9f4f43-6c1e-4b39-9d3e-5f6f3c1f2a77' },
  },
  traceparent: {
    description: 'Where one was sent (W3C Trace Context): the same trace.',
    schema: { type: 'string', maxLength: 55, example: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  },
  ETag: {
    description: 'The version that the body shows, to be sent back in If-Match or If-None-Match.',
    schema: { type: 'string', maxLength: 64, example: '"3"' },
  },
  Location: {
    description: 'Where to read it.',
    schema: {
      type: 'string',
      format: 'uri-reference',
      maxLength: 256,
      example: '/v1/reservations/res_01jqb6sgw6f5ktk3h5n1v0h8yz',
    },
  },
  'Retry-After': {
    description: 'Seconds to wait before the request is repeated.',
    schema: { type: 'integer', minimum: 0, maximum: 86_400, example: 1 },
  },
  'RateLimit-Policy': {
    description:
      'Where the client or its channel is limited: of each budget the units `q` that come back in `w` seconds ' +
      '(draft-ietf-httpapi-ratelimit-headers-11).',
    schema: {
      type: 'string',
      maxLength: 256,
      example: '"channel-burst";q=200;w=2, "channel-sustained";q=6000;w=60',
    },
  },
  RateLimit: {
    description:
      'Of each budget the units `r` that are left, and the seconds `t` until it is whole. With 429: of those that were ' +
      'violated, and `t` the time until this request fits.',
    schema: { type: 'string', maxLength: 256, example: '"channel-burst";r=187;t=1, "channel-sustained";r=5987;t=1' },
  },
  'WWW-Authenticate': {
    description: 'What to send: RFC 6750.',
    schema: { type: 'string', maxLength: 256, example: 'Bearer realm="holdfast"' },
  },
  'Idempotent-Replayed': {
    description: 'Where the Idempotency-Key is known: this is the first answer again.',
    schema: { type: 'string', enum: ['true'], example: 'true' },
  },
  Deprecation: {
    description: 'Since when the operation is deprecated (RFC 9745), in seconds since 1970.',
    required: true,
    schema: { type: 'string', maxLength: 32, pattern: '^@\\d+$', example: '@1798761600' },
  },
  Sunset: {
    description: 'From when the operation may be gone (RFC 8594).',
    required: true,
    schema: { type: 'string', maxLength: 32, example: 'Tue, 01 Feb 2028 00:00:00 GMT' },
  },
  Link: {
    description: 'Where it is said what to use instead.',
    required: true,
    schema: { type: 'string', maxLength: 512, example: '</docs/versioning>; rel="deprecation"; type="text/html"' },
  },
} as const satisfies Record<string, HeaderObject>;

/** What a body may be refused for before it is looked at, on every route that reads one. */
const OF_BODIES: readonly ProblemCode[] = ['malformed_json', 'payload_too_large', 'unsupported_media_type'];
const READS_BODY = new Set(['post', 'put', 'patch', 'delete']);
/** Problems that say when to come back. */
const WAITS: readonly ProblemCode[] = ['rate_limited', 'overloaded', 'unavailable', 'idempotency_in_progress'];

/** Adds to an operation what is true of every answer of its kind, so that no route has to say it. */
export function completeAnswers(document: OpenApiDocument, method: string, operation: Operation): void {
  if (READS_BODY.has(method)) addProblems(operation, OF_BODIES);
  const deprecation = operation['x-deprecation'];
  if (deprecation) Object.assign(operation, { deprecated: true, 'x-sunset': deprecation.sunset });
  for (const [status, response] of Object.entries(operation.responses)) {
    const names = headersOf(document, operation, status, response);
    const headers = names.map((name) => [name, { $ref: `#/components/headers/${name}` }]);
    response.headers = { ...Object.fromEntries(headers), ...response.headers };
  }
}

function addProblems(operation: Operation, codes: readonly ProblemCode[]): void {
  for (const [status, response] of problemResponses(codes)) {
    const there = operation.responses[status];
    if (!there) operation.responses[status] = { ...response };
    else
      there.description = problemResponses([...codesIn(there.description), ...codesIn(response.description)]).get(
        status,
      )!.description;
  }
}

function headersOf(
  document: OpenApiDocument,
  operation: Operation,
  status: string,
  response: Response,
): (keyof typeof HEADERS)[] {
  const codes = codesIn(response.description);
  const isSuccess = status.startsWith('2');
  const isKeyed = operation.parameters?.some(({ name }) => name === 'Idempotency-Key') ?? false;
  return [
    'X-Request-Id',
    'traceparent',
    ...(operation.deprecated ? (['Deprecation', 'Sunset', 'Link'] as const) : []),
    ...(status === '304' || (isSuccess && isVersioned(document, response)) ? (['ETag'] as const) : []),
    ...(WAITS.some((code) => codes.includes(code)) ? (['Retry-After'] as const) : []),
    ...(status === '401' ? (['WWW-Authenticate'] as const) : []),
    // Not where no key was found, nor where none is asked for.
    ...(status !== '401' && operation.security?.length !== 0 ? (['RateLimit-Policy', 'RateLimit'] as const) : []),
    ...(isSuccess && isKeyed ? (['Idempotent-Replayed'] as const) : []),
  ];
}

/** A resource with a `version` bears it as ETag. */
function isVersioned(document: OpenApiDocument, response: Response): boolean {
  const name = response.content?.['application/json']?.schema?.$ref?.split('/').at(-1);
  return name !== undefined && document.components.schemas[name]?.properties?.version !== undefined;
}
