import { Inject, Injectable } from '@nestjs/common';
import { keepSecret } from '../access/secret.keeper.js';
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
    return sealingKey(await keepSecret(dataDir, FILE));
  }
}
