import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuOfEndedChildren } from './cpu.js';

const run = promisify(execFile);

/** A load generator in C: at 60,000 answers a second one in JavaScript would measure itself. */
export interface Wrk {
  readonly command: string;
  /** Removes what was fetched for this run. */
  remove(): Promise<void>;
}

export interface Asked {
  readonly url: string;
  readonly key?: string;
  /** Of a POST; of a GET undefined. */
  readonly body?: string;
  readonly connections: number;
  readonly seconds: number;
}

/** Takes wrk from the PATH, or as root from Debian's package. Else says what to do. */
export async function findWrk(): Promise<Wrk> {
  if (await answers('wrk')) return { command: 'wrk', remove: async () => {} };
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-wrk-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  if (process.getuid?.() === 0) {
    const script =
      'apt-get update -qq && apt-get install -qq -y --no-install-recommends libluajit-5.1-2 && apt-get download -qq wrk && dpkg-deb -x wrk_*.deb .';
    console.log('Fetching wrk from its Debian package …');
    await run('/bin/sh', ['-ec', script], {
      cwd: directory,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).catch((error) => console.error(error.stderr?.trim()));
    const command = join(directory, 'usr/bin/wrk');
    if (await answers(command)) return { command, remove };
  }
  await remove();
  throw new Error(
    'Reads are measured by wrk, and there is none. Put it on the PATH: Debian and Ubuntu have a package "wrk".',
  );
}

/** wrk says its version only with an exit code of 1. */
async function answers(command: string): Promise<boolean> {
  return run(command, ['-v']).then(
    () => true,
    (error) => /wrk/.test(`${error.stdout}${error.stderr}`) && error.code !== 'ENOENT',
  );
}

/** Requests a second, and the CPU time of wrk itself in microseconds. Throws when an answer was no success. */
export async function runWrk(
  { command }: Wrk,
  asked: Asked,
): Promise<{ perSecond: number; requests: number; cpu: number }> {
  const { url, key, body, connections, seconds } = asked;
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-wrk-'));
  try {
    const script = join(directory, 'ask.lua');
    await writeFile(script, body === undefined ? '' : `wrk.method = "POST"\nwrk.body = [==[${body}]==]\n`);
    const headers = [
      ...(key ? ['-H', `Authorization: Bearer ${key}`] : []),
      ...(body === undefined ? [] : ['-H', 'Content-Type: application/json']),
    ];
    const before = await cpuOfEndedChildren();
    const { stdout } = await run(command, ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, ...headers, url]);
    const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
    const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
    if (/Non-2xx|Socket errors/.test(stdout) || !(perSecond > 0))
      throw new Error(`Not every answer was right:\n${stdout}`);
    return { perSecond, requests, cpu: (await cpuOfEndedChildren()) - before };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
