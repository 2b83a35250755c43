import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import request, { type Response, type Test } from 'supertest';

/** Whoever sends as a source: signs as Standard Webhooks has it, by the library that senders use. */
export class Sender {
  constructor(
    private readonly url: string,
    readonly source: string,
    public secret: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** Sends a body signed; `signedAt`: milliseconds since 1970. Text and bytes go as they are. */
  send(body: unknown, { signedAt = this.now(), type = 'application/json', secret = this.secret } = {}): Test {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const id = `msg_${randomUUID()}`;
    return request(this.url)
      .post(`/v1/ingest/${this.source}`)
      .set('Content-Type', type)
      .set('webhook-id', id)
      .set('webhook-timestamp', String(Math.floor(signedAt / 1_000)))
      .set('webhook-signature', new Webhook(secret).sign(id, new Date(signedAt), bytes))
      .serialize((sent: unknown) => sent as string)
      .send(bytes as never);
  }
}

/** A canonical event. */
export function event(id: string, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    specversion: '1.0',
    id,
    source: 'wms',
    type: 'stock.received.v1',
    time: '2026-03-01T08:30:00Z',
    data: { sku: 'CABLE', location: 'HAM', quantity: 1, reference: `PO-${id}` },
    ...overrides,
  };
}

export function statusesOf({ body }: Response): string[] {
  return body.events.map(({ status }: { status: string }) => status);
}
