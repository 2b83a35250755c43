import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from '../engine/crowd.js';
import { randomFrom } from '../engine/fleet.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';
import { rowsOf } from '../support/rows.js';
import { at } from './applying-world.js';
import { event, Sender } from './sender.js';
import {
  countOf,
  figuresOf,
  furnish,
  NEWCOMER,
  openingCounts,
  SKUS,
  settled,
  shuffled,
  takeOrders,
  warehouse,
  warehouseDay,
} from './warehouse-day.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [SKU] = SKUS as [string];
const ERP = '{ "type": "stock.counted.v1", "time": at, "data": { "sku": material, "location": "C", "quantity": n } }';

let old: TestApp;
let wms: Sender;
let fresh: TestDatabase;
beforeAll(async () => {
  [old, fresh] = await Promise.all([startApp(), createDatabase()]);
  await furnish(old);
  wms = await warehouse(old);
});
afterAll(async () => {
  await old.close();
  await fresh.drop();
});

/** `npm run replay`, run as it is. */
function replay(databaseUrl: string, from: string): Promise<{ code: unknown; said: string }> {
  const args = ['--import', './test/support/load-typescript.mjs', 'src/replay.ts', from];
  const env = { PATH: process.env.PATH, DATABASE_URL: databaseUrl };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
    );
  });
}

const received = (id: string, sku: string, quantity: unknown) =>
  event(id, { time: at(2_000), data: { sku, location: 'A', quantity } });

async function exceptionOf(id: string): Promise<string> {
  const { body } = await old.api().get(`/v1/exceptions?status=open&eventId=${id}`).expect(200);
  return body.data[0].id;
}

/** Events in disorder, corrected, given up, in conflict, by a profile of our own, and of an item that came last. */
async function live(): Promise<void> {
  await old.given.location({ code: 'C' });
  const profile = { title: 'ERP', format: 'json', identify: [{ pointer: '/doc' }], expression: ERP };
  await old.api().put('/v1/profiles/our-erp', profile).expect(201);
  const source = { name: 'ERP', kind: 'erp', profile: 'our-erp', signature: { scheme: 'standard_webhooks' } };
  const from = new Date(old.clock.now() + 1_000).toISOString();
  const owns = [{ location: 'C', facts: ['on_hand'], from }];
  const { secret } = (
    await old
      .api()
      .put('/v1/sources/erp', { ...source, owns })
      .expect(201)
  ).body;
  old.clock.advance(2_000);
  const erp = new Sender(old.url, 'erp', secret, old.clock.now);
  await erp.send({ doc: 'D-1', at: from, material: SKU, n: 40 }).expect(202);

  await wms.send(openingCounts()).expect(202);
  await settled(old);
  await takeOrders(old);
  await wms.send(shuffled(warehouseDay(3), randomFrom(3))).expect(202);
  await wms.send([received('corrected', SKU, 'seven'), received('given-up', 'GHOST', 5)]).expect(202);
  await wms.send([received('twice', SKU, 3)]).expect(202);
  await wms.send([received('twice', SKU, 4)]).expect(202);
  const rows = [SKU, 'TYPO'].map((sku) => ({ sku, location: 'B', quantity: 9_000 }));
  await wms.send([event('rows', { type: 'stock.snapshot.v1', time: at(3_000), data: { rows } })]).expect(202);
  await until('all of it was tried', async () => (await countOf(old, 'inbox_waiting')) === 0);
  const payload = received('corrected', SKU, 7);
  await old
    .api()
    .post(`/v1/exceptions/${await exceptionOf('corrected')}/retry`, { payload })
    .expect(202);
  for (const id of ['given-up', 'rows']) {
    const path = `/v1/exceptions/${await exceptionOf(id)}/discard`;
    await old.api().post(path, { note: 'Not ours.' }).expect(200);
  }
  for (const sku of ['GHOST', NEWCOMER]) await old.given.item({ sku });
  await old.api().put(`/v1/stock/${SKU}/A/policy`, { safetyStock: 12 }).expect(200);
  await settled(old);
}

/** What came by events: all but what is reserved. */
const told = async (app: TestApp) =>
  (await figuresOf(app)).map((position) => ({ ...(position as Record<string, unknown>), reserved: undefined }));

const openExceptions = (app: TestApp) =>
  rowsOf(app.databaseUrl, `select kind, event_id from exception where status = 'open' order by 1, 2`);

it('all that was sent comes to the same positions in an empty database, and goes on from there', async () => {
  await live();
  const { code, said } = await replay(fresh.url, old.databaseUrl);
  expect(said).toMatch(/^932 events are carried over, and 930 wait to be applied/);
  expect(said).toContain('1 rows that somebody corrected or gave up');
  expect(code).toBe(0);
  const anew = await startApp({ databaseUrl: fresh.url, clock: old.clock });
  await settled(anew);
  expect(await told(anew)).toEqual(await told(old));
  expect(await countOf(anew, `event where status = 'exception'`)).toBe(2);
  const again = { kind: 'unknown_item', event_id: 'rows' }; // a row is tried as it was sent
  expect(await openExceptions(anew)).toEqual([...(await openExceptions(old)), again]);
  const sender = new Sender(anew.url, 'wms', wms.secret, anew.clock.now);
  const { body } = await sender.send([received('twice', SKU, 3), received('new', SKU, 2)]).expect(202);
  expect(body.events.map(({ status }: { status: string }) => status)).toEqual(['duplicate', 'received']);
  await anew.given.item();
  await settled(anew);
  await expectInvariants(fresh.url);
  await anew.close();

  expect(await replay(fresh.url, old.databaseUrl)).toEqual({ code: 1, said: expect.stringContaining('is not empty') });
});

it('a source replayed since a time leaves the positions as they are when everything was applied', async () => {
  const state = async () => [await figuresOf(old), await countOf(old, 'movement'), await openExceptions(old)];
  const before = await state();
  const since = new Date(old.clock.now() - 10_000).toISOString();
  const { body } = await old.api().post('/v1/sources/wms/replay', { since }).expect(202);
  expect(body.events).toBeGreaterThan(0); // what was stale is looked at again
  await settled(old);
  expect(await state()).toEqual(before);
  await expectInvariants(old.databaseUrl);
});
