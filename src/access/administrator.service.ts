import { Inject, Injectable } from '@nestjs/common';
import pino from 'pino';
import { typeid } from 'typeid-js';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import type { Tx } from '../postgres/connections.js';
import { AccessRepository } from './access.repository.js';
import { describeKey, MintedKey, mintKey } from './api-key.js';
import { KEY_LIFETIME_MS } from './keys.service.js';

/** The client that the first key belongs to. */
const ADMINISTRATOR = 'administrator';

/** Sees to it that somebody can make the other keys. */
@Injectable()
export class AdministratorService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: AccessRepository,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * With `adminApiKey` (ADMIN_API_KEY), that key is an administrator's and never expires; one that was revoked stays so.
   * An earlier ADMIN_API_KEY stays valid until it is revoked, so that processes can change over one by one.
   * Without it, makes a key unless there is a live one with the scope admin, and returns it: nobody can read it later.
   */
  async ensure(adminApiKey: string | undefined): Promise<string | undefined> {
    return this.dataSource.transaction(async (tx) => {
      await this.repository.ensureClient(tx, ADMINISTRATOR, 'Administrator');
      const clientId = await this.repository.lockClient(tx, ADMINISTRATOR);
      if (adminApiKey !== undefined) {
        const key = describeKey(adminApiKey);
        await this.insert(tx, clientId, key, 'ADMIN_API_KEY', null);
        if (!(await this.repository.findKey(tx, key.hash))) {
          pino({ level: this.config.logLevel, name: 'access' }).warn('ADMIN_API_KEY was revoked: set another one');
        }
        return undefined;
      }
      if (await this.repository.hasLiveAdministrator(tx, new Date(this.clock()))) return undefined;
      const key = mintKey();
      await this.insert(tx, clientId, key, 'first key', new Date(this.clock() + KEY_LIFETIME_MS));
      return key.key;
    });
  }

  private async insert(tx: Tx, clientId: string, key: MintedKey, name: string, expiresAt: Date | null): Promise<void> {
    await this.repository.insertKey(tx, clientId, key.hash, {
      id: typeid('key').toString(),
      name,
      prefix: key.prefix,
      lastFour: key.lastFour,
      scopes: ['admin'],
      createdAt: new Date(this.clock()),
      expiresAt,
      lastUsedAt: null,
    });
  }
}
