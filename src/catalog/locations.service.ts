import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Answer, versioned } from '../access/answer.js';
import { AuditTrail } from '../access/audit.service.js';
import { resourceOf } from '../access/audit-entry.js';
import { PageQuery } from '../access/page.dto.js';
import { decodeCursor, Page, page } from '../access/page.js';
import { Expectation, expectVersion } from '../access/precondition.js';
import type { Principal } from '../access/principal.js';
import type { Tx } from '../postgres/connections.js';
import { Problem } from '../problems/problem.js';
import { CatalogChanges } from './catalog.changes.js';
import type { Written } from './items.service.js';
import { Location, LocationContent, sameLocation } from './location.js';
import { LocationView, PutLocation, readLocation, viewLocation } from './locations.dto.js';
import { LocationsRepository } from './locations.repository.js';

/** Where things stand. A caller bound to a channel meets only its channel's locations (semantics.md 12). */
@Injectable()
export class LocationsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: LocationsRepository,
    private readonly audit: AuditTrail,
    private readonly changes: CatalogChanges,
  ) {}

  /** Creates or replaces. Throws `version_conflict`, and `unknown_location` for what the caller may not see. */
  async put(caller: Principal, code: string, body: PutLocation, expected: Expectation): Promise<Answer<LocationView>> {
    const answer = await this.dataSource.transaction(async (tx) => {
      const { before, answer, changed } = await this.write(tx, caller, code, readLocation(body), expected);
      if (!changed) return answer;
      await this.audit.record(tx, caller, { resource: resourceOf('locations', code), before, after: answer.body });
      await this.repository.raiseRevision(tx);
      return answer;
    });
    await this.changes.announce({ configuration: true });
    return answer;
  }

  /** A PUT within `tx`. If one has changed, the caller raises the revision, last of all, and announces the change. */
  async write(
    tx: Tx,
    caller: Pick<Principal, 'channel'>,
    code: string,
    content: LocationContent,
    expected: Expectation,
  ): Promise<Written<LocationView>> {
    const reread = async () => viewLocation((await this.repository.find(tx, code, null)) as Location);
    const found = await this.repository.lock(tx, code);
    if (caller.channel !== null && !(await this.repository.find(tx, code, caller.channel.id))) {
      throw unknownLocation(code);
    }
    if (!found) {
      expectVersion(expected, undefined);
      if (await this.repository.insert(tx, code, content)) {
        return { before: null, answer: versioned(await reread(), true), changed: true };
      }
      // Another request created it between our look and our insert.
      await this.repository.lock(tx, code);
    }
    const location = (await this.repository.find(tx, code, null)) as Location;
    expectVersion(expected, location.version);
    const before = viewLocation(location);
    if (sameLocation(location, content)) return { before, answer: versioned(before), changed: false };
    await this.repository.update(tx, location.id, content);
    return { before, answer: versioned(await reread()), changed: true };
  }

  async get(caller: Principal, code: string): Promise<Answer<LocationView>> {
    const location = await this.repository.find(this.dataSource.manager, code, caller.channel?.id ?? null);
    if (!location) throw unknownLocation(code);
    return versioned(viewLocation(location));
  }

  async list(caller: Principal, { limit, cursor }: PageQuery): Promise<Page<LocationView>> {
    const [after = ''] = (decodeCursor(cursor, ['string']) ?? []) as string[];
    const channelId = caller.channel?.id ?? null;
    const rows = await this.repository.list(this.dataSource.manager, after, limit + 1, channelId);
    return page(rows, limit, viewLocation, (location) => [location.code]);
  }
}

export function unknownLocation(code: string): Problem {
  return new Problem('unknown_location', `There is no location ${code} that this key may see.`);
}
