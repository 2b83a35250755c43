import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../config.module.js';
import { Problem } from '../problems/problem.js';
import { AccessRepository } from './access.repository.js';
import { hashKey, isPlausible } from './api-key.js';
import type { Principal } from './principal.js';

/** A key is looked up again after this long, so a revocation reaches every process within 5 s (api.md). */
const REMEMBER_KEY_MS = 4_000;

interface KnownKey {
  readonly principal: Principal;
  readonly expiresAt: number;
}

/** Says who a key belongs to. A key in use costs one query every four seconds a process, and one hash a request. */
@Injectable()
export class KeyRing {
  private readonly known: LRUCache<string, KnownKey>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: AccessRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.known = new LRUCache({ max: 10_000, ttl: REMEMBER_KEY_MS });
  }

  /** Throws `unauthenticated` for a key that is unknown, expired or revoked. */
  async identify(key: string): Promise<Principal> {
    if (!isPlausible(key)) throw unauthenticated('The key is mistyped: its checksum is wrong.');
    const hash = hashKey(key);
    const id = hash.toString('base64');
    let known = this.known.get(id);
    if (!known) {
      known = await this.repository.findKey(this.dataSource.manager, hash);
      if (!known) throw unauthenticated('The key is unknown or has been revoked.');
      this.known.set(id, known);
    }
    if (known.expiresAt <= this.clock()) throw unauthenticated('The key has expired: ask for a new one.');
    return known.principal;
  }

  /** Drops what this process remembers, so that a key it revokes itself is refused at once. */
  forget(): void {
    this.known.clear();
  }
}

export function unauthenticated(detail: string): Problem {
  return new Problem('unauthenticated', detail, { headers: { 'WWW-Authenticate': 'Bearer realm="holdfast"' } });
}
