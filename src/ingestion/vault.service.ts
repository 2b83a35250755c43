import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { seal, sealingKey, unseal } from './sealed-secret.js';

const FILE = 'secret-encryption.key';

/**
 * Seals and opens the secrets of sources. The key is SECRET_ENCRYPTION_KEY; without it one is made and kept in a file
 * under DATA_DIR, which serves one machine. Either way it is not in the database, nor in a dump of it.
 */
@Injectable()
export class Vault {
  private key: Promise<Buffer> | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  async seal(id: string, secret: string): Promise<Buffer> {
    return seal(await this.open(), id, secret);
  }

  /** Throws an Error if it was sealed under another key. */
  async unseal(id: string, ciphertext: Buffer): Promise<string> {
    try {
      return unseal(await this.open(), id, ciphertext);
    } catch (cause) {
      const detail = 'Start every process with the SECRET_ENCRYPTION_KEY that it was made with, or rotate the secret.';
      throw new Error(`The secret ${id} does not open with the key of this process. ${detail}`, { cause });
    }
  }

  private open(): Promise<Buffer> {
    this.key ??= this.read();
    this.key.catch(() => {
      this.key = undefined;
    });
    return this.key;
  }

  private async read(): Promise<Buffer> {
    const { secretEncryptionKey, dataDir } = this.config;
    if (secretEncryptionKey !== undefined) return sealingKey(secretEncryptionKey);
    const file = join(dataDir, FILE);
    const text = (await readIfThere(file)) ?? (await this.make(dataDir, file));
    return sealingKey(text.trim());
  }

  /**
   * Linked when it is whole: of two processes that start at once, the second finds the first one's and reads that. The
   * draft has a name of its own: in containers that share DATA_DIR every process is number 1, and a draft that one left
   * behind when it was killed may be the key itself.
   */
  private async make(dataDir: string, file: string): Promise<string> {
    await mkdir(dataDir, { recursive: true });
    const draft = `${file}.${randomUUID()}`;
    await writeFile(draft, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' });
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await unlink(draft);
    return readFile(file, 'utf8');
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
