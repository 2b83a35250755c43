import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Answer, versioned } from '../access/answer.js';
import { AuditTrail } from '../access/audit.service.js';
import { resourceOf } from '../access/audit-entry.js';
import type { PageQuery } from '../access/page.dto.js';
import { decodeCursor, type Page, page } from '../access/page.js';
import { type Expectation, expectVersion } from '../access/precondition.js';
import { type Principal, requireEveryChannel } from '../access/principal.js';
import { CLOCK, type Clock } from '../config.module.js';
import { invalid, Problem } from '../problems/problem.js';
import { canonicalJson } from './canonical-writer.js';
import { MappingFailed } from './event-fields.js';
import { KnownProfiles } from './known-profiles.service.js';
import { requireExpression } from './mapping.js';
import { MappingService } from './mapping.service.js';
import { type DescribedProfile, faultsOf, type ProfileContent, sameProfile } from './profile-content.js';
import {
  type ProfileSummary,
  type ProfileView,
  PutProfile,
  readHeaders,
  readProfile,
  summariseProfile,
  type TriedView,
  TryProfile,
  viewProfile,
} from './profiles.dto.js';
import { identify } from './profiles.js';
import { ProfilesRepository } from './profiles.repository.js';

/** How payloads become events: the shipped profiles, and those that administrators add. */
@Injectable()
export class ProfilesService {
  /** The answers about the shipped profiles, ready made: they are what they are as long as we run. */
  private readonly shipped: ReadonlyMap<string, Answer<ProfileView>>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ProfilesRepository,
    private readonly audit: AuditTrail,
    private readonly known: KnownProfiles,
    private readonly mapping: MappingService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    const answers = [...known.shipped].map(([name, profile]) => {
      const { status, body, headers } = versioned(viewProfile(profile));
      return [name, new Answer(status, body, headers, JSON.stringify(body))] as const;
    });
    this.shipped = new Map(answers);
  }

  /** Each change is a version that is kept. Throws `already_exists`, `validation_failed`, `version_conflict`. */
  async put(caller: Principal, name: string, body: PutProfile, expected: Expectation): Promise<Answer<ProfileView>> {
    requireEveryChannel(caller);
    if (this.known.shipped.has(name)) {
      throw new Problem(
        'already_exists',
        `${name} is a shipped profile. Give yours a name of its own, and stand it on this one with "base": "${name}".`,
      );
    }
    const content = readProfile(body);
    this.requireSound(content);
    const answer = await this.dataSource.transaction(async (tx) => {
      await this.repository.lock(tx, name);
      const found = await this.repository.find(tx, name);
      expectVersion(expected, found?.version);
      if (found && sameProfile(found, content)) return versioned(viewProfile(this.known.describe(found)));
      const version = (found?.version ?? 0) + 1;
      await this.repository.insert(tx, name, version, content, caller.keyId);
      await this.repository.retryUnmapped(tx, name);
      const before = found ? viewProfile(this.known.describe(found)) : null;
      const after = viewProfile(this.known.describe({ ...content, name, version }));
      await this.audit.record(tx, caller, { resource: resourceOf('profiles', name), before, after });
      return versioned(after, found === undefined);
    });
    this.known.forget(name);
    return answer;
  }

  /** Throws `not_found`. */
  async get(name: string, version: number | undefined): Promise<Answer<ProfileView>> {
    const shipped = this.shipped.get(name);
    if (shipped && (version === undefined || version === shipped.body.version)) return shipped;
    if (shipped || version === undefined) return versioned(viewProfile(await this.find(name, version)));
    const row = await this.repository.find(this.dataSource.manager, name, version);
    if (row === undefined) throw unknownProfile(name, version);
    return versioned(viewProfile(this.known.describe(row)));
  }

  async list({ limit, cursor }: PageQuery): Promise<Page<ProfileSummary>> {
    const [after = ''] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const own = await this.repository.list(this.dataSource.manager, after, limit + 1);
    const shipped = [...this.known.shipped.values()].filter(({ name }) => name > after);
    const all = [...shipped, ...own.map((row) => this.known.describe(row))];
    const rows = all.toSorted((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit + 1);
    return page(rows, limit, summariseProfile, ({ name }) => [name]);
  }

  /** What the profile makes of the payload; nothing is stored. Throws `not_found`, `mapping_failed`. */
  async try(name: string, body: TryProfile): Promise<TriedView> {
    const profile = await this.find(name, undefined);
    const payload = typeof body.payload === 'string' ? body.payload : JSON.stringify(body.payload);
    const headers = readHeaders(body);
    const at = new Date(this.clock());
    try {
      const events = await this.mapping.mapWith(profile, payload, headers, at, body.source ?? name);
      const { version } = profile;
      return {
        profile: name,
        version,
        eventId: identify(profile, payload, headers),
        events: events.map(canonicalJson),
      };
    } catch (error) {
      if (!(error instanceof MappingFailed)) throw error;
      throw new Problem('mapping_failed', error.detail, {
        cause: error,
        ...(error.errors.length === 0 ? {} : { errors: error.errors }),
      });
    }
  }

  private async find(name: string, version: number | undefined): Promise<DescribedProfile> {
    const profile = await this.known.find(name);
    if (profile === undefined || (version !== undefined && version !== profile.version))
      throw unknownProfile(name, version);
    return profile;
  }

  private requireSound(content: ProfileContent): void {
    const faults = faultsOf(content, content.base === null ? undefined : this.known.shipped.get(content.base));
    if (faults.length > 0) throw invalid(faults);
    if (content.expression === null) return;
    try {
      requireExpression(content.expression);
    } catch (error) {
      throw invalid([{ pointer: '/expression', code: 'invalid_expression', detail: (error as MappingFailed).detail }]);
    }
  }
}

function unknownProfile(name: string, version: number | undefined): Problem {
  const what = version === undefined ? name : `${name} of version ${version}`;
  return new Problem('not_found', `There is no profile ${what}. GET /v1/profiles lists those there are.`);
}
