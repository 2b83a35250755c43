import { availableParallelism } from 'node:os';
import { Backlog, EVENTS } from './backlog.js';
import { CASES, type Case, type CaseName } from './cases.js';
import { cpuOf, cpuOfFamily } from './cpu.js';
import type { Measurement, Rounds, Search } from './measurement.js';
import type { Options } from './options.js';
import { type Pgbench, runPgbench } from './pgbench.js';
import type { Server } from './server.js';
import type { Generator, ServiceProcess } from './service.js';

/** pgbench is measured at the best of these. */
const CLIENTS = [1, 2, 4, 8, 16, 32];
/** The service, too: who waits for an answer asks nothing, and batches are as large as the crowd that waits. */
const CONNECTIONS = [32, 64, 128, 256];
/** Seconds for each of them: enough to tell the best from the others. */
const SEARCH_SECONDS = 3;
/**
 * Requests before the first measurement, so that the service's code is compiled for them and knows the items, but
 * no more seconds than these: a busy machine makes them slowly.
 */
const WARM_UP = { requests: 30_000, seconds: 20, stretch: 2, connections: 64 };

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
    const measured: Case = CASES[name];
    console.log(`\n${name}: ${measured.title}`);
    return measured.work === 'apply'
      ? this.runBacklog(measured)
      : this.runRequests({ ...measured, work: measured.work });
  }

  private async runRequests(measured: Requested): Promise<Rounds> {
    const { rounds, seconds } = this.options;
    const { baselineUrl } = this.server;
    const { work, items } = measured;
    // What is received is not applied while the receiving is measured: that is another case.
    const backlog = work === 'send' ? await this.holdBacklog() : undefined;
    try {
      const ofBaseline = await bestOf('pgbench, clients', CLIENTS, (clients) =>
        runPgbench(this.pgbench, baselineUrl, { work, items, clients, seconds: SEARCH_SECONDS }),
      );
      await this.warmUp(measured);
      const tried = this.options.connections ? [this.options.connections] : CONNECTIONS;
      const ofService = await bestOf('service, connections', tried, (connections) =>
        this.measureService(measured, connections, SEARCH_SECONDS),
      );
      const compared = await inTurn(
        rounds,
        () => this.measureBaseline(measured, ofBaseline.best, seconds),
        () => this.measureService(measured, ofService.best, seconds),
      );
      await backlog?.clear();
      return { ofBaseline, ofService, ...compared };
    } finally {
      await backlog?.end();
    }
  }

  private async runBacklog({ items }: Case): Promise<Rounds> {
    const backlog = await this.holdBacklog();
    const ofBaseline = async () => {
      await backlog.unload(items);
      return this.measureBacklog(() => backlog.copy(), false);
    };
    const ofService = async () => {
      await backlog.fill(items);
      const measured = await this.measureBacklog(() => backlog.drain(), true);
      await backlog.check();
      return measured;
    };
    try {
      await ofService(); // compiles the code, reads the items
      const compared = await inTurn(this.options.rounds, ofBaseline, ofService);
      return { ofBaseline: undefined, ofService: undefined, ...compared };
    } finally {
      await backlog.end();
    }
  }

  private holdBacklog(): Promise<Backlog> {
    return Backlog.hold(this.server.serviceUrl, this.server.directory);
  }

  private async warmUp(measured: Requested): Promise<void> {
    let accepted = 0;
    for (let spent = 0; accepted < WARM_UP.requests && spent < WARM_UP.seconds; spent += WARM_UP.stretch) {
      accepted += (await this.measureService(measured, WARM_UP.connections, WARM_UP.stretch)).accepted;
    }
  }

  private async measureBaseline({ work, items, table, unit }: Requested, clients: number, seconds: number) {
    const url = this.server.baselineUrl;
    const before = await this.server.count(url, table);
    await this.server.checkpoint();
    const postgres = await cpuOfFamily(this.server.pid);
    const run = await runPgbench(this.pgbench, url, { work, items, clients, seconds });
    const cpu = (await cpuOfFamily(this.server.pid)) - postgres;
    const accepted = (await this.server.count(url, table)) - before;
    if (accepted !== run.transactions) {
      throw new Error(`pgbench counted ${run.transactions} transactions, but ${accepted} ${unit}s were made.`);
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

  private async measureService({ work, items, table, unit }: Requested, connections: number, seconds: number) {
    const { service, generator, server } = this;
    const before = await server.count(server.serviceUrl, table);
    await server.checkpoint();
    const begun = await this.used();
    const { url } = service;
    const key = work === 'send' ? service.secret : service.key;
    const answered = await generator.generate({ url, work, key, items, connections, seconds });
    const ended = await this.used();
    const { accepted, refused, checked, errors } = answered;
    if (Object.keys(errors).length > 0) throw new Error(`Not every answer was right: ${JSON.stringify(errors)}`);
    const made = (await server.count(server.serviceUrl, table)) - before;
    if (made !== accepted) throw new Error(`${accepted} ${unit}s were acknowledged, but ${made} were made.`);
    const each = (of: keyof typeof begun) => (ended[of] - begun[of]) / (accepted + refused);
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

  private async measureBacklog(work: () => Promise<number>, ofService: boolean): Promise<Measurement> {
    const begun = await this.used();
    const seconds = await work();
    const ended = await this.used();
    return {
      perSecond: EVENTS / seconds,
      postgresCpu: (ended.postgres - begun.postgres) / EVENTS,
      serviceCpu: ofService ? (ended.service - begun.service) / EVENTS : null,
      generatorCpu: 0,
      generatorShare: 0,
      accepted: EVENTS,
      refused: 0,
      checked: null,
    };
  }

  private async used() {
    return {
      postgres: await cpuOfFamily(this.server.pid),
      service: await cpuOf(this.service.pid),
      generator: await cpuOf(this.generator.pid),
    };
  }
}

/** A case of requests. */
type Requested = Case & { readonly work: 'reserve' | 'send' };

async function inTurn(
  rounds: number,
  ofBaseline: () => Promise<Measurement>,
  ofService: () => Promise<Measurement>,
): Promise<{ baseline: Measurement[]; service: Measurement[] }> {
  const baseline: Measurement[] = [];
  const service: Measurement[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const bare = await ofBaseline();
    const ours = await ofService();
    baseline.push(bare);
    service.push(ours);
    const figures = [bare, ours].map(({ perSecond }) => `${perSecond.toFixed(0)}/s`).join(' and ');
    console.log(`  round ${round}: ${figures}, ratio ${(ours.perSecond / bare.perSecond).toFixed(2)}`);
  }
  return { baseline, service };
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
