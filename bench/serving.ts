import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A server beside the service, in a process of its own so that its CPU time can be told. */
export interface Serving {
  readonly url: string;
  readonly pid: number;
  stop(): void;
}

/**
 * Starts a program of this folder, which tells its address when it listens and ends when we disconnect. `task`: sent to
 * it first. Throws when it ends before it listens; why, it has printed.
 */
export async function serve(program: string, args: readonly string[], task?: object): Promise<Serving> {
  // As the service has it: objects that live as long as a request are not copied about.
  const execArgv = [...process.execArgv, '--max-semi-space-size=32'];
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), args, { execArgv });
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${program} ended with ${code}.`)));
  ended.catch(() => {}); // it ends when we are done with it
  if (task) child.send(task);
  const [{ port }] = (await Promise.race([once(child, 'message'), ended])) as [AddressInfo];
  return { url: `http://127.0.0.1:${port}`, pid: child.pid as number, stop: () => child.disconnect() };
}
