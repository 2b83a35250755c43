import { Inject, Injectable } from '@nestjs/common';
import { typeid } from 'typeid-js';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../config.module.js';
import type { Tx } from '../postgres/connections.js';
import { invalid, Problem } from '../problems/problem.js';
import { AccessChanges } from './access.changes.js';
import { Answer } from './answer.js';
import { mintKey } from './api-key.js';
import { AuditTrail } from './audit.service.js';
import { type AuditedChange, resourceOf } from './audit-entry.js';
import type { ApiKey, Client } from './client.js';
import { ClientsService } from './clients.service.js';
import { type Intent, replay } from './idempotency.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { KeysQuery, KeyView, NewKeyView, PostKey, RotateKey, viewKey } from './keys.dto.js';
import { KeysRepository } from './keys.repository.js';
import { PageQuery } from './page.dto.js';
import { decodeCursor, Page, page } from './page.js';
import { Peppers } from './peppers.service.js';
import type { Principal, Scope } from './principal.js';

const DAY_MS = 86_400_000;
/** How long a key lives that does not say, in milliseconds. */
export const KEY_LIFETIME_MS = 365 * DAY_MS;
const LONGEST_KEY_LIFETIME_MS = 3_653 * DAY_MS;

/** The keys of clients: made, listed, rotated, revoked. A caller bound to a channel meets only those of its channel. */
@Injectable()
export class KeysService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: KeysRepository,
    private readonly clients: ClientsService,
    private readonly peppers: Peppers,
    private readonly idempotency: IdempotencyRepository,
    private readonly audit: AuditTrail,
    private readonly changes: AccessChanges,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `validation_failed`, `not_found`. */
  async create(caller: Principal, code: string, { name, scopes, expiresAt }: PostKey): Promise<Answer<NewKeyView>> {
    const expiry = this.expiryOf(expiresAt);
    const client = await this.clients.find(caller, code);
    const { created, key } = await this.dataSource.transaction(async (tx) => {
      const made = await this.insert(tx, client, name, scopes, expiry);
      await this.audit.record(tx, caller, born(made.created));
      return made;
    });
    const { id, ...rest } = viewKey(created);
    return new Answer(201, { id, key, ...rest }, { 'Cache-Control': 'no-store' });
  }

  async list(caller: Principal, code: string, query: PageQuery): Promise<Page<KeyView>> {
    const client = await this.clients.find(caller, code);
    return this.page(caller, { ...query, clientId: client.id });
  }

  /** Of all clients the caller may see. */
  async find(caller: Principal, query: KeysQuery): Promise<Page<KeyView>> {
    return this.page(caller, query);
  }

  /** Throws `not_found` also for a key of another channel than the caller's, and for one that was revoked. */
  async get(caller: Principal, id: string): Promise<KeyView> {
    const key = await this.repository.get(this.dataSource.manager, id, caller.channel?.id ?? null);
    if (!key) throw unknownKey(id);
    return viewKey(key);
  }

  /**
   * Makes a key that may do the same, and has the old one end after the overlap. A repetition with the same
   * Idempotency-Key answers as the first time, without the key: it is nowhere kept. Throws `not_found`.
   */
  async rotate(
    caller: Principal,
    id: string,
    { overlapSeconds = 86_400, expiresAt }: RotateKey,
    intent: Intent,
  ): Promise<Answer> {
    const expiry = this.expiryOf(expiresAt);
    const answer = await this.dataSource.transaction(async (tx) => {
      await this.idempotency.lockIntent(tx, intent);
      const first = await this.idempotency.find(tx, intent);
      if (first) return replay(intent, first);
      const old = await this.repository.lock(tx, id, caller.channel?.id ?? null);
      if (!old || old.revokedAt !== null) throw unknownKey(id);
      const now = this.clock();
      const end = new Date(
        Math.min(old.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY, now + overlapSeconds * 1_000),
      );
      const owner = { id: old.clientId, code: old.client };
      const { created, key } = await this.insert(tx, owner, old.name, old.scopes, expiry);
      await this.repository.succeed(tx, id, created.id, end);
      const before = viewKey(old);
      const after = { ...before, expiresAt: end.toISOString(), successor: created.id };
      await this.audit.record(tx, caller, { resource: resourceOf('keys', id), before, after }, born(created));
      const body = { ...viewKey(created), predecessor: id, predecessorExpiresAt: end.toISOString() };
      await this.idempotency.insert(tx, intent, 201, { ...body, key: null }, new Date(now));
      return new Answer(201, { ...body, key }, { 'Cache-Control': 'no-store' });
    });
    await this.changes.announce();
    return answer;
  }

  /** A second time changes nothing. Throws `not_found` also for a key of another channel than the caller's. */
  async revoke(caller: Principal, id: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const key = await this.repository.lock(tx, id, caller.channel?.id ?? null);
      if (!key) throw unknownKey(id);
      if (key.revokedAt !== null) return;
      await this.repository.revoke(tx, id, new Date(this.clock()));
      await this.audit.record(tx, caller, { resource: resourceOf('keys', id), before: viewKey(key), after: null });
    });
    await this.changes.announce();
  }

  private async page(
    { channel }: Principal,
    { limit, cursor, prefix, clientId }: KeysQuery & { clientId?: string },
  ): Promise<Page<KeyView>> {
    const [after = ''] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const filter = { clientId: clientId ?? null, prefix: prefix ?? null, channelId: channel?.id ?? null };
    const rows = await this.repository.list(this.dataSource.manager, filter, after, limit + 1);
    return page(rows, limit, viewKey, (key) => [key.id]);
  }

  private async insert(
    tx: Tx,
    client: Pick<Client, 'id' | 'code'>,
    name: string,
    scopes: readonly Scope[],
    expiresAt: Date,
  ): Promise<{ created: ApiKey; key: string }> {
    const minted = mintKey(await this.peppers.first());
    const { prefix, lastFour, key } = minted;
    const created = {
      ...{ id: typeid('key').toString(), client: client.code, name, prefix, lastFour, scopes },
      ...{ createdAt: new Date(this.clock()), expiresAt, lastUsedAt: null, successorId: null },
    };
    await this.repository.insert(tx, client.id, minted, created);
    return { created, key };
  }

  /** Throws `validation_failed`. */
  private expiryOf(expiresAt: string | undefined): Date {
    const now = this.clock();
    const expiry = expiresAt === undefined ? now + KEY_LIFETIME_MS : Date.parse(expiresAt);
    if (expiry > now && expiry <= now + LONGEST_KEY_LIFETIME_MS) return new Date(expiry);
    const detail = 'takes a time in the future, at most ten years ahead';
    throw invalid([{ pointer: '/expiresAt', code: 'out_of_range', detail }]);
  }
}

function born(key: ApiKey): AuditedChange {
  return { resource: resourceOf('keys', key.id), before: null, after: viewKey(key) };
}

function unknownKey(id: string): Problem {
  return new Problem('not_found', `There is no key ${id} that this key may see, or it was revoked.`);
}
