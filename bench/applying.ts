import { Backlog, EVENTS } from './backlog.js';
import { cpuOfFamily, type Meters, metered } from './cpu.js';
import { DEMANDS } from './demands.js';
import type { Study } from './finding.js';
import { findingOf, inTurn, type Measurement, sum } from './measurement.js';

/** A backlog of the inbox against COPY of the same rows. */
export const applying: Study = {
  cases: ['R10'],
  measure: async (world) => {
    const { items, unit } = DEMANDS.R10;
    const meters = world.meters(await world.service());
    const backlog = await Backlog.hold(world.server);
    const ofBaseline = async () => {
      await backlog.unload(items);
      return measure({ PostgreSQL: () => cpuOfFamily(world.server.pid) }, () => backlog.copy());
    };
    const ofService = async () => {
      await backlog.fill(items);
      const measured = await measure(meters, () => backlog.drain());
      await backlog.check();
      return measured;
    };
    try {
      await ofService(); // compiles the code, reads the items
      const { baseline, service } = await inTurn(world.options.rounds, ofBaseline, ofService);
      const comparison = {
        baseline: { title: 'baseline: COPY', search: undefined, rounds: baseline },
        service: { title: 'service', search: undefined, rounds: service },
      };
      return {
        R10: findingOf(comparison, unit, [`The service applied ${sum(service, 'accepted')} ${unit}s, each once.`]),
      };
    } finally {
      await backlog.end();
    }
  },
};

async function measure(meters: Meters, work: () => Promise<number>): Promise<Measurement> {
  const { result: seconds, cpu } = await metered(meters, work);
  return { seconds, accepted: EVENTS, refused: 0, checked: 0, cpu };
}
