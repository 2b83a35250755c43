import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CLOCK, type Clock } from '../config.module.js';
import type { Tx } from '../postgres/connections.js';
import { type AuditEntryView, type AuditQuery, viewAuditEntry } from './audit.dto.js';
import { AuditRepository } from './audit.repository.js';
import { type AuditedChange, entryOf } from './audit-entry.js';
import { decodeCursor, type Page, page } from './page.js';
import type { Principal } from './principal.js';
import { Refusals } from './refusals.service.js';

/** Who changed what, when and from where, as it was and as it is. */
@Injectable()
export class AuditTrail {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: AuditRepository,
    private readonly refusals: Refusals,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Written with the change or not at all: `tx` is that of the change. */
  async record(tx: Tx, caller: Principal, ...changes: readonly AuditedChange[]): Promise<void> {
    const at = this.clock();
    await this.repository.insert(
      tx,
      changes.map((change) => entryOf(caller, change, at)),
    );
  }

  /** Newest first. A caller bound to a channel is shown what clients of its channel did. */
  async list(caller: Principal, { limit, cursor, ...query }: AuditQuery): Promise<Page<AuditEntryView>> {
    await this.refusals.write(); // what was refused here before this question is in its answer
    const after = decodeCursor(cursor, ['number', 'string']) as [number, string] | undefined;
    const { client, key, action, resource, outcome, since, until } = query;
    const filter = {
      ...{ client: client ?? null, key: key ?? null, action: action ?? null, outcome: outcome ?? null },
      resource: resource?.replace(/^\/?(v\d+\/)?|\/$/g, '') ?? null,
      since: since === undefined ? null : new Date(since),
      until: until === undefined ? null : new Date(until),
      channelId: caller.channel?.id ?? null,
    };
    const before: [Date, string] | null = after ? [new Date(after[0]), after[1]] : null;
    const rows = await this.repository.list(this.dataSource.manager, filter, before, limit + 1);
    return page(rows, limit, viewAuditEntry, ({ at, id }) => [at.getTime(), id]);
  }
}
