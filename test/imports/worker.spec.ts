import { setTimeout as delay } from 'node:timers/promises';
import { ImportWorker } from '../../src/imports/import.worker.js';
import { startApp, type TestApp, TestClock } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';
import { rowsOf } from '../support/rows.js';
import { startProcess } from './service-process.js';
import { bring, lines, NDJSON, send, settled } from './upload.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** `count` levels of different items at HAM. */
function levels(count: number, onHand = 7) {
  return Array.from({ length: count }, (_, i) => ({ sku: `SKU-${i}`, location: 'HAM', onHand }));
}

async function world(test: TestApp, items: number): Promise<void> {
  await test.given.location({ code: 'HAM' });
  const rows = Array.from({ length: items }, (_, i) => ({ sku: `SKU-${i}`, name: `Item ${i}`, baseUom: 'EA' }));
  await bring(test, 'items', lines(...rows), { type: NDJSON });
}

describe('the worker of imports', () => {
  let database: TestDatabase;
  let test: TestApp;
  beforeEach(async () => {
    database = await createDatabase();
    test = await startApp({ databaseUrl: database.url });
  });
  afterEach(async () => {
    await test.close();
    await expectInvariants(database.url);
    await database.drop();
  });

  const sql = <Row>(text: string, values?: unknown[]) => rowsOf<Row>(database.url, text, values);
  const look = () => test.app.get(ImportWorker).wake();
  /** As if another process had it. */
  const takeAway = (id: string) =>
    sql(`update import set status = 'running', lease = 'another', leased_until = $2 where id = $1`, [
      id,
      new Date(test.clock.now() + MINUTE_MS),
    ]);

  it('applies the imports of a client one after the other, those of others meanwhile', async () => {
    const { key } = await test.given.key({ scopes: ['catalog:write'] });
    const { key: other } = await test.given.key({ scopes: ['catalog:write'] });
    const row = (name: string) => lines({ code: 'A', name, type: 'store' });
    const first = await send(test, 'locations', row('first'), { type: NDJSON, as: key });
    await settled(test, first);
    await sql(`update import set status = 'queued', finished_at = null`);
    await takeAway(first.body.id);
    const second = await send(test, 'locations', row('second'), { type: NDJSON, as: key });
    await bring(test, 'locations', row('third'), { type: NDJSON, as: other });
    expect((await test.api().get(`/v1/imports/${second.body.id}`)).body.status).toBe('queued');

    await sql(`update import set status = 'done', lease = null where id = $1`, [first.body.id]);
    look();
    expect(await settled(test, second)).toMatchObject({ applied: 1 });
  });

  it('takes over what another has not touched for a minute, and not before', async () => {
    await world(test, 1);
    const { key } = await test.given.key({ scopes: ['stock:write'] });
    const blocking = await send(test, 'levels', lines({}), { type: NDJSON, as: key });
    await settled(test, blocking);
    await sql(`update import set finished_at = null where id = $1`, [blocking.body.id]);
    await takeAway(blocking.body.id);
    const sent = await send(test, 'levels', lines(...levels(1)), { type: NDJSON, as: key });
    test.clock.advance(MINUTE_MS - 1);
    look();
    await bring(test, 'levels', lines(...levels(1)), { type: NDJSON }); // of another client: the worker has looked
    expect((await test.api().get(`/v1/imports/${sent.body.id}`)).body.status).toBe('queued');
    test.clock.advance(1);
    look();
    expect(await settled(test, sent)).toMatchObject({ applied: 1, unchanged: 1 });
    expect((await settled(test, blocking)).status).toBe('done');
  });

  it('does not set a level again that it had set before it died, whatever was sold since', async () => {
    await world(test, 3);
    const body = lines(...levels(3));
    const sent = await send(test, 'levels', body, { type: NDJSON });
    await settled(test, sent);
    await test.given.stock('SKU-1', 'HAM', -2, { onHand: undefined, delta: -2 });

    // The batch was committed, and nothing behind it: neither the progress nor the end of the import.
    await sql('insert into import_chunk values ($1, 0, $2, now())', [sent.body.id, Buffer.from(body)]);
    await sql(
      `update import set status = 'running', lease = 'dead', leased_until = $2, finished_at = null, reached_byte = 0,
                         reached_line = 0, rows = 0, applied = 0, unchanged = 0 where id = $1`,
      [sent.body.id, new Date(test.clock.now())],
    );
    look();
    expect(await settled(test, sent)).toMatchObject({ rows: 3, applied: 3, unchanged: 0, failed: 0 });
    const { body: stock } = await test.api().get('/v1/stock?sku=SKU-1');
    expect(stock.data).toMatchObject([{ onHand: 5, version: 2 }]);
  });

  it('goes on from the row it had reached', async () => {
    await world(test, 3);
    const rows = levels(3).map((row) => JSON.stringify(row));
    const sent = await send(test, 'levels', lines(...rows), { type: NDJSON });
    await settled(test, sent);
    await sql('insert into import_chunk values ($1, 0, $2, now())', [sent.body.id, Buffer.from(lines(...rows))]);
    const reached = rows.slice(0, 2).join('\n').length + 1;
    await sql(
      `update import set status = 'running', lease = 'dead', leased_until = $2, finished_at = null, reached_byte = $3,
                         reached_line = 2, rows = 2, applied = 1, unchanged = 0, failed = 1 where id = $1`,
      [sent.body.id, new Date(test.clock.now()), reached],
    );
    look();
    expect(await settled(test, sent)).toMatchObject({ rows: 3, applied: 2, unchanged: 1, failed: 1 });
  });

  it('lets a row that only the database refuses fail alone', async () => {
    await test.given.location({ code: 'HAM' });
    await sql(`alter table item add constraint no_sevens check (sku not like '%7%')`);
    const rows = Array.from({ length: 30 }, (_, i) => ({ sku: `S${i}`, name: 'x', baseUom: 'EA' }));
    const result = await bring(test, 'items', lines(...rows), { type: NDJSON });
    expect(result).toMatchObject({ status: 'done', rows: 30, applied: 27, failed: 3 });
    expect(result.failures.data).toMatchObject([8, 18, 28].map((line) => ({ line, code: 'internal_error' })));

    await sql(`alter table movement add constraint no_sevens check (on_hand_delta <> 7)`);
    const counted = rows
      .filter(({ sku }) => !sku.includes('7'))
      .map(({ sku }, i) => ({ sku, location: 'HAM', onHand: i }));
    const levelled = await bring(test, 'levels', lines(...counted), { type: NDJSON });
    expect(levelled).toMatchObject({
      applied: 26,
      failed: 1,
      failures: { data: [{ line: 8, code: 'internal_error' }] },
    });
  });

  it('waits for what another has locked', async () => {
    await world(test, 5);
    const { Client } = (await import('pg')).default;
    const other = new Client({ connectionString: database.url });
    await other.connect();
    await other.query('begin');
    await other.query('select 1 from item for update');
    const sent = await send(test, 'items', lines({ sku: 'SKU-1', name: 'renamed', baseUom: 'EA' }), { type: NDJSON });
    while ((await sql(`select 1 from pg_locks where not granted`)).length === 0) await delay(10);
    await other.query('commit');
    await other.end();
    expect(await settled(test, sent)).toMatchObject({ applied: 1, failed: 0 });
  });

  it('gives up an import that it could not get on with five times', async () => {
    const sent = await send(test, 'levels', lines({}), { type: NDJSON });
    await settled(test, sent);
    await sql(`update import set status = 'running', finished_at = null, attempts = 5`);
    look();
    expect(await settled(test, sent)).toMatchObject({ status: 'failed', problem: { code: 'internal_error' } });
  });

  it('stops behind the batch under way, and another process goes on at once', async () => {
    await world(test, 4_000);
    const sent = await send(test, 'levels', lines(...levels(4_000)), { type: NDJSON });
    while (
      (await sql<{ rows: string }>('select rows from import where id = $1 and rows > 0', [sent.body.id])).length === 0
    );
    await test.close();
    const [left] = await sql<{ status: string; rows: string; lease: string | null }>(
      'select status, rows, lease from import where id = $1',
      [sent.body.id],
    );
    expect(left).toMatchObject({ status: 'running', lease: null });
    expect(Number(left?.rows) % 500).toBe(0);
    expect(Number(left?.rows)).toBeLessThan(4_000);
    test = await startApp({ databaseUrl: database.url, clock: test.clock });
    expect(await settled(test, sent)).toMatchObject({ rows: 4_000, applied: 4_000, unchanged: 0, failed: 0 });
  });

  it('forgets imports after 30 days, and pieces of which no import came after one', async () => {
    const { id } = await bring(test, 'levels', lines({}), { type: NDJSON });
    await sql(`insert into import_chunk values ('imp_lost', 0, 'x', $1)`, [new Date(test.clock.now())]);
    const left = async () => [
      (await sql('select 1 from import_chunk')).length,
      (await sql('select 1 from import')).length,
      (await sql('select 1 from import_failure')).length,
    ];
    const purged = async (expected: number[]) => {
      look();
      while (String(await left()) !== String(expected)) await delay(10);
    };
    test.clock.advance(DAY_MS);
    await bring(test, 'locations', lines({ code: 'A', name: 'A', type: 'store' }), { type: NDJSON });
    expect(await left()).toEqual([1, 2, 1]);
    test.clock.advance(2 * 60 * MINUTE_MS);
    await purged([0, 2, 1]);
    test.clock.advance(29 * DAY_MS);
    await purged([0, 1, 0]);
    await test.api().get(`/v1/imports/${id}`).expect(404);
  });
});

describe('a process that is killed in the middle of an import', () => {
  it('loses nothing and sets nothing twice', async () => {
    const database = await createDatabase();
    const setUp = await startApp({ databaseUrl: database.url });
    await world(setUp, 5_000);
    await setUp.close();
    const victim = await startProcess(database.url, setUp.adminKey);
    const sent = await send({ ...setUp, url: victim.url }, 'levels', lines(...levels(5_000)), { type: NDJSON });
    const progress = 'select rows from import where id = $1 and rows > 0';
    while ((await rowsOf(database.url, progress, [sent.body.id])).length === 0);
    await victim.kill();

    const heir = await startApp({ databaseUrl: database.url, clock: new TestClock(Date.now() + 2 * MINUTE_MS) });
    expect(await settled(heir, sent)).toMatchObject({ rows: 5_000, applied: 5_000, unchanged: 0, failed: 0 });
    const [moved] = await rowsOf<{ n: string }>(database.url, 'select count(*) as n from movement');
    expect(moved?.n).toBe('5000');
    await expectInvariants(database.url);
    await heir.close();
    await database.drop();
  }, 60_000);
});
