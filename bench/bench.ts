import { availableParallelism } from 'node:os';
import { CASES, type CaseName } from './cases.js';
import { cpuOf, cpuOfFamily } from './cpu.js';
import type { Measurement, Rounds, Search } from './measurement.js';
import type { Options } from './options.js';
import { type Pgbench, runPgbench } from './pgbench.js';
import type { Server } from './server.js';
import type { Generator, ServiceProcess } from './service.js';

/** pgbench is measured at the best of these. */
const CLIENTS = [1, 2, 4, 8, 16, 32];
/** The service, too: who waits for an answer does not reserve, and batches are as large as the crowd that waits. */
const CONNECTIONS = [32, 64, 128, 256];
/** Seconds for each of them: enough to tell the best from the others. */
const SEARCH_SECONDS = 3;
/**
 * Reservations before the first measurement, so that the service's code is compiled for them and knows the items, but
 * no more seconds than these: a busy machine makes them slowly.
 */
const WARM_UP = { reservations: 30_000, seconds: 20, stretch: 2, connections: 64 };

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
    const { baselineUrl } = this.server;
    const ofBaseline = await bestOf('pgbench, clients', CLIENTS, (clients) =>
      runPgbench(this.pgbench, baselineUrl, { items, clients, seconds: SEARCH_SECONDS }),
    );
    await this.warmUp(items);
    const tried = this.options.connections ? [this.options.connections] : CONNECTIONS;
    const ofService = await bestOf('service, connections', tried, (connections) =>
      this.measureService(items, connections, SEARCH_SECONDS),
    );

    const baseline: Measurement[] = [];
    const service: Measurement[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const bare = await this.measureBaseline(items, ofBaseline.best, seconds);
      const ours = await this.measureService(items, ofService.best, seconds);
      baseline.push(bare);
      service.push(ours);
      const figures = [bare, ours].map(({ perSecond }) => `${perSecond.toFixed(0)}/s`).join(' and ');
      console.log(`  round ${round}: ${figures}, ratio ${(ours.perSecond / bare.perSecond).toFixed(2)}`);
    }
    return { ofBaseline, ofService, baseline, service };
  }

  private async warmUp(items: number): Promise<void> {
    let accepted = 0;
    for (let spent = 0; accepted < WARM_UP.reservations && spent < WARM_UP.seconds; spent += WARM_UP.stretch) {
      accepted += (await this.measureService(items, WARM_UP.connections, WARM_UP.stretch)).accepted;
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

  private async measureService(items: number, connections: number, seconds: number): Promise<Measurement> {
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

/** Tries each number at which the load may come, and says which did most. */
async function bestOf(
  what: string,
  numbers: readonly number[],
  measure: (at: number) => Promise<{ perSecond: number }>,
): Promise<Search> {
  const tried: { at: number; perSecond: number }[] = [];
  for (const at of numbers) tried.push({ at, perSecond: (await measure(at)).perSecond });
  console.log(`  ${what}: ${tried.map(({ at, perSecond }) => `${at}: ${perSecond.toFixed(0)}/s`).join(', ')}`);
  const { at: best } = tried.reduce((most, each) => (each.perSecond > most.perSecond ? each : most));
  return { best, tried };
}

/** Of all the CPU time that there was. */
function shareOf(micros: number, seconds: number): number {
  return micros / (seconds * 1_000_000 * availableParallelism());
}
