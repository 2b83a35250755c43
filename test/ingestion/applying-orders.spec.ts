import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { at, Feed, positionOf, type Sent } from './applying-world.js';

let app: TestApp;
let wms: Feed;
beforeAll(async () => {
  app = await startApp();
  wms = await Feed.of(app);
  await app.given.location({ code: 'A' });
  await app.given.location({ code: 'B' });
  await app.given.channel({ code: 'web', locations: ['A', 'B'], priority: 5 });
  await app.given.channel({ code: 'outlet', locations: ['A'], priority: 1 });
});
afterAll(async () => {
  await expectInvariants(app.databaseUrl);
  await app.close();
});

let items = 0;
async function stocked(onHand: number, location = 'A'): Promise<string> {
  const sku = `I-${++items}`;
  await app.given.item({ sku });
  await app.given.stock(sku, location, onHand);
  return sku;
}

async function order(sku: string, quantity: number, orderRef: string, more = {}): Promise<string> {
  const body = { channel: 'web', orderRef, commit: true, lines: [{ sku, quantity }], ...more };
  const { body: made } = await app.api().post('/v1/reservations', body);
  return made.id;
}

const shipped = (sku: string, quantity: number, orderRef: string, shipmentRef: string, more = {}): Sent => ({
  type: 'shipment.confirmed.v1',
  data: { orderRef, shipmentRef, location: 'A', lines: [{ sku, quantity }], ...more },
});

async function statusOf(id: string): Promise<string> {
  return (await app.api().get(`/v1/reservations/${id}`)).body.status;
}

describe('a shipment that is reported', () => {
  it('lowers on hand and what its order reserves, once', async () => {
    const sku = await stocked(10);
    const id = await order(sku, 4, 'SO-1');
    await wms.send(shipped(sku, 3, 'SO-1', 'DN-1'));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 7, reserved: 1, available: 6 });
    expect(await statusOf(id)).toBe('partially_shipped');
    await wms.send({ ...shipped(sku, 3, 'SO-1', 'DN-1'), id: 'again' });
    expect((await wms.states()).again).toBe('duplicate');
    await wms.send(shipped(sku, 1, 'SO-1', 'DN-2'));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 6, reserved: 0 });
    expect(await statusOf(id)).toBe('shipped');
  });

  it('counts once beside the instruction with the same reference', async () => {
    const sku = await stocked(10);
    const id = await order(sku, 4, 'SO-2');
    await app.api().post(`/v1/reservations/${id}/ship`, { shipmentRef: 'DN-3' });
    await wms.send({ ...shipped(sku, 4, 'SO-2', 'DN-3'), id: 'told' });
    expect((await wms.states()).told).toBe('duplicate');
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 6, reserved: 0 });
  });

  it('leaves from where it was not reserved, too', async () => {
    const sku = await stocked(5, 'A');
    await app.given.stock(sku, 'B', 5);
    await order(sku, 2, 'SO-3');
    await wms.send(shipped(sku, 2, 'SO-3', 'DN-4', { location: 'B' }));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 5, reserved: 0 });
    expect(await positionOf(app, sku, 'B')).toMatchObject({ onHand: 3 });
  });

  it('is recorded beyond what the order had, and without an order', async () => {
    const sku = await stocked(10);
    await order(sku, 2, 'SO-4');
    await wms.send(shipped(sku, 3, 'SO-4', 'DN-5'), { ...shipped(sku, 1, 'unheard-of', 'DN-6'), id: 'loose' });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 6, reserved: 0 });
    expect(await wms.exceptions()).toContain(`overshipped ${sku} A`);
    await wms.send({ ...shipped(sku, 1, 'unheard-of', 'DN-6'), id: 'loose-again' });
    expect(await wms.states()).toMatchObject({ loose: 'applied', 'loose-again': 'duplicate' });
  });

  it('is late for an order that has let go, and of more than there is', async () => {
    const sku = await stocked(2);
    const id = await order(sku, 2, 'SO-5');
    await app.api().post(`/v1/reservations/${id}/cancel`, {});
    await wms.send(shipped(sku, 3, 'SO-5', 'DN-7'));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 0 });
    const open = await wms.exceptions();
    expect(open).toEqual(expect.arrayContaining([`late_shipment ${sku} A`, `negative_on_hand ${sku} A`]));
  });

  it('that the last count contains lowers only what its order reserves', async () => {
    const sku = await stocked(10);
    await order(sku, 4, 'SO-6');
    await wms.send({ type: 'stock.counted.v1', time: at(100), data: { sku, location: 'A', quantity: 6 } });
    await wms.send({ ...shipped(sku, 4, 'SO-6', 'DN-8'), time: at(90) });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 6, reserved: 0 });
  });

  it('takes a hold that nobody has committed', async () => {
    const sku = await stocked(10);
    const id = await order(sku, 4, 'SO-7', { commit: false });
    await wms.send(shipped(sku, 4, 'SO-7', 'DN-9'));
    expect(await statusOf(id)).toBe('shipped');
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 6, reserved: 0 });
  });
});

describe('a shipment that is cancelled', () => {
  const cancelled = (shipmentRef: string, orderRef: string): Sent => ({
    type: 'shipment.cancelled.v1',
    data: { shipmentRef, orderRef },
  });

  it('is there and reserved again, once', async () => {
    const sku = await stocked(10);
    const id = await order(sku, 4, 'SO-10');
    await wms.send(shipped(sku, 5, 'SO-10', 'DN-20'), cancelled('DN-20', 'SO-10'));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 10, reserved: 4 });
    expect(await statusOf(id)).toBe('committed');
    await wms.send({ ...cancelled('DN-20', 'SO-10'), id: 'twice' });
    expect((await wms.states()).twice).toBe('duplicate');
  });

  it('before it was reported waits for it', async () => {
    const sku = await stocked(10);
    await wms.send({ ...cancelled('DN-21', 'SO-11'), id: 'early' });
    expect((await wms.states()).early).toBe('parked');
    await wms.send(shipped(sku, 5, 'SO-11', 'DN-21'));
    expect((await wms.states()).early).toBe('applied');
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 10 });
  });
});

describe('a cancelled order', () => {
  it('lets go of what is open, by line or all', async () => {
    const sku = await stocked(10);
    const id = await order(sku, 6, 'SO-12');
    await wms.send({ type: 'order.cancelled.v1', data: { orderRef: 'SO-12', lines: [{ sku, quantity: 2 }] } });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ reserved: 4 });
    await wms.send({ type: 'order.cancelled.v1', data: { orderRef: 'SO-12' } });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 10, reserved: 0 });
    expect(await statusOf(id)).toBe('cancelled');
    await wms.send({ type: 'order.cancelled.v1', id: 'unknown-order', data: { orderRef: 'nobody' } });
    expect((await wms.states())['unknown-order']).toBe('applied');
  });
});

describe('a count below what is reserved (semantics.md 7)', () => {
  it('is recorded, and names what it uncovers: the lowest channel first, in it the newest', async () => {
    const sku = await stocked(10);
    const web = await order(sku, 4, 'SO-20');
    const first = await order(sku, 2, 'SO-21', { channel: 'outlet' });
    app.clock.advance(1_000);
    const second = await order(sku, 2, 'SO-22', { channel: 'outlet' });
    await wms.send({ type: 'stock.counted.v1', id: 'short', data: { sku, location: 'A', quantity: 3 } });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 3, reserved: 8, available: 0, shortfall: 5 });
    const [exception] = await rowsOf<{ kind: string; affected: { reservation: string; quantity: number }[] }>(
      app.databaseUrl,
      `select kind, affected from exception where event_id = 'short'`,
    );
    expect(exception?.kind).toBe('shortfall');
    expect(exception?.affected.map(({ reservation, quantity }) => [reservation, quantity])).toEqual([
      [second, 2],
      [first, 2],
      [web, 1],
    ]);
    expect((await wms.states()).short).toBe('applied');
  });
});

describe('figures net of our commitments (semantics.md 24)', () => {
  const committed = async (sku: string) => {
    await order(sku, 10, `${sku}-early`);
    const early = app.clock.now();
    app.clock.advance(60_000);
    await order(sku, 19, `${sku}-late`);
    app.clock.advance(60_000);
    return new Date(early + 30_000).toISOString();
  };
  const counted = (sku: string, quantity: number, more = {}): Sent => ({
    type: 'stock.counted.v1',
    data: { sku, location: 'A', quantity, ...more },
  });

  it('80 gross with 29 reserved leave 51', async () => {
    const sku = await stocked(200);
    await committed(sku);
    await wms.send(counted(sku, 80));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 80, reserved: 29, available: 51 });
  });

  it('70 net of 10 of those 29 leave 51', async () => {
    const sku = await stocked(200);
    const upTo = await committed(sku);
    await wms.send(counted(sku, 70, { basis: 'available', nettedUpTo: upTo }));
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 80, reserved: 29, available: 51 });
  });

  it('70 as of between the two leave 51, also when the first was shipped or cancelled since', async () => {
    const sku = await stocked(200);
    const time = await committed(sku);
    await wms.send(shipped(sku, 4, `${sku}-early`, `DN-${sku}`));
    await wms.send({ type: 'order.cancelled.v1', data: { orderRef: `${sku}-early`, lines: [{ sku, quantity: 3 }] } });
    await wms.send({ ...counted(sku, 70, { basis: 'available' }), time });
    // 80 were there: 4 have left since, and 3 more are free again than the ERP knew.
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 76, reserved: 22, available: 54 });
  });
});
