import { DEMANDS } from './demands.js';
import type { Finding, Study } from './finding.js';
import { spread, table } from './markdown.js';
import type { Stream, Waited } from './pace.js';
import { mustBeAnswered, Pacer } from './pacer.js';
import { ratiosOf, spreadOf } from './statistics.js';
import type { World } from './world.js';

/** Reservations a second of the web shop, and of EDI: ten times what its channel may. */
const WEB_RATE = 300;
const EDI_RATE = 1_000;
/** Of the EDI channel: a reservation of one line costs 6, so this is 100 of them a second. */
const EDI_LIMIT = { requestsPerMinute: 36_000, burst: 600 };

interface Burst {
  /** The web shop's waiting without EDI and with it, a round each. */
  readonly alone: readonly Waited[];
  readonly beside: readonly Waited[];
  /** How EDI was answered. */
  readonly edi: readonly Waited[];
}

/** The web channel alone and beside a burst of ten times what the EDI channel may send, in turn. */
export const burst: Study = {
  cases: ['burst'],
  measure: async (world) => ({ burst: findingOf(await measure(world), world.options.seconds) }),
};

async function measure(world: World): Promise<Burst> {
  const { rounds, seconds } = world.options;
  const service = await world.service();
  const reserve = { work: 'reserve', items: DEMANDS.R6.items } as const;
  const web: Stream = { ...reserve, name: 'web', channel: 'web', key: await service.sell('web'), rate: WEB_RATE };
  const edi: Stream = {
    ...reserve,
    name: 'edi',
    channel: 'edi',
    key: await service.sell('edi', EDI_LIMIT),
    rate: EDI_RATE,
  };
  const pacer = new Pacer();
  try {
    const run = (streams: readonly Stream[]) => pacer.pace({ url: service.url, streams, seconds });
    await run([web]); // compiles the code, reads the items
    const found = { alone: [] as Waited[], beside: [] as Waited[], edi: [] as Waited[] };
    for (let round = 1; round <= rounds; round += 1) {
      const [alone] = await run([web]);
      const [beside, refused] = await run([web, edi]);
      if (!alone || !beside || !refused) throw new Error('The load generator has lost a stream.');
      mustBeAnswered('201', [alone, beside]);
      found.alone.push(alone);
      found.beside.push(beside);
      found.edi.push(refused);
      console.log(`  round ${round}: web p99 ${alone.p99.toFixed(1)} ms alone, ${beside.p99.toFixed(1)} ms beside EDI`);
    }
    return found;
  } finally {
    pacer.stop();
  }
}

function findingOf(found: Burst, seconds: number): Finding {
  const p99 = (waited: readonly Waited[]) => waited.map((each) => each.p99);
  return {
    ...ratiosOf(p99(found.beside), p99(found.alone)),
    measured: found,
    told: [
      `The web shop reserves ${WEB_RATE} times a second, EDI ${EDI_RATE.toLocaleString('en')} times, ten times what its channel may; an open loop, ${seconds} s each, in turn.`,
      '',
      ...table(
        ['ms from when it was due', 'p50', 'p99', 'most', 'answers'],
        [row('web alone', found.alone), row('web beside EDI', found.beside), row('EDI', found.edi)],
      ),
    ],
  };
}

function row(title: string, waited: readonly Waited[]): string[] {
  const of = (figure: 'p50' | 'p99' | 'most') => spread(spreadOf(waited.map((each) => each[figure])), 1);
  const statuses: Record<string, number> = {};
  for (const each of waited) {
    for (const [status, count] of Object.entries(each.statuses)) statuses[status] = (statuses[status] ?? 0) + count;
  }
  const answers = Object.entries(statuses).map(([status, count]) => `${count.toLocaleString('en')} × ${status}`);
  return [title, of('p50'), of('p99'), of('most'), answers.join(', ')];
}
