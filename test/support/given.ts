import type { Response, Test } from 'supertest';
import type { Api } from './app.js';

let made = 0;
/** Codes nobody else in this test file has. */
const unique = (what: string) => `${what}-${++made}`;

/** An answer's body: tests look at what they expect of it. */
type Body = Response['body'];

/**
 * The world a test needs, made through the public API. Every factory takes only what the test cares about, and fails
 * with the answer it got if that is not a success.
 */
export class Given {
  constructor(private readonly api: Api) {}

  /** An item of whole pieces. */
  async item({ sku = unique('SKU'), ...overrides }: Body = {}): Promise<Body> {
    return success(
      this.api.put(`/v1/items/${encodeURIComponent(sku)}`, { name: `Item ${sku}`, baseUom: 'EA', ...overrides }),
    );
  }

  async location({ code = unique('LOC'), ...overrides }: Body = {}): Promise<Body> {
    return success(
      this.api.put(`/v1/locations/${code}`, { name: `Location ${code}`, type: 'warehouse', ...overrides }),
    );
  }

  /** A channel that sells in listed order, from one new location unless `locations` names some by code. */
  async channel({ code = unique('channel'), locations, ...overrides }: Body = {}): Promise<Body> {
    const codes = locations ?? [(await this.location()).code];
    const body = { name: `Channel ${code}`, locations: codes, sourcing: 'listed_order', ...overrides };
    return success(this.api.put(`/v1/channels/${code}`, body));
  }

  async client({ code = unique('client'), ...overrides }: Body = {}): Promise<Body> {
    return success(this.api.post('/v1/clients', { code, name: `Client ${code}`, ...overrides }));
  }

  /** A key of a new client, bound to `channel` if there is one. Returns `{ key, id, client, … }`. */
  async key({ scopes = ['admin'], channel, client, ...overrides }: Body = {}): Promise<Body> {
    const code = client ?? (await this.client(channel === undefined ? {} : { channel })).code;
    const body = { name: `Key of ${code}`, scopes, ...overrides };
    return { client: code, ...(await success(this.api.post(`/v1/clients/${code}/keys`, body))) };
  }

  /** Brings what is on hand at the location to `onHand`. Returns `{ movement, position }`. */
  async stock(sku: string, location: string, onHand: number, overrides: Body = {}): Promise<Body> {
    const body = { sku, location, onHand, reason: 'count', ...overrides };
    return success(this.api.post('/v1/stock/adjustments', body));
  }
}

async function success(test: Test): Promise<Body> {
  const { status, body } = await test;
  if (status >= 300) throw new Error(`${test.method} ${test.url} answered ${status}: ${JSON.stringify(body)}`);
  return body;
}
