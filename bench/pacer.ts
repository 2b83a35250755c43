import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Paced, Waited } from './pace.js';

const PACE = fileURLToPath(new URL('pace.ts', import.meta.url));

/** The open loop (pace.ts), in a process of its own so that what it is busy with delays nobody else. */
export class Pacer {
  private readonly child: ChildProcess = fork(PACE);
  private readonly died = once(this.child, 'exit').then(() => {
    throw new Error('The load generator has ended.');
  });

  constructor() {
    this.died.catch(() => {}); // it ends when we are done with it
  }

  /** What the streams waited, in their order. */
  async pace(paced: Paced): Promise<Waited[]> {
    const answered = once(this.child, 'message');
    this.child.send(paced);
    const [waited] = await Promise.race([answered, this.died]);
    return waited as Waited[];
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect();
  }
}

/** Throws where a stream was answered anything but this. */
export function mustBeAnswered(status: string, waited: readonly Waited[]): void {
  for (const { name, statuses } of waited) {
    const others = Object.keys(statuses).filter((each) => each !== status);
    if (others.length > 0) throw new Error(`Not every answer to ${name} was right: ${JSON.stringify(statuses)}`);
  }
}
