import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The first of these programs on the PATH; as root on Debian `install` is installed where none is. For global set-up. */
export async function findOrInstall(names: readonly string[], install: string): Promise<string | undefined> {
  const program = await findAny(names);
  if (program !== undefined || process.getuid?.() !== 0 || !(await findOnPath('apt-get'))) return program;
  process.stderr.write(`Installing ${install} for the tests.\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update', '-qq'], { env });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', install], { env });
  } catch (error) {
    process.stderr.write(`It could not be installed: ${(error as Error).message}\n`);
  }
  return findAny(names);
}

/** Where the program stands on the PATH. */
export async function findOnPath(name: string): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not here: the next directory may have it.
    }
  }
  return undefined;
}

/**
 * A `describe` for what needs a program. On a developer's machine without it it is skipped, and says so; in CI that is a
 * failure, because there a promise must not go untested unseen.
 */
export function describeIf(there: boolean, what: string, remedy: string, name: string, body: () => void): void {
  if (there) {
    describe(name, body);
  } else if (process.env.CI === 'true') {
    describe(name, () => {
      it(`finds ${what} to run with`, () => {
        throw new Error(`There is none. ${remedy}`);
      });
    });
  } else {
    process.stderr.write(`\nSKIPPED, for want of ${what}: "${name}". ${remedy}\n\n`);
    describe.skip(name, body);
  }
}

async function findAny(names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const program = await findOnPath(name);
    if (program !== undefined) return program;
  }
  return undefined;
}
