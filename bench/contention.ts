import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { cpuOf } from './cpu.js';
import { DEMANDS } from './demands.js';
import type { Study } from './finding.js';
import { compare, findingOf } from './measurement.js';
import { acceptedBy, ofService, requesting } from './requests.js';

const NAIVE = fileURLToPath(new URL('naive.ts', import.meta.url));
/** Its pool has ten. */
const CONNECTIONS = [1, 4, 10, 32];
const SEARCH_SECONDS = 3;
const WARM_UP = { at: 10, enough: 5_000, seconds: 10 };

/** One SKU that everybody wants against 10,000, by the service alone. */
const hotToUniform: Study = {
  cases: ['R7'],
  measure: async (world) => {
    const service = await world.service();
    const comparison = await compare(world.options, {
      baseline: { ...ofService(world, service, DEMANDS.R6), title: 'uniform over 10,000 SKUs, connections' },
      service: { ...ofService(world, service, DEMANDS.R5), title: 'one hot SKU, connections' },
    });
    return { R7: findingOf(comparison, DEMANDS.R5.unit, [acceptedBy(comparison, DEMANDS.R5)]) };
  },
};

/** One hot SKU by the service, and by what is usually written. */
const againstNaive: Study = {
  cases: ['R8'],
  measure: async (world) => {
    const service = await world.service();
    const databaseUrl = await world.server.makeDatabase('naive');
    const child = fork(NAIVE, [databaseUrl], { execArgv: [...process.execArgv, '--max-semi-space-size=64'] });
    try {
      const [{ port }] = (await once(child, 'message')) as [AddressInfo];
      const demand = { ...DEMANDS.R5, work: 'reserve-naively' } as const;
      const target = {
        url: `http://127.0.0.1:${port}`,
        key: world.access.key,
        databaseUrl,
        meters: { ...world.meters(service), 'Node.js': () => cpuOf(child.pid as number) },
      };
      const comparison = await compare(world.options, {
        baseline: {
          title: 'Nest, TypeORM and SELECT … FOR UPDATE, connections',
          numbers: CONNECTIONS,
          searchSeconds: SEARCH_SECONDS,
          warmUp: WARM_UP,
          measure: requesting(world, demand, target),
        },
        service: ofService(world, service, DEMANDS.R5),
      });
      return { R8: findingOf(comparison, demand.unit, [acceptedBy(comparison, demand)]) };
    } finally {
      child.disconnect();
    }
  },
};

export const contention: readonly Study[] = [hotToUniform, againstNaive];
