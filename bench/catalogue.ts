import { makeItems } from './server.js';
import { type Access, ServiceProcess, type Settings } from './service.js';
import type { World } from './world.js';

/** Movements behind each position. */
export const MOVEMENTS = 10;
/** Items made by one statement. */
const AT_ONCE = 100_000;

/** A database of its own whose catalogue grows: items of one position each, numbered from 0, at one location. */
export class Catalogue {
  /** Positions, one an item. */
  size = 0;

  private constructor(
    readonly databaseUrl: string,
    /** Good at every service on this database. */
    readonly access: Access,
  ) {}

  static async make({ server }: World, name: string): Promise<Catalogue> {
    const databaseUrl = await server.makeDatabase(name);
    const service = await ServiceProcess.start(databaseUrl);
    try {
      return new Catalogue(databaseUrl, await service.setUp());
    } finally {
      await service.stop();
    }
  }

  /** Makes what lacks to so many positions. Gives the seconds it took. */
  async grow(size: number): Promise<number> {
    const begun = performance.now();
    for (; this.size < size; this.size = Math.min(size, this.size + AT_ONCE)) {
      await makeItems(this.databaseUrl, this.size, Math.min(size, this.size + AT_ONCE) - 1, MOVEMENTS);
    }
    return (performance.now() - begun) / 1_000;
  }

  serve(settings: Settings = {}): Promise<ServiceProcess> {
    return ServiceProcess.start(this.databaseUrl, settings);
  }
}
