import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { Feed, positionOf, type Sent } from './applying-world.js';

const EVENTS = 10_000;
const ITEMS = 500;

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
  await app.given.location({ code: 'A' });
  const items = Array.from({ length: ITEMS }, (_, i) =>
    JSON.stringify({ sku: `V-${i}`, name: `V-${i}`, baseUom: 'EA' }),
  );
  await app
    .api()
    .post('/v1/imports?kind=items')
    .set('Content-Type', 'application/x-ndjson')
    .send(items.join('\n'))
    .expect(202);
  for (let n = 0; n < ITEMS; )
    [{ n }] = (await rowsOf(app.databaseUrl, 'select count(*)::int as n from item')) as [{ n: number }];
});
afterAll(async () => {
  await expectInvariants(app.databaseUrl);
  await app.close();
});

it('one poisoned key among 10,000 events keeps the other 9,999 from nothing, and resumes in order once repaired', async () => {
  const wms = await Feed.of(app);
  const receipt = (i: number): Sent => ({
    type: 'stock.received.v1',
    id: `v-${i}`,
    data: { sku: `V-${i % ITEMS}`, location: 'A', quantity: 1 },
  });
  const events = Array.from({ length: EVENTS }, (_, i) => receipt(i));
  events[4_321] = { type: 'stock.received.v1', id: 'poison', data: { sku: 'V-later', location: 'A', quantity: 7 } };
  await wms.receive(events);
  await wms.settle();
  const counts = await rowsOf(app.databaseUrl, `select status, count(*)::int as n from event group by 1 order by 1`);
  expect(counts).toEqual([
    { status: 'applied', n: EVENTS - 1 },
    { status: 'parked', n: 1 },
  ]);
  const later: Sent = { type: 'stock.counted.v1', id: 'behind', data: { sku: 'V-later', location: 'A', quantity: 20 } };
  await wms.send(later);
  expect((await wms.states()).behind).toBe('parked');
  await app.given.item({ sku: 'V-later' });
  for (let i = 0; i < 400 && (await wms.states()).behind !== 'applied'; i += 1) await wms.settle();
  expect(await wms.states()).toMatchObject({ poison: 'applied', behind: 'applied' });
  expect(await positionOf(app, 'V-later', 'A')).toMatchObject({ onHand: 20, version: 2 });
});

it('a snapshot of 10,000 rows goes in by pieces, and what it cannot say is an exception a row', async () => {
  const erp = await Feed.of(app, 'erp', { owns: [] });
  await rowsOf(app.databaseUrl, 'update source_ownership set source_id = $1 returning 1', [erp.id]);
  const rows = Array.from({ length: EVENTS }, (_, i) => ({
    sku: i < ITEMS ? `V-${i}` : `none-${i}`,
    location: 'A',
    quantity: 3,
  }));
  await erp.send({ type: 'stock.snapshot.v1', id: 'large', data: { complete: true, rows } });
  expect(await erp.states()).toEqual({ large: 'applied' });
  expect(await positionOf(app, 'V-499', 'A')).toMatchObject({ onHand: 3 });
  expect(await positionOf(app, 'V-later', 'A')).toMatchObject({ onHand: 0 });
  expect(await erp.exceptions()).toHaveLength(EVENTS - ITEMS);
});
