import type { Response, Test } from 'supertest';
import type { Api, TestApp } from '../support/app.js';

type Body = Response['body'];

/** An item in a channel that sells it from locations of their own. */
export interface Shop {
  readonly sku: string;
  readonly channel: string;
  /** Codes, in sourcing order. */
  readonly locations: string[];
}

/** The words in which the tests of stock, availability and reservations speak. Requests are the administrator's. */
export class World {
  private readonly api: Api;

  constructor(private readonly at: TestApp) {
    this.api = at.api();
  }

  /** `stock`: on hand at each of the channel's locations; null: the item has no position there. */
  async shop(stock: readonly (number | null)[], channel: Body = {}, item: Body = {}): Promise<Shop> {
    const { sku } = await this.at.given.item(item);
    const locations: string[] = [];
    for (const onHand of stock) {
      const { code } = await this.at.given.location();
      locations.push(code);
      if (onHand !== null) await this.at.given.stock(sku, code, onHand);
    }
    const { code } = await this.at.given.channel({ locations, ...channel });
    return { sku, channel: code, locations };
  }

  /** Tries to hold. */
  hold(channel: string, lines: readonly object[], more: object = {}): Test {
    return this.api.post('/v1/reservations', { channel, lines, ...more });
  }

  /** A hold that succeeds. */
  async held(channel: string, lines: readonly object[], more: object = {}): Promise<Body> {
    return (await this.hold(channel, lines, more).expect(201)).body;
  }

  /** A commitment. */
  async committed(channel: string, lines: readonly object[], more: object = {}): Promise<Body> {
    return this.held(channel, lines, { commit: true, ...more });
  }

  /** Tries a step: commit, release, cancel, ship, … */
  step(id: string, action: string, body?: object): Test {
    return this.api.post(`/v1/reservations/${id}/${action}`, body);
  }

  edit(id: string, version: number | '*', lines: readonly object[]): Test {
    const tag = version === '*' ? '*' : `"${version}"`;
    return this.api.put(`/v1/reservations/${id}/lines`, { lines }).set('If-Match', tag);
  }

  async reservation(id: string): Promise<Body> {
    return (await this.api.get(`/v1/reservations/${id}`).expect(200)).body;
  }

  async quote(sku: string, channel: string, more = ''): Promise<Body> {
    return (await this.api.get(`/v1/availability/${encodeURIComponent(sku)}?channel=${channel}${more}`).expect(200))
      .body;
  }

  async available(sku: string, channel: string): Promise<number> {
    return (await this.quote(sku, channel)).available;
  }

  async position(sku: string, location: string | undefined): Promise<Body> {
    const { body } = await this.api.get(`/v1/stock?sku=${encodeURIComponent(sku)}&location=${location}`).expect(200);
    return body.data[0];
  }

  /** Tries to adjust, by default as a correction. */
  adjust(sku: string, location: string | undefined, change: object): Test {
    return this.api.post('/v1/stock/adjustments', { sku, location, reason: 'correction', ...change });
  }

  /** The ledger of a position, from its first movement. */
  async movements(sku: string, location: string | undefined, more = ''): Promise<Body[]> {
    const path = `/v1/stock/movements?sku=${encodeURIComponent(sku)}&location=${location}&limit=200${more}`;
    return (await this.api.get(path).expect(200)).body.data;
  }

  /** What a refusal leaves alone, in one comparable value: figures, versions and availability (semantics.md 31). */
  async everything({ sku, channel, locations }: Shop): Promise<unknown> {
    const positions = await Promise.all(locations.map((location) => this.position(sku, location)));
    const { body } = await this.api.get(`/v1/reservations?channel=${channel}&limit=200`).expect(200);
    return [positions, await this.quote(sku, channel), body];
  }
}

/** Fails unless it is a problem document with this code, which the remedy is looked up by. */
export function expectProblem({ status, headers, body }: Response, expected: number, code: string): void {
  expect({ status, code: body.code, type: body.type }).toEqual({ status: expected, code, type: `/problems/${code}` });
  expect(headers['content-type']).toMatch('application/problem+json');
  expect(body).toMatchObject({ status: expected, title: expect.any(String), detail: expect.any(String) });
  expect(body.requestId).toBe(headers['x-request-id']);
}
