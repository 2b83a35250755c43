import { type Client, createClient, createConfig } from './generated/client/index.js';
import { fetchWithPatience } from './retry.js';

export interface HoldfastOptions {
  /** The root of the service, such as `https://stock.example.com`. */
  readonly baseUrl: string;
  /** An API key, `hf_…`. */
  readonly key: string;
  /** How often a request is sent at most. Default 5. */
  readonly attempts?: number;
  /** Milliseconds after which a request is not sent again. Default 15,000: shorter than your customer's patience. */
  readonly patienceMs?: number;
  /** Another `fetch`, for instance one that logs. */
  readonly fetch?: typeof fetch;
}

/** A client to hand to the calls: `getAvailability({ client, … })`. It bears the key and repeats what is safe to repeat. */
export function createHoldfast({
  baseUrl,
  key,
  attempts = 5,
  patienceMs = 15_000,
  fetch: send = globalThis.fetch,
}: HoldfastOptions): Client {
  return createClient(
    createConfig({
      baseUrl,
      auth: key,
      fetch: (input, init) => fetchWithPatience(new Request(input, init), { attempts, patienceMs }, send),
    }),
  );
}

/** An Idempotency-Key for a new intent. Keep it with the basket: whoever asks again sends the same one. */
export function newIntent(): string {
  return crypto.randomUUID();
}
