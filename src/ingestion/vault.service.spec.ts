import { link, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../config.js';
import { Vault } from './vault.service.js';

describe('the key that a machine makes for itself', () => {
  let dataDir: string;
  const vault = () =>
    new Vault({ ...readConfig({ DATABASE_URL: 'postgres://nowhere' }), secretEncryptionKey: undefined, dataDir });

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'vault-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  it('is one for all who start at once, also under one process number', async () => {
    const vaults = Array.from({ length: 20 }, vault);
    const sealed = await Promise.all(vaults.map((each) => each.seal('sec_1', 'open sesame')));
    for (const each of sealed) expect(await vault().unseal('sec_1', each)).toBe('open sesame');
    expect(await readdir(dataDir)).toEqual(['secret-encryption.key']);
  });

  it('survives a process that was killed while it made it', async () => {
    const sealed = await vault().seal('sec_1', 'open sesame');
    const file = join(dataDir, 'secret-encryption.key');
    await link(file, `${file}.${process.pid}`); // the draft, linked and not yet unlinked
    expect(await vault().unseal('sec_1', sealed)).toBe('open sesame');
  });
});
