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
    cause: 'The body is not one JSON document: it breaks off, has a comma too many, or is not UTF-8.',
    remedy: 'Send one JSON document in UTF-8 with Content-Type: application/json.',
  },
  malformed_request: {
    status: 400,
    title: 'This is not HTTP',
    cause: 'What came over the connection is not HTTP/1.1, for instance TLS sent to a port without it.',
    remedy: 'Send a request of HTTP/1.1.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    cause:
      'The request line and the headers together have more than 16 KiB, often because of cookies that nobody needs here.',
    remedy: 'Send at most 16 KiB of headers, and at most 100 of them.',
  },
  url_too_long: {
    status: 414,
    title: 'The URL is too long',
    cause: 'Path and query together have more than 8 KiB, usually because a list was put into the query.',
    remedy: 'Send at most 8 KiB of URL. A list that is longer goes into a body: POST /v1/availability/query.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    cause: 'The connection was opened, and then the rest of the request did not come, or came too slowly.',
    remedy: 'Send it without pauses, or in smaller pieces. It was not looked at, so it may be repeated.',
  },
  validation_failed: {
    status: 400,
    title: 'The request does not have the documented shape',
    cause: 'A member of the body, a parameter or a header is missing, has another type, or is out of its bounds.',
    remedy: 'Each entry of `errors` names a field by JSON pointer (or a parameter) and says what it takes.',
  },
  idempotency_key_missing: {
    status: 400,
    title: 'This call needs an Idempotency-Key',
    cause: 'This call changes something, and without a key nobody could tell a repetition from a second wish.',
    remedy: 'Send an Idempotency-Key header of 1 to 255 characters, new for each intent and the same for its retries.',
  },
  unauthenticated: {
    status: 401,
    title: 'No valid API key',
    cause: 'The request has no key, or one that is mistyped, has expired or was revoked.',
    remedy: 'Send Authorization: Bearer <key> with a key that has neither expired nor been revoked.',
  },
  signature_invalid: {
    status: 401,
    title: 'The body is not proved to be from this source',
    cause:
      'The signature was made with another secret, over other bytes than those that came, or stands in another header.',
    remedy:
      'Sign the bytes as they are sent, with a secret of the source that has not ended, by the scheme it was set up with.',
  },
  timestamp_out_of_tolerance: {
    status: 401,
    title: 'The signature was made too long ago, or in the future',
    cause:
      '`webhook-timestamp` is more than five minutes away from our clock: the request waited in a queue after it was signed, or a clock is wrong.',
    remedy:
      'Sign when you send, also when you send again; set the clock of the sender. Five minutes either way are taken.',
  },
  scope_required: {
    status: 403,
    title: 'The key lacks a scope',
    cause: 'The key is good, but whoever made it did not give it the scope that this call needs.',
    remedy: 'Ask an administrator for a key with the scope that `detail` names.',
  },
  address_forbidden: {
    status: 403,
    title: 'The key may not be used from this address',
    cause:
      'Its client may be called from certain addresses only, and this is none of them. Perhaps a proxy or a new network stands in between.',
    remedy: 'Call from an address that the client allows, or ask an administrator to allow this one.',
  },
  channel_forbidden: {
    status: 403,
    title: 'The key belongs to another channel',
    cause: 'The key is bound to one sales channel and asks for another, or for what concerns all of them.',
    remedy: 'Leave `channel` out, or use a key of the channel you name.',
  },
  not_found: {
    status: 404,
    title: 'Nothing here',
    cause: 'There is nothing at this path, or the thing that it names does not exist or is not yours to see.',
    remedy: 'Check the path and the id.',
  },
  unknown_sku: {
    status: 404,
    statusInBody: 422,
    title: 'No such item',
    cause: 'No item has this SKU. SKUs are compared character by character, and a `/` in a path is written `%2F`.',
    remedy: 'Create the item with PUT /v1/items/{sku}, or correct the SKU.',
  },
  unknown_location: {
    status: 404,
    statusInBody: 422,
    title: 'No such location',
    cause: 'No location has this code, or your channel does not sell from it.',
    remedy: 'Create the location with PUT /v1/locations/{code}, or name one that your channel sells from.',
  },
  unknown_channel: {
    status: 404,
    statusInBody: 422,
    title: 'No such channel',
    cause: 'No channel has this code.',
    remedy: 'Create the channel with PUT /v1/channels/{code}, or correct its code.',
  },
  unknown_uom: {
    status: 422,
    statusInBody: 422,
    title: 'The item is not measured in this unit',
    cause: 'The item is kept in another unit, and has no factor for this one.',
    remedy: 'Use the base unit of the item or one of its `uoms`.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    cause: 'The body is larger than this call takes.',
    remedy: 'Split the request: bodies of JSON may have 1 MiB; larger amounts go through POST /v1/imports.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body has a media type this call does not take',
    cause: 'The `Content-Type` is none that this call takes, or a body came without one.',
    remedy: 'Send application/json, or for imports text/csv or application/x-ndjson.',
  },
  rate_limited: {
    status: 429,
    title: 'More than was agreed',
    cause:
      'The calls of this client, or of all clients of its channel together, were more work than was agreed; or the source sent ' +
      'more events; or too many keys that nobody has came from this address.',
    remedy:
      'Repeat the request after Retry-After seconds: nothing was charged for it. `RateLimit` says in every answer what is left, ' +
      'and one request of many lines or events costs less than many requests.',
  },
  mapping_failed: {
    status: 422,
    title: 'The event cannot be understood',
    cause: 'The profile of the source has no rule for this payload, or a value in it is not what the profile expects.',
    remedy:
      'Correct the payload, or the profile and its constants. An event that was sent is kept, with an exception that says why.',
  },
  conflicting_duplicate: {
    status: 409,
    title: 'Another body was sent under this event id',
    cause: 'A source sent two different bodies under one event id, so one of them cannot be what it meant.',
    remedy: 'The first one counts; this one is kept as an exception. Give every event an id of its own.',
  },
  exception_closed: {
    status: 409,
    title: 'The exception is closed',
    cause: 'Somebody, or a later event, has retried, resolved or discarded this exception already.',
    remedy: 'Read it to see by whom; a new exception is opened if the same comes up again.',
  },
  nothing_to_retry: {
    status: 409,
    title: 'This exception only tells what an event did',
    cause:
      'The event behind this exception was applied; the exception only reports a consequence, such as a shortfall.',
    remedy: 'Do what it asks for, then resolve it with a note.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'This Idempotency-Key was used for another request',
    cause: 'The same key came with another method, path or body within 24 hours.',
    remedy: 'Use a new key for a new intent; repeat the first request unchanged to get its answer again.',
  },
  // Conflicts of state
  idempotency_in_progress: {
    status: 409,
    title: 'The first request with this Idempotency-Key is still running',
    cause: 'The first request is still being decided, usually because its caller gave up waiting too early.',
    remedy: 'Repeat the request after Retry-After seconds to get its answer.',
  },
  ownership_conflict: {
    status: 409,
    title: 'Another source owns this',
    cause:
      'Two sources would own the same fact of the same location at the same time, and then neither figure could be trusted.',
    remedy:
      'Take it from the other source first, or give `from` a time in the future: it then changes hands at that time.',
  },
  in_use: {
    status: 409,
    title: 'It is still in use',
    cause: 'Stock, open reservations or something else still refers to it.',
    remedy: 'Resolve what `detail` names first, then repeat the call.',
  },
  identifier_taken: {
    status: 409,
    title: 'Another item has this identifier',
    cause: 'A GTIN or part number leads to exactly one item, and it leads to another one already.',
    remedy: 'Remove the identifier from the other item first, or correct its value.',
  },
  already_exists: {
    status: 409,
    title: 'It exists already',
    cause: 'Something of this kind with this code was made before.',
    remedy: 'Choose another code.',
  },
  insufficient_stock: {
    status: 409,
    title: 'Not enough stock',
    cause:
      'At the moment of the decision less was left for at least one line than it asks for; others may have been quicker.',
    remedy: 'Nothing was changed. `shortages` says what is left for each line; ask for less, or use mode partial.',
  },
  stale_availability: {
    status: 409,
    title: 'The figures may be out of date',
    cause:
      "The source of a location was silent for longer than its freshness budget, and the channel's `stalePolicy` is `refuse`.",
    remedy: 'Its source has been silent too long, and the channel does not promise then. Ask again once it is heard.',
  },
  negative_on_hand: {
    status: 409,
    title: 'On hand would go below zero',
    cause: 'The adjustment takes away more than is on hand, so one of the two figures is wrong.',
    remedy: 'Nothing was changed. Count the location, then set `onHand` to what is there.',
  },
  already_committed: {
    status: 409,
    title: 'The reservation is committed already',
    cause: 'An order has taken the hold, perhaps by a request of yours whose answer was lost.',
    remedy: 'Cancel or ship it; a commitment can be neither committed, extended, edited nor released.',
  },
  already_released: {
    status: 409,
    title: 'The reservation was released',
    cause: 'The hold was given back, and its stock may have been promised to others.',
    remedy: 'Place a new hold.',
  },
  already_cancelled: {
    status: 409,
    title: 'The commitment was cancelled',
    cause: "The order's commitment was cancelled, and its stock is free.",
    remedy: 'Place a new reservation.',
  },
  already_shipped: {
    status: 409,
    title: 'The reservation was shipped',
    cause: 'Everything of the reservation has left.',
    remedy: 'Un-ship it by its shipment reference if it did not leave.',
  },
  not_committed: {
    status: 409,
    title: 'The reservation is a hold, not a commitment',
    cause: 'Only what an order has taken can be shipped or cancelled, and this is still a hold.',
    remedy: 'Commit it first, or release it.',
  },
  hold_expired: {
    status: 409,
    title: 'The hold has expired',
    cause: 'The hold passed its `expiresAt`. It does not exist since that instant, whether or not it shows yet.',
    remedy: 'Place a new hold: the stock may have been promised to others since.',
  },
  exceeds_hold: {
    status: 409,
    title: 'More than is held',
    cause: 'A line asks to commit more than it holds.',
    remedy: 'Commit at most what each line shows as `reserved`.',
  },
  exceeds_commitment: {
    status: 409,
    title: 'More than is committed and open',
    cause: 'A line asks to ship or cancel more than is committed and neither shipped nor cancelled.',
    remedy: 'Ship or cancel at most what each line shows as `reserved`.',
  },
  hold_limit_reached: {
    status: 409,
    title: 'The hold is as old as its channel allows',
    cause: "The new expiry would be later than the channel's `maxHoldTtlSeconds` after the hold was made.",
    remedy: 'Commit it, or let it go and place a new hold.',
  },
  hold_cap_reached: {
    status: 409,
    title: 'The client holds as much of the item as its channel allows',
    cause:
      'The channel caps what one client may hold of one item (`maxOpenHolds`, `maxHeldQuantity`), and this would be more.',
    remedy:
      'Commit or release some of what is held, or ask for less. `cap` names the cap, the item, the most and what is held.',
  },
  unknown_shipment: {
    status: 409,
    title: 'No such shipment of this reservation',
    cause: 'The reservation was never shipped under this `shipmentRef`.',
    remedy: 'Use the `shipmentRef` that POST …/ship was called with.',
  },
  version_conflict: {
    status: 412,
    title: 'It has changed since you read it',
    cause: 'Somebody changed it between your reading and your writing, and your change would undo theirs.',
    remedy: 'Read it again, apply your change to what you find, and send its ETag in If-Match.',
  },
  precondition_required: {
    status: 428,
    title: 'This call needs If-Match',
    cause: 'The call replaces what is there, so it must know which version you have seen.',
    remedy: 'Send the ETag of the version you read in If-Match.',
  },
  // Ours
  internal_error: {
    status: 500,
    title: 'Something failed on our side',
    cause: 'A fault of ours. It is logged with its `requestId`, and nothing was half done.',
    remedy: 'Repeat the request with the same Idempotency-Key; if it fails again, tell us the requestId.',
  },
  overloaded: {
    status: 503,
    title: 'Too much is waiting',
    cause: 'Changes come faster than the database commits them, and waiting longer would not help anybody.',
    remedy: 'Nothing was changed. Repeat the request after Retry-After seconds.',
  },
  unavailable: {
    status: 503,
    title: 'What the answer needs cannot be reached',
    cause: 'The database is being restarted, is failing over, or cannot be reached.',
    remedy: 'Repeat the request with the same Idempotency-Key after Retry-After seconds.',
  },
} as const satisfies Record<
  string,
  { status: number; statusInBody?: number; title: string; cause: string; remedy: string }
>;

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
