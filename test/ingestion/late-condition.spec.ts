import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { at, Feed, positionOf } from './applying-world.js';

let app: TestApp;
let wms: Feed;
beforeAll(async () => {
  app = await startApp();
  wms = await Feed.of(app);
  await app.given.location({ code: 'A' });
});
afterAll(async () => {
  await expectInvariants(app.databaseUrl);
  await app.close();
});

const damage = { type: 'stock.condition_changed.v1', data: { quantity: 4, from: 'sellable', to: 'damaged' } };

it.each([
  ['returned units that do not go back to stock', 'return.received.v1', { quantity: 3, restock: false }],
  ['units received broken', 'stock.received.v1', { quantity: 3, condition: 'damaged' }],
  ['broken units that were thrown away', 'stock.adjusted.v1', { quantity: -3, condition: 'damaged' }],
])('%s are as unfit for sale when a later count came first', async (_, type, data) => {
  const tellAll = async (order: readonly number[]) => {
    const { sku } = await app.given.item();
    await app.given.stock(sku, 'A', 20);
    const told = [damage, { type, data }, { type: 'stock.counted.v1', data: { quantity: 12 } }].map((event, i) => ({
      ...event,
      id: `${sku}-${i}`,
      time: at(i),
      data: { sku, location: 'A', ...event.data },
    }));
    for (const i of order) await wms.send(told[i] as (typeof told)[number]);
    const { onHand, unsellable, available } = await positionOf(app, sku, 'A');
    return { onHand, unsellable, available, states: Object.values(await wms.states()).slice(-3) };
  };
  const inOrder = await tellAll([0, 1, 2]);
  expect(inOrder).toMatchObject({ onHand: 12 });
  expect(await tellAll([0, 2, 1])).toEqual(inOrder);
});
