import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { IdempotencyWorker } from '../../src/access/idempotency.worker.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { until, waitingForLocks } from './crowd.js';
import { atOnce, type Fleet, positionOf, startFleet, stocked, tally } from './fleet.js';

describe('one intent sent many times (semantics.md 30)', () => {
  let fleet: Fleet;
  let sku: string;
  let channel: string;
  beforeAll(async () => {
    fleet = await startFleet(2);
  });
  beforeEach(async () => {
    ({ sku, channel } = await stocked(fleet.first, [100]));
  });
  afterEach(() => expectInvariants(fleet.databaseUrl));
  afterAll(() => fleet?.close());

  const hold = (key: string, quantity = 1, app = fleet.next()) =>
    app
      .api()
      .post('/v1/reservations', { channel, lines: [{ sku, quantity }] })
      .set('Idempotency-Key', key);

  it.each([1, 2])('has one effect when 50 come at once, over %i applications', async (applications) => {
    const key = randomUUID();
    const answers = await atOnce(50, (i) => hold(key, 1, fleet.apps[i % applications]));
    const counts = tally(answers);
    expect(counts[201]).toBeGreaterThan(0);
    expect(['201', '409 idempotency_in_progress']).toEqual(expect.arrayContaining(Object.keys(counts)));
    const succeeded = answers.filter(({ status }) => status === 201);
    expect(new Set(succeeded.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(succeeded.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1);
    expect(await positionOf(fleet.first, sku)).toMatchObject({ reserved: 1, version: 2 });
  });

  it('has one effect each when 60 keys come to two applications at once, in another order each', async () => {
    const keys = Array.from({ length: 60 }, () => randomUUID());
    const [there, back] = await Promise.all([
      atOnce(60, (i) => hold(keys[i] as string, 1, fleet.apps[0])),
      atOnce(60, (i) => hold(keys[59 - i] as string, 1, fleet.apps[1])),
    ]);
    const ids = new Map<string, Set<string>>();
    for (const [i, answer] of [...there.entries(), ...[...back].reverse().entries()]) {
      const of = ids.get(keys[i] as string) ?? new Set();
      ids.set(keys[i] as string, of.add(answer.status === 201 ? answer.body.id : answer.body.code));
    }
    const names = tally([...there, ...back]);
    expect(['201', '409 idempotency_in_progress']).toEqual(expect.arrayContaining(Object.keys(names)));
    for (const of of ids.values()) of.delete('idempotency_in_progress');
    expect([...ids.values()].every(({ size }) => size === 1)).toBe(true);
    expect(await positionOf(fleet.first, sku)).toMatchObject({ reserved: 60 });
  });

  it('is one intent whatever the item: other lines under its key are refused, at once or later', async () => {
    const other = await stocked(fleet.first, [100]);
    const key = randomUUID();
    const send = (i: number) =>
      i % 2 === 0
        ? hold(key)
        : fleet
            .next()
            .api()
            .post('/v1/reservations', { channel: other.channel, lines: [{ sku: other.sku, quantity: 1 }] })
            .set('Idempotency-Key', key);
    const answers = await atOnce(20, send);
    expect(['201', '409 idempotency_in_progress', '422 idempotency_key_reused']).toEqual(
      expect.arrayContaining(Object.keys(tally(answers))),
    );
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.id)).size).toBe(1);
    const [reserved] = await rowsOf<{ sum: string }>(
      fleet.databaseUrl,
      `select sum(reserved) from position join item i on i.id = item_id where sku = any($1)`,
      [[sku, other.sku]],
    );
    expect(Number(reserved?.sum)).toBe(1);
  });

  it('finds the answer that another process writes between its look and its own', async () => {
    const key = randomUUID();
    const first = await hold(key, 2, fleet.apps[0]);
    const other = new pg.Client({ connectionString: fleet.databaseUrl });
    await other.connect();
    try {
      // The twin's row, as it stands while the twin is not committed yet.
      const moved = 'delete from idempotency_key where key = $1 returning *';
      const { rows } = await other.query(moved, [key]);
      const [{ client_id, fingerprint, status, body, created_at }] = rows;
      await other.query('begin');
      await other.query('insert into idempotency_key values ($1, $2, $3, $4, $5, $6)', [
        client_id,
        key,
        fingerprint,
        status,
        body,
        created_at,
      ]);
      const second = hold(key, 2, fleet.apps[1]).then((answer) => answer);
      await until('it waits for the twin', async () => (await waitingForLocks(fleet.databaseUrl)) > 0);
      await other.query('commit');
      expect((await second).body).toEqual(first.body);
      expect((await second).headers['idempotent-replayed']).toBe('true');
    } finally {
      await other.end();
    }
    expect(await positionOf(fleet.first, sku)).toMatchObject({ reserved: 2 });
  });

  it('may be decided afresh after a refusal for want of stock, which wrote nothing', async () => {
    const key = randomUUID();
    const before = await rowsOf(fleet.databaseUrl, 'select count(*) from idempotency_key');
    expect(tally(await atOnce(10, () => hold(key, 101)))).toEqual({ '409 insufficient_stock': 10 });
    expect(await rowsOf(fleet.databaseUrl, 'select count(*) from idempotency_key')).toEqual(before);
    await fleet.first.given.stock(sku, (await positionOf(fleet.first, sku)).location, 101);
    expect((await hold(key, 101)).status).toBe(201);
  });

  it('is one step of a reservation, too: two applications commit, ship and un-ship it once', async () => {
    const { id } = (await hold(randomUUID(), 10)).body;
    const step = (action: string, body: object, key: string) =>
      atOnce(10, () => fleet.next().api().post(`/v1/reservations/${id}/${action}`, body).set('Idempotency-Key', key));
    const versions: number[] = [];
    for (const [action, body] of [
      ['commit', {}],
      ['ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 4 }] }],
      ['unship', { shipmentRef: 'S1' }],
      ['ship', { shipmentRef: 'S2', lines: [{ line: 1, quantity: 5 }] }],
      ['cancel', { lines: [{ line: 1, quantity: 2 }] }],
    ] as const) {
      const answers = await step(action, body, randomUUID());
      expect(['200', '409 idempotency_in_progress']).toEqual(expect.arrayContaining(Object.keys(tally(answers))));
      versions.push(answers.find(({ status }) => status === 200)?.body.version);
    }
    expect(versions).toEqual([2, 3, 4, 5, 6]);
    expect(await positionOf(fleet.first, sku)).toMatchObject({ onHand: 95, reserved: 3 });
  });

  it('lets a shipment of the same reference through different keys count once (semantics.md 19)', async () => {
    const { id } = (await hold(randomUUID(), 10)).body;
    await fleet.next().api().post(`/v1/reservations/${id}/commit`).expect(200);
    const body = { shipmentRef: 'S1', lines: [{ line: 1, quantity: 3 }] };
    const answers = await atOnce(20, () => fleet.next().api().post(`/v1/reservations/${id}/ship`, body));
    expect(tally(answers)).toEqual({ 200: 20 });
    expect(await positionOf(fleet.first, sku)).toMatchObject({ onHand: 97, reserved: 7 });
  });

  it('un-ships once what is being shipped at the same moment, or finds no shipment yet', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = (await hold(randomUUID(), 2)).body;
      await fleet.next().api().post(`/v1/reservations/${id}/commit`).expect(200);
      const answers = await atOnce(8, (i) =>
        fleet
          .next()
          .api()
          .post(`/v1/reservations/${id}/${i % 2 === 0 ? 'ship' : 'unship'}`, { shipmentRef: 'S' }),
      );
      expect(['200', '409 unknown_shipment']).toEqual(expect.arrayContaining(Object.keys(tally(answers))));
    }
  });

  it('is forgotten a day later, in portions, by as many processes as look, and no younger one with it', async () => {
    const key = randomUUID();
    await hold(key).expect(201);
    const insert = `
      insert into idempotency_key (client_id, key, fingerprint, status, body, created_at)
      select 'client', 'old-' || i, '', 200, '{}', to_timestamp($1::float8 / 1000) from generate_series(1, 25000) i`;
    await rowsOf(fleet.databaseUrl, insert, [fleet.clock.now() - 86_400_001]);
    const forgotten = await Promise.all(fleet.apps.map(({ app }) => app.get(IdempotencyWorker).purge()));
    expect(forgotten.reduce((sum, each) => sum + each)).toBe(25_000);
    expect((await hold(key).expect(201)).headers['idempotent-replayed']).toBe('true');
    fleet.clock.advance(86_400_001);
    expect(await fleet.first.app.get(IdempotencyWorker).purge()).toBeGreaterThan(0);
    expect((await hold(key).expect(201)).headers['idempotent-replayed']).toBeUndefined();
  });
});
