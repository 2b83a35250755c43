import { hash, randomUUID } from 'node:crypto';
import canonicalize from 'canonicalize';
import { Problem } from '../problems/problem.js';
import { Answer } from './answer.js';

/**
 * One intent of one client (semantics.md 30). The row that remembers it is written in the transaction of its effect.
 * `fingerprint`: SHA-256 over method, path and body in canonical form (RFC 8785), so a retry that orders its members
 * differently is still the same request.
 */
export interface Intent {
  readonly clientId: string;
  readonly key: string;
  readonly fingerprint: Buffer;
}

/** What the intent is remembered by. */
export function intentName(intent: Intent): string {
  return `${intent.clientId} ${intent.key}`;
}

/** What was answered the first time. */
export interface Remembered {
  readonly fingerprint: Buffer;
  readonly status: number;
  readonly body: string;
}

export function fingerprint(method: string, path: string, body: unknown): Buffer {
  return hash('sha256', `${method} ${path}\n${body === undefined ? '' : canonical(body)}`, 'buffer');
}

/** Throws `validation_failed` for what has no canonical form: half a surrogate pair, or a number such as 1e400. */
function canonical(body: unknown): string {
  try {
    return canonicalize(body) ?? '';
  } catch (cause) {
    const detail = 'takes finite numbers, and text without unpaired surrogates';
    throw new Problem('validation_failed', `The body ${detail}.`, {
      errors: [{ pointer: '', code: 'invalid_value', detail }],
      cause,
    });
  }
}

/** Reads the header: bare, or quoted as the IETF draft has it; 1 to 255 printable ASCII characters. */
export function parseIdempotencyKey(header: string | undefined): string {
  if (header === undefined || header.trim() === '') {
    throw new Problem('idempotency_key_missing', 'Send an Idempotency-Key header: a new value for each intent.');
  }
  const text = header.trim();
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (!/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(key)) {
    const detail = 'Idempotency-Key takes 1 to 255 printable ASCII characters, for example a UUID.';
    throw new Problem('validation_failed', detail, {
      errors: [{ parameter: 'Idempotency-Key', code: 'invalid_key', detail }],
    });
  }
  return key;
}

/** The first answer again, flagged; or 422 if the key was used for another request. */
export function replay(intent: Intent, remembered: Remembered): Answer {
  if (!intent.fingerprint.equals(remembered.fingerprint)) {
    throw new Problem('idempotency_key_reused', 'This Idempotency-Key belongs to a request with another path or body.');
  }
  const body = JSON.parse(remembered.body) as { version?: unknown };
  const headers = {
    // Who sent no key has not repeated anything: we have, to settle an unknown outcome.
    ...(intent.fingerprint === UNKEYED ? {} : { 'Idempotent-Replayed': 'true' }),
    ...(typeof body?.version === 'number' ? { ETag: `"${body.version}"` } : {}),
  };
  return new Answer(remembered.status, body, headers, remembered.body);
}

/**
 * An intent for a command without an Idempotency-Key, so that an unknown outcome (the connection broke behind COMMIT)
 * is settled as for any other: by looking whether its row is there.
 */
export function unkeyed(clientId: string): Intent {
  return { clientId, key: `~${randomUUID()}`, fingerprint: UNKEYED };
}

const UNKEYED = Buffer.alloc(32);
