import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AccessChanges } from '../access/access.changes.js';
import { Answer, versioned } from '../access/answer.js';
import { AuditTrail } from '../access/audit.service.js';
import { resourceOf } from '../access/audit-entry.js';
import { PageQuery } from '../access/page.dto.js';
import { decodeCursor, Page, page } from '../access/page.js';
import { Expectation, expectVersion } from '../access/precondition.js';
import { Principal, requireChannel, requireEveryChannel } from '../access/principal.js';
import { CatalogChanges } from '../catalog/catalog.changes.js';
import { ItemsRepository } from '../catalog/items.repository.js';
import { unknownSku } from '../catalog/items.service.js';
import { LocationsRepository } from '../catalog/locations.repository.js';
import { CLOCK, type Clock } from '../config.module.js';
import type { Tx } from '../postgres/connections.js';
import { FieldError, invalid, Problem } from '../problems/problem.js';
import { Channel, faultsOf, itemFaultsOf, sameChannel } from './channel.js';
import {
  ChannelItemView,
  ChannelView,
  PutChannel,
  PutChannelItem,
  readChannel,
  readChannelItem,
  viewChannel,
  viewChannelItem,
} from './channels.dto.js';
import { ChannelsRepository } from './channels.repository.js';

/** Who sells: from which locations, in which order, and with what held back. */
@Injectable()
export class ChannelsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ChannelsRepository,
    private readonly items: ItemsRepository,
    private readonly locations: LocationsRepository,
    private readonly audit: AuditTrail,
    private readonly changes: CatalogChanges,
    private readonly access: AccessChanges,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Creates or replaces. Throws `channel_forbidden`, `validation_failed`, `unknown_location`, `version_conflict`. */
  async put(caller: Principal, code: string, body: PutChannel, expected: Expectation): Promise<Answer<ChannelView>> {
    requireEveryChannel(caller);
    const content = readChannel(body);
    const faults = faultsOf(content);
    if (faults.length > 0) throw invalid(faults);
    const answer = await this.dataSource.transaction(async (tx) => {
      let id = await this.repository.lock(tx, code);
      const found = id !== undefined;
      if (id === undefined) {
        expectVersion(expected, undefined);
        id = await this.repository.insert(tx, code, content);
      }
      let before: ChannelView | null = null;
      const created = !found && id !== undefined;
      // Not created although not found: another request was quicker between our look and our insert.
      id ??= (await this.repository.lock(tx, code)) as number;
      if (!created) {
        const channel = (await this.repository.find(tx, code)) as Channel;
        expectVersion(expected, channel.version);
        before = viewChannel(channel);
        if (sameChannel(channel, content)) return versioned(before);
        await this.repository.update(tx, id, content);
      }
      await this.replaceLocations(tx, id, content.locations);
      const after = viewChannel((await this.repository.find(tx, code)) as Channel);
      await this.audit.record(tx, caller, { resource: resourceOf('channels', code), before, after });
      await this.locations.raiseRevision(tx);
      return versioned(after, created);
    });
    await this.access.announce(); // its keys have another limit, or another number of locations
    await this.changes.announce({ configuration: true });
    return answer;
  }

  async get(caller: Principal, code: string): Promise<Answer<ChannelView>> {
    requireChannel(caller, code);
    const channel = await this.repository.find(this.dataSource.manager, code);
    if (!channel) throw unknownChannel(code);
    return versioned(viewChannel(channel));
  }

  async list(caller: Principal, { limit, cursor }: PageQuery): Promise<Page<ChannelView>> {
    const [after = ''] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const own = caller.channel?.id ?? null;
    const rows = await this.repository.list(this.dataSource.manager, after, limit + 1, own);
    return page(rows, limit, viewChannel, (channel) => [channel.code]);
  }

  /** Throws `channel_forbidden`, `unknown_channel`, `unknown_sku`, `validation_failed`, `version_conflict`. */
  async putItem(
    caller: Principal,
    code: string,
    sku: string,
    body: PutChannelItem,
    expected: Expectation,
  ): Promise<Answer<ChannelItemView>> {
    requireChannel(caller, code);
    const content = readChannelItem(body);
    const answer = await this.dataSource.transaction(async (tx) => {
      const channelId = await this.repository.findId(tx, code);
      if (channelId === undefined) throw unknownChannel(code);
      await this.items.lock(tx, sku);
      const item = await this.items.find(tx, sku);
      if (!item || item.deleted) throw unknownSku(sku);
      const faults = itemFaultsOf(content, item.fractionDigits);
      if (faults.length > 0) throw invalid(faults);
      const rule = await this.repository.findRule(tx, channelId, item.id);
      expectVersion(expected, rule?.version);
      if (rule && rule.buffer === content.buffer && rule.backorderLimit === content.backorderLimit) {
        return versioned(viewChannelItem(code, sku, rule));
      }
      const version = await this.repository.writeRule(tx, channelId, item.id, content);
      await this.items.raiseRevision(tx, item.id, new Date(this.clock()));
      const before = rule ? viewChannelItem(code, sku, rule) : null;
      const after = viewChannelItem(code, sku, { ...content, version });
      await this.audit.record(tx, caller, { resource: resourceOf('channels', code, 'items', sku), before, after });
      return versioned(after, rule === undefined);
    });
    await this.changes.announce({ skus: [sku] });
    return answer;
  }

  async getItem(caller: Principal, code: string, sku: string): Promise<Answer<ChannelItemView>> {
    requireChannel(caller, code);
    const tx = this.dataSource.manager;
    const channelId = await this.repository.findId(tx, code);
    if (channelId === undefined) throw unknownChannel(code);
    const item = await this.items.find(tx, sku);
    if (!item || item.deleted) throw unknownSku(sku);
    const rule = await this.repository.findRule(tx, channelId, item.id);
    if (!rule) throw new Problem('not_found', `${code} has no rule for ${sku}: the figures of the channel count.`);
    return versioned(viewChannelItem(code, sku, rule));
  }

  private async replaceLocations(tx: Tx, id: number, codes: readonly string[]): Promise<void> {
    const unknown = await this.repository.replaceLocations(tx, id, codes);
    if (unknown.length === 0) return;
    const detail = 'There is no such location. Create it with PUT /v1/locations/{code} first.';
    const errors: FieldError[] = unknown.map((code) => ({
      pointer: `/locations/${codes.indexOf(code)}`,
      code: 'unknown_location',
      detail: `${code}: ${detail}`,
    }));
    throw new Problem('unknown_location', `${unknown.join(', ')}: ${detail}`, { errors });
  }
}

export function unknownChannel(code: string): Problem {
  return new Problem('unknown_channel', `There is no channel ${code}. Create it with PUT /v1/channels/{code}.`);
}
