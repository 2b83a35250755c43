import { Backlog } from './backlog.js';
import { cpuOfEndedChildren, cpuOfFamily, metered } from './cpu.js';
import { DEMANDS, type Requested } from './demands.js';
import { type Finding, type Study } from './finding.js';
import { bestOf, findingOf, inTurn, type Measurement, sum } from './measurement.js';
import { runPgbench } from './pgbench.js';
import type { ServiceProcess } from './service.js';
import type { World } from './world.js';

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

/** Requests over HTTP against pgbench. */
export const requests: readonly Study[] = (['R5', 'R6', 'R9'] as const).map((name) => ({
  cases: [name],
  prepare: (world) => world.pgbench(),
  measure: async (world) => ({ [name]: await compare(world, DEMANDS[name]) }),
}));

async function compare(world: World, demand: Requested): Promise<Finding> {
  const { rounds, seconds, connections } = world.options;
  const service = await world.service();
  // What is received is not applied while the receiving is measured: that is another case.
  const backlog = demand.work === 'send' ? await Backlog.hold(world.server) : undefined;
  try {
    const ofBaseline = (clients: number, stretch: number) => measureBaseline(world, demand, clients, stretch);
    const ofService = (at: number, stretch: number) => measureService(world, service, demand, at, stretch);
    const clients = await bestOf('pgbench, clients', CLIENTS, (at) => ofBaseline(at, SEARCH_SECONDS));
    await warmUp((stretch) => ofService(WARM_UP.connections, stretch));
    const tried = connections ? [connections] : CONNECTIONS;
    const conversing = await bestOf('service, connections', tried, (at) => ofService(at, SEARCH_SECONDS));
    const measured = await inTurn(
      rounds,
      () => ofBaseline(clients.best, seconds),
      () => ofService(conversing.best, seconds),
    );
    await backlog?.clear();
    const of = (figure: 'accepted' | 'refused' | 'checked') => sum(measured.service, figure);
    return findingOf(
      {
        baseline: { title: 'baseline: pgbench, clients', search: clients, rounds: measured.baseline },
        service: { title: 'service: HTTP, connections', search: conversing, rounds: measured.service },
      },
      demand.unit,
      [
        `The service accepted ${of('accepted')} ${demand.unit}s and refused ${of('refused')}; ${of('checked')} bodies were compared with their requests; nothing else was answered.`,
      ],
    );
  } finally {
    await backlog?.end();
  }
}

async function warmUp(measure: (seconds: number) => Promise<Measurement>): Promise<void> {
  let accepted = 0;
  for (let spent = 0; accepted < WARM_UP.requests && spent < WARM_UP.seconds; spent += WARM_UP.stretch) {
    accepted += (await measure(WARM_UP.stretch)).accepted;
  }
}

async function measureBaseline(
  world: World,
  { work, items, table, unit }: Requested,
  clients: number,
  seconds: number,
): Promise<Measurement> {
  const { server } = world;
  const pgbench = await world.pgbench();
  const before = await server.count(server.baselineUrl, table);
  await server.checkpoint();
  const { result, cpu } = await metered(
    { PostgreSQL: () => cpuOfFamily(server.pid), generator: cpuOfEndedChildren },
    () => runPgbench(pgbench, server.baselineUrl, { work, items, clients, seconds }),
  );
  const accepted = (await server.count(server.baselineUrl, table)) - before;
  if (accepted !== result.transactions) {
    throw new Error(`pgbench counted ${result.transactions} transactions, but ${accepted} ${unit}s were made.`);
  }
  return { seconds: result.seconds, accepted, refused: 0, checked: 0, cpu };
}

async function measureService(
  world: World,
  service: ServiceProcess,
  { work, items, table, unit }: Requested,
  connections: number,
  seconds: number,
): Promise<Measurement> {
  const { server, generator, access } = world;
  const before = await server.count(server.serviceUrl, table);
  await server.checkpoint();
  const key = work === 'send' ? access.secret : access.key;
  const { result, cpu } = await metered(world.meters(service), () =>
    generator.generate({ url: service.url, work, key, items, connections, seconds }),
  );
  const { errors, ...answered } = result;
  if (Object.keys(errors).length > 0) throw new Error(`Not every answer was right: ${JSON.stringify(errors)}`);
  const made = (await server.count(server.serviceUrl, table)) - before;
  if (made !== answered.accepted)
    throw new Error(`${answered.accepted} ${unit}s were acknowledged, but ${made} were made.`);
  return { ...answered, cpu };
}
