import { cpuOf, cpuOfFamily, type Meters } from './cpu.js';
import type { Options } from './options.js';
import { findPgbench, type Pgbench } from './pgbench.js';
import { BenchRedis } from './redis.js';
import { Server } from './server.js';
import { type Access, Generator, ServiceProcess, type Settings } from './service.js';
import { findWrk, type Wrk } from './wrk.js';

/** Called with what ends a thing that was started; all are ended in the opposite order, however the bench ends. */
export type Keep = (stop: () => unknown) => void;

/** What all cases are measured on: one server, one service at a time, one generator. What few need starts when asked for. */
export class World {
  private running: { readonly service: ServiceProcess; readonly settings: string } | undefined;
  private foundPgbench: Pgbench | undefined;
  private foundWrk: Wrk | undefined;
  private startedRedis: BenchRedis | undefined;

  private constructor(
    readonly options: Options,
    readonly keep: Keep,
    readonly server: Server,
    readonly generator: Generator,
    /** Good at every service of this run. */
    readonly access: Access,
  ) {}

  static async start(options: Options, keep: Keep): Promise<World> {
    // When a commit was, to be compared with when it shows: ten bytes a transaction, outside of the write-ahead log.
    const server = await Server.start({ track_commit_timestamp: 'on' });
    keep(server.stop);
    const generator = new Generator();
    keep(() => generator.stop());
    const service = await ServiceProcess.start(server.serviceUrl);
    keep(() => service.stop());
    const world = new World(options, keep, server, generator, await service.setUp());
    world.running = { service, settings: '{}' };
    await server.makeItems();
    return world;
  }

  /** The service with these settings beside production's. One that runs with others is ended first. */
  async service(settings: Settings = {}): Promise<ServiceProcess> {
    const wanted = JSON.stringify(settings);
    if (this.running?.settings === wanted) return this.running.service;
    await this.running?.service.stop();
    const service = await ServiceProcess.start(this.server.serviceUrl, settings);
    this.keep(() => service.stop());
    this.running = { service, settings: wanted };
    return service;
  }

  async pgbench(): Promise<Pgbench> {
    if (!this.foundPgbench) {
      this.foundPgbench = await findPgbench();
      this.keep(this.foundPgbench.remove);
    }
    return this.foundPgbench;
  }

  async wrk(): Promise<Wrk> {
    if (!this.foundWrk) {
      this.foundWrk = await findWrk();
      this.keep(this.foundWrk.remove);
    }
    return this.foundWrk;
  }

  async redis(): Promise<BenchRedis> {
    if (!this.startedRedis) {
      const redis = await BenchRedis.start();
      this.keep(() => redis.stop());
      this.startedRedis = redis;
    }
    return this.startedRedis;
  }

  meters({ pid }: ServiceProcess): Meters {
    return {
      PostgreSQL: () => cpuOfFamily(this.server.pid),
      'Node.js': () => cpuOf(pid),
      generator: () => cpuOf(this.generator.pid),
    };
  }

  /** The programs and the disk that the figures depend on. */
  async describe(): Promise<Record<string, string>> {
    return {
      ...(this.foundPgbench ? { pgbench: this.foundPgbench.version } : {}),
      ...(this.foundWrk ? { wrk: this.foundWrk.version } : {}),
      ...(this.startedRedis ? { redis: this.startedRedis.version } : {}),
      disk: `${(await this.server.syncMilliseconds()).toFixed(2)} ms to make 8 kB durable`,
    };
  }
}
