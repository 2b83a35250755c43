import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DeprecatedUseService } from '../access/deprecated-use.service.js';
import { type Principal, requireEveryChannel } from '../access/principal.js';
import { CLOCK, type Clock } from '../config.module.js';
import { callsOf } from '../contract/contract-document.js';
import { parseContract } from '../contract/site.reader.js';
import { viewSourceHealth } from '../ingestion/source-health.dto.js';
import { SourceHealthRepository } from '../ingestion/source-health.repository.js';
import { type NamedOwnership, SourcesRepository } from '../ingestion/sources.repository.js';
import { answeredSoFar } from '../operations/http.metrics.js';
import { usersOf } from './deprecation.js';
import type { DeprecationView, GovernanceView, ObjectiveView, RecordOwnerView } from './governance.dto.js';
import { GovernanceRepository } from './governance.repository.js';
import { type Facts, isMet, OBJECTIVES } from './objective.js';

/** Days back in which it counts who called what is going. */
const USED_DAYS = 90;

/** Who owns which fact, whether we keep what we promise, and what is going. */
@Injectable()
export class GovernanceService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: GovernanceRepository,
    private readonly sources: SourcesRepository,
    private readonly health: SourceHealthRepository,
    private readonly deprecatedUse: DeprecatedUseService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `channel_forbidden`: it tells of all channels. */
  async read(caller: Principal): Promise<GovernanceView> {
    requireEveryChannel(caller);
    const now = this.clock();
    const [systemOfRecord, facts, deprecations] = await Promise.all([
      this.systemOfRecord(now),
      this.facts(now),
      this.deprecations(now),
    ]);
    return {
      asOf: new Date(now).toISOString(),
      startedAt: new Date(performance.timeOrigin).toISOString(),
      systemOfRecord,
      objectives: viewObjectives(facts),
      deprecations,
    };
  }

  private async systemOfRecord(now: number): Promise<RecordOwnerView[]> {
    const tx = this.dataSource.manager;
    const [codes, ownerships] = await Promise.all([this.sources.codes(tx), this.sources.ownerships(tx)]);
    return ownerships
      .filter(({ until }) => until === null || until > now)
      .map((ownership) => viewOwner(ownership, codes.get(ownership.sourceId) as string));
  }

  private async facts(now: number): Promise<Facts> {
    const tx = this.dataSource.manager;
    const [sources, exceptions] = await Promise.all([
      this.health.read(tx, null, now),
      this.repository.openExceptions(tx),
    ]);
    const waiting = sources.flatMap(({ waitingSince }) => waitingSince ?? []);
    const budgeted = sources.filter(({ freshnessSeconds }) => freshnessSeconds !== null);
    return {
      requests: answeredSoFar(),
      oldestEventSeconds: waiting.length === 0 ? null : Math.max(0, now - Math.min(...waiting)) / 1_000,
      oldestExceptionSeconds: exceptions.since === null ? null : Math.max(0, now - exceptions.since) / 1_000,
      openExceptions: exceptions.open,
      budgetedSources: budgeted.length,
      silentSources: budgeted.filter((source) => viewSourceHealth(source, now).stale).length,
    };
  }

  private async deprecations(now: number): Promise<DeprecationView[]> {
    const going = callsOf(await parseContract()).filter(({ deprecated }) => deprecated);
    const since = new Date(now - USED_DAYS * 86_400_000).toISOString().slice(0, 10);
    const uses = going.length === 0 ? [] : await this.deprecatedUse.list(since);
    return going.map(({ id, method, path, sunset }) => {
      const usedBy = usersOf(id, uses).map((user) => ({ ...user, lastAt: user.lastAt.toISOString() }));
      return { operation: id, method, path, sunset, usedBy };
    });
  }
}

function viewOwner({ location, fact, from, until }: NamedOwnership, source: string): RecordOwnerView {
  return {
    location: location ?? '*',
    fact,
    source,
    ...(Number.isFinite(from) ? { from: new Date(from).toISOString() } : {}),
    ...(until === null ? {} : { until: new Date(until).toISOString() }),
  };
}

function viewObjectives(facts: Facts): ObjectiveView[] {
  return OBJECTIVES.map(({ measure, ...objective }) => {
    const { measured, sample } = measure(facts);
    return { ...objective, measured, met: isMet(objective, measured), sample };
  });
}
