import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { hmac, hmacKey } from '../src/ingestion/hmac.js';
import { skuOf } from './cases.js';
import { eventOf } from './events.js';

export type Work = 'reserve' | 'reserve-naively' | 'send' | 'read';

const NOTHING = Buffer.alloc(0);

/**
 * What a connection sends for an item, as the bytes of HTTP/1.1. `key`: the API key; of `send`, the secret that events
 * are signed with. `channel`: that of the key. The head is made once: what differs stands at its end.
 */
export const REQUESTS: Readonly<
  Record<Work, (key: string, port: number, channel?: string) => (sku: string) => string>
> = {
  reserve,
  'reserve-naively': reserve,
  send: (key, port) => {
    const body = (sku: string) => eventOf(randomUUID(), sku);
    const head =
      `POST /v1/ingest/bench HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body(skuOf(1)).length}\r\nX-Signature: `;
    const signing = hmacKey(Buffer.from(key));
    return (sku) => {
      const event = body(sku);
      return `${head}${hmac(signing, event, NOTHING, 'base64')}\r\n\r\n${event}`;
    };
  },
  read: (key, port) => {
    const rest = ` HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\n\r\n`;
    return (sku) => `GET /v1/availability/${sku}${rest}`;
  },
};

function reserve(key: string, port: number, channel = 'bench'): (sku: string) => string {
  const body = (sku: string) => `{"channel":"${channel}","lines":[{"sku":"${sku}","quantity":1}]}`;
  const head =
    `POST /v1/reservations HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body(skuOf(1)).length}\r\nIdempotency-Key: `;
  return (sku) => `${head}${randomUUID()}\r\n\r\n${body(sku)}`;
}

/** An answer of a reservation of one line has about 600 bytes; larger ones are put together from several reads. */
const BUFFER_BYTES = 16 * 1024;

/** Takes an answer: `200`, its body, decoded as latin1. */
export type Taker = (status: string, body: string) => void;

/** A keep-alive connection with one request under way. It speaks just enough HTTP/1.1 to take every answer whole. */
export class Connection {
  private readonly socket: Socket;
  private taker: Taker | undefined;
  private partial = '';

  /** `lost`: told why, when it ends with a request under way. `closed`: told when it ends, however it does. */
  constructor(
    port: number,
    private readonly lost: (why: string) => void,
    closed: () => void,
  ) {
    let why = 'the connection was closed';
    this.socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: Buffer.alloc(BUFFER_BYTES),
        callback: (length: number, buffer: Uint8Array) => this.read((buffer as Buffer).toString('latin1', 0, length)),
      },
    });
    this.socket.on('error', (error) => {
      why = error.message;
    });
    this.socket.on('close', () => {
      const underWay = this.taker !== undefined;
      this.taker = undefined;
      closed();
      if (underWay) this.lost(why);
    });
  }

  /** Sends a request. The next may be sent from within `taker`. */
  ask(request: string, taker: Taker): void {
    this.taker = taker;
    this.socket.write(request, 'latin1');
  }

  end(): void {
    this.socket.end();
  }

  private read(text: string): boolean {
    this.partial += text;
    const end = this.partial.indexOf('\r\n\r\n');
    if (end < 0) return true;
    const size = Number(/\r\ncontent-length: (\d+)/i.exec(this.partial)?.[1] ?? Number.NaN);
    if (this.partial.length < end + 4 + size) return true;
    const { partial, taker } = this;
    this.partial = '';
    this.taker = undefined;
    if (partial.length === end + 4 + size) {
      taker?.(partial.slice(9, 12), partial.slice(end + 4));
    } else {
      this.taker = taker; // to be told
      this.socket.destroy(new Error('an answer without Content-Length, or more than was asked for'));
    }
    return true;
  }
}
