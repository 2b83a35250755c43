import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { typeid } from 'typeid-js';
import { DataSource } from 'typeorm';
import { Answer } from '../access/answer.js';
import { AuditTrail } from '../access/audit.service.js';
import { resourceOf } from '../access/audit-entry.js';
import { type Intent, type Remembered, replay } from '../access/idempotency.js';
import { IdempotencyRepository } from '../access/idempotency.repository.js';
import type { PageQuery } from '../access/page.dto.js';
import { decodeCursor, type Page, page } from '../access/page.js';
import { type Principal, requireEveryChannel, requireScope, type Scope } from '../access/principal.js';
import { CLOCK, type Clock } from '../config.module.js';
import { KnownProfiles } from '../ingestion/known-profiles.service.js';
import type { Profile } from '../ingestion/profiles.js';
import { SourcesRepository } from '../ingestion/sources.repository.js';
import { unknownSource } from '../ingestion/sources.service.js';
import { invalid, Problem } from '../problems/problem.js';
import { requireColumns } from './cells.js';
import {
  type AppliedKind,
  EVENT_MEDIA_TYPES,
  type Format,
  type Import,
  type Kind,
  MOST_ATOMIC_BYTES,
  MOST_BYTES,
  MOST_EDI_BYTES,
  MOST_EVENT_BYTES,
  type Place,
} from './import.js';
import { ImportWorker } from './import.worker.js';
import {
  type ImportEventsQuery,
  type ImportQuery,
  type ImportSummary,
  type ImportView,
  summaryOf,
  viewImport,
} from './imports.dto.js';
import { type EventSource, ImportsRepository } from './imports.repository.js';
import { readHeader } from './rows.reader.js';
import { Spool, tooLarge } from './spool.service.js';
import { isText, type Upload } from './upload.decorator.js';

const SCOPES: Readonly<Record<AppliedKind, Scope>> = {
  items: 'catalog:write',
  locations: 'catalog:write',
  levels: 'stock:write',
};

/** What a request asks for, before its body is read. */
interface Asked {
  readonly kind: Kind;
  readonly atomic: boolean;
  /** Bytes. */
  readonly most: number;
  /** What a repetition with the same key must ask for, too. */
  readonly request: string;
  readonly source: Pick<EventSource, 'id' | 'asOf' | 'completeAt'> | null;
}

/** What the first piece of a body says: of a CSV its columns and where its rows begin. */
interface Head {
  readonly columns: readonly string[] | null;
  readonly start: Place;
}

/** Takes in bulk data, and says how far it is applied. */
@Injectable()
export class ImportsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ImportsRepository,
    private readonly spool: Spool,
    private readonly worker: ImportWorker,
    private readonly audit: AuditTrail,
    private readonly idempotency: IdempotencyRepository,
    private readonly sources: SourcesRepository,
    private readonly profiles: KnownProfiles,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Accepts a body: 202 once all of it is in the database. A key that was answered before is answered again, if the
   * bytes are the same. Throws `scope_required`, `validation_failed` for a header that is none, `payload_too_large`.
   */
  async accept(caller: Principal, { kind, atomic }: ImportQuery, upload: Upload): Promise<Answer> {
    requireScope(caller, SCOPES[kind]);
    const most = atomic ? MOST_ATOMIC_BYTES : MOST_BYTES;
    const request = `POST /v1/imports?kind=${kind}&atomic=${atomic} ${upload.format}`;
    return this.take(caller, { kind, atomic, most, request, source: null }, upload);
  }

  /**
   * Accepts a file of events of a source, in the same way. Throws `channel_forbidden`, `not_found`, and
   * `unsupported_media_type` for a format that the source's profile does not read.
   */
  async acceptEvents(caller: Principal, query: ImportEventsQuery, upload: Upload): Promise<Answer> {
    requireEveryChannel(caller);
    const { source: code, asOf, complete, location } = query;
    requireWhole(query, upload.format);
    const source = await this.sources.find(this.dataSource.manager, code);
    if (!source) throw unknownSource(code);
    const profile = await this.profiles.find(source.profile);
    if (profile) requireReadable(profile, upload.format);
    const most = complete ? MOST_EVENT_BYTES : isText(upload.format) ? MOST_BYTES : MOST_EDI_BYTES;
    const whole = complete ? `&complete=true&location=${location}` : '';
    const request = `POST /v1/events/import?source=${code}&asOf=${asOf}${whole} ${upload.format}`;
    const completeAt = location ?? null;
    const events = { id: source.id, asOf: new Date(asOf ?? this.clock()).toISOString(), completeAt };
    return this.take(caller, { kind: 'events', atomic: complete, most, request, source: events }, upload);
  }

  private async take(caller: Principal, asked: Asked, upload: Upload): Promise<Answer> {
    const { kind, atomic, most, request, source } = asked;
    if (upload.length !== undefined && upload.length > most) throw tooLarge(most);
    const { clientId } = caller;
    const unread = { clientId, key: upload.key, fingerprint: Buffer.alloc(0) };
    // What an answer is remembered for only needs to be compared.
    const first = await this.idempotency.find(this.dataSource.manager, unread);
    const id = typeid('imp').toString();
    const now = new Date(this.clock());
    let head: Head | undefined;
    const { hash, pieces } = await this.spool
      .receive(upload.body, { most, isText: isText(upload.format) }, async (piece, seq) => {
        if (first) return;
        if (seq === 0) head = await readHead(kind, upload, piece);
        await this.spool.keep(id, seq, piece, now);
      })
      .catch(async (error) => {
        upload.body.resume(); // the connection stays of use
        if (head) await this.spool.discard(id);
        throw error;
      });
    const intent = { ...unread, fingerprint: createHash('sha256').update(request).update(hash).digest() };
    if (first) return replayed(intent, first);
    if (!head) throw new Problem('validation_failed', 'The body is empty: send at least one row.');
    const answer = await this.register(
      caller,
      intent,
      { id, caller, kind, format: upload.format, atomic, source, traceparent: upload.traceparent, ...head },
      pieces,
      now,
    );
    this.worker.wake();
    return answer;
  }

  /** Throws `not_found` also for an import of another client, unless the caller is an administrator. */
  async get(caller: Principal, id: string, { limit, cursor }: PageQuery): Promise<ImportView> {
    const [after = 0] = (decodeCursor(cursor, ['number']) ?? []) as number[];
    const found = await this.repository.find(this.dataSource.manager, caller, id);
    if (!found) throw new Problem('not_found', `There is no import ${id} that this key may see.`);
    const rows = await this.repository.failures(this.dataSource.manager, id, after, limit + 1);
    const failures = page(
      rows,
      limit,
      (failure) => failure,
      ({ line }) => [line],
    );
    return viewImport(found, failures);
  }

  async list(caller: Principal, { limit, cursor }: PageQuery): Promise<Page<ImportSummary>> {
    const [before = null] = (decodeCursor(cursor, ['number']) ?? []) as number[];
    const rows = await this.repository.list(this.dataSource.manager, caller, before, limit + 1);
    return page(rows, limit, summaryOf, ({ turn }) => [turn]);
  }

  /** If the outcome stays unknown, the pieces stay: without an import they go with the purge. */
  private async register(
    caller: Principal,
    intent: Intent,
    given: Parameters<ImportsRepository['insert']>[1],
    pieces: number,
    at: Date,
  ): Promise<Answer> {
    return this.dataSource.transaction(async (tx) => {
      await this.idempotency.lockIntent(tx, intent);
      const first = await this.idempotency.find(tx, intent);
      if (first) {
        await this.repository.deletePieces(tx, given.id); // its twin was quicker
        return replayed(intent, first);
      }
      if ((await this.repository.countPieces(tx, given.id)) !== pieces) {
        // The purge took them for what was left behind: an import is whole or not at all.
        throw new Problem(
          'validation_failed',
          'The body took more than a day to arrive. Send it again in smaller parts.',
        );
      }
      await this.repository.insert(tx, given, at);
      const accepted = (await this.repository.find(tx, caller, given.id)) as Import;
      const body = viewImport(accepted, { data: [], nextCursor: null });
      const { kind, format } = accepted;
      const after = { kind, format, atomic: given.atomic, source: accepted.source, pieces };
      await this.audit.record(tx, caller, { resource: resourceOf('imports', given.id), before: null, after });
      await this.idempotency.insert(tx, intent, 202, body, at);
      return located(new Answer(202, body));
    });
  }
}

async function readHead(kind: Kind, { format }: Upload, piece: Buffer): Promise<Head> {
  if (format !== 'csv') return { columns: null, start: { byte: 0, line: 0 } };
  const { names, end } = await readHeader(piece);
  requireColumns(kind, names);
  return { columns: names, start: end };
}

/** Lines of JSON for a profile that reads JSON, EDI for one that reads it; levels become canonical events here. */
function requireReadable({ name, format, expression }: Profile, sent: Format): void {
  const takes: Format[] = expression === null ? ['ndjson', 'csv'] : [format === 'json' ? 'ndjson' : format];
  if (takes.includes(sent)) return;
  const types = Object.entries(EVENT_MEDIA_TYPES).flatMap(([type, each]) => (takes.includes(each) ? [type] : []));
  throw new Problem('unsupported_media_type', `The profile ${name} of this source reads ${types.join(' or ')}.`);
}

/** What is omitted can only be known of one place, and of a file that is read as one. */
function requireWhole({ complete, location }: ImportEventsQuery, format: Format): void {
  if (complete && format !== 'csv') {
    throw new Problem(
      'unsupported_media_type',
      'With complete=true send text/csv: events say themselves what they are.',
    );
  }
  if (complete === (location !== undefined)) return;
  const detail = complete
    ? 'is needed with complete=true: what the file omits there is set to 0'
    : 'goes with complete=true';
  throw invalid([{ parameter: 'location', code: complete ? 'required' : 'invalid_value', detail }]);
}

function replayed(intent: Intent, first: Remembered): Answer {
  return located(replay(intent, first));
}

function located({ status, body, headers }: Answer): Answer {
  return new Answer(status, body, { Location: `/v1/imports/${(body as ImportView).id}`, ...headers });
}
