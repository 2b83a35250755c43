import { until } from '../engine/crowd.js';
import { ServiceProcess } from '../engine/process.js';
import { Given } from '../support/given.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import { event, Sender } from './sender.js';

/** Real processes on the real clock: the one that has no `INGEST_POLL_MS` applies what both receive. */
describeWithRedis('a receipt that is posted', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let worker: ServiceProcess;
  let receiver: ServiceProcess;
  let secret: string;
  beforeAll(async () => {
    [database, redis] = await Promise.all([createDatabase(), startRedis()]);
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
    [worker, receiver] = await Promise.all([
      ServiceProcess.start(env),
      ServiceProcess.start({ ...env, INGEST_POLL_MS: '0' }),
    ]);
    const given = new Given(worker.api);
    await given.location({ code: 'HAM' });
    await given.channel({ code: 'web', locations: ['HAM'] });
    await given.item({ sku: 'CABLE' });
    const source = {
      ...{ name: 'WMS', kind: 'wms', signature: { scheme: 'standard_webhooks' } },
      owns: [{ location: 'HAM', facts: ['on_hand'] }],
    };
    secret = (await worker.api.put('/v1/sources/wms', source).expect(201)).body.secret;
  }, 120_000);
  afterAll(async () => {
    await Promise.all([worker?.stop(), receiver?.stop()]);
    await Promise.all([database?.drop(), redis?.stop()]);
  });

  const availableAt = async ({ api }: ServiceProcess): Promise<number> =>
    (await api.get('/v1/availability/CABLE?channel=web').expect(200)).body.available;

  /** Milliseconds from the sending of a receipt until this process promises what came. */
  async function timeToSee(id: string, sentTo: ServiceProcess, seenBy: ServiceProcess): Promise<number> {
    const before = await availableAt(seenBy);
    const from = performance.now();
    await new Sender(sentTo.url, 'wms', secret).send(event(id)).expect(202);
    await until('the receipt is available', async () => (await availableAt(seenBy)) === before + 1);
    return performance.now() - from;
  }

  // The middle one of five: the machine has other tests to run.
  it.each([
    ['in the process that received and applied it', () => [worker, worker] as const],
    ['in the process that applied it, of another that received it', () => [receiver, worker] as const],
    ['in the process that received it, of another that applied it', () => [receiver, receiver] as const],
  ])('is available within a second %s', async (name, processes) => {
    const times: number[] = [];
    for (let i = 0; i < 5; i += 1) times.push(await timeToSee(`${name} ${i}`, ...processes()));
    expect(times.sort((a, b) => a - b)[2]).toBeLessThan(1_000);
  });
});
