import { Backlog } from './backlog.js';
import { cpuOfEndedChildren, cpuOfFamily, type Meters, metered } from './cpu.js';
import { DEMANDS, type Requested } from './demands.js';
import type { Finding, Study } from './finding.js';
import { type Comparison, type Contender, compare, findingOf, sum } from './measurement.js';
import { type PgbenchWork, runPgbench } from './pgbench.js';
import type { ServiceProcess } from './service.js';
import type { World } from './world.js';

/** Of pgbench. */
export const CLIENTS = [1, 2, 4, 8, 16, 32, 64];
/** Who waits for an answer asks nothing, and batches are as large as the crowd that waits. */
const CONNECTIONS = [8, 32, 64, 128, 256];
const SEARCH_SECONDS = 2;
const WARM_UP = { at: 64, enough: 30_000, seconds: 20 };

/** Requests over HTTP against pgbench. */
export const requests: readonly Study[] = (['R5', 'R6', 'R9'] as const).map((name) => ({
  cases: [name],
  prepare: (world) => world.pgbench(),
  measure: async (world) => ({ [name]: await measure(world, DEMANDS[name]) }),
}));

async function measure(world: World, demand: Requested & { readonly work: PgbenchWork }): Promise<Finding> {
  const service = await world.service();
  // What is received is not applied while the receiving is measured: that is another case.
  const backlog = demand.work === 'send' ? await Backlog.hold(world.server) : undefined;
  try {
    const contenders = { baseline: ofPgbench(world, demand), service: ofService(world, service, demand) };
    const comparison = await compare(world.options, contenders);
    await backlog?.clear();
    return findingOf(comparison, demand.unit, [acceptedBy(comparison, demand)]);
  } finally {
    await backlog?.end();
  }
}

/** The service over HTTP. */
export function ofService(world: World, service: ServiceProcess, demand: Requested): Contender {
  const { server, options, access } = world;
  return {
    title: 'HTTP, connections',
    numbers: options.connections ? [options.connections] : CONNECTIONS,
    searchSeconds: SEARCH_SECONDS,
    warmUp: WARM_UP,
    measure: requesting(world, demand, {
      url: service.url,
      key: demand.work === 'send' ? access.secret : access.key,
      databaseUrl: server.serviceUrl,
      meters: world.meters(service),
    }),
  };
}

/** Whom requests go to, and where it is counted what they have made. */
export interface Target {
  readonly url: string;
  readonly key: string;
  readonly databaseUrl: string;
  readonly meters: Meters;
}

/** Throws unless every answer was right, and the database has as many as were acknowledged. */
export function requesting(
  { server, generator }: World,
  { work, items, table, unit }: Requested,
  { url, key, databaseUrl, meters }: Target,
): Contender['measure'] {
  return async (connections, seconds) => {
    const before = await server.count(databaseUrl, table);
    await server.checkpoint();
    const { result, cpu } = await metered(meters, () =>
      generator.generate({ url, work, key, items, connections, seconds }),
    );
    const { errors, ...answered } = result;
    if (Object.keys(errors).length > 0) throw new Error(`Not every answer was right: ${JSON.stringify(errors)}`);
    const { accepted } = answered;
    const made = (await server.count(databaseUrl, table)) - before;
    if (made !== accepted) throw new Error(`${accepted} ${unit}s were acknowledged, but ${made} were made.`);
    return { ...answered, cpu };
  };
}

/** What the record says of the service's answers. */
export function acceptedBy({ service }: Comparison, { unit }: Requested): string {
  const of = (figure: 'accepted' | 'refused' | 'checked') => sum(service.rounds, figure);
  return `The service accepted ${of('accepted')} ${unit}s and refused ${of('refused')}; ${of('checked')} bodies were compared with their requests; nothing else was answered.`;
}

/** The baseline, on its own database. */
export function ofPgbench(
  world: World,
  { work, items, table, unit }: Requested & { readonly work: PgbenchWork },
): Contender {
  const { server } = world;
  const url = server.baselineUrl;
  const meters = { PostgreSQL: () => cpuOfFamily(server.pid), generator: cpuOfEndedChildren };
  return {
    title: 'pgbench, clients',
    numbers: CLIENTS,
    searchSeconds: SEARCH_SECONDS,
    measure: async (clients, seconds) => {
      const pgbench = await world.pgbench();
      const before = await server.count(url, table);
      await server.checkpoint();
      const { result, cpu } = await metered(meters, () => runPgbench(pgbench, url, { work, items, clients, seconds }));
      const { transactions, seconds: lasted, took } = result;
      const accepted = (await server.count(url, table)) - before;
      if (accepted !== transactions) {
        throw new Error(`pgbench counted ${transactions} transactions, but ${accepted} ${unit}s were made.`);
      }
      return { seconds: lasted, p99: took.p99, accepted, refused: 0, checked: 0, cpu };
    },
  };
}
