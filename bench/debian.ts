import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where packages were unpacked, and what removes them again. */
export interface Unpacked {
  readonly directory: string;
  remove(): Promise<void>;
}

/**
 * As root on Debian, installs the libraries and unpacks the package that the shell command `named` prints, instead of
 * installing it: that could start a server on this machine. undefined: this is no Debian, or it cannot be reached.
 */
export async function unpack(named: string, libraries: string): Promise<Unpacked | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  const script =
    `export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -qq -y --no-install-recommends ${libraries} ` +
    `&& package=$(${named}) && apt-get download -qq "$package" && dpkg-deb -x "$package"_*.deb .`;
  try {
    await run('/bin/sh', ['-ec', script], { cwd: directory });
    return { directory, remove };
  } catch (error) {
    console.error((error as { stderr?: string }).stderr?.trim());
    await remove();
    return undefined;
  }
}
