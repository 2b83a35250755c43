import { randomUUID } from 'node:crypto';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { at, Feed, positionOf, type Sent } from './applying-world.js';

let app: TestApp;
let wms: Feed;
beforeAll(async () => {
  app = await startApp();
  wms = await Feed.of(app);
  await app.given.location({ code: 'A' });
  await app.given.location({ code: 'B', gln: '4012345000009' });
});
afterAll(async () => {
  await expectInvariants(app.databaseUrl);
  await app.close();
});

const newItem = async (overrides = {}): Promise<string> => (await app.given.item(overrides)).sku;

const received = (sku: string, quantity: number, more = {}): Sent => ({
  type: 'stock.received.v1',
  data: { sku, location: 'A', quantity, ...more },
});

describe('facts about one position', () => {
  it('are applied once, with movements that lead back to the event', async () => {
    const sku = await newItem();
    await wms.send({ ...received(sku, 10, { reference: 'PO-1' }), id: 'once' });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 10, available: 10 });
    const { body } = await app.api().get(`/v1/stock/movements?sku=${sku}`);
    expect(body.data).toMatchObject([
      { kind: 'receipt', onHandDelta: 10, source: 'wms', eventId: 'once', reference: 'PO-1', actor: 'wms' },
    ]);
    expect((await wms.states()).once).toBe('applied');
  });

  it.each<[string, Sent[], object]>([
    ['a receipt in cases', [received('', 2, { uom: 'XCS' })], { onHand: 24 }],
    ['a receipt of damaged goods', [received('', 5, { condition: 'damaged' })], { onHand: 5, available: 0 }],
    [
      'an adjustment down',
      [received('', 5), { type: 'stock.adjusted.v1', data: { location: 'A', quantity: -2, reason: 'loss' } }],
      { onHand: 3 },
    ],
    ['a count', [received('', 5), { type: 'stock.counted.v1', data: { location: 'A', quantity: 7 } }], { onHand: 7 }],
    [
      'a change of condition',
      [
        received('', 5),
        { type: 'stock.condition_changed.v1', data: { location: 'A', quantity: 2, from: 'sellable', to: 'damaged' } },
      ],
      { onHand: 5, available: 3 },
    ],
    [
      'a return to stock and one that is not restocked',
      [
        { type: 'return.received.v1', data: { location: 'A', quantity: 2 } },
        { type: 'return.received.v1', data: { location: 'A', quantity: 1, restock: false } },
      ],
      { onHand: 3, available: 2 },
    ],
    [
      'a transfer away',
      [received('', 5), { type: 'stock.transferred.v1', data: { from: 'A', to: 'B', quantity: 2 } }],
      { onHand: 3 },
    ],
  ])('%s', async (_, events, expected) => {
    const sku = await newItem({ uoms: [{ code: 'XCS', factor: 12 }] });
    await wms.send(...events.map((event) => ({ ...event, data: { ...event.data, sku } })));
    expect(await positionOf(app, sku, 'A')).toMatchObject(expected);
  });

  it('find the item by its number and the location by its GLN', async () => {
    const sku = await newItem({ identifiers: [{ type: 'gtin', value: '4006381333931' }] });
    await wms.send({
      type: 'stock.received.v1',
      data: { identifier: { type: 'gtin', value: '4006381333931' }, location: '4012345000009', quantity: 4 },
    });
    expect(await positionOf(app, sku, 'B')).toMatchObject({ onHand: 4 });
  });

  it('never leave on hand below 0: what is missing is for a person', async () => {
    const sku = await newItem();
    await wms.send(received(sku, 5), { type: 'stock.adjusted.v1', data: { sku, location: 'A', quantity: -8 } });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 0 });
    expect(await wms.exceptions()).toContain(`negative_on_hand ${sku} A`);
  });
});

describe('an absolute figure (semantics.md 23)', () => {
  const counted = (sku: string, quantity: number, seconds: number, more = {}): Sent => ({
    type: 'stock.counted.v1',
    time: at(seconds),
    data: { sku, location: 'A', quantity },
    ...more,
  });
  const change = (sku: string, quantity: number, seconds: number, more = {}): Sent => ({
    ...received(sku, quantity),
    time: at(seconds),
    ...more,
  });

  it('contains what happened before it, and nothing that happened after', async () => {
    const sku = await newItem();
    await wms.send(counted(sku, 50, 100));
    await wms.send({ ...change(sku, 10, 90), id: 'inside' }, { ...change(sku, 5, 110), id: 'after' });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 55 });
    expect(await wms.states()).toMatchObject({ inside: 'stale', after: 'applied' });
  });

  it('that comes late has on top what happened since', async () => {
    const sku = await newItem();
    await wms.send(change(sku, 10, 90), change(sku, 5, 110));
    await wms.send(counted(sku, 50, 100));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 55 });
  });

  it('that is older than the last one is stale', async () => {
    const sku = await newItem();
    await wms.send(counted(sku, 50, 100));
    await wms.send({ ...counted(sku, 10, 99), id: 'older' });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 50 });
    expect((await wms.states()).older).toBe('stale');
  });

  it('goes by the count of its source before it goes by the clock', async () => {
    const sku = await newItem();
    await wms.send(counted(sku, 50, 100, { sequence: 7 }));
    await wms.send({ ...counted(sku, 60, 90, { sequence: 8 }) }, change(sku, 3, 500, { sequence: '6' }));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 60 });
  });

  it('is of one source: what it owns can pass to another', async () => {
    await app.given.location({ code: 'C' });
    const other = await Feed.of(app, 'handheld', { owns: [] });
    const from = new Date(app.clock.now() + 1_000).toISOString();
    await app.api().put('/v1/sources/handheld', {
      ...{ name: 'handheld', kind: 'wms', profile: 'canonical', signature: { scheme: 'standard_webhooks' } },
      ...{ quantityBasis: 'on_hand', owns: [{ location: 'C', facts: ['on_hand'], from }] },
    });
    const sku = await newItem();
    await wms.send({ ...counted(sku, 50, 100), data: { sku, location: 'C', quantity: 50 } });
    const time = new Date(app.clock.now() + 2_000).toISOString();
    await other.send({ ...received(sku, 2, { location: 'C' }), time });
    expect(await positionOf(app, sku, 'C')).toMatchObject({ onHand: 52 });
    await wms.send({ ...received(sku, 2, { location: 'C' }), time, id: 'given-away' });
    expect((await wms.states())['given-away']).toBe('parked');
  });
});

describe('what cannot be applied', () => {
  it('waits for its item, and blocks nothing but its own key', async () => {
    const sku = `late-${randomUUID()}`;
    const other = await newItem();
    await wms.send(
      { type: 'stock.counted.v1', id: 'p1', data: { sku, location: 'A', quantity: 5 } },
      { ...received(other, 1), id: 'p2' },
    );
    await wms.send({ ...received(sku, 2), id: 'p3' });
    expect(await wms.states()).toMatchObject({ p1: 'parked', p2: 'applied', p3: 'parked' });
    expect((await wms.exceptions()).filter((each) => each.includes(sku))).toEqual([
      `unknown_item ${sku} A`,
      `unknown_item ${sku} A`,
    ]);
    await app.given.item({ sku });
    for (let i = 0; i < 200 && (await wms.states()).p3 !== 'applied'; i += 1) await wms.settle();
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 7 });
    expect((await wms.exceptions()).filter((each) => each.includes(sku))).toEqual([]);
  });

  it('keeps what comes later about the same waiting, until it is repaired', async () => {
    const sku = await newItem();
    await wms.send({ ...received(sku, 2, { uom: 'XPX' }), id: 'wrong' });
    await wms.send({ ...received(sku, 3), id: 'behind' }, { ...received(sku, 4, { location: 'B' }), id: 'elsewhere' });
    expect(await wms.states()).toMatchObject({ wrong: 'parked', behind: 'parked', elsewhere: 'applied' });
    expect((await wms.exceptions()).filter((each) => each.includes(sku))).toEqual([
      `unknown_uom ${sku} A`,
      `blocked ${sku} A`,
    ]);
  });

  it('is kept with a readable reason when it cannot even be read', async () => {
    const ids = await wms.send('{"nonsense"', {
      type: 'stock.received.v1',
      data: { sku: 'X', location: 'A', quantity: -3 },
    });
    expect(ids).toHaveLength(2);
    expect((await wms.exceptions()).filter((each) => each === 'mapping_failed')).toHaveLength(2);
  });

  it('is what the source does not own', async () => {
    const feed = await Feed.of(app, 'stranger', { owns: [] });
    await feed.send({ ...received(await newItem(), 2), id: 's1' });
    expect(await feed.states()).toEqual({ s1: 'parked' });
    expect((await feed.exceptions())[0]).toContain('not_owner');
  });
});
