import type { Response } from 'supertest';
import type { Api, TestApp } from '../support/app.js';

/** A limit of which nothing comes back while a test runs that does not turn the clock by minutes. */
export const slow = (burst: number) => ({ requestsPerMinute: 1, burst });

/** A channel from one location with an item in it, a client of it, and what its key may ask. */
export interface LimitedChannel {
  readonly code: string;
  readonly client: string;
  readonly sku: string;
  readonly api: Api;
}

export async function limitedChannel(
  { given, api }: TestApp,
  { ofChannel, ofClient }: { ofChannel?: object | undefined; ofClient?: object | undefined },
): Promise<LimitedChannel> {
  const { code: location } = await given.location();
  const { sku } = await given.item();
  await given.stock(sku, location, 100_000);
  const { code } = await given.channel({ locations: [location], rateLimit: ofChannel });
  const { code: client } = await given.client({ channel: code, rateLimit: ofClient });
  const { key } = await given.key({ client, scopes: ['availability:read', 'reservations:write'] });
  return { code, client, sku, api: api(key) };
}

/** What `RateLimit` says is left, by policy: `{ 'channel-burst': 49, … }`. */
export function leftIn({ headers }: Pick<Response, 'headers'>): Record<string, number> {
  const items = [...String(headers.ratelimit).matchAll(/"([a-z-]+)";r=(\d+);t=\d+(?:, |$)/g)];
  return Object.fromEntries(items.map(([, name, left]) => [name as string, Number(left)]));
}
