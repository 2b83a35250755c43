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

it('what the database refuses of one window keeps its neighbours, but nothing of the next overtakes them', async () => {
  await app.given.location({ code: 'B' });
  await app.given.item({ sku: 'V-bad' });
  await rowsOf(
    app.databaseUrl,
    `create function refuse() returns trigger language plpgsql as
       $$ begin raise exception 'refused by a trigger' using errcode = '22000'; end $$;
     create trigger refuse before insert on movement for each row when (new.event_id like 'bad-%') execute function refuse()`,
  );
  const wms = await Feed.of(app);
  // On hand is 0 first: a window of receipts, then one that takes it all away, and so on.
  const events = Array.from({ length: EVENTS }, (_, i): Sent => {
    const type = Math.floor(i / 2_000) % 2 === 0 ? 'stock.received.v1' : 'stock.adjusted.v1';
    const quantity = type === 'stock.received.v1' ? 1 : -1;
    return { type, id: `o-${i}`, data: { sku: `V-${i % ITEMS}`, location: 'B', quantity } };
  });
  for (const at of [6_100, 1_900, 700]) {
    const data = { sku: 'V-bad', location: 'B', quantity: 1 };
    events.splice(at, 0, { type: 'stock.received.v1', id: `bad-${at}`, data });
  }
  await wms.receive(events);
  await wms.settle();
  // Overtaken, what takes away would have met 0.
  expect(await wms.exceptions()).toEqual(['poisoned V-bad B', 'blocked V-bad B', 'blocked V-bad B']);
  const positions = await rowsOf(
    app.databaseUrl,
    `select p.on_hand::int as "onHand", p.version::int as version, count(*)::int as n
       from position p join location l on l.id = p.location_id where l.code = 'B' and p.version > 0 group by 1, 2`,
  );
  expect(positions).toEqual([{ onHand: 4, version: EVENTS / ITEMS, n: ITEMS }]);
  await rowsOf(app.databaseUrl, 'drop trigger refuse on movement; drop function refuse()');
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
