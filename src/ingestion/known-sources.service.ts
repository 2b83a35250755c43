import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import { type Limits, limitsOf } from '../access/rate-limit.js';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { MOST_EVENTS } from './event-slices.js';
import { type SigningSecret, signingSecret } from './signature.js';
import type { Source } from './source.js';
import { SourcesRepository } from './sources.repository.js';
import { Vault } from './vault.service.js';

/** A source is read again after this long: a change reaches every process within 5 s, as with keys. */
const REMEMBER_MS = 4_000;
/** A signature that is wrong by a copy older than this may be right by now. Bounds what strangers make us read. */
const READ_AGAIN_MS = 500;

/** A source as receiving needs it, with the secrets that were good when it was read. */
export interface KnownSource extends Source {
  readonly secrets: readonly SigningSecret[];
  /** What its events are charged to; null: nothing limits it. */
  readonly limits: Limits | null;
  /** Milliseconds since 1970. */
  readonly readAt: number;
}

/** This process's copy of the sources, for the path of every event. */
@Injectable()
export class KnownSources {
  private readonly byCode = new LRUCache<string, KnownSource>({ max: 1_000, ttl: REMEMBER_MS });
  /** What is being read: a thousand requests that find a source forgotten ask the database once. */
  private asked = new Map<string, Promise<KnownSource | undefined>>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: SourcesRepository,
    private readonly vault: Vault,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** undefined: ask for it with `find`. */
  atHand(code: string): KnownSource | undefined {
    return this.byCode.get(code);
  }

  /** undefined: there is no such source. */
  async find(code: string): Promise<KnownSource | undefined> {
    return this.atHand(code) ?? this.read(code);
  }

  /** The source read anew, unless that was just done: the copy then. */
  async readAgain(known: KnownSource): Promise<KnownSource> {
    if (this.clock() - known.readAt < READ_AGAIN_MS) return known;
    return (await this.read(known.code)) ?? known;
  }

  /** Drops the copies, and what is just being read, so that a change made here counts at once. */
  forget(): void {
    this.byCode.clear();
    this.asked = new Map();
  }

  private read(code: string): Promise<KnownSource | undefined> {
    const { asked } = this;
    let answer = asked.get(code);
    if (!answer) {
      answer = this.load(code)
        .then((found) => {
          // Read before a change, answered after it: not to be remembered.
          if (found && asked === this.asked) this.byCode.set(code, found);
          return found;
        })
        .finally(() => asked.delete(code));
      asked.set(code, answer);
    }
    return answer;
  }

  private async load(code: string): Promise<KnownSource | undefined> {
    const readAt = this.clock();
    const tx = this.dataSource.manager;
    const source = await this.repository.find(tx, code);
    if (!source) return undefined;
    const sealed = await this.repository.secrets(tx, source.id, new Date(readAt));
    const secrets = await Promise.all(
      sealed.map(async ({ id, ciphertext, expiresAt }) =>
        signingSecret(id, await this.vault.unseal(id, ciphertext), expiresAt?.getTime() ?? Number.POSITIVE_INFINITY),
      ),
    );
    return { ...source, secrets, limits: this.limitsOf(source), readAt };
  }

  /** Its own, or what every source may send: so much that only one which runs away ever meets it. */
  private limitsOf({ id, rateLimit }: Source): Limits | null {
    const { ingestEventsPerMinute: most } = this.config;
    const generous = most === 0 ? null : { requestsPerMinute: most, burst: Math.max(MOST_EVENTS, Math.ceil(most / 6)) };
    const limit = rateLimit ?? generous;
    return limitsOf(limit ? [{ name: 'source', key: `{source-${id}}`, limit }] : []);
  }
}
