import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Answer } from '../access/answer.js';
import { AuditTrail } from '../access/audit.service.js';
import { resourceOf } from '../access/audit-entry.js';
import { type Intent, replay } from '../access/idempotency.js';
import { IdempotencyRepository } from '../access/idempotency.repository.js';
import { decodeCursor, type Page, page } from '../access/page.js';
import { type Principal, requireEveryChannel } from '../access/principal.js';
import { CLOCK, type Clock } from '../config.module.js';
import type { Tx } from '../postgres/connections.js';
import { Problem } from '../problems/problem.js';
import { INFORMING } from './applying.session.js';
import { parseCanonical } from './canonical-reader.js';
import { MappingFailed } from './event-fields.js';
import { receivedAtOf } from './event-id.js';
import { type ExceptionsQuery, type ExceptionView, type RetryException, viewException } from './exceptions.dto.js';
import { type ExceptionRow, ExceptionsRepository, type Note } from './exceptions.repository.js';
import { MappingService } from './mapping.service.js';
import { PostingWorker } from './posting.worker.js';
import { SourcesRepository } from './sources.repository.js';

/** What a replayed event is: about to be tried, or done. */
const REPLAYED: readonly string[] = ['received', 'applied', 'duplicate'];

/** What could not simply be applied, and what a person does about it (api.md, Ingestion). */
@Injectable()
export class ExceptionsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ExceptionsRepository,
    private readonly sources: SourcesRepository,
    private readonly audit: AuditTrail,
    private readonly idempotency: IdempotencyRepository,
    private readonly mapping: MappingService,
    private readonly worker: PostingWorker,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Newest first. Throws `channel_forbidden`. */
  async list(caller: Principal, { limit, cursor, ...filter }: ExceptionsQuery): Promise<Page<ExceptionView>> {
    requireEveryChannel(caller);
    const [before = null] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const rows = await this.repository.list(this.dataSource.manager, filter, before, limit + 1);
    return page(rows, limit, viewException, ({ id }) => [id]);
  }

  /** Throws `channel_forbidden`, `not_found`. */
  async get(caller: Principal, id: string): Promise<ExceptionView> {
    requireEveryChannel(caller);
    return viewException(await this.find(this.dataSource.manager, id));
  }

  /**
   * Has the event, or the row, tried again, with the corrected payload if there is one. 202: the worker does it now.
   * Throws `exception_closed`, `nothing_to_retry`, and `mapping_failed` for a correction that cannot be understood.
   */
  async retry(caller: Principal, intent: Intent, id: string, { payload, note }: RetryException): Promise<Answer> {
    const corrected = payload === undefined || payload === null ? null : textOf(payload);
    const { profile, source, fact, headers } = await this.find(this.dataSource.manager, id);
    if (corrected !== null) await this.understand(corrected, fact === null ? profile : null, headers, source);
    const retry = async (tx: Tx, row: ExceptionRow) => {
      if (INFORMING.includes(row.kind)) {
        const detail = `${row.kind} tells what an event did. Resolve it once it is dealt with.`;
        throw new Problem('nothing_to_retry', detail);
      }
      if (row.fact === null) await this.repository.retryEvent(tx, row, corrected);
      else await this.repository.retryRow(tx, id, corrected);
    };
    const correction = corrected === null ? {} : { payload: corrected };
    const done = { action: 'retry', note: note ?? null, ...correction } as const;
    return this.change(caller, intent, id, { status: 202, done }, retry);
  }

  /** Writes a note beside it, in the place of the last, and leaves it open. Throws `exception_closed`. */
  note(caller: Principal, intent: Intent, id: string, note: string): Promise<Answer> {
    return this.change(caller, intent, id, { status: 200 }, (tx) => this.repository.setNote(tx, id, note));
  }

  /** It has been dealt with by hand. Throws `exception_closed`. */
  resolve(caller: Principal, intent: Intent, id: string, note: string): Promise<Answer> {
    return this.close(caller, intent, id, 'resolve', note);
  }

  /** It will never be applied. Throws `exception_closed`. */
  discard(caller: Principal, intent: Intent, id: string, note: string): Promise<Answer> {
    return this.close(caller, intent, id, 'discard', note);
  }

  /** Has an event applied again, as far as it is not: what is applied stays as it is. Throws `not_found`, `exception_closed`. */
  async replayEvent(caller: Principal, intent: Intent, id: string): Promise<Answer> {
    return this.once(caller, intent, async (tx) => {
      const receivedAt = receivedAtOf(id);
      const again = async () => receivedAt && this.repository.replay(tx, id, new Date(receivedAt));
      let replayed = await again();
      // It was being tried as we looked, and has failed since: now it waits for a replay.
      if (replayed && !REPLAYED.includes(replayed.status)) replayed = await again();
      if (!replayed) throw new Problem('not_found', `There is no event ${id}, or it is older than events are kept.`);
      if (!REPLAYED.includes(replayed.status)) {
        const detail = `Event ${id} was given up, or is another body under a known id: retry its exception if that is open.`;
        throw new Problem('exception_closed', detail);
      }
      const after = { status: replayed.status };
      await this.audit.record(tx, caller, { resource: resourceOf('events', id), before: null, after });
      return { sourceId: replayed.sourceId, answer: new Answer(202, { id, ...after }) };
    });
  }

  /** The same of all events of a source since a time. Throws `not_found`. */
  async replaySource(caller: Principal, intent: Intent, code: string, since: string): Promise<Answer> {
    return this.once(caller, intent, async (tx) => {
      const source = await this.sources.find(tx, code);
      if (!source) throw new Problem('not_found', `There is no source ${code}.`);
      const events = await this.repository.replaySource(tx, source.id, new Date(since));
      const change = { before: null, after: { since, events } };
      await this.audit.record(tx, caller, { resource: resourceOf('sources', code), ...change });
      return { sourceId: source.id, answer: new Answer(202, { events }) };
    });
  }

  private close(
    caller: Principal,
    intent: Intent,
    id: string,
    action: 'resolve' | 'discard',
    note: string,
  ): Promise<Answer> {
    return this.change(caller, intent, id, { status: 200, done: { action, note } }, async (tx, row) => {
      await this.repository.close(tx, id, action === 'resolve' ? 'resolved' : 'discarded', new Date(this.clock()));
      if (row.fact !== null) await this.repository.release(tx, [id]);
      else if (row.inboxId !== null) {
        if (await this.repository.giveUpEvent(tx, row, INFORMING)) await this.repository.release(tx, [row.inboxId]);
        await this.repository.retryRest(tx, row);
      }
    });
  }

  private change(
    caller: Principal,
    intent: Intent,
    id: string,
    { status, done }: { status: number; done?: Omit<Note, 'at' | 'actor'> },
    work: (tx: Tx, row: ExceptionRow) => Promise<void>,
  ): Promise<Answer> {
    return this.once(caller, intent, async (tx) => {
      await this.repository.lock(tx, await this.find(tx, id));
      const row = await this.find(tx, id);
      if (row.status !== 'open') {
        throw new Problem('exception_closed', `Exception ${id} was ${row.status} before. Nothing was changed.`);
      }
      await work(tx, row);
      const at = new Date(this.clock()).toISOString();
      if (done) await this.repository.addNote(tx, id, { at, actor: caller.keyId, ...done });
      const body = viewException(await this.find(tx, id));
      const change = { before: viewException(row), after: body };
      await this.audit.record(tx, caller, { resource: resourceOf('exceptions', id), ...change });
      return { sourceId: row.sourceId, answer: new Answer(status, body) };
    });
  }

  /** In one transaction with the key of the request, once; then the worker is told. */
  private async once(
    caller: Principal,
    intent: Intent,
    work: (tx: Tx) => Promise<{ sourceId: number; answer: Answer }>,
  ): Promise<Answer> {
    requireEveryChannel(caller);
    const { sourceId, answer } = await this.dataSource.transaction(async (tx) => {
      await this.idempotency.lockIntent(tx, intent);
      const first = await this.idempotency.find(tx, intent);
      if (first) return { sourceId: undefined, answer: replay(intent, first) };
      const done = await work(tx);
      await this.idempotency.insert(tx, intent, done.answer.status, done.answer.body, new Date(this.clock()));
      return done;
    });
    if (sourceId !== undefined) this.worker.wake(sourceId);
    return answer;
  }

  /** Throws `mapping_failed` with what is wrong. `profile` null: a row, which is canonical. */
  private async understand(
    payload: string,
    profile: string | null,
    headers: ExceptionRow['headers'],
    source: string,
  ): Promise<void> {
    try {
      if (profile === null) parseCanonical(JSON.parse(payload));
      else await this.mapping.map(profile, payload, headers ?? {}, new Date(this.clock()), source);
    } catch (error) {
      if (error instanceof MappingFailed) {
        const errors = error.errors.map((each) => ({ ...each, pointer: `/payload${each.pointer ?? ''}` }));
        throw new Problem('mapping_failed', error.detail, { errors });
      }
      if (error instanceof SyntaxError) throw new Problem('mapping_failed', `This is not JSON: ${error.message}`);
      throw error;
    }
  }

  private async find(tx: Tx, id: string): Promise<ExceptionRow> {
    const row = await this.repository.find(tx, id);
    if (!row) throw new Problem('not_found', `There is no exception ${id}.`);
    return row;
  }
}

function textOf(payload: unknown): string {
  return typeof payload === 'string' ? payload : JSON.stringify(payload);
}
