import { Inject, Injectable } from '@nestjs/common';
import { typeid } from 'typeid-js';
import { DataSource } from 'typeorm';
import { Answer, versioned } from '../access/answer.js';
import { AuditTrail } from '../access/audit.service.js';
import { resourceOf } from '../access/audit-entry.js';
import { type Intent, replay } from '../access/idempotency.js';
import { IdempotencyRepository } from '../access/idempotency.repository.js';
import type { PageQuery } from '../access/page.dto.js';
import { decodeCursor, type Page, page } from '../access/page.js';
import { type Expectation, expectVersion } from '../access/precondition.js';
import { type Principal, requireEveryChannel } from '../access/principal.js';
import { CLOCK, type Clock } from '../config.module.js';
import type { Tx } from '../postgres/connections.js';
import { invalid, Problem, unknownInBody } from '../problems/problem.js';
import { KnownProfiles } from './known-profiles.service.js';
import { KnownSources } from './known-sources.service.js';
import { type Claim, endOf, planOwnership } from './ownership-plan.js';
import { makeSecret } from './sealed-secret.js';
import { faultOfSecret, faultsOf, type Owns, type Source, sameSource } from './source.js';
import {
  PutSource,
  RotatedSecretView,
  RotateSecret,
  readOwns,
  readSource,
  SourceView,
  viewSource,
} from './sources.dto.js';
import { type NamedOwnership, SourcesRepository } from './sources.repository.js';
import { Vault } from './vault.service.js';

/** Who sends events: what it owns, what its figures mean, how it signs. */
@Injectable()
export class SourcesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: SourcesRepository,
    private readonly audit: AuditTrail,
    private readonly idempotency: IdempotencyRepository,
    private readonly vault: Vault,
    private readonly known: KnownSources,
    private readonly profiles: KnownProfiles,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Creates or replaces. Throws `channel_forbidden`, `validation_failed`, `unknown_location`, `ownership_conflict`,
   * `version_conflict`.
   */
  async put(caller: Principal, code: string, body: PutSource, expected: Expectation): Promise<Answer<SourceView>> {
    requireEveryChannel(caller);
    const content = readSource(body);
    const owns = readOwns(body);
    const faults = faultsOf(content.signature, owns);
    if (!(await this.profiles.find(content.profile))) {
      const detail = 'There is no such profile: take one of GET /v1/profiles, or make it first';
      faults.push({ pointer: '/profile', code: 'unknown_profile', detail });
    }
    if (faults.length > 0) throw invalid(faults);
    const answer = await this.dataSource.transaction(async (tx) => {
      // Before any source: a takeover changes the source it takes from as well, which may be just taking from this one.
      await this.repository.lockOwnerships(tx);
      let source = await this.repository.lock(tx, code);
      if (!source) expectVersion(expected, undefined);
      const created = !source && (await this.repository.insert(tx, code, content, new Date(this.clock())));
      // Not created although not found: another request was quicker between our look and our insert.
      source ??= (await this.repository.lock(tx, code)) as Source;
      if (!created) expectVersion(expected, source.version);
      const before = created ? null : await this.view(tx, code);
      const secret = created ? (await this.addSecret(tx, source, body.secret)).secret : undefined;
      if (!created) await this.requireSecrets(tx, source, content.signature.scheme, body.secret);
      const moved = await this.replaceOwnerships(tx, source.id, owns);
      const changed = moved || !sameSource(source, content);
      if (!created && changed) await this.repository.update(tx, source.id, content);
      if (moved) await this.repository.retryUnowned(tx, source.id);
      if (!created && source.profile !== content.profile) await this.repository.retryUnmapped(tx, source.id);
      const after = await this.view(tx, code);
      if (created || changed) {
        await this.audit.record(tx, caller, { resource: resourceOf('sources', code), before, after });
      }
      return versioned(secret === undefined ? after : await this.view(tx, code, secret), created);
    });
    this.known.forget();
    return answer;
  }

  /** Throws `channel_forbidden`, `not_found`. */
  async get(caller: Principal, code: string): Promise<Answer<SourceView>> {
    requireEveryChannel(caller);
    return versioned(await this.view(this.dataSource.manager, code));
  }

  async list(caller: Principal, { limit, cursor }: PageQuery): Promise<Page<SourceView>> {
    requireEveryChannel(caller);
    const [after = ''] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const tx = this.dataSource.manager;
    const sources = await this.repository.list(tx, after, limit + 1);
    const ownerships = await this.repository.ownerships(tx);
    return page(
      sources,
      limit,
      (source) => viewSource(source, this.openOf(ownerships, source.id)),
      (source) => [source.code],
    );
  }

  /**
   * Makes a secret the current one; its predecessor stays good for the overlap, and what came before that ends now.
   * A repetition with the same key shows the same secret. Throws `not_found`, `validation_failed`.
   */
  async rotate(
    caller: Principal,
    code: string,
    body: RotateSecret,
    intent: Intent,
  ): Promise<Answer<RotatedSecretView>> {
    requireEveryChannel(caller);
    const answer = await this.dataSource.transaction(async (tx) => {
      await this.idempotency.lockIntent(tx, intent);
      const source = await this.repository.lock(tx, code);
      if (!source) throw unknownSource(code);
      const first = await this.idempotency.find(tx, intent);
      if (first) return this.shownAgain(tx, source, replay(intent, first) as Answer<RotatedSecretView>);
      const now = this.clock();
      const predecessorUntil = new Date(now + body.overlapSeconds * 1_000);
      await this.repository.retireSecrets(tx, source.id, predecessorUntil);
      const { id, secret } = await this.addSecret(tx, source, body.secret);
      const view = { id, predecessorUntil: predecessorUntil.toISOString() };
      // Remembered without the secret, which is nowhere kept in the clear.
      const change = { before: null, after: view };
      await this.audit.record(tx, caller, { resource: resourceOf('sources', code, 'secrets', id), ...change });
      await this.idempotency.insert(tx, intent, 201, view, new Date(now));
      return new Answer(201, { ...view, secret }, { 'Cache-Control': 'no-store' });
    });
    this.known.forget();
    return answer;
  }

  private async shownAgain(
    tx: Tx,
    source: Source,
    { status, body, headers }: Answer<RotatedSecretView>,
  ): Promise<Answer<RotatedSecretView>> {
    const sealed = await this.repository.secrets(tx, source.id, new Date(this.clock()));
    const found = sealed.find(({ id }) => id === body.id);
    if (!found) throw new Problem('not_found', `The secret ${body.id} has ended since. Rotate with a new key.`);
    const secret = await this.vault.unseal(found.id, found.ciphertext);
    return new Answer(status, { ...body, secret }, { ...headers, 'Cache-Control': 'no-store' });
  }

  private async addSecret(
    tx: Tx,
    source: Source,
    secret: string = makeSecret(),
  ): Promise<{ id: string; secret: string }> {
    const fault = faultOfSecret(source.signature.scheme, secret);
    if (fault) throw invalid([{ pointer: '/secret', code: 'invalid_secret', detail: fault }]);
    const id = typeid('sec').toString();
    await this.repository.insertSecret(tx, source.id, id, await this.vault.seal(id, secret), new Date(this.clock()));
    return { id, secret };
  }

  /** A source that exists keeps its secrets: they must fit what the PUT says, and the PUT must not say another. */
  private async requireSecrets(
    tx: Tx,
    source: Source,
    scheme: Source['signature']['scheme'],
    said: string | undefined,
  ): Promise<void> {
    if (said === undefined && scheme === source.signature.scheme) return;
    const sealed = await this.repository.secrets(tx, source.id, new Date(this.clock()));
    const secrets = await Promise.all(sealed.map(({ id, ciphertext }) => this.vault.unseal(id, ciphertext)));
    if (said !== undefined && said !== secrets[0]) {
      const detail = `is not the one it has: change it with POST /v1/sources/${source.code}/rotate-secret`;
      throw invalid([{ pointer: '/secret', code: 'read_only', detail }]);
    }
    if (secrets.some((secret) => faultOfSecret(scheme, secret) !== undefined)) {
      const detail = `${scheme} needs secrets of its own form: rotate to such a one first, with overlapSeconds 0`;
      throw invalid([{ pointer: '/signature/scheme', code: 'secret_unfit', detail }]);
    }
  }

  /** True if anything changed. */
  private async replaceOwnerships(tx: Tx, sourceId: number, owns: readonly Owns[]): Promise<boolean> {
    const ownerships = await this.repository.ownerships(tx);
    const { conflicts, ended, dropped, begun } = planOwnership(
      ownerships,
      sourceId,
      await this.claims(tx, owns),
      this.clock(),
    );
    if (conflicts.length > 0) throw await this.conflict(tx, conflicts);
    await this.repository.endOwnerships(tx, ended);
    await this.repository.deleteOwnerships(tx, dropped);
    await this.repository.insertOwnerships(tx, begun);
    const others = ended.map((one) => one.sourceId).filter((id) => id !== sourceId);
    await this.repository.raiseVersions(tx, others);
    return ended.length + dropped.length + begun.length > 0;
  }

  private async claims(tx: Tx, owns: readonly Owns[]): Promise<Claim[]> {
    const codes = owns.map(({ location }) => location);
    const ids = await this.repository.locationIds(tx, codes);
    return owns.flatMap(({ location, facts, from }, i) => {
      const locationId = location === '*' ? null : ids.get(location);
      if (locationId === undefined) {
        const detail = `There is no location ${location}. Create it with PUT /v1/locations/{code} first.`;
        throw unknownInBody('unknown_location', `/owns/${i}/location`, detail);
      }
      return facts.map((fact, j) => ({ locationId, fact, from, pointer: `/owns/${i}/facts/${j}` }));
    });
  }

  private async conflict(tx: Tx, conflicts: readonly { pointer: string; owner: number }[]): Promise<Problem> {
    const codes = await this.repository.codes(tx);
    const errors = conflicts.map(({ pointer, owner }) => ({
      pointer,
      code: 'ownership_conflict',
      detail: `belongs to ${codes.get(owner)}: take it from there, or take it over with \`from\` at a later time`,
    }));
    return new Problem('ownership_conflict', `${errors[0]?.pointer} ${errors[0]?.detail}`, { errors });
  }

  private async view(tx: Tx, code: string, secret?: string): Promise<SourceView> {
    const source = await this.repository.find(tx, code);
    if (!source) throw unknownSource(code);
    return viewSource(source, this.openOf(await this.repository.ownerships(tx), source.id), secret);
  }

  private openOf(ownerships: readonly NamedOwnership[], sourceId: number): NamedOwnership[] {
    const now = this.clock();
    return ownerships.filter((one) => one.sourceId === sourceId && endOf(one) > now);
  }
}

export function unknownSource(code: string): Problem {
  return new Problem('not_found', `There is no source ${code}. Create it with PUT /v1/sources/{code}.`);
}
