import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The service in a process of its own, for tests that end it without warning. */
export interface ServiceProcess {
  readonly url: string;
  /** As the machine losing its power would. */
  kill(): Promise<void>;
}

/** Runs main.ts on the database, on a free port; the administrator's key is `adminKey`. */
export async function startProcess(databaseUrl: string, adminKey: string): Promise<ServiceProcess> {
  const child = spawn(process.execPath, ['--import', './test/support/load-typescript.mjs', 'src/main.ts'], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      ADMIN_API_KEY: adminKey,
      SECRET_ENCRYPTION_KEY: 'what-the-tests-encrypt-secrets-under', // as in test/support/app.ts
      PORT: '0',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { url: await urlOf(child), kill: () => kill(child) };
}

async function urlOf(child: ChildProcess): Promise<string> {
  let output = '';
  for await (const part of child.stdout as NonNullable<ChildProcess['stdout']>) {
    output += part;
    const url = /http:\/\/[\w.]+:\d+/.exec(output)?.[0];
    if (url) return url;
  }
  throw new Error(`The service ended before it listened: ${output}`);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
