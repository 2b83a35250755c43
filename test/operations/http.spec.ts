import net from 'node:net';
import { startApp, type TestApp } from '../support/app.js';

describe('HTTP itself', () => {
  let at: TestApp;

  beforeAll(async () => {
    at = await startApp();
  });
  afterAll(() => at.close());

  /** Sends bytes as they are; resolves with what comes back until the connection is closed. */
  const raw = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = net.connect(Number(new URL(at.url).port), '127.0.0.1', () => socket.write(bytes));
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });

  it('answers what is not HTTP with a problem document', async () => {
    const answer = await raw('HELO holdfast\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n(.*\r\n)*content-type: application\/problem\+json/);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] as string).code).toBe('malformed_request');
  });

  it('answers headers of more than 16 KiB with a problem document', async () => {
    const answer = await raw(`GET /health/live HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] as string).code).toBe('headers_too_large');
  });

  it('takes an empty body that calls itself JSON as no body', async () => {
    const { sku } = await at.given.item();
    const { code: location } = await at.given.location();
    await at.given.stock(sku, location, 1);
    const { code: channel } = await at.given.channel({ locations: [location] });
    const hold = await at.api().post('/v1/reservations', { channel, lines: [{ sku, quantity: 1 }] });
    const answer = await at
      .api()
      .post(`/v1/reservations/${hold.body.id}/release`)
      .set('Content-Type', 'application/json');
    expect(answer.status).toBe(200);
    expect(answer.body.status).toBe('released');
  });

  it('asks for a body where one is needed', async () => {
    const answer = await at.api().post('/v1/reservations').set('Content-Type', 'application/json');
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('validation_failed');
  });

  it('gives back the request id and the trace it was given', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answer = await at.http.get('/v1/items').set('X-Request-Id', 'order-4711').set('traceparent', traceparent);
    expect(answer.headers['x-request-id']).toBe('order-4711');
    expect(answer.headers.traceparent).toBe(traceparent);
    expect(answer.body.requestId).toBe('order-4711');
  });
});
