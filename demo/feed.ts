import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import type { Problem, SourceHealth } from './answers.js';
import type { Client } from './client.js';

const LOOK_EVERY_MS = 100;

/** What POST /v1/ingest answers to one event. */
export interface Accepted {
  /** Of the service. */
  readonly id: string;
  /** Of the sender. */
  readonly eventId: string;
  readonly status: 'received' | 'duplicate' | 'rejected';
  readonly problem?: Problem;
}

/** A warehouse system as a source of the service: what it sends is signed as Standard Webhooks has it. */
export class Feed {
  private constructor(
    private readonly client: Client,
    readonly source: string,
    private readonly webhook: Webhook,
  ) {}

  /**
   * Makes the source, or takes it over with a new secret. Throws an Error that says what to do where another source owns
   * what this one is to report.
   */
  static async open(client: Client, source: string, name: string, locations: readonly string[]): Promise<Feed> {
    const path = `/v1/sources/${source}`;
    const content = {
      name,
      kind: 'wms',
      profile: 'canonical',
      signature: { scheme: 'standard_webhooks' },
      owns: locations.map((location) => ({ location, facts: ['on_hand', 'supply'] })),
      freshnessSeconds: 3_600,
    };
    const expect = { expect: [409] };
    const { status, body } = await client.put<{ secret?: string; detail?: string }>(
      'put a source',
      path,
      content,
      expect,
    );
    if (status === 409) throw new Error(`${source} cannot report for ${locations.join(', ')}. ${body.detail}`);
    const secret =
      body.secret ??
      (await client.post<{ secret: string }>('rotate a secret', `${path}/rotate-secret`, { overlapSeconds: 0 })).body
        .secret;
    return new Feed(client, source, new Webhook(secret));
  }

  /** Sends texts, each an event as JSON or what a broken sender takes for one. Answered in this order. */
  async send(events: readonly string[]): Promise<Accepted[]> {
    const text = `[${events.join(',')}]`;
    const id = `msg_${randomUUID()}`;
    const at = new Date();
    const { body } = await this.client.deliver<{ events: Accepted[] }>('ingest', `/v1/ingest/${this.source}`, text, {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': this.webhook.sign(id, at, text),
    });
    return body.events;
  }

  async health(): Promise<SourceHealth> {
    return (await this.client.get<SourceHealth>('health of a source', `/v1/sources/${this.source}/health`)).body;
  }

  /** Waits until nothing waits to be applied any more. Throws an Error when that takes too long. */
  async settle(withinMs: number): Promise<void> {
    for (const until = Date.now() + withinMs; Date.now() < until; await delay(LOOK_EVERY_MS)) {
      if ((await this.health()).backlog.received === 0) return;
    }
    const { backlog } = await this.health();
    throw new Error(`${backlog.received} events of ${this.source} are not applied after ${withinMs / 1_000} s.`);
  }
}
