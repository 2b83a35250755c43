import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CASES } from './cases.js';
import type { Paced, Stream, Waited } from './pace.js';
import type { ServiceProcess } from './service.js';

const PACE = fileURLToPath(new URL('pace.ts', import.meta.url));
/** Reservations a second of the web shop, and of EDI: ten times what its channel may. */
export const WEB_RATE = 300;
export const EDI_RATE = 1_000;
/** Of the EDI channel: a reservation of one line costs 6, so this is 100 of them a second. */
const EDI_LIMIT = { requestsPerMinute: 36_000, burst: 600 };

export interface Burst {
  /** The web shop's waiting without EDI and with it, a round each. */
  readonly alone: readonly Waited[];
  readonly beside: readonly Waited[];
  /** How EDI was answered. */
  readonly edi: readonly Waited[];
}

/** The web channel alone and beside a burst of ten times what the EDI channel may send, in turn. */
export async function measureBurst(service: ServiceProcess, rounds: number, seconds: number): Promise<Burst> {
  const web = { name: 'web', key: await service.sell('burst-web'), rate: WEB_RATE };
  const edi = { name: 'edi', key: await service.sell('burst-edi', EDI_LIMIT), rate: EDI_RATE };
  const child = fork(PACE);
  try {
    const run = async (streams: readonly Stream[]): Promise<Waited[]> => {
      const answered = once(child, 'message');
      child.send({ url: service.url, streams, items: CASES.R6.items, seconds } satisfies Paced);
      return (await answered)[0] as Waited[];
    };
    await run([web]); // compiles the code, reads the items
    const burst = { alone: [] as Waited[], beside: [] as Waited[], edi: [] as Waited[] };
    for (let round = 1; round <= rounds; round += 1) {
      const [alone] = await run([web]);
      const [beside, refused] = await run([web, edi]);
      if (!alone || !beside || !refused) throw new Error('The load generator has lost a stream.');
      burst.alone.push(alone);
      burst.beside.push(beside);
      burst.edi.push(refused);
      console.log(`  round ${round}: web p99 ${alone.p99.toFixed(1)} ms alone, ${beside.p99.toFixed(1)} ms beside EDI`);
    }
    return burst;
  } finally {
    child.disconnect();
  }
}
