import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../config.module.js';
import { Problem } from '../problems/problem.js';
import { AccessChanges } from './access.changes.js';
import { isPlausible } from './api-key.js';
import { type Credential, Expired, unauthenticated } from './credential.js';
import { FailedAttempts } from './failed-attempts.service.js';
import { KeysRepository } from './keys.repository.js';
import { hashKey } from './pepper.js';
import { Peppers } from './peppers.service.js';
import { isToken, Tokens } from './tokens.service.js';

/**
 * A key is looked up again after this long, so that a revocation reaches every process within 5 s (api.md) with or
 * without Redis. Measured by a clock that nobody sets: one that is set back would remember a key for as long.
 */
const REMEMBER_KEY_MS = 4_000;
/** How exactly `lastUsedAt` is kept: a write a request would make every caller's key a hot row. */
const TOUCH_EVERY_MS = 300_000;

interface Remembered {
  readonly credential: Credential;
  /** Milliseconds of `performance.now()`. */
  until: number;
}

/** Says who a key or a token belongs to. A key in use costs one query and two hashes every four seconds a process. */
@Injectable()
export class KeyRing {
  /** By the key itself: it is in the headers of the requests under way anyway, and hashing it for each costs 4 µs. */
  private readonly known = new LRUCache<string, Remembered>({ max: 10_000 });
  /** What is being looked up: a thousand requests a second that find a key forgotten ask the database once. */
  private asked = new Map<string, Promise<Credential>>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: KeysRepository,
    private readonly peppers: Peppers,
    private readonly tokens: Tokens,
    private readonly attempts: FailedAttempts,
    changes: AccessChanges,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    changes.onChange(() => this.forget());
  }

  /** What is known of a key that was looked up lately, without waiting for anybody. Throws `unauthenticated` if it expired. */
  recall(key: string): Credential | undefined {
    const credential = this.remembered(key);
    return credential && this.requireLive(credential);
  }

  /** As `recall`; undefined as well if it expired. */
  atHand(key: string): Credential | undefined {
    const credential = this.remembered(key);
    return credential && credential.expiresAt > this.clock() ? credential : undefined;
  }

  /**
   * Throws `unauthenticated` for a key that is unknown, expired or revoked, and `rate_limited` where too many of those
   * came from `address`. A key that was valid a while ago is not held up by what others at its address do.
   */
  async identify(key: string, address: string): Promise<Credential> {
    const recalled = this.recall(key);
    if (recalled) return recalled;
    if (!this.known.has(key)) this.attempts.requireFew(address);
    const found = await this.lookUp(key).catch((error) => this.refuse(key, address, error));
    return this.requireLive(found);
  }

  /** Has this process look every key up again, also those it is just asking for. */
  forget(): void {
    // They stay in it, so that a key which is still valid counts as known.
    for (const remembered of this.known.values()) remembered.until = 0;
    this.asked = new Map();
  }

  private remembered(key: string): Credential | undefined {
    const remembered = this.known.get(key);
    return remembered === undefined || remembered.until <= performance.now() ? undefined : remembered.credential;
  }

  private requireLive(credential: Credential): Credential {
    if (credential.expiresAt <= this.clock()) throw new Expired('The key has expired: ask for a new one.');
    return credential;
  }

  private async refuse(key: string, address: string, error: unknown): Promise<never> {
    if (error instanceof Problem && error.code === 'unauthenticated' && !(error instanceof Expired)) {
      this.known.delete(key);
      await this.attempts.count(address);
    }
    throw error;
  }

  private lookUp(key: string): Promise<Credential> {
    const { asked } = this;
    let answer = asked.get(key);
    if (!answer) {
      answer = (isToken(key) && this.tokens.accepted ? this.tokens.identify(key) : this.find(key))
        .then((credential) => {
          // Asked before a revocation, answered after it: the answer is not to be remembered.
          if (asked === this.asked) {
            this.known.set(key, { credential, until: performance.now() + REMEMBER_KEY_MS });
          }
          return credential;
        })
        .finally(() => asked.delete(key));
      asked.set(key, answer);
    }
    return answer;
  }

  private async find(key: string): Promise<Credential> {
    if (!isPlausible(key)) throw unauthenticated('The key is mistyped: its checksum is wrong.');
    const tx = this.dataSource.manager;
    const peppers = await this.peppers.all();
    const hashes = [...peppers, null].map((pepper) => hashKey(key, pepper));
    const found = await this.repository.find(tx, hashes);
    const now = this.clock();
    if (!found) throw unauthenticated('The key is unknown or has been revoked.');
    if (found.expiresAt <= now) return found;
    const { keyId } = found.principal;
    const [{ id: pepper }] = peppers;
    if (found.pepper !== pepper) await this.repository.rehash(tx, keyId, { hash: hashes[0] as Buffer, pepper });
    if (found.lastUsedAt < now - TOUCH_EVERY_MS) {
      await this.repository.touch(tx, keyId, new Date(now), new Date(now - TOUCH_EVERY_MS));
    }
    return found;
  }
}
