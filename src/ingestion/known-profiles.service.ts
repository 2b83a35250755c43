import { readdirSync, readFileSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type DescribedProfile, profileOf } from './profile-content.js';
import { type ProfileRow, ProfilesRepository } from './profiles.repository.js';

const FOLDER = new URL('./profiles/', import.meta.url);
/** How long another process may map by the version before; in milliseconds. */
const FRESH_MS = 2_000;

/** The profiles by name: those shipped, read once, and those of the administrators, read at most every two seconds. */
@Injectable()
export class KnownProfiles {
  readonly shipped: ReadonlyMap<string, DescribedProfile> = new Map(readShipped().map((each) => [each.name, each]));
  private readonly own = new Map<
    string,
    { readonly until: number; readonly profile: Promise<DescribedProfile | undefined> }
  >();

  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ProfilesRepository,
  ) {}

  /** undefined: there is none of this name. */
  async find(name: string): Promise<DescribedProfile | undefined> {
    const shipped = this.shipped.get(name);
    if (shipped !== undefined) return shipped;
    const known = this.own.get(name);
    // The machine's clock, not that of the application: this is how long to trust a copy, and no time of a fact.
    if (known !== undefined && known.until > performance.now()) return known.profile;
    const profile = this.repository.find(this.dataSource.manager, name).then((row) => row && this.describe(row));
    if (this.own.size >= 1_000) this.own.clear();
    this.own.set(name, { until: performance.now() + FRESH_MS, profile });
    // What could not be read is asked for again.
    profile.catch(() => this.forget(name));
    return profile;
  }

  describe(row: Omit<ProfileRow, 'createdAt'>): DescribedProfile {
    return profileOf(row.name, row.version, row, row.base === null ? undefined : this.shipped.get(row.base));
  }

  /** The next one asks the database. */
  forget(name: string): void {
    this.own.delete(name);
  }
}

/** Of each manifest `<name>.json` beside the JSONata file that it names, as its own or with that of another. */
function readShipped(): DescribedProfile[] {
  const text = (file: string) => readFileSync(new URL(file, FOLDER), 'utf8');
  const manifests = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
  return manifests.toSorted().map((file) => {
    const { expression, ...manifest } = JSON.parse(text(file));
    return { ...manifest, shipped: true, base: null, expression: expression === null ? null : text(expression) };
  });
}
