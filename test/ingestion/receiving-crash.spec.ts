import { ServiceProcess } from '../engine/process.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';
import { rowsOf } from '../support/rows.js';
import { event, Sender } from './sender.js';

const SECONDS = 1_000;

describe('a service that is killed', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  it(
    'right behind its answers has lost no event that it answered for',
    async () => {
      const env = { DATABASE_URL: database.url, SECRET_ENCRYPTION_KEY: 'what-the-tests-encrypt-secrets-under' };
      const service = await ServiceProcess.start(env);
      const source = { name: 'WMS', kind: 'wms', signature: { scheme: 'standard_webhooks' } };
      const { secret } = (await service.api.put('/v1/sources/wms', source).expect(201)).body;
      const wms = new Sender(service.url, 'wms', secret);
      const answered: string[] = [];
      let killed: Promise<void> | undefined;
      const send = async (who: number): Promise<void> => {
        for (let turn = 0; !killed; turn += 1) {
          const ids = Array.from({ length: 5 }, (_, i) => `${who}-${turn}-${i}`);
          // Cut off in the middle: nobody was told that these are taken.
          const answer = await wms.send(ids.map((id) => event(id))).catch(() => undefined);
          if (answer?.status !== 202) return;
          answered.push(...ids);
          if (answered.length >= 500) killed ??= service.kill();
        }
      };
      await Promise.all(Array.from({ length: 8 }, (_, who) => send(who)));
      await killed;
      const kept = await rowsOf<{ event_id: string }>(database.url, 'select event_id from inbox');
      const ids = kept.map(({ event_id }) => event_id);
      expect(answered.length).toBeGreaterThanOrEqual(500);
      expect(answered.filter((id) => !ids.includes(id))).toEqual([]);
      expect(new Set(ids).size).toBe(ids.length);

      const successor = await ServiceProcess.start(env);
      const again = new Sender(successor.url, 'wms', secret);
      const { body } = await again.send(answered.slice(0, 100).map((id) => event(id))).expect(202);
      expect(body.events.map(({ status }: { status: string }) => status)).toEqual(Array(100).fill('duplicate'));
      await successor.stop();
    },
    120 * SECONDS,
  );
});
