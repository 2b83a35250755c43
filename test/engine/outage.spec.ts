import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Response } from 'supertest';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';
import { rowsOf } from '../support/rows.js';
import { atOnce, expectNothingOversold, positionOf, stocked, tally } from './fleet.js';
import { type Cut, Wire } from './wire.js';

describe('a service whose connections to the database break', () => {
  let database: TestDatabase;
  let wire: Wire;
  let at: TestApp;
  let sku: string;
  let channel: string;

  beforeAll(async () => {
    database = await createDatabase();
    const behind = await Wire.before(database.url);
    wire = behind.wire;
    at = await startApp({ databaseUrl: behind.url });
  });
  beforeEach(async () => {
    ({ sku, channel } = await stocked(at, [1_000]));
    wire.cuts = 0;
  });
  afterEach(async () => {
    await expectInvariants(database.url);
    await expectNothingOversold(database.url);
  });
  afterAll(async () => {
    await at?.close();
    await wire?.close();
    await database?.drop();
  });

  const hold = (key: string = randomUUID(), more: object = {}) =>
    at
      .api()
      .post('/v1/reservations', { channel, lines: [{ sku, quantity: 1 }], ...more })
      .set('Idempotency-Key', key);
  const reservations = () =>
    rowsOf<{ id: string }>(
      database.url,
      'select distinct l.reservation_id as id from reservation_line l join item i on i.id = l.item_id where sku = $1',
      [sku],
    );
  const terminateAll = () =>
    rowsOf(
      database.url,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'holdfast%'`,
    );

  describe.each<Cut>(['before COMMIT arrives', 'before its answer arrives'])('%s', (cut) => {
    it('answers a hold once, with the truth', async () => {
      const key = randomUUID();
      wire.cutAtCommit(cut);
      const answer = await hold(key);
      expect(wire.cuts).toBe(1);
      expect(answer.status).toBe(201);
      expect(await reservations()).toEqual([{ id: answer.body.id }]);
      const again = await hold(key);
      expect(again.headers['idempotent-replayed']).toBe('true');
      expect(again.body).toEqual(answer.body);
      expect(await positionOf(at, sku)).toMatchObject({ reserved: 1 });
    });

    it('answers a hundred at once, each once, although several batches of theirs are cut', async () => {
      const keys = Array.from({ length: 100 }, () => randomUUID());
      wire.cutAtCommit(cut, 3);
      const answers = await atOnce(100, (i) => hold(keys[i]));
      expect(wire.cuts).toBeGreaterThan(0);
      wire.cutAtCommit(cut, 0);
      expect(['201', '503 unavailable']).toEqual(expect.arrayContaining(Object.keys(tally(answers))));
      const again = await atOnce(100, (i) => hold(keys[i]));
      expect(tally(again)).toEqual({ 201: 100 });
      for (const [i, first] of answers.entries())
        if (first.status === 201) expect(again[i]?.body.id).toBe(first.body.id);
      expect(await reservations()).toHaveLength(100);
      expect(await positionOf(at, sku)).toMatchObject({ reserved: 100 });
    });

    it('refuses what is refused, and lets the one that was admitted keep the last unit', async () => {
      const last = await stocked(at, [1]);
      const body = { channel: last.channel, lines: [{ sku: last.sku, quantity: 1 }] };
      wire.cutAtCommit(cut, 2);
      const answers = await atOnce(10, () => at.api().post('/v1/reservations', body));
      expect(tally(answers)).toEqual({ 201: 1, '409 insufficient_stock': 9 });
      wire.cutAtCommit(cut, 0);
    });

    it('takes a step without a key once, too', async () => {
      const held = await hold();
      wire.cutAtCommit(cut);
      const edited = await at
        .api()
        .put(`/v1/reservations/${held.body.id}/lines`, { lines: [{ sku, quantity: 4 }] })
        .set('If-Match', '"1"');
      expect(wire.cuts).toBe(1);
      expect(edited.status).toBe(200);
      expect(edited.body.version).toBe(2);
      expect(await positionOf(at, sku)).toMatchObject({ reserved: 4 });
    });

    it('never says that nothing was changed when it does not know', async () => {
      const key = randomUUID();
      wire.cutAtCommit(cut, 100);
      const answer = await hold(key);
      wire.cutAtCommit(cut, 0);
      expect(tally([answer])).toEqual({ '503 unavailable': 1 });
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer.body.detail).toContain('same key');
      const again = await hold(key);
      expect(again.status).toBe(201);
      expect(await reservations()).toEqual([{ id: again.body.id }]);
    });
  });

  it('does not say that nothing was changed when the time is up before it knows', async () => {
    // Shorter than the pause before it asks on a new connection.
    const impatient = await startApp({ databaseUrl: at.databaseUrl, env: { ENGINE_DEADLINE_MS: '90' } });
    try {
      const send = (key: string) =>
        impatient
          .api()
          .post('/v1/reservations', { channel, lines: [{ sku, quantity: 1 }] })
          .set('Idempotency-Key', key);
      let key: string;
      let answer: Response;
      do {
        key = randomUUID();
        wire.cutAtCommit('before its answer arrives');
        answer = await send(key);
      } while (wire.cuts === 0); // on a busy machine its time was up before it began
      expect(tally([answer])).toEqual({ '503 unavailable': 1 });
      const [done] = await reservations();
      expect((await hold(key)).body.id).toBe(done?.id);
    } finally {
      await impatient.close();
    }
  });

  it('answers 503 while the database is down, and goes on by itself when it is back', async () => {
    const { id } = (await hold()).body;
    await wire.goDown();
    const api = at.api();
    const answers = await Promise.all([
      hold(),
      api.post(`/v1/reservations/${id}/commit`),
      api.post('/v1/stock/adjustments', { sku, location: 'nowhere', delta: 1, reason: 'found' }),
      api.get(`/v1/reservations/${id}`),
      api.get(`/v1/availability/${sku}?channel=${channel}`),
      api.post('/v1/availability/query', { channel, lines: [{ sku }] }),
      api.get('/v1/stock'),
      api.get('/v1/items'),
      api.put(`/v1/items/${sku}`, { name: 'A name', baseUom: 'EA' }),
      api.get('/health/ready'),
    ]);
    const ready = answers.pop() as Response;
    expect(ready.status).toBe(503);
    expect(tally(answers)).toEqual({ '503 unavailable': 9 });
    for (const answer of answers) expect(answer.headers['retry-after']).toBe('1');
    await wire.comeBack();
    expect(tally(await atOnce(20, () => hold()))).toEqual({ 201: 20 });
    expect((await api.get(`/v1/reservations/${id}`)).status).toBe(200);
    expect((await api.get('/v1/items')).status).toBe(200);
  });

  it('does not notice that its idle connections were ended', async () => {
    await hold();
    await terminateAll();
    await delay(50); // for the ends to arrive: that is what makes them idle ends
    expect(tally(await atOnce(20, () => hold()))).toEqual({ 201: 20 });
    expect((await at.api().get('/v1/items')).status).toBe(200);
  });

  it('loses nothing and doubles nothing when its connections are ended at work', async () => {
    const keys = Array.from({ length: 300 }, () => randomUUID());
    let working = true;
    const ending = (async () => {
      while (working) {
        await terminateAll();
        await delay(30);
      }
    })();
    const reading = atOnce(keys.length, (i) => {
      const api = at.api();
      if (i % 4 === 0) return api.put(`/v1/items/${sku}`, { name: `Name ${i}`, baseUom: 'EA' });
      if (i % 4 === 1) return api.get(`/v1/availability/${sku}?channel=${channel}`);
      return i % 4 === 2 ? api.get('/v1/reservations') : api.get('/v1/stock/audit');
    });
    const answers = await atOnce(keys.length, (i) => hold(keys[i]));
    const others = await reading;
    working = false;
    await ending;
    expect(['200', '503 unavailable']).toEqual(expect.arrayContaining(Object.keys(tally(others))));
    const { '503 overloaded': late = 0, ...told } = tally(answers);
    expect(['201', '503 unavailable']).toEqual(expect.arrayContaining(Object.keys(told)));
    // On a busy machine a batch may not get through between two ends before the time of those behind it is up: it is said
    // of them that nothing was changed, and so it is.
    expect((await reservations()).length).toBeLessThanOrEqual(keys.length - late);
    const again = await atOnce(keys.length, (i) => hold(keys[i]));
    expect(tally(again)).toEqual({ 201: keys.length });
    for (const [i, first] of answers.entries()) if (first.status === 201) expect(again[i]?.body.id).toBe(first.body.id);
    expect(await positionOf(at, sku)).toMatchObject({ reserved: keys.length });
  });

  it('goes on when the schema was changed beneath the statements it had prepared', async () => {
    const step = async (action: string) => {
      const { id } = (await hold()).body;
      return at.api().post(`/v1/reservations/${id}/${action}`);
    };
    for (let i = 0; i < 8; i += 1) expect((await step('commit')).status).toBe(200); // all connections know them now
    await rowsOf(database.url, 'alter table reservation_line alter column line_ref type varchar(128)');
    // Each connection fails once: ten of the pool, two of the engine. With 12 tries the last may be the first on one of them.
    const connections = 12;
    const answers: Response[] = [];
    for (let i = 0; i < 2 * connections; i += 1) answers.push(await step('release'));
    await rowsOf(database.url, 'alter table reservation_line alter column line_ref type text');
    expect(['200', '503 unavailable']).toEqual(expect.arrayContaining(Object.keys(tally(answers))));
    expect(answers.filter(({ status }) => status === 503).length).toBeLessThanOrEqual(connections);
    expect(answers.at(-1)?.status).toBe(200);
  });

  it('gives up a connection on which nothing comes back any more', async () => {
    const impatient = await startApp({ databaseUrl: at.databaseUrl, env: { ENGINE_DEADLINE_MS: '500' } });
    try {
      const { location } = await positionOf(at, sku);
      const found = () => impatient.api().post('/v1/stock/adjustments', { sku, location, delta: 1, reason: 'found' });
      expect((await found()).status).toBe(201);
      wire.freezeEngine();
      let givenUp = false;
      const stuck = found().then((answer) => {
        givenUp = true;
        return answer;
      });
      await delay(100); // for it to be under way
      // Who waits behind it is told in time, not when the connection is given up.
      expect(tally(await atOnce(3, found))).toEqual({ '503 overloaded': 3 });
      expect(givenUp).toBe(false);
      expect(tally([await stuck])).toEqual({ '503 overloaded': 1 });
      expect((await found()).status).toBe(201);
      expect(await positionOf(at, sku)).toMatchObject({ onHand: 1_002 });
    } finally {
      await impatient.close();
    }
  });
});
