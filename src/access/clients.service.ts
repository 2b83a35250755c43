import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Problem, unknownInBody } from '../problems/problem.js';
import { AccessRepository } from './access.repository.js';
import { Answer, versioned } from './answer.js';
import { Client } from './client.js';
import { ClientView, PostClient, viewClient } from './clients.dto.js';
import { PageQuery } from './page.dto.js';
import { decodeCursor, Page, page } from './page.js';
import { Principal, requireChannel, requireEveryChannel } from './principal.js';

/** Who calls. A caller bound to a channel meets only the clients of its channel. */
@Injectable()
export class ClientsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: AccessRepository,
  ) {}

  /** Throws `channel_forbidden`, `unknown_channel`, `already_exists`. */
  async create(caller: Principal, { code, name, channel, rateLimit }: PostClient): Promise<Answer<ClientView>> {
    // Without this, an administrator of one channel could register a client of all of them, and be it.
    if (channel === undefined) requireEveryChannel(caller);
    else requireChannel(caller, channel);
    const tx = this.dataSource.manager;
    const channelId = channel === undefined ? null : await this.repository.findChannelId(tx, channel);
    if (channelId === undefined) {
      throw unknownInBody('unknown_channel', '/channel', `There is no channel ${channel}. Create it first.`);
    }
    const client = await this.repository.insertClient(tx, { code, name, channelId, rateLimit: rateLimit ?? null });
    if (!client) throw new Problem('already_exists', `There is a client ${code} already.`);
    return versioned(viewClient(client), true);
  }

  async get(caller: Principal, code: string): Promise<Answer<ClientView>> {
    return versioned(viewClient(await this.find(caller, code)));
  }

  async list(caller: Principal, { limit, cursor }: PageQuery): Promise<Page<ClientView>> {
    const [after = ''] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const channelId = caller.channel?.id ?? null;
    const rows = await this.repository.listClients(this.dataSource.manager, after, limit + 1, channelId);
    return page(rows, limit, viewClient, (client) => [client.code]);
  }

  /** Throws `not_found` also for a client of another channel than the caller's. */
  async find(caller: Principal, code: string): Promise<Client> {
    const client = await this.repository.findClient(this.dataSource.manager, code, caller.channel?.id ?? null);
    if (!client) throw new Problem('not_found', `There is no client ${code} that this key may see.`);
    return client;
  }
}
