import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { decodeCursor, type Page, page } from '../access/page.js';
import { type Principal, requireEveryChannel } from '../access/principal.js';
import { Problem } from '../problems/problem.js';
import { receivedAtOf } from './event-id.js';
import { type EventSummary, type EventsQuery, type EventView, viewEvent, viewEventDetail } from './events.dto.js';
import { EventsRepository } from './events.repository.js';
import { SourcesRepository } from './sources.repository.js';

const MOST_MOVEMENTS = 1_000;

/** Looks up what was sent and what became of it. */
@Injectable()
export class EventsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: EventsRepository,
    private readonly sources: SourcesRepository,
  ) {}

  /** Newest first. None for a source that there is not. Throws `channel_forbidden`. */
  async list(caller: Principal, { source, limit, cursor, ...query }: EventsQuery): Promise<Page<EventSummary>> {
    requireEveryChannel(caller);
    const before = (decodeCursor(cursor, ['number', 'string']) ?? null) as [number, string] | null;
    const tx = this.dataSource.manager;
    const found = source === undefined ? undefined : await this.sources.find(tx, source);
    if (source !== undefined && !found) return { data: [], nextCursor: null };
    const { status = null, sku = null, eventId = null } = query;
    const filter = { sourceId: found?.id ?? null, status, sku, eventId };
    const rows = await this.repository.list(tx, filter, before, limit + 1);
    return page(rows, limit, viewEvent, ({ receivedAt, id }) => [receivedAt, id]);
  }

  /** Throws `channel_forbidden`, `not_found`. */
  async get(caller: Principal, id: string): Promise<EventView> {
    requireEveryChannel(caller);
    const tx = this.dataSource.manager;
    const receivedAt = receivedAtOf(id);
    const row = receivedAt === undefined ? undefined : await this.repository.find(tx, id, receivedAt);
    if (!row) throw unknownEvent(id);
    const [attempts, exceptions, movements] = await Promise.all([
      this.repository.attempts(tx, id, row.receivedAt),
      this.repository.exceptions(tx, id),
      this.repository.movements(tx, row.turn, MOST_MOVEMENTS),
    ]);
    return viewEventDetail(row, attempts, exceptions, movements);
  }
}

export function unknownEvent(id: string): Problem {
  return new Problem('not_found', `There is no event ${id}, or it is older than events are kept.`);
}
