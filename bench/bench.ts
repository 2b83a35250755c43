import { availableParallelism } from 'node:os';
import { CASES, type CaseName } from './cases.js';
import { cpuOf, cpuOfFamily } from './cpu.js';
import type { Measurement, Rounds } from './measurement.js';
import type { Options } from './options.js';
import { type Pgbench, runPgbench } from './pgbench.js';
import type { Server } from './server.js';
import type { Generator, ServiceProcess } from './service.js';

/** pgbench is measured at the best of these. */
const CLIENTS = [1, 2, 4, 8, 16, 32];
/** Seconds for each of them: enough to tell the best from the others. */
const SEARCH_SECONDS = 3;
/**
 * Reservations before the first measurement, so that the service's code is compiled for them and knows the items, but
 * no more seconds than these: a busy machine makes them slowly.
 */
const WARM_UP = { reservations: 30_000, seconds: 20, stretch: 2 };

/** Measures cases on one server, one service and one generator. */
export class Bench {
  constructor(
    private readonly options: Options,
    private readonly pgbench: Pgbench,
    private readonly server: Server,
    private readonly service: ServiceProcess,
    private readonly generator: Generator,
  ) {}

  async run(name: CaseName): Promise<Rounds> {
    const { items, title } = CASES[name];
    const { rounds, seconds } = this.options;
    console.log(`\n${name}: ${title}`);
    const search: { clients: number; perSecond: number }[] = [];
    for (const clients of CLIENTS) {
      const { perSecond } = await runPgbench(this.pgbench, this.server.baselineUrl, {
        items,
        clients,
        seconds: SEARCH_SECONDS,
      });
      search.push({ clients, perSecond });
      console.log(`  pgbench, ${clients} client${clients === 1 ? '' : 's'}: ${perSecond.toFixed(0)}/s`);
    }
    const { clients } = search.reduce((best, tried) => (tried.perSecond > best.perSecond ? tried : best));
    await this.warmUp(items);

    const baseline: Measurement[] = [];
    const service: Measurement[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const bare = await this.measureBaseline(items, clients, seconds);
      const ours = await this.measureService(items, seconds);
      baseline.push(bare);
      service.push(ours);
      const figures = [bare, ours].map(({ perSecond }) => `${perSecond.toFixed(0)}/s`).join(' and ');
      console.log(`  round ${round}: ${figures}, ratio ${(ours.perSecond / bare.perSecond).toFixed(2)}`);
    }
    return { clients, search, baseline, service };
  }

  private async warmUp(items: number): Promise<void> {
    let accepted = 0;
    for (let spent = 0; accepted < WARM_UP.reservations && spent < WARM_UP.seconds; spent += WARM_UP.stretch) {
      accepted += (await this.measureService(items, WARM_UP.stretch)).accepted;
    }
  }

  private async measureBaseline(items: number, clients: number, seconds: number): Promise<Measurement> {
    const url = this.server.baselineUrl;
    const before = await this.server.count(url, 'reservation');
    await this.server.checkpoint();
    const postgres = await cpuOfFamily(this.server.pid);
    const run = await runPgbench(this.pgbench, url, { items, clients, seconds });
    const cpu = (await cpuOfFamily(this.server.pid)) - postgres;
    const accepted = (await this.server.count(url, 'reservation')) - before;
    if (accepted !== run.transactions) {
      throw new Error(`pgbench counted ${run.transactions} transactions, but ${accepted} reservations were made.`);
    }
    return {
      perSecond: run.perSecond,
      postgresCpu: cpu / accepted,
      serviceCpu: null,
      generatorCpu: run.cpu / accepted,
      generatorShare: shareOf(run.cpu, seconds),
      accepted,
      refused: 0,
      checked: null,
    };
  }

  private async measureService(items: number, seconds: number): Promise<Measurement> {
    const { service, generator, server } = this;
    const before = await server.count(server.serviceUrl, 'reservation');
    await server.checkpoint();
    const used = async () => ({
      postgres: await cpuOfFamily(server.pid),
      service: await cpuOf(service.pid),
      generator: await cpuOf(generator.pid),
    });
    const begun = await used();
    const { url, key } = service;
    const { connections } = this.options;
    const answered = await generator.generate({ url, key, items, connections, seconds });
    const ended = await used();
    const { accepted, refused, checked, errors } = answered;
    if (Object.keys(errors).length > 0) throw new Error(`Not every answer was right: ${JSON.stringify(errors)}`);
    const made = (await server.count(server.serviceUrl, 'reservation')) - before;
    if (made !== accepted) throw new Error(`${accepted} reservations were acknowledged, but ${made} were made.`);
    const each = (of: 'postgres' | 'service' | 'generator') => (ended[of] - begun[of]) / (accepted + refused);
    return {
      perSecond: accepted / answered.seconds,
      postgresCpu: each('postgres'),
      serviceCpu: each('service'),
      generatorCpu: each('generator'),
      generatorShare: shareOf(ended.generator - begun.generator, answered.seconds),
      accepted,
      refused,
      checked,
    };
  }
}

/** Of all the CPU time that there was. */
function shareOf(micros: number, seconds: number): number {
  return micros / (seconds * 1_000_000 * availableParallelism());
}
