import pg from 'pg';
import { fail } from '../../src/operations/readiness.js';
import { Readiness } from '../../src/operations/readiness.service.js';
import { startApp, TestApp, TestAppOptions, TestClock } from '../support/app.js';
import { createDatabase, TestDatabase } from '../support/postgres.js';
import { describeWithRedis, startRedis, TestRedis } from '../support/redis.js';

/** Goes on by itself: a clock that stands still is, on a busy machine, soon a second behind the database's. */
class RunningClock extends TestClock {
  private ahead = 0;

  override readonly now = (): number => Date.now() + this.ahead;

  override advance(milliseconds: number): void {
    this.ahead += milliseconds;
  }
}

describe('GET /health/live', () => {
  it('answers anyone, and asks nothing else', async () => {
    const app = await startApp();
    await app.http.get('/health/live').expect(200, { status: 'pass' }).expect('Cache-Control', 'no-store');
    await app.close();
  });
});

describe('GET /health/ready', () => {
  let database: TestDatabase;
  let app: TestApp | undefined;
  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await database.drop();
  });

  const start = async (options: TestAppOptions = {}) => {
    app = await startApp({ databaseUrl: database.url, clock: new RunningClock(), ...options });
    return app;
  };

  it('is 200 on a sound database, without Redis too, and lists what was looked at', async () => {
    const { http } = await start();
    const { body } = await http.get('/health/ready').expect(200);
    expect(body.status).toBe('pass');
    expect(body.checks.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['clock', 'durability', 'engine', 'ledger', 'postgres', 'redis', 'schema']),
    );
  });

  it.each([
    ['durability', 'synchronous_commit is off', 'alter database current_database set synchronous_commit = off'],
    ['ledger', 'the service may rewrite the ledger', 'grant update on movement to holdfast_app'],
    ['schema', 'a migration is missing', `delete from migrations where name like 'stock%'`],
    ['postgres', 'it only reads', 'alter database current_database set default_transaction_read_only = on'],
  ])('is 503 for the reason %s when %s', async (reason, _, sql) => {
    const { http } = await start();
    await expect(failures(http)).resolves.toEqual([]);
    await run(database.url, sql);
    await closeSessions(database.url); // settings of a database hold for new sessions
    await expect(failures(http)).resolves.toEqual([reason]);
  });

  it('is 503 for the reason clock when ours is 5 s ahead', async () => {
    const { http, clock } = await start();
    clock.advance(5_000);
    await expect(failures(http)).resolves.toEqual(['clock']);
  });

  it('is 503 while the database takes no connections, and 200 again when it does', async () => {
    const { http } = await start();
    const elsewhere = database.url.replace(/\/\w+$/, '/postgres');
    const name = new URL(database.url).pathname.slice(1);
    await run(elsewhere, `alter database ${name} with allow_connections false`);
    await closeSessions(database.url, elsewhere);
    await expect(failures(http)).resolves.toEqual(['postgres', 'schema']);
    await http.get('/health/live').expect(200);
    await run(elsewhere, `alter database ${name} with allow_connections true`);
    await expect(failures(http)).resolves.toEqual([]);
  });

  it('asks the features as well, and takes an exception for a failure', async () => {
    const { http, app: nest } = await start();
    nest.get(Readiness).add('engine-under-test', () => fail('It has stopped.'));
    nest.get(Readiness).add('feature-under-test', () => {
      throw new Error('no answer');
    });
    await expect(failures(http)).resolves.toEqual(['engine-under-test', 'feature-under-test']);
    expect(() => nest.get(Readiness).add('redis', () => fail(''))).toThrow('named redis already');
  });
});

describeWithRedis(
  'GET /health/ready with Redis',
  () => {
    it.each([
      ['hangs', (redis: TestRedis) => redis.pause()],
      ['is gone', (redis: TestRedis) => redis.kill()],
    ])('is 200 with a warning while Redis %s: it is a cache', async (_, harm) => {
      const redis = await startRedis({ mayStop: true });
      const app = await startApp({ redisUrl: redis.url, clock: new RunningClock() });
      const redisStatus = async () => {
        const { body } = await app.http.get('/health/ready').expect(200);
        return body.checks.find(({ name }: { name: string }) => name === 'redis').status;
      };
      await expect(redisStatus()).resolves.toBe('pass');
      await harm(redis);
      await expect(redisStatus()).resolves.toBe('warn');
      redis.resume();
      await app.close();
      await redis.stop();
    });
  },
  { mayStop: true },
);

describe('GET /metrics', () => {
  it('measures requests under the pattern of their route, never under a SKU', async () => {
    const { http, api, close } = await startApp();
    await api().get('/v1/items/a-sku-of-its-own').expect(404);
    await http.get('/no/such/path').expect(404);
    const { text } = await http
      .get('/metrics')
      .expect(200)
      .expect('Content-Type', /^text\/plain; version=0\.0\.4/);
    const count = 'http_server_request_duration_seconds_count';
    expect(text).toContain(`${count}{method="GET",route="/v1/items/:sku",status="404"} 1`);
    expect(text).toContain(`${count}{method="GET",route="unmatched",status="404"} 1`);
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).not.toContain('a-sku-of-its-own');
    await close();
  });
});

/** Names of the checks that fail, read from an answer whose status agrees with them. */
async function failures(http: TestApp['http']): Promise<string[]> {
  const { status, body } = await http.get('/health/ready');
  const checks: { name: string; status: string }[] = body.checks;
  const failing = checks.filter((check) => check.status === 'fail').map(({ name }) => name);
  expect({ status, overall: body.status }).toEqual(
    failing.length > 0 ? { status: 503, overall: 'fail' } : { status: 200, overall: 'pass' },
  );
  return failing;
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const name = new URL(url).pathname.slice(1);
  await client.query(sql.replace('current_database', name)).finally(() => client.end());
}

/** Ends every session of the database; `from` is where the order is given. */
async function closeSessions(url: string, from = url): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await run(
    from,
    `select pg_terminate_backend(pid, 2000) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
  );
}
