import { cpuOf } from './cpu.js';
import { DEMANDS } from './demands.js';
import type { Study } from './finding.js';
import { compare, findingOf } from './measurement.js';
import { acceptedBy, ofService, requesting } from './requests.js';
import { serve } from './serving.js';

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
    const naive = await serve('naive.ts', [databaseUrl]);
    try {
      const demand = { ...DEMANDS.R5, work: 'reserve-naively' } as const;
      const target = {
        url: naive.url,
        key: world.access.key,
        databaseUrl,
        meters: { ...world.meters(service), 'Node.js': () => cpuOf(naive.pid) },
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
      naive.stop();
    }
  },
};

export const contention: readonly Study[] = [hotToUniform, againstNaive];
