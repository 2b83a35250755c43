import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The secret in this file of `directory`, as text; 32 random bytes in base64 are put there where there is none yet. */
export async function keepSecret(directory: string, name: string): Promise<string> {
  const file = join(directory, name);
  return ((await readIfThere(file)) ?? (await make(directory, file))).trim();
}

/**
 * Linked when it is whole: of two processes that start at once, the second finds the first one's and reads that. The
 * draft has a name of its own: in containers that share the directory every process is number 1, and a draft that one
 * left behind when it was killed may be the secret itself.
 */
async function make(directory: string, file: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' });
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await unlink(draft);
  return readFile(file, 'utf8');
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
