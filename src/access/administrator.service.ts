import { Inject, Injectable } from '@nestjs/common';
import type pino from 'pino';
import { typeid } from 'typeid-js';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { openLog } from '../log.js';
import type { Tx } from '../postgres/connections.js';
import { describeKey, MintedKey, mintKey } from './api-key.js';
import { AuditRepository } from './audit.repository.js';
import { resourceOf } from './audit-entry.js';
import type { ApiKey } from './client.js';
import { ClientsRepository } from './clients.repository.js';
import { viewKey } from './keys.dto.js';
import { KeysRepository } from './keys.repository.js';
import { KEY_LIFETIME_MS } from './keys.service.js';
import { hashKey } from './pepper.js';
import { Peppers } from './peppers.service.js';

/** The client that the first key belongs to. */
const ADMINISTRATOR = 'administrator';

/** Sees to it that somebody can make the other keys. */
@Injectable()
export class AdministratorService {
  private readonly log: pino.Logger;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clients: ClientsRepository,
    private readonly keys: KeysRepository,
    private readonly audit: AuditRepository,
    private readonly peppers: Peppers,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.log = openLog(config, 'access');
  }

  /**
   * With `adminApiKey` (ADMIN_API_KEY), that key is an administrator's and never expires; one that was revoked stays so.
   * An earlier ADMIN_API_KEY stays valid until it is revoked, so that processes can change over one by one.
   * Without it, makes a key unless there is a live one with the scope admin, and returns it: nobody can read it later.
   */
  async ensure(adminApiKey: string | undefined): Promise<string | undefined> {
    return this.dataSource.transaction(async (tx) => {
      await this.clients.ensure(tx, ADMINISTRATOR, 'Administrator');
      const clientId = (await this.clients.lock(tx, ADMINISTRATOR)) as string;
      await this.requirePepper(tx);
      const peppers = await this.peppers.all();
      if (adminApiKey !== undefined) {
        const hashes = [...peppers, null].map((pepper) => hashKey(adminApiKey, pepper));
        if (!(await this.keys.exists(tx, hashes))) {
          await this.insert(tx, clientId, describeKey(adminApiKey, peppers[0]), 'ADMIN_API_KEY', null);
        } else if (!(await this.keys.find(tx, hashes))) {
          this.log.warn('ADMIN_API_KEY was revoked: set another one');
        }
        return undefined;
      }
      if (await this.keys.hasLiveAdministrator(tx, new Date(this.clock()))) return undefined;
      const key = mintKey(peppers[0]);
      await this.insert(tx, clientId, key, 'first key', new Date(this.clock() + KEY_LIFETIME_MS));
      return key.key;
    });
  }

  /**
   * A process with another pepper than the others would refuse every key, and each new key would be good for one
   * process only. Where the pepper is given as a setting, somebody has decided that the keys are lost.
   */
  private async requirePepper(tx: Tx): Promise<void> {
    const peppers = await this.peppers.all();
    const ids = peppers.map(({ id }) => id);
    const lost = await this.keys.countLost(tx, ids, new Date(this.clock()));
    if (lost === 0) return;
    const what = `${lost} API key(s) of this database were hashed under another pepper and are refused by this process`;
    if (this.config.apiKeyPeppers.length > 0) {
      this.log.warn({ keys: lost }, `${what}: revoke them, or add their pepper behind the first of API_KEY_PEPPER`);
      return;
    }
    throw new Error(
      `${what}. Give every process the same API_KEY_PEPPER: the content of api-key.pepper in the DATA_DIR of the one ` +
        'that made them, or what SECRET_ENCRYPTION_KEY was there. If it is lost, set a new API_KEY_PEPPER, and an ' +
        'ADMIN_API_KEY to make new keys with.',
    );
  }

  private async insert(tx: Tx, clientId: string, key: MintedKey, name: string, expiresAt: Date | null): Promise<void> {
    const [id, at] = [typeid('key').toString(), new Date(this.clock())];
    const { prefix, lastFour } = key;
    const created: ApiKey = {
      ...{ id, client: ADMINISTRATOR, name, prefix, lastFour, scopes: ['admin'] },
      ...{ createdAt: at, expiresAt, lastUsedAt: null, successorId: null },
    };
    await this.keys.insert(tx, clientId, key, created);
    const who = { clientId, clientCode: ADMINISTRATOR, channelId: null, keyId: 'holdfast' };
    await this.audit.insert(tx, [
      {
        ...{ ...who, id: typeid('aud').toString(), at, action: 'firstKey', resource: resourceOf('keys', id) },
        ...{ outcome: 'done', reason: null, times: 1, before: null, after: viewKey(created) },
        ...{ requestId: null, address: null },
      },
    ]);
  }
}
