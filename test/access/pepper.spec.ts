import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

const FIRST = 'the-first-pepper-of-thirty-two-characters';
const SECOND = 'the-second-pepper-of-thirty-two-characters';

describe('the pepper of keys', () => {
  let test: TestApp;
  const others: TestApp[] = [];
  beforeEach(async () => {
    test = await startApp({ env: { API_KEY_PEPPER: FIRST } });
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
    await test.close();
  });

  const another = async (env: TestAppOptions['env']) => {
    const app = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock, env });
    others.push(app);
    return app;
  };
  const use = async (app: TestApp, key: string) => (await app.api(key).get('/v1/items')).status;
  const kept = (id: string) =>
    rowsOf<{ hash: Buffer; pepper: string | null }>(
      test.databaseUrl,
      'select hash, pepper from api_key where id = $1',
      [id],
    );

  it('is not in the database, which alone verifies no key', async () => {
    const { key, id } = await test.given.key();
    const [row] = await kept(id);
    expect(row?.pepper).toMatch(/^[\w-]{12}$/);
    expect(row?.hash.equals(createHash('sha256').update(key).digest())).toBe(false);
    const everything = await rowsOf(test.databaseUrl, 'select * from api_key');
    expect(JSON.stringify(everything)).not.toContain(FIRST);
  });

  it('takes over a key of before peppers at its next use, which was valid and stays so', async () => {
    const { key, id } = await test.given.key();
    const [peppered] = await kept(id);
    const plain = createHash('sha256').update(key).digest();
    await rowsOf(test.databaseUrl, 'update api_key set hash = $2, pepper = null where id = $1', [id, plain]);
    const two = await another({ API_KEY_PEPPER: FIRST });
    expect(await Promise.all([use(test, key), use(two, key), use(test, key)])).toEqual([200, 200, 200]);
    expect(await kept(id)).toEqual([peppered]);
  });

  it('takes over nothing from a key that has ended', async () => {
    const { key, id } = await test.given.key();
    const plain = createHash('sha256').update(key).digest();
    const end = `update api_key set hash = $2, pepper = null, expires_at = now() - interval '1 minute' where id = $1`;
    await rowsOf(test.databaseUrl, end, [id, plain]);
    expect(await use(test, key)).toBe(401);
    expect(await kept(id)).toEqual([{ hash: plain, pepper: null }]);
  });

  it('is replaced without an interruption: the old one stands behind the new one until every key was used', async () => {
    const { key, id } = await test.given.key();
    const both = await another({ API_KEY_PEPPER: `${SECOND},${FIRST}` });
    expect(await use(both, key)).toBe(200);
    const [{ pepper: second } = { pepper: '' }] = await kept(id);
    const made = await both.given.key();
    expect(await kept(made.id)).toEqual([expect.objectContaining({ pepper: second })]);
    await rowsOf(test.databaseUrl, 'delete from api_key where pepper <> $1', [second]);
    const later = await another({ API_KEY_PEPPER: SECOND });
    expect(await use(later, key)).toBe(200);
    expect(await use(later, made.key)).toBe(200);
  });

  it('that differs from that of the keys stops the start with what to do, unless somebody has set it', async () => {
    await test.given.key();
    const directory = await mkdtemp(join(tmpdir(), 'pepper-'));
    const start = (env: TestAppOptions['env']) => another({ API_KEY_PEPPER: '', ...env });
    await expect(start({ DATA_DIR: directory, SECRET_ENCRYPTION_KEY: '' })).rejects.toThrow(
      /2 API key\(s\).*another pepper.*API_KEY_PEPPER.*api-key\.pepper/,
    );
    await expect(start({ SECRET_ENCRYPTION_KEY: SECOND })).rejects.toThrow('another pepper');
    const decided = await start({ API_KEY_PEPPER: SECOND });
    expect(await use(decided, decided.adminKey)).toBe(200);
    await rm(directory, { recursive: true });
  });

  it('does not bring back an ADMIN_API_KEY that was revoked under the pepper before, or before peppers', async () => {
    for (const hash of ['hash', `sha256('${test.adminKey}')`]) {
      await rowsOf(test.databaseUrl, `update api_key set revoked_at = now(), hash = ${hash}`);
      const app = await another({ API_KEY_PEPPER: `${SECOND},${FIRST}` });
      expect(await use(app, app.adminKey)).toBe(401);
    }
  });
});

describe('a pepper that nobody has set', () => {
  it('is made once in DATA_DIR, readable by its owner only, and found there again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pepper-'));
    const env = { DATA_DIR: directory, SECRET_ENCRYPTION_KEY: '', API_KEY_PEPPER: '' };
    const first = await startApp({ env });
    const { key } = await first.given.key();
    const second = await startApp({ env, databaseUrl: first.databaseUrl });
    await second.api(key).get('/v1/items').expect(200);
    expect(await readdir(directory)).toEqual(['api-key.pepper']);
    const file = join(directory, 'api-key.pepper');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(Buffer.from(await readFile(file, 'utf8'), 'base64')).toHaveLength(32);
    await second.close();
    await first.close();
    await rm(directory, { recursive: true });
  });
});
