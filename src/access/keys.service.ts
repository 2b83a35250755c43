import { Inject, Injectable } from '@nestjs/common';
import { typeid } from 'typeid-js';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../config.module.js';
import { invalid, Problem } from '../problems/problem.js';
import { AccessRepository } from './access.repository.js';
import { Answer } from './answer.js';
import { mintKey } from './api-key.js';
import { ClientsService } from './clients.service.js';
import { KeyRing } from './key-ring.service.js';
import { KeyView, NewKeyView, PostKey, viewKey } from './keys.dto.js';
import { PageQuery } from './page.dto.js';
import { decodeCursor, Page, page } from './page.js';
import type { Principal } from './principal.js';

const DAY_MS = 86_400_000;
/** How long a key lives that does not say, in milliseconds. */
export const KEY_LIFETIME_MS = 365 * DAY_MS;
const LONGEST_KEY_LIFETIME_MS = 3_653 * DAY_MS;

/** The keys of clients: made, listed, revoked. A caller bound to a channel meets only those of its channel. */
@Injectable()
export class KeysService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: AccessRepository,
    private readonly clients: ClientsService,
    private readonly keyRing: KeyRing,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `validation_failed`, `not_found`. */
  async create(caller: Principal, code: string, { name, scopes, expiresAt }: PostKey): Promise<Answer<NewKeyView>> {
    const now = this.clock();
    const expiry = expiresAt === undefined ? now + KEY_LIFETIME_MS : Date.parse(expiresAt);
    if (!(expiry > now && expiry <= now + LONGEST_KEY_LIFETIME_MS)) {
      const detail = 'takes a time in the future, at most ten years ahead';
      throw invalid([{ pointer: '/expiresAt', code: 'out_of_range', detail }]);
    }
    const client = await this.clients.find(caller, code);
    const minted = mintKey();
    const created = {
      id: typeid('key').toString(),
      name,
      prefix: minted.prefix,
      lastFour: minted.lastFour,
      scopes,
      createdAt: new Date(now),
      expiresAt: new Date(expiry),
      lastUsedAt: null,
    };
    await this.repository.insertKey(this.dataSource.manager, client.id, minted.hash, created);
    const { id, ...rest } = viewKey(created);
    return new Answer(201, { id, key: minted.key, ...rest }, { 'Cache-Control': 'no-store' });
  }

  async list(caller: Principal, code: string, { limit, cursor }: PageQuery): Promise<Page<KeyView>> {
    const client = await this.clients.find(caller, code);
    const [after = ''] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const rows = await this.repository.listKeys(this.dataSource.manager, client.id, after, limit + 1);
    return page(rows, limit, viewKey, (key) => [key.id]);
  }

  /** Throws `not_found` also for a key of another channel than the caller's. */
  async revoke(caller: Principal, id: string): Promise<void> {
    const channelId = caller.channel?.id ?? null;
    const known = await this.repository.revokeKey(this.dataSource.manager, id, channelId, new Date(this.clock()));
    if (!known) throw new Problem('not_found', `There is no key ${id} that this key may see.`);
    this.keyRing.forget();
  }
}
