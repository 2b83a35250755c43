import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Tx } from '../postgres/connections.js';
import { invalid, Problem, unknownInBody } from '../problems/problem.js';
import { AccessChanges } from './access.changes.js';
import { addressesOf, isAmong } from './addresses.js';
import { Answer, versioned } from './answer.js';
import { AuditTrail } from './audit.service.js';
import { resourceOf } from './audit-entry.js';
import { Client, type ClientSettings, sameSettings } from './client.js';
import { ClientView, PostClient, PutClient, readSettings, viewClient } from './clients.dto.js';
import { ClientsRepository } from './clients.repository.js';
import { PageQuery } from './page.dto.js';
import { decodeCursor, Page, page } from './page.js';
import { type Expectation, expectVersion } from './precondition.js';
import { Principal, requireChannel, requireEveryChannel } from './principal.js';

/** Who calls. A caller bound to a channel meets only the clients of its channel. */
@Injectable()
export class ClientsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ClientsRepository,
    private readonly audit: AuditTrail,
    private readonly changes: AccessChanges,
  ) {}

  /** Throws `channel_forbidden`, `unknown_channel`, `already_exists`. */
  async create(caller: Principal, body: PostClient): Promise<Answer<ClientView>> {
    const { code, channel } = body;
    // Without this, an administrator of one channel could register a client of all of them, and be it.
    if (channel === undefined) requireEveryChannel(caller);
    else requireChannel(caller, channel);
    return this.dataSource.transaction(async (tx) => {
      const channelId = channel === undefined ? null : await this.repository.findChannelId(tx, channel);
      if (channelId === undefined) {
        throw unknownInBody('unknown_channel', '/channel', `There is no channel ${channel}. Create it first.`);
      }
      const client = await this.repository.insert(tx, { ...readSettings(body), code, channelId });
      if (!client) throw new Problem('already_exists', `There is a client ${code} already.`);
      const after = viewClient(client);
      await this.audit.record(tx, caller, { resource: resourceOf('clients', code), before: null, after });
      return versioned(after, true);
    });
  }

  /**
   * Replaces what may change: the limit, the tier and the addresses count from now on, in every process.
   * Throws `not_found`, `version_conflict`, `validation_failed` for another channel.
   */
  async put(caller: Principal, code: string, body: PutClient, expected: Expectation): Promise<Answer<ClientView>> {
    const settings = readSettings(body);
    const answer = await this.dataSource.transaction(async (tx) => {
      await this.repository.lock(tx, code);
      const client = await this.find(caller, code, tx);
      expectVersion(expected, client.version);
      if ((body.channel ?? null) !== client.channel) {
        const detail = `is ${client.channel ?? 'none'} and stays so: register another client for another channel`;
        throw invalid([{ pointer: '/channel', code: 'read_only', detail }]);
      }
      requireOwnAddress(caller, client, settings);
      if (sameSettings(client, settings)) return versioned(viewClient(client));
      await this.repository.update(tx, client.id, settings);
      const [before, after] = [viewClient(client), viewClient(await this.find(caller, code, tx))];
      await this.audit.record(tx, caller, { resource: resourceOf('clients', code), before, after });
      return versioned(after);
    });
    await this.changes.announce();
    return answer;
  }

  async get(caller: Principal, code: string): Promise<Answer<ClientView>> {
    return versioned(viewClient(await this.find(caller, code)));
  }

  async list(caller: Principal, { limit, cursor }: PageQuery): Promise<Page<ClientView>> {
    const [after = ''] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const channelId = caller.channel?.id ?? null;
    const rows = await this.repository.list(this.dataSource.manager, after, limit + 1, channelId);
    return page(rows, limit, viewClient, (client) => [client.code]);
  }

  /** Throws `not_found` also for a client of another channel than the caller's. */
  async find(caller: Principal, code: string, tx: Tx = this.dataSource.manager): Promise<Client> {
    const client = await this.repository.find(tx, code, caller.channel?.id ?? null);
    if (!client) throw new Problem('not_found', `There is no client ${code} that this key may see.`);
    return client;
  }
}

/** Throws `validation_failed` where callers would shut themselves out: nobody might be left to let them in again. */
function requireOwnAddress(caller: Principal, client: Client, { allowedAddresses }: ClientSettings): void {
  const address = caller.origin?.address ?? '';
  if (caller.clientId !== client.id || allowedAddresses.length === 0) return;
  if (isAmong(addressesOf(allowedAddresses), address)) return;
  const detail = `must hold ${address}, from where you call, because the client is your own`;
  throw invalid([{ pointer: '/allowedAddresses', code: 'locks_out', detail }]);
}
