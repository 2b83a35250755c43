import { createHmac, randomUUID } from 'node:crypto';
import { skuOf } from './cases.js';
import { eventOf } from './events.js';

export type Work = 'reserve' | 'send';

/**
 * What a connection sends for an item, as the bytes of HTTP/1.1. `key`: the API key; of `send`, the secret that events
 * are signed with. The head is made once: what differs stands at its end.
 */
export const REQUESTS: Readonly<Record<Work, (key: string, port: number) => (sku: string) => string>> = {
  reserve: (key, port) => {
    const body = (sku: string) => `{"channel":"bench","lines":[{"sku":"${sku}","quantity":1}]}`;
    const head =
      `POST /v1/reservations HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body(skuOf(1)).length}\r\nIdempotency-Key: `;
    return (sku) => `${head}${randomUUID()}\r\n\r\n${body(sku)}`;
  },
  send: (key, port) => {
    const body = (sku: string) => eventOf(randomUUID(), sku);
    const head =
      `POST /v1/ingest/bench HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body(skuOf(1)).length}\r\nX-Signature: `;
    return (sku) => {
      const event = body(sku);
      return `${head}${createHmac('sha256', key).update(event).digest('base64')}\r\n\r\n${event}`;
    };
  },
};
