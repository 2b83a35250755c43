import type { IncomingHttpHeaders } from 'node:http';
import { applyDecorators, createParamDecorator, ExecutionContext, HttpCode, SetMetadata, Type } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { invalid, Problem, ProblemCode } from '../problems/problem.js';
import { problemResponses } from '../problems/problem-response.js';
import { routeConfig } from './deprecated.decorator.js';
import { fingerprint, Intent, parseIdempotencyKey } from './idempotency.js';
import type { Expectation } from './precondition.js';
import type { Principal, Scope } from './principal.js';

/** Metadata key: the scope a route needs, or null for a route anyone may call. A route without it does not start. */
export const REQUIRED_SCOPE = 'holdfast:scope';

/** Metadata key: true for a route that changes nothing although it is not a GET. */
export const ONLY_READS = 'holdfast:only-reads';

/** Metadata key: whether what the route changes is written into the audit trail. */
export const AUDITED = 'holdfast:audited';

export interface EndpointOptions {
  /** null: anyone may call it. Several: each lets in, and the use case looks at which of them it needs. */
  readonly scope: Scope | readonly Scope[] | null;
  /** One line, in the words of the field. */
  readonly summary: string;
  readonly description?: string;
  /** The answer of success. `created`: also 201. */
  readonly answer?: {
    type?: Type | [Type];
    status?: number;
    description?: string;
    alsoCreated?: boolean;
    /** Bears `Location`: where to read what was made. */
    located?: boolean;
  };
  /** Problems beside those every route of its kind has. */
  readonly problems?: readonly ProblemCode[];
  /** A POST that changes nothing: costs of a limit what a GET does. */
  readonly onlyReads?: boolean;
  /** ⓘ in api.md: needs an Idempotency-Key. */
  readonly idempotent?: boolean;
  /** ⓥ in api.md: needs If-Match. `optional`: honours it where it is sent. */
  readonly ifMatch?: boolean | 'optional';
  /** What it changes is written into the audit trail, in the same transaction. */
  readonly audited?: boolean;
  /** Bodies that are not JSON: by media type an example. The route is given the stream. */
  readonly streams?: Readonly<Record<string, string>>;
  /** Takes any media type, up to 5 MiB of bytes, as they were sent; by media type an example. */
  readonly raw?: Readonly<Record<string, string>>;
  /** Of a hot route: which of its requests may go past Fastify and Nest (src/hot-way.ts). */
  readonly hot?: HotArguments;
  /** Has a body or parameters that can be wrong. Default true. */
  readonly validated?: boolean;
}

/** Everything a route says about itself in one place: scope, status, documentation, problems. */
export function Endpoint(options: EndpointOptions): MethodDecorator {
  const { scope, summary, description, answer = {}, problems = [], idempotent, ifMatch } = options;
  const { streams, raw, hot, validated = true } = options;
  const examples = raw ?? streams;
  const status = answer.status ?? 200;
  const codes = new Set<ProblemCode>([
    ...(validated ? (['validation_failed'] as const) : []),
    ...(scope === null
      ? []
      : (['unauthenticated', 'scope_required', 'address_forbidden', 'rate_limited', 'overloaded'] as const)),
    ...(idempotent ? (['idempotency_key_missing', 'idempotency_in_progress', 'idempotency_key_reused'] as const) : []),
    ...(ifMatch === true ? (['precondition_required'] as const) : []),
    ...(ifMatch ? (['version_conflict'] as const) : []),
    ...problems,
    'internal_error',
    'unavailable',
  ]);
  const body = {
    description: answer.description ?? 'Done.',
    ...(answer.type ? { type: answer.type } : {}),
    ...(answer.located ? { headers: { Location: { $ref: '#/components/headers/Location' } as object } } : {}),
  };
  return applyDecorators(
    SetMetadata(REQUIRED_SCOPE, scope),
    SetMetadata(ONLY_READS, options.onlyReads === true),
    SetMetadata(AUDITED, options.audited === true),
    HttpCode(status),
    ApiOperation({
      summary,
      ...(description ? { description } : {}),
      ...(scope ? { 'x-required-scope': scope } : {}),
      ...(options.audited ? { 'x-audited': true } : {}),
      ...(examples ? { requestBody: { required: true, content: contentOf(examples) } } : {}),
    } as never),
    ApiResponse({ ...body, status }),
    ...(answer.alsoCreated ? [ApiResponse({ ...body, status: 201, description: 'Created.' })] : []),
    ...[...problemResponses(codes)].map(([at, response]) => ApiResponse({ status: at, ...response })),
    ...(scope === null ? [] : [ApiBearerAuth('key')]),
    ...(streams ? [routeConfig({ streams: Object.keys(streams) } satisfies EndpointRoute)] : []),
    ...(raw ? [routeConfig({ raw: true } satisfies EndpointRoute)] : []),
    ...(hot ? [hotRoute(hot, status)] : []),
    ...(idempotent
      ? [
          ApiHeader({
            name: 'Idempotency-Key',
            required: true,
            description: 'A new value for each intent, the same for its retries; bare or quoted.',
            schema: { type: 'string', minLength: 1, maxLength: 255, example: 'order-4711-hold' },
          }),
        ]
      : []),
    ...(ifMatch
      ? [
          ApiHeader({
            name: 'If-Match',
            required: ifMatch === true,
            description: 'The ETag of the version that was read.',
            schema: { type: 'string', maxLength: 32, example: '"3"' },
          }),
        ]
      : []),
  );
}

/** What a route leaves in Fastify's route options for the parsers of bodies, and for whoever answers it directly. */
export interface EndpointRoute {
  readonly streams?: readonly string[];
  readonly raw?: boolean;
  readonly hot?: HotRoute;
}

/** A request of a hot route, as far as it is in order at a glance. */
export interface HotRequest {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly id: string;
  readonly traceparent: string | undefined;
  /** The parameter that the path ends with, decoded; of a path without one it is empty. */
  readonly parameter: string;
  /** What follows `?`, as it is; empty: nothing does. */
  readonly query: string;
  /** Of a POST: what the JSON says, or of a route of bytes the bytes. */
  readonly body: unknown;
}

/**
 * The arguments of the method for a request that is in order at a glance; undefined: the request takes the ordinary way,
 * where it is judged and explained. `caller`: whom the access guard has admitted; of a route that anyone may call there
 * is none.
 */
export type HotArguments = (request: HotRequest, caller: Principal) => readonly unknown[] | undefined;

export interface HotRoute {
  readonly controller: Type;
  /** Of the controller. */
  readonly method: string;
  readonly argumentsOf: HotArguments;
  /** Of an answer that names none. */
  readonly status: number;
}

function hotRoute(argumentsOf: HotArguments, status: number): MethodDecorator {
  return (target, method, descriptor) => {
    const hot = { controller: target.constructor as Type, method: String(method), argumentsOf, status };
    routeConfig({ hot } satisfies EndpointRoute)(target, method, descriptor);
  };
}

function contentOf(streams: Readonly<Record<string, string>>): object {
  return Object.fromEntries(
    Object.entries(streams).map(([type, example]) => [type, { schema: { type: 'string' }, example }]),
  );
}

type AuthenticatedRequest = FastifyRequest & { principal?: Principal };

/** The caller that the access guard has found. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (!principal) throw new Error('A route with @Caller() must require a scope.');
  return principal;
});

/** The intent of the request: client, Idempotency-Key, and the fingerprint of what is asked. */
export const Once = createParamDecorator((_: unknown, context: ExecutionContext): Intent => {
  const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (!request.principal) throw new Error('A route with @Once() must require a scope.');
  return intentOf(request, request.principal);
});

/** Throws `idempotency_key_missing`, or `validation_failed` for a key that is none. */
export function intentOf(
  request: Pick<FastifyRequest, 'method' | 'url' | 'headers' | 'body'>,
  { clientId }: Principal,
): Intent {
  return {
    clientId,
    key: parseIdempotencyKey(request.headers['idempotency-key'] as string | undefined),
    fingerprint: fingerprint(request.method, request.url, request.body),
  };
}

/** The version named by If-Match, undefined for `*`. */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): number | undefined => {
  const expected = readIfMatch(context);
  if (expected === undefined) {
    throw new Problem('precondition_required', 'Send If-Match with the ETag that you read.');
  }
  return expected === '*' ? undefined : expected;
});

/** What If-Match asks for on a route that does not need it; `expectVersion` then compares. */
export const OptionalIfMatch = createParamDecorator((_: unknown, context: ExecutionContext): Expectation => {
  return readIfMatch(context);
});

function readIfMatch(context: ExecutionContext): Expectation {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['if-match']?.trim();
  if (!header) return undefined;
  if (header === '*') return '*';
  const version = /^(?:W\/)?"(\d{1,15})"$/.exec(header)?.[1];
  if (version === undefined) {
    throw invalid([{ parameter: 'If-Match', code: 'invalid_etag', detail: 'takes an ETag such as "3"' }]);
  }
  return Number(version);
}
