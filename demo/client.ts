import { setTimeout as delay } from 'node:timers/promises';
import type { Page, Problem } from './answers.js';

/** How often a request is sent before the demo gives up on it: with the pauses between, for about 15 s. */
const ATTEMPTS = 10;
const LONGEST_PAUSE_MS = 2_000;
const ANSWER_WITHIN_MS = 30_000;

/** An answer that the caller has not said it can deal with. */
export class UnexpectedAnswer extends Error {}

export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
  /** The service had answered this Idempotency-Key before, and said the same again. */
  readonly replayed: boolean;
}

export interface Sending {
  /** Beside 2xx, the statuses that the caller deals with. Default: none. */
  readonly expect?: readonly number[];
  /** Default: a new one for every call; its retries keep it. */
  readonly idempotencyKey?: string;
  /** Default: JSON. */
  readonly contentType?: string;
  /** Headers that prove the body in the place of the key: of a feed, which signs. */
  readonly proof?: Readonly<Record<string, string>>;
}

/**
 * Calls the service as a careful client does: every POST with an Idempotency-Key, so that it may be sent again with the
 * same key when the service is overloaded (503), asks for patience (429, 409 idempotency_in_progress) or the connection
 * breaks and nobody knows what became of the request.
 */
export class Client {
  /** Milliseconds of every answer, by the name of the call. */
  readonly timings = new Map<string, number[]>();
  retries = 0;
  private sent = 0;

  /** `run` sets the keys and references of this run apart from those of others on the same service. */
  constructor(
    private readonly url: string,
    private readonly key: string,
    readonly run: string,
    private readonly interrupted: AbortSignal,
  ) {}

  /** Asks whether it is there and ready, once. Throws an Error that says what to do. */
  async knock(): Promise<void> {
    const outcome = await this.attempt('GET', '/health/ready', {}, null);
    if (outcome instanceof Error) {
      throw new UnexpectedAnswer(
        `Nothing answers at ${this.url} (${reasonOf(outcome)}). Start the service, or correct --url; without it one is started.`,
      );
    }
    if (outcome.status !== 200) {
      throw new UnexpectedAnswer(`${this.url} is not a Holdfast that is ready (${outcome.status}): ${outcome.text}`);
    }
  }

  async get<Body>(name: string, path: string, sending: Sending = {}): Promise<Answer<Body>> {
    return this.call(name, 'GET', path, undefined, sending);
  }

  async put<Body>(name: string, path: string, body: unknown, sending: Sending = {}): Promise<Answer<Body>> {
    return this.call(name, 'PUT', path, body, sending);
  }

  async post<Body>(name: string, path: string, body?: unknown, sending: Sending = {}): Promise<Answer<Body>> {
    return this.call(name, 'POST', path, body, { idempotencyKey: this.newKey(), ...sending });
  }

  /** Sends what needs no Idempotency-Key because every event in it has an id of its own. */
  async deliver<Body>(
    name: string,
    path: string,
    body: string,
    proof: Readonly<Record<string, string>>,
  ): Promise<Answer<Body>> {
    return this.call(name, 'POST', path, body, { proof });
  }

  /** A key for a request that is to be sent more than once. */
  newKey(): string {
    this.sent += 1;
    return `demo-${this.run}-${this.sent}`;
  }

  /** Every entry of a list, page by page. */
  async list<Entry>(name: string, path: string): Promise<Entry[]> {
    const entries: Entry[] = [];
    let cursor: string | null = null;
    do {
      const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { body } = await this.get<Page<Entry>>(name, `${path}${path.includes('?') ? '&' : '?'}limit=200${from}`);
      entries.push(...body.data);
      cursor = body.nextCursor;
    } while (cursor !== null);
    return entries;
  }

  private async call<Body>(
    name: string,
    method: string,
    path: string,
    body: unknown,
    { expect = [], idempotencyKey, contentType = 'application/json', proof }: Sending,
  ): Promise<Answer<Body>> {
    const headers: Record<string, string> = { ...(proof ?? { Authorization: `Bearer ${this.key}` }) };
    if (body !== undefined) headers['Content-Type'] = contentType;
    if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey;
    const payload = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);

    for (let attempt = 1; ; attempt += 1) {
      const since = performance.now();
      const outcome = await this.attempt(method, path, headers, payload);
      this.record(name, performance.now() - since);
      if (!(outcome instanceof Error)) {
        const { status, text, replayed } = outcome;
        const answered = parse(text) as Body;
        if ((status >= 200 && status < 300) || expect.includes(status)) {
          if (!asksForPatience(status, answered)) return { status, body: answered, replayed };
        } else if (!asksForPatience(status, answered)) {
          throw new UnexpectedAnswer(`${method} ${path} answered ${status}: ${describe(answered, text)}`);
        }
      }
      if (attempt === ATTEMPTS) {
        const last = outcome instanceof Error ? reasonOf(outcome) : `${outcome.status}, ${outcome.text}`;
        throw new UnexpectedAnswer(
          `${method} ${this.url}${path} failed ${ATTEMPTS} times, the last time with: ${last}`,
        );
      }
      this.retries += 1;
      const asked = outcome instanceof Error ? 0 : outcome.retryAfterMs;
      await delay(Math.min(LONGEST_PAUSE_MS, Math.max(asked, 50 * 2 ** attempt)), undefined, {
        signal: this.interrupted,
      });
    }
  }

  /** One request. An Error where there was no answer; interruptions are thrown. */
  private async attempt(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string | null,
  ): Promise<{ status: number; text: string; replayed: boolean; retryAfterMs: number } | Error> {
    try {
      const signal = AbortSignal.any([this.interrupted, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
      const response = await fetch(this.url + path, { method, headers, body, signal });
      const text = await response.text();
      return {
        status: response.status,
        text,
        replayed: response.headers.get('idempotent-replayed') === 'true',
        retryAfterMs: Number(response.headers.get('retry-after') ?? 0) * 1_000,
      };
    } catch (error) {
      this.interrupted.throwIfAborted();
      return error as Error;
    }
  }

  private record(name: string, milliseconds: number): void {
    const timings = this.timings.get(name);
    if (timings) timings.push(milliseconds);
    else this.timings.set(name, [milliseconds]);
  }
}

function asksForPatience(status: number, body: unknown): boolean {
  if (status === 503 || status === 429) return true;
  return status === 409 && (body as Problem | undefined)?.code === 'idempotency_in_progress';
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe(body: unknown, text: string): string {
  const { code, detail, errors } = (body ?? {}) as Problem & { errors?: unknown };
  if (!code) return text.slice(0, 500);
  return `${code}. ${detail}${errors ? ` ${JSON.stringify(errors)}` : ''}`;
}

/** fetch says "fetch failed" and keeps the reason as its cause. */
function reasonOf(error: Error): string {
  const cause = error.cause as { code?: string; message?: string } | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}

/** Runs `work` over all entries, at most `limit` at a time. The first failure ends it. */
export async function atMost<Entry, Result>(
  limit: number,
  entries: readonly Entry[],
  work: (entry: Entry) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(entries.length);
  let next = 0;
  const worker = async () => {
    while (next < entries.length) {
      const index = next;
      next += 1;
      results[index] = await work(entries[index] as Entry);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, entries.length) }, worker));
  return results;
}
