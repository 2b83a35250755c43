import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Response } from 'supertest';
import type { TestApp } from '../support/app.js';

export const CSV = 'text/csv';
export const NDJSON = 'application/x-ndjson';

export interface Sent {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Response['body'];
}

interface Options {
  readonly type?: string;
  readonly atomic?: boolean;
  readonly key?: string;
  /** The API key. */
  readonly as?: string;
  readonly headers?: Record<string, string>;
}

/** Sends a body to POST /v1/imports: text at once, an iterable chunk by chunk and without its length. */
export function send(
  test: TestApp,
  kind: string,
  body: string | Buffer | Iterable<string> | AsyncIterable<string>,
  { type = CSV, atomic, key = randomUUID(), as = test.adminKey, headers = {} }: Options = {},
): Promise<Sent> {
  const query = `kind=${kind}${atomic === undefined ? '' : `&atomic=${atomic}`}`;
  const whole = typeof body === 'string' || Buffer.isBuffer(body);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${test.url}/v1/imports?${query}`,
      {
        method: 'POST',
        agent: false,
        headers: { Authorization: `Bearer ${as}`, 'Idempotency-Key': key, 'Content-Type': type, ...headers },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: JSON.parse(text) }),
        );
      },
    );
    outgoing.on('error', reject);
    if (whole) outgoing.end(body);
    else Readable.from(body).pipe(outgoing);
  });
}

/** The import, once it is done or failed. Its 202 is expected. */
export async function settled(test: TestApp, { status, body }: Sent, as?: string): Promise<Response['body']> {
  if (status !== 202) throw new Error(`The import was answered ${status}: ${JSON.stringify(body)}`);
  for (;;) {
    const { body: now } = await test.api(as).get(`/v1/imports/${body.id}`).expect(200);
    if (now.status === 'done' || now.status === 'failed') return now;
    await delay(50);
  }
}

/** Sends and waits. */
export async function bring(test: TestApp, kind: string, ...rest: [Parameters<typeof send>[2], Options?]) {
  return settled(test, await send(test, kind, ...rest), rest[1]?.as);
}

export function lines(...rows: readonly unknown[]): string {
  return rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join('');
}
