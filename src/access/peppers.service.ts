import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { type Pepper, pepperOf } from './pepper.js';
import { keepSecret } from './secret.keeper.js';

const FILE = 'api-key.pepper';

/**
 * The peppers that keys are hashed under: API_KEY_PEPPER; without it derived from SECRET_ENCRYPTION_KEY, so that
 * processes which share that agree; without both, one is made and kept in a file under DATA_DIR, which serves one machine.
 */
@Injectable()
export class Peppers {
  private read: Promise<readonly [Pepper, ...Pepper[]]> | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** The first hashes; the others are those before it, whose keys still verify, and are hashed anew when they do. */
  all(): Promise<readonly [Pepper, ...Pepper[]]> {
    this.read ??= this.texts().then(([first, ...others]) => [pepperOf(first), ...others.map(pepperOf)]);
    this.read.catch(() => {
      this.read = undefined;
    });
    return this.read;
  }

  async first(): Promise<Pepper> {
    return (await this.all())[0];
  }

  private async texts(): Promise<readonly [string, ...string[]]> {
    const { apiKeyPeppers, secretEncryptionKey, dataDir } = this.config;
    const [first, ...others] = apiKeyPeppers;
    if (first !== undefined) return [first, ...others];
    return [secretEncryptionKey ?? (await keepSecret(dataDir, FILE))];
  }
}
