/**
 * Every error a client can meet, once: its stable code, its HTTP status, and what to do about it.
 * The table feeds the exception filter, the OpenAPI responses and the `/problems/<code>` pages.
 *
 * `statusInBody` is the status when the thing that does not exist was named in a body, not in a path (api.md).
 */
export const PROBLEMS = {
  // The request itself
  malformed_json: {
    status: 400,
    title: 'The body is not valid JSON',
    remedy: 'Send one JSON document in UTF-8 with Content-Type: application/json.',
  },
  malformed_request: {
    status: 400,
    title: 'This is not HTTP',
    remedy: 'Send a request of HTTP/1.1.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    remedy: 'Send at most 16 KiB of headers, and at most 100 of them.',
  },
  url_too_long: {
    status: 414,
    title: 'The URL is too long',
    remedy: 'Send at most 8 KiB of URL. A list that is longer goes into a body: POST /v1/availability/query.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    remedy: 'Send it without pauses, or in smaller pieces. It was not looked at, so it may be repeated.',
  },
  validation_failed: {
    status: 400,
    title: 'The request does not have the documented shape',
    remedy: 'Each entry of `errors` names a field by JSON pointer (or a parameter) and says what it takes.',
  },
  idempotency_key_missing: {
    status: 400,
    title: 'This call needs an Idempotency-Key',
    remedy: 'Send an Idempotency-Key header of 1 to 255 characters, new for each intent and the same for its retries.',
  },
  unauthenticated: {
    status: 401,
    title: 'No valid API key',
    remedy: 'Send Authorization: Bearer <key> with a key that has neither expired nor been revoked.',
  },
  signature_invalid: {
    status: 401,
    title: 'The body is not proved to be from this source',
    remedy:
      'Sign the bytes as they are sent, with a secret of the source that has not ended, by the scheme it was set up with.',
  },
  timestamp_out_of_tolerance: {
    status: 401,
    title: 'The signature was made too long ago, or in the future',
    remedy:
      'Sign when you send, also when you send again; set the clock of the sender. Five minutes either way are taken.',
  },
  scope_required: {
    status: 403,
    title: 'The key lacks a scope',
    remedy: 'Ask an administrator for a key with the scope that `detail` names.',
  },
  address_forbidden: {
    status: 403,
    title: 'The key may not be used from this address',
    remedy: 'Call from an address that the client allows, or ask an administrator to allow this one.',
  },
  channel_forbidden: {
    status: 403,
    title: 'The key belongs to another channel',
    remedy: 'Leave `channel` out, or use a key of the channel you name.',
  },
  not_found: { status: 404, title: 'Nothing here', remedy: 'Check the path and the id.' },
  unknown_sku: {
    status: 404,
    statusInBody: 422,
    title: 'No such item',
    remedy: 'Create the item with PUT /v1/items/{sku}, or correct the SKU.',
  },
  unknown_location: {
    status: 404,
    statusInBody: 422,
    title: 'No such location',
    remedy: 'Create the location with PUT /v1/locations/{code}, or name one that your channel sells from.',
  },
  unknown_channel: {
    status: 404,
    statusInBody: 422,
    title: 'No such channel',
    remedy: 'Create the channel with PUT /v1/channels/{code}, or correct its code.',
  },
  unknown_uom: {
    status: 422,
    statusInBody: 422,
    title: 'The item is not measured in this unit',
    remedy: 'Use the base unit of the item or one of its `uoms`.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    remedy: 'Split the request: bodies of JSON may have 1 MiB; larger amounts go through POST /v1/imports.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body has a media type this call does not take',
    remedy: 'Send application/json, or for imports text/csv or application/x-ndjson.',
  },
  rate_limited: {
    status: 429,
    title: 'More requests than were agreed',
    remedy: 'Repeat the request after Retry-After seconds; send several events in one request.',
  },
  mapping_failed: {
    status: 422,
    title: 'The event cannot be understood',
    remedy:
      'Correct the payload, or the profile and its constants. An event that was sent is kept, with an exception that says why.',
  },
  conflicting_duplicate: {
    status: 409,
    title: 'Another body was sent under this event id',
    remedy: 'The first one counts; this one is kept as an exception. Give every event an id of its own.',
  },
  exception_closed: {
    status: 409,
    title: 'The exception is closed',
    remedy: 'Read it to see by whom; a new exception is opened if the same comes up again.',
  },
  nothing_to_retry: {
    status: 409,
    title: 'This exception only tells what an event did',
    remedy: 'Do what it asks for, then resolve it with a note.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'This Idempotency-Key was used for another request',
    remedy: 'Use a new key for a new intent; repeat the first request unchanged to get its answer again.',
  },
  // Conflicts of state
  idempotency_in_progress: {
    status: 409,
    title: 'The first request with this Idempotency-Key is still running',
    remedy: 'Repeat the request after Retry-After seconds to get its answer.',
  },
  ownership_conflict: {
    status: 409,
    title: 'Another source owns this',
    remedy:
      'Take it from the other source first, or give `from` a time in the future: it then changes hands at that time.',
  },
  in_use: {
    status: 409,
    title: 'It is still in use',
    remedy: 'Resolve what `detail` names first, then repeat the call.',
  },
  identifier_taken: {
    status: 409,
    title: 'Another item has this identifier',
    remedy: 'Remove the identifier from the other item first, or correct its value.',
  },
  already_exists: { status: 409, title: 'It exists already', remedy: 'Choose another code.' },
  insufficient_stock: {
    status: 409,
    title: 'Not enough stock',
    remedy: 'Nothing was changed. `shortages` says what is left for each line; ask for less, or use mode partial.',
  },
  stale_availability: {
    status: 409,
    title: 'The figures may be out of date',
    remedy: 'Its source has been silent too long, and the channel does not promise then. Ask again once it is heard.',
  },
  negative_on_hand: {
    status: 409,
    title: 'On hand would go below zero',
    remedy: 'Nothing was changed. Count the location, then set `onHand` to what is there.',
  },
  already_committed: {
    status: 409,
    title: 'The reservation is committed already',
    remedy: 'Cancel or ship it; a commitment can be neither committed, extended, edited nor released.',
  },
  already_released: {
    status: 409,
    title: 'The reservation was released',
    remedy: 'Place a new hold.',
  },
  already_cancelled: {
    status: 409,
    title: 'The commitment was cancelled',
    remedy: 'Place a new reservation.',
  },
  already_shipped: {
    status: 409,
    title: 'The reservation was shipped',
    remedy: 'Un-ship it by its shipment reference if it did not leave.',
  },
  not_committed: {
    status: 409,
    title: 'The reservation is a hold, not a commitment',
    remedy: 'Commit it first, or release it.',
  },
  hold_expired: {
    status: 409,
    title: 'The hold has expired',
    remedy: 'Place a new hold: the stock may have been promised to others since.',
  },
  exceeds_hold: {
    status: 409,
    title: 'More than is held',
    remedy: 'Commit at most what each line shows as `reserved`.',
  },
  exceeds_commitment: {
    status: 409,
    title: 'More than is committed and open',
    remedy: 'Ship or cancel at most what each line shows as `reserved`.',
  },
  hold_limit_reached: {
    status: 409,
    title: 'The hold is as old as its channel allows',
    remedy: 'Commit it, or let it go and place a new hold.',
  },
  unknown_shipment: {
    status: 409,
    title: 'No such shipment of this reservation',
    remedy: 'Use the `shipmentRef` that POST …/ship was called with.',
  },
  version_conflict: {
    status: 412,
    title: 'It has changed since you read it',
    remedy: 'Read it again, apply your change to what you find, and send its ETag in If-Match.',
  },
  precondition_required: {
    status: 428,
    title: 'This call needs If-Match',
    remedy: 'Send the ETag of the version you read in If-Match.',
  },
  // Ours
  internal_error: {
    status: 500,
    title: 'Something failed on our side',
    remedy: 'Repeat the request with the same Idempotency-Key; if it fails again, tell us the requestId.',
  },
  overloaded: {
    status: 503,
    title: 'Too much is waiting',
    remedy: 'Nothing was changed. Repeat the request after Retry-After seconds.',
  },
  unavailable: {
    status: 503,
    title: 'The database does not answer',
    remedy: 'Repeat the request with the same Idempotency-Key after Retry-After seconds.',
  },
} as const satisfies Record<string, { status: number; statusInBody?: number; title: string; remedy: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What is wrong with one field: `pointer` into the body (RFC 6901) or the name of a path, query or header `parameter`. */
export interface FieldError {
  readonly pointer?: string;
  readonly parameter?: string;
  readonly code: string;
  readonly detail: string;
}

export interface ProblemDetails {
  readonly errors?: readonly FieldError[];
  /** Seconds, sent as Retry-After. */
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Members of the problem document that belong to this code, such as `shortages`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A refusal with a stable code. Knows no framework: the filter turns it into `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;

  constructor(
    readonly code: ProblemCode,
    /** What happened and what to do, for a person. */
    readonly detail: string,
    readonly more: ProblemDetails = {},
  ) {
    super(`${code}: ${detail}`, { cause: more.cause });
    const entry: { status: number; statusInBody?: number } = PROBLEMS[code];
    const inBody = more.errors?.some((error) => error.pointer !== undefined) ?? false;
    this.status = inBody ? (entry.statusInBody ?? entry.status) : entry.status;
  }

  /** The document a client gets, without what only the request knows (`instance`, `requestId`). */
  document(): Record<string, unknown> {
    return {
      type: `/problems/${this.code}`,
      title: PROBLEMS[this.code].title,
      status: this.status,
      detail: this.detail,
      code: this.code,
      ...(this.more.errors ? { errors: this.more.errors } : {}),
      ...this.more.extra,
    };
  }
}

/** The body does not have the documented shape, one entry a field. */
export function invalid(errors: readonly FieldError[]): Problem {
  const first = errors[0];
  const where = first?.pointer ?? first?.parameter;
  return new Problem('validation_failed', first ? `${where}: ${first.detail}` : 'The request is not valid.', {
    errors,
  });
}

/** Something named in the body at `pointer` does not exist (422). */
export function unknownInBody(
  code: 'unknown_sku' | 'unknown_location' | 'unknown_channel' | 'unknown_uom',
  pointer: string,
  detail: string,
): Problem {
  return new Problem(code, detail, { errors: [{ pointer, code, detail }] });
}
