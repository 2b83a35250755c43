import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../config.module.js';
import { Problem } from '../problems/problem.js';
import { AccessRepository, FoundKey } from './access.repository.js';
import { hashKey, isPlausible } from './api-key.js';
import type { Principal } from './principal.js';

/** A key is looked up again after this long, so a revocation reaches every process within 5 s (api.md). */
const REMEMBER_KEY_MS = 4_000;
/** How exactly `lastUsedAt` is kept: a write a request would make every caller's key a hot row. */
const TOUCH_EVERY_MS = 300_000;

/** Says who a key belongs to. A key in use costs one query and one hash every four seconds a process. */
@Injectable()
export class KeyRing {
  /** By the key itself: it is in the headers of the requests under way anyway, and hashing it for each costs 4 µs. */
  private readonly known = new LRUCache<string, FoundKey>({ max: 10_000, ttl: REMEMBER_KEY_MS });
  /** What is being looked up: a thousand requests a second that find a key forgotten ask the database once. */
  private asked = new Map<string, Promise<FoundKey | undefined>>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: AccessRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `unauthenticated` for a key that is unknown, expired or revoked. */
  async identify(key: string): Promise<Principal> {
    const known = this.known.get(key) ?? (await this.lookUp(key));
    if (!known) throw unauthenticated('The key is unknown or has been revoked.');
    if (known.expiresAt <= this.clock()) throw unauthenticated('The key has expired: ask for a new one.');
    return known.principal;
  }

  /** Drops what this process remembers, and what it is just asking, so that a key it revokes is refused at once. */
  forget(): void {
    this.known.clear();
    this.asked = new Map();
  }

  private lookUp(key: string): Promise<FoundKey | undefined> {
    if (!isPlausible(key)) throw unauthenticated('The key is mistyped: its checksum is wrong.');
    const { asked } = this;
    let answer = asked.get(key);
    if (!answer) {
      answer = this.find(hashKey(key))
        .then((found) => {
          // Asked before a revocation, answered after it: the answer is not to be remembered.
          if (found && asked === this.asked) this.known.set(key, found);
          return found;
        })
        .finally(() => asked.delete(key));
      asked.set(key, answer);
    }
    return answer;
  }

  private async find(hash: Buffer): Promise<FoundKey | undefined> {
    const tx = this.dataSource.manager;
    const found = await this.repository.findKey(tx, hash);
    const now = this.clock();
    if (found && found.expiresAt > now && found.lastUsedAt < now - TOUCH_EVERY_MS) {
      await this.repository.touchKey(tx, found.principal.keyId, new Date(now), new Date(now - TOUCH_EVERY_MS));
    }
    return found;
  }
}

export function unauthenticated(detail: string): Problem {
  return new Problem('unauthenticated', detail, { headers: { 'WWW-Authenticate': 'Bearer realm="holdfast"' } });
}
