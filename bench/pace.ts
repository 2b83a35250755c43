import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { skuOf } from './cases.js';

/**
 * An open loop, in a process of its own: requests are sent at a fixed rate whether or not the ones before are answered,
 * and each waits since the moment it was due. So a service that stalls is seen to stall.
 */

export interface Stream {
  readonly name: string;
  readonly key: string;
  /** Reservations a second. */
  readonly rate: number;
}

export interface Paced {
  readonly url: string;
  readonly streams: readonly Stream[];
  readonly items: number;
  readonly seconds: number;
}

/** Of one stream: milliseconds from when it was due to the end of the answer, and how many answers of each status. */
export interface Waited {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly statuses: Readonly<Record<string, number>>;
}

/** How often it is looked what is due, in milliseconds. */
const LOOK_MS = 1;

async function pace({ url, streams, items, seconds }: Paced): Promise<Waited[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
  const waited = await Promise.all(streams.map((stream) => drive(stream, url, agent, items, seconds)));
  agent.destroy();
  return waited;
}

function drive(stream: Stream, url: string, agent: Agent, items: number, seconds: number): Promise<Waited> {
  const begun = performance.now();
  const total = stream.rate * seconds;
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  let sent = 0;
  return new Promise((resolve) => {
    const count = (due: number, status: string) => {
      latencies.push(performance.now() - due);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (latencies.length === total) resolve({ name: stream.name, ...quantiles(latencies), statuses });
    };
    const timer = setInterval(() => {
      for (; sent < total; sent += 1) {
        const due = begun + (sent * 1_000) / stream.rate;
        if (due > performance.now()) return;
        reserve(stream, url, agent, items, (status) => count(due, status));
      }
      clearInterval(timer);
    }, LOOK_MS);
  });
}

function reserve(stream: Stream, url: string, agent: Agent, items: number, done: (status: string) => void): void {
  const sku = skuOf(1 + Math.floor(Math.random() * items));
  const body = `{"lines":[{"sku":"${sku}","quantity":1}]}`;
  const headers = {
    Authorization: `Bearer ${stream.key}`,
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'Idempotency-Key': randomUUID(),
  };
  const asked = request(`${url}/v1/reservations`, { method: 'POST', agent, headers }, (answer) => {
    answer.resume().on('end', () => done(String(answer.statusCode)));
  });
  asked.on('error', (error) => done(error.message));
  asked.end(body);
}

function quantiles(latencies: readonly number[]): { p50: number; p99: number; most: number } {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  return { p50: at(0.5), p99: at(0.99), most: sorted.at(-1) as number };
}

process.on('message', async (paced: Paced) => process.send?.(await pace(paced)));
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; who started us tells us when to end
