import { randomUUID } from 'node:crypto';
import { until } from '../engine/crowd.js';
import { bring, lines, NDJSON } from '../imports/upload.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { at, Feed, positionOf, type Sent } from './applying-world.js';

let app: TestApp;
let erp: Feed;
beforeAll(async () => {
  app = await startApp();
  erp = await Feed.of(app, 'erp');
  await app.given.location({ code: 'A' });
  await app.given.location({ code: 'B' });
});
afterAll(async () => {
  await expectInvariants(app.databaseUrl);
  await app.close();
});

const newItem = async (): Promise<string> => (await app.given.item()).sku;

const expected = (sku: string, quantity: number, reference: string, seconds: number): Sent => ({
  type: 'supply.expected.v1',
  time: at(seconds),
  data: { sku, location: 'A', quantity, reference, expectedAt: at(10_000) },
});
const received = (sku: string, quantity: number, reference: string, seconds = 500): Sent => ({
  type: 'stock.received.v1',
  time: at(seconds),
  data: { sku, location: 'A', quantity, reference },
});

describe('expected supply', () => {
  it.each<[string, (sku: string) => Sent[], object]>([
    ['is incoming', (sku) => [expected(sku, 10, 'P', 1)], { onHand: 0, incoming: 10, available: 0 }],
    [
      'falls as it is received',
      (sku) => [expected(sku, 10, 'P', 1), received(sku, 4, 'P')],
      { onHand: 4, incoming: 6 },
    ],
    [
      'may be received before it is announced',
      (sku) => [received(sku, 4, 'P'), expected(sku, 10, 'P', 1)],
      { onHand: 4, incoming: 6 },
    ],
    ['is never below 0', (sku) => [expected(sku, 10, 'P', 1), received(sku, 12, 'P')], { onHand: 12, incoming: 0 }],
    ['is what was announced last', (sku) => [expected(sku, 10, 'P', 2), expected(sku, 7, 'P', 3)], { incoming: 7 }],
    [
      'is not what was announced before',
      (sku) => [expected(sku, 10, 'P', 3), expected(sku, 7, 'P', 2)],
      { incoming: 10 },
    ],
    ['adds up over references', (sku) => [expected(sku, 10, 'P', 1), expected(sku, 7, 'Q', 2)], { incoming: 17 }],
    [
      'is gone when it is cancelled',
      (sku) => [
        expected(sku, 10, 'P', 1),
        { type: 'supply.cancelled.v1', time: at(2), data: { reference: `${sku}-P` } },
      ],
      { incoming: 0 },
    ],
  ])('%s', async (_, events, figures) => {
    const sku = await newItem();
    for (const event of events(sku)) {
      const { reference } = event.data as { reference: string };
      const own = reference.startsWith(sku) ? reference : `${sku}-${reference}`;
      await erp.send({ ...event, data: { ...event.data, reference: own } });
    }
    expect(await positionOf(app, sku, 'A')).toMatchObject(figures);
  });

  it('closes also where a newer count contains the receipt', async () => {
    const sku = await newItem();
    await erp.send(expected(sku, 10, `${sku}-P`, 1));
    await erp.send({ type: 'stock.counted.v1', time: at(600), data: { sku, location: 'A', quantity: 10 } });
    await erp.send(received(sku, 10, `${sku}-P`, 500));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 10, incoming: 0 });
  });
});

describe('a transfer in two steps', () => {
  const leaves = (sku: string, reference?: string): Sent => ({
    type: 'transfer.shipped.v1',
    data: { sku, from: 'A', to: 'B', quantity: 5, ...(reference ? { reference } : {}) },
  });
  const arrives = (sku: string, reference?: string): Sent => ({
    type: 'transfer.received.v1',
    data: { sku, from: 'A', to: 'B', quantity: 5, ...(reference ? { reference } : {}) },
  });

  it.each([
    ['with a reference', 'T-1'],
    ['without one', undefined],
  ])('is under way until it arrives, %s', async (_, name) => {
    const sku = await newItem();
    const reference = name && `${sku}-${name}`;
    await app.given.stock(sku, 'A', 8);
    await erp.send(leaves(sku, reference));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 3 });
    expect(await positionOf(app, sku, 'B')).toMatchObject({ onHand: 0, incoming: 5 });
    await erp.send(arrives(sku, reference));
    expect(await positionOf(app, sku, 'B')).toMatchObject({ onHand: 5, incoming: 0 });
  });

  it('may arrive before it is said to have left', async () => {
    const sku = await newItem();
    await app.given.stock(sku, 'A', 8);
    await erp.send(arrives(sku, `${sku}-T`));
    await erp.send(leaves(sku, `${sku}-T`));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 3 });
    expect(await positionOf(app, sku, 'B')).toMatchObject({ onHand: 5, incoming: 0 });
  });
});

describe('a snapshot', () => {
  const row = (sku: string, quantity: number, location = 'A') => ({ sku, location, quantity });
  const snapshot = (rows: object[], more = {}): Sent => ({ type: 'stock.snapshot.v1', data: { rows, ...more } });

  it('of 570 rows of which 3 changed writes 3 movements and raises 3 notices', async () => {
    await app.given.location({ code: 'S' });
    const skus = Array.from({ length: 570 }, (_, i) => `S-${i}`);
    // As an import: 570 PUTs at once wait for ten connections longer than the 5 s a request may on a slow machine.
    await bring(app, 'items', lines(...skus.map((sku) => ({ sku, name: sku, baseUom: 'EA' }))), { type: NDJSON });
    await erp.send(snapshot(skus.map((sku) => row(sku, 5, 'S'))));
    const count = async () => {
      const [counts] = await rowsOf<{ movements: number; notices: number }>(
        app.databaseUrl,
        `select (select count(*)::int from movement) as movements, (select max(id)::int from outbox) as notices`,
      );
      return counts as { movements: number; notices: number };
    };
    const before = await count();
    await erp.send(snapshot(skus.map((sku, i) => row(sku, i < 3 ? 6 : 5, 'S'))));
    const after = await count();
    expect(after.movements - before.movements).toBe(3);
    expect(after.notices - before.notices).toBe(3);
  });

  it('that is complete zeroes what it omits, and only where it says so', async () => {
    await app.given.location({ code: 'C1' });
    await app.given.location({ code: 'C2' });
    const [kept, omitted] = [await newItem(), await newItem()];
    for (const sku of [kept, omitted]) for (const code of ['C1', 'C2']) await app.given.stock(sku, code, 5);
    await erp.send(snapshot([row(kept, 7, 'C1')]));
    expect(await positionOf(app, omitted, 'C1')).toMatchObject({ onHand: 5 });
    await erp.send(snapshot([row(kept, 7, 'C1')], { complete: true }));
    expect(await positionOf(app, kept, 'C1')).toMatchObject({ onHand: 7 });
    expect(await positionOf(app, omitted, 'C1')).toMatchObject({ onHand: 0 });
    expect(await positionOf(app, omitted, 'C2')).toMatchObject({ onHand: 5 });
  });

  it('with bad rows is applied but for those, each an exception of its own', async () => {
    const [good, missing] = [await newItem(), `missing-${randomUUID()}`];
    const rows = [row(good, 4), row(missing, 3), { sku: good, location: 'B', quantity: 'many' }];
    await erp.send({ ...snapshot(rows), id: 'mixed' });
    expect((await erp.states()).mixed).toBe('applied');
    expect(await positionOf(app, good, 'A')).toMatchObject({ onHand: 4 });
    const open = await erp.exceptions();
    expect(open).toContain(`unknown_item ${missing} A`);
    expect(open).toContain(`mapping_failed ${good} B`);
    await app.given.item({ sku: missing });
    for (let i = 0; i < 200 && (await erp.exceptions()).includes(`unknown_item ${missing} A`); i += 1)
      await erp.settle();
    expect(await positionOf(app, missing, 'A')).toMatchObject({ onHand: 3 });
  });

  it('that is to be applied as a whole is not applied at all for a bad row, and wholly once that is repaired', async () => {
    const good = await newItem();
    await erp.receive([{ ...snapshot([row(good, 4), row('nowhere', 1)]), id: 'whole' }, received(good, 9, 'x')], {
      atomic: true,
    });
    await erp.settle();
    expect((await erp.states()).whole).toBe('parked');
    expect(await positionOf(app, good, 'A')).not.toMatchObject({ onHand: 4 });
    expect(await erp.exceptions()).toContain('unknown_item nowhere A');
    expect(await erp.exceptions()).toContain(`atomic ${good} A`);
    await app.given.item({ sku: 'nowhere' });
    await until('the batch is applied', async () => (await erp.states()).whole === 'applied');
    expect(await positionOf(app, good, 'A')).toMatchObject({ onHand: 4 });
    expect(await positionOf(app, 'nowhere', 'A')).toMatchObject({ onHand: 1 });
    expect(await erp.exceptions()).not.toContain(`atomic ${good} A`);
  });
});

describe('items and locations', () => {
  it('come and change with their events, an older one after a newer one being stale', async () => {
    await erp.send(
      { type: 'location.updated.v1', time: at(1), data: { code: 'NEW', name: 'New place', type: 'warehouse' } },
      { type: 'item.updated.v1', time: at(2), data: { sku: 'N-1', name: 'New item', baseUom: 'EA' } },
      { type: 'stock.received.v1', time: at(3), data: { sku: 'N-1', location: 'NEW', quantity: 3 } },
      { type: 'item.updated.v1', time: at(9), data: { sku: 'N-1', uoms: [{ code: 'XCS', factor: 6 }] } },
      { type: 'item.updated.v1', id: 'old-name', time: at(5), data: { sku: 'N-1', name: 'Older name' } },
      { type: 'stock.received.v1', time: at(10), data: { sku: 'N-1', location: 'NEW', quantity: 1, uom: 'XCS' } },
    );
    expect(await positionOf(app, 'N-1', 'NEW')).toMatchObject({ onHand: 9 });
    expect((await app.api().get('/v1/items/N-1')).body).toMatchObject({ name: 'New item', uoms: [{ code: 'XCS' }] });
    expect((await erp.states())['old-name']).toBe('stale');
    await erp.send({ type: 'item.updated.v1', id: 'half', data: { sku: 'N-2', name: 'No unit' } });
    expect((await erp.states()).half).toBe('parked');
  });
});
