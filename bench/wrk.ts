import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unpack } from './debian.js';

const run = promisify(execFile);

/** A load generator in C: at 50,000 answers a second, one in JavaScript would measure itself. */
export interface Wrk {
  readonly command: string;
  readonly version: string;
  /** Removes what was fetched for this run. */
  remove(): Promise<void>;
}

/** An answer that comes later is no answer. */
const PATIENCE = '30s';

/** One request of those that are made in turn. */
export interface Asked {
  readonly path: string;
  /** Of a POST; absent: a GET. */
  readonly body?: string;
  /** Default: the one of the load. */
  readonly key?: string;
}

export interface Answers {
  /** All of status 200. */
  readonly requests: number;
  readonly seconds: number;
  /** Of all answers, with their heads. */
  readonly bytes: number;
  /** Milliseconds until 99 % of the answers were there. */
  readonly p99: number;
}

/** Takes wrk from the PATH, or as root on Debian from its package. Else says what to do. */
export async function findWrk(): Promise<Wrk> {
  const version = await versionOf('wrk');
  if (version) return { command: 'wrk', version, remove: async () => {} };
  const unpacked = await unpack('echo wrk', 'libluajit-5.1-2');
  if (unpacked) {
    const command = join(unpacked.directory, 'usr/bin/wrk');
    const says = await versionOf(command);
    if (says) return { command, version: says, remove: unpacked.remove };
    await unpacked.remove();
  }
  throw new Error(
    'Reads are measured with wrk, and there is none. Put it on the PATH: Debian, Ubuntu and Homebrew have a package ' +
      '"wrk". As root on Debian it is fetched by itself.',
  );
}

/** wrk says its version only with an exit code of 1. */
async function versionOf(command: string): Promise<string | undefined> {
  const said = await run(command, ['-v']).catch((error) => error as { stdout?: string });
  return /^wrk \S+/.exec(said.stdout ?? '')?.[0];
}

/** Makes the requests one after the other on each connection, keep-alive, no pipelining. Throws unless all answers are 200. */
export async function runWrk(
  { command }: Wrk,
  load: { url: string; key: string; asked: readonly Asked[]; connections: number; seconds: number },
): Promise<Answers> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-wrk-'));
  try {
    const script = join(directory, 'ask.lua');
    await writeFile(script, scriptOf(load.asked, load.key));
    const { stdout } = await run(command, [
      '-t1',
      `-c${load.connections}`,
      `-d${load.seconds}s`,
      `--timeout=${PATIENCE}`,
      ...['-s', script, load.url],
    ]);
    const [requests, micros, bytes, p99, errors] = /^answers (.*)$/m.exec(stdout)?.[1]?.split(' ').map(Number) ?? [];
    if (!requests || !micros || !bytes || !p99 || errors !== 0)
      throw new Error(`Not every answer was right:\n${stdout}`);
    return { requests, seconds: micros / 1_000_000, bytes, p99: p99 / 1_000 };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** All requests are made beforehand, so that the script costs wrk next to nothing. */
function scriptOf(asked: readonly Asked[], key: string): string {
  const made = asked.map(({ path, body, key: own = key }) => {
    const type = body === undefined ? '' : ', ["Content-Type"] = "application/json"';
    const headers = `{["Authorization"] = "Bearer ${own}"${type}}`;
    return `wrk.format("${body === undefined ? 'GET' : 'POST'}", "${path}", ${headers}, ${body === undefined ? 'nil' : `[==[${body}]==]`})`;
  });
  return `
local asked, at
function init() asked, at = {${made.join(',\n')}}, 0 end
function request() at = at % #asked + 1; return asked[at] end
function done(summary, latency)
  local e = summary.errors
  print(string.format("answers %d %d %d %d %d", summary.requests, summary.duration, summary.bytes,
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end`;
}
