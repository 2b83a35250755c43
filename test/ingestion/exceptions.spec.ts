import { randomUUID } from 'node:crypto';
import { until } from '../engine/crowd.js';
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
});
afterAll(async () => {
  await expectInvariants(app.databaseUrl);
  await app.close();
});

const newItem = async (): Promise<string> => (await app.given.item()).sku;

const received = (sku: string, quantity: number, more = {}): Sent => ({
  type: 'stock.received.v1',
  id: `${sku}-${randomUUID()}`,
  data: { sku, location: 'A', quantity, ...more },
});

/** The one open exception of an event. */
async function exceptionOf(eventId: string) {
  const { body } = await app
    .api()
    .get(`/v1/exceptions?status=open&eventId=${encodeURIComponent(eventId)}`)
    .expect(200);
  expect(body.data).toHaveLength(1);
  return body.data[0];
}

describe('an exception', () => {
  it('says what is wrong, of which event, and is found by each of that', async () => {
    const sku = await newItem();
    const event = received(sku, 2, { uom: 'XPX' });
    const [id] = await wms.send(event);
    const found = await exceptionOf(event.id as string);
    expect(found).toMatchObject({
      ...{ kind: 'unknown_uom', status: 'open', source: 'wms', event: id, eventId: event.id, sku, location: 'A' },
      ...{ affected: null, row: null, retrying: false, note: null, notes: [], resolvedAt: null },
    });
    expect(found.detail).toContain('measured in EA, not in XPX');
    for (const query of [
      `sku=${sku}`,
      `kind=unknown_uom&sku=${sku}`,
      `eventId=${id}`,
      `location=A&sku=${sku}&source=wms`,
    ]) {
      const { body } = await app.api().get(`/v1/exceptions?${query}`).expect(200);
      expect(body.data.map((each: { id: string }) => each.id)).toEqual([found.id]);
    }
    expect((await app.api().get(`/v1/exceptions/${found.id}`).expect(200)).body).toEqual(found);
    const page = await app.api().get('/v1/exceptions?limit=1').expect(200);
    expect(page.body.data).toHaveLength(1);
    await app.api().get('/v1/exceptions/exc_nothing').expect(404);
  });

  it('is retried once what was wrong is repaired, and what waited behind it follows in its order', async () => {
    const sku = await newItem();
    const event = received(sku, 2, { uom: 'XPX' });
    await wms.send(event);
    await wms.send({ type: 'stock.counted.v1', id: `${sku}-count`, data: { sku, location: 'A', quantity: 9 } });
    const { id, detail } = await exceptionOf(event.id as string);
    const first = await app.api().post(`/v1/exceptions/${id}/retry`, { note: 'Is the unit there?' }).expect(202);
    expect(first.body).toMatchObject({ id, retrying: true });
    await wms.settle();
    expect(await exceptionOf(event.id as string)).toMatchObject({ id, kind: 'unknown_uom', retrying: false });
    await app.given.item({ sku, uoms: [{ code: 'XPX', factor: 10 }] });
    await until('both are applied', async () => (await positionOf(app, sku, 'A')).onHand === 9);
    expect(await positionOf(app, sku, 'A')).toMatchObject({ version: 2 });
    const { body } = await app.api().get(`/v1/exceptions/${id}`);
    expect(body).toMatchObject({ status: 'resolved' });
    expect(body.notes.map(({ action, note }: { action: string; note: string | null }) => [action, note])).toEqual([
      ['retry', 'Is the unit there?'],
      ['retry', `Not applied: unknown_uom: ${detail}`],
      ['applied', null],
    ]);
    expect(await wms.exceptions()).not.toContain(`blocked ${sku} A`);
    await app.api().post(`/v1/exceptions/${id}/retry`).expect(409);
  });

  it('takes a corrected payload, which must be understood, and keeps what was sent', async () => {
    const sku = await newItem();
    const event = received('', 4);
    const [id] = await wms.send({ ...event, data: { sku, location: 'A', quantity: 'four' } });
    const exception = await exceptionOf(event.id as string);
    expect(exception.kind).toBe('mapping_failed');
    const still = await app.api().post(`/v1/exceptions/${exception.id}/retry`, { payload: { type: 'nonsense' } });
    expect(still.status).toBe(422);
    expect(still.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toContain('/payload/type');
    const payload = { ...event, specversion: '1.0', data: { sku, location: 'A', quantity: 4 } };
    await app.api().post(`/v1/exceptions/${exception.id}/retry`, { payload }).expect(202);
    await wms.settle();
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 4 });
    const { body } = await app.api().get(`/v1/events/${id}`).expect(200);
    expect(body.status).toBe('applied');
    expect(JSON.stringify(body)).toContain('four');
  });

  it('is discarded or resolved with a note, and lets go what waited behind it', async () => {
    for (const action of ['discard', 'resolve']) {
      const sku = await newItem();
      const event = received(sku, 2, { uom: 'XPX' });
      const [id] = await wms.send(event);
      await wms.send(received(sku, 3));
      const exception = await exceptionOf(event.id as string);
      await app.api().post(`/v1/exceptions/${exception.id}/${action}`).expect(400);
      const closed = await app
        .api()
        .post(`/v1/exceptions/${exception.id}/${action}`, { note: 'Not ours.' })
        .expect(200);
      expect(closed.body).toMatchObject({
        status: `${action}ed`.replace('ee', 'e'),
        notes: [{ action, note: 'Not ours.' }],
      });
      await wms.settle();
      expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 3 });
      expect((await app.api().get(`/v1/events/${id}`)).body.status).toBe('exception');
      await app.api().post(`/v1/exceptions/${exception.id}/${action}`, { note: 'Again.' }).expect(409);
    }
  });

  it('that only tells what an event did is not retried', async () => {
    const sku = await newItem();
    await wms.send({ type: 'stock.adjusted.v1', id: `${sku}-less`, data: { sku, location: 'A', quantity: -1 } });
    const { id, kind } = await exceptionOf(`${sku}-less`);
    expect(kind).toBe('negative_on_hand');
    const refused = await app.api().post(`/v1/exceptions/${id}/retry`).expect(409);
    expect(refused.body.code).toBe('nothing_to_retry');
    await app.api().post(`/v1/exceptions/${id}/resolve`, { note: 'Counted.' }).expect(200);
  });

  it('of a row is retried by itself, also corrected', async () => {
    const sku = await newItem();
    const rows = [
      { sku, location: 'A', quantity: 5 },
      { sku: 'typo', location: 'A', quantity: 6 },
    ];
    await wms.send({ type: 'stock.snapshot.v1', id: 'rows', time: at(1), data: { rows } });
    const { body } = await app.api().get('/v1/exceptions?status=open&eventId=rows');
    const [exception] = body.data;
    expect(exception).toMatchObject({ kind: 'unknown_item', sku: 'typo', row: { type: 'stock.counted.v1' } });
    const other = await newItem();
    const payload = { ...exception.row, data: { ...exception.row.data, sku: other } };
    await app.api().post(`/v1/exceptions/${exception.id}/retry`, { payload }).expect(202);
    await wms.settle();
    expect(await positionOf(app, other, 'A')).toMatchObject({ onHand: 6 });
    expect((await app.api().get(`/v1/exceptions/${exception.id}`)).body.status).toBe('resolved');
  });

  it('is for keys that manage events, with one answer a key', async () => {
    const { key } = await app.given.key({ scopes: ['events:read'] });
    await app.api(key).get('/v1/exceptions').expect(403);
    const sku = await newItem();
    const event = received(sku, 2, { uom: 'XPX' });
    await wms.send(event);
    const { id } = await exceptionOf(event.id as string);
    const discard = () =>
      app.api().post(`/v1/exceptions/${id}/discard`, { note: 'Once.' }).set('Idempotency-Key', 'discard-once');
    const first = await discard().expect(200);
    expect((await discard().expect(200)).body).toEqual(first.body);
  });
});

describe('an event that cannot be applied', () => {
  it.each<[kind: string, Sent, says: RegExp]>([
    ['unknown_location', received('', 1, { location: 'nowhere' }), /no location nowhere/],
    ['unknown_uom', received('', 1, { uom: 'XPX' }), /measured in EA, XCS, not in XPX/],
    ['invalid_quantity', received('', 1.5), /1\.5 EA of .* is not a multiple of 1 EA/],
    ['sanity_limit', received('', 90_000_000_000, { uom: 'XCS' }), /more than there can be/],
    [
      'unknown_shipment',
      { type: 'shipment.cancelled.v1', data: { shipmentRef: 'never-left', location: 'A' } },
      /No shipment never-left is known yet/,
    ],
  ])('is parked as %s, says what is wrong, and moves nothing', async (kind, event, says) => {
    const { sku } = await app.given.item({ uoms: [{ code: 'XCS', factor: 12 }] });
    const data = 'sku' in event.data ? { ...event.data, sku } : { ...event.data, lines: [{ sku, quantity: 1 }] };
    const id = `${kind}-${sku}`;
    const [inboxId] = await wms.send({ ...event, id, data });
    const exception = await exceptionOf(id);
    expect(exception).toMatchObject({ kind, sku, location: event.data.location, status: 'open', event: inboxId });
    expect(exception.detail).toMatch(says);
    const { status, problem, movements } = (await app.api().get(`/v1/events/${inboxId}`).expect(200)).body;
    expect({ status, problem, movements }).toEqual({
      ...{ status: 'parked', movements: [] },
      problem: { code: kind, detail: exception.detail },
    });
    expect((await app.api().get(`/v1/stock/movements?sku=${sku}`).expect(200)).body.data).toEqual([]);
  });

  it('is parked as sanity_limit also where only the sum is more than a position holds', async () => {
    const sku = await newItem();
    const most = received(sku, 90_000_000_000);
    const events = Array.from({ length: 11 }, (_, i) => ({ ...most, id: `${sku}-sum-${i}` }));
    const ids = await wms.send(...events);
    expect((await exceptionOf(`${sku}-sum-10`)).kind).toBe('sanity_limit');
    expect((await app.api().get(`/v1/events/${ids[9]}`).expect(200)).body.status).toBe('applied');
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 900_000_000_000 });
  });
});

describe('a replay', () => {
  it('of an applied event changes nothing, of a parked one tries again', async () => {
    const sku = await newItem();
    const [applied] = await wms.send(received(sku, 2));
    const [parked] = await wms.send(received(sku, 2, { uom: 'XPX' }));
    expect((await app.api().post(`/v1/events/${applied}/replay`).expect(202)).body.status).toBe('applied');
    expect((await app.api().post(`/v1/events/${parked}/replay`).expect(202)).body.status).toBe('received');
    await wms.settle();
    expect((await app.api().get(`/v1/events/${parked}`)).body).toMatchObject({ status: 'parked', attempts: 2 });
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 2 });
    await app.api().post('/v1/events/evt_01jqb6sgw6f5ktk3h5n1v0h8yz/replay').expect(404);
  });

  it('of an event whose exception was discarded is refused', async () => {
    const event = received(await newItem(), 2, { uom: 'XPX' });
    const [id] = await wms.send(event);
    const exception = await exceptionOf(event.id as string);
    await app.api().post(`/v1/exceptions/${exception.id}/discard`, { note: 'A test parcel.' }).expect(200);
    const { code } = (await app.api().post(`/v1/events/${id}/replay`).expect(409)).body;
    expect(code).toBe('exception_closed');
    expect((await app.api().get(`/v1/events/${id}`).expect(200)).body.status).toBe('exception');
  });

  it('of a source tries again what is not applied', async () => {
    const other = await Feed.of(app, 'other', { owns: [] });
    const sku = await newItem();
    await other.send(received(sku, 2), received(sku, 3));
    expect(Object.values(await other.states())).toEqual(['parked', 'parked']);
    await rowsOf(app.databaseUrl, 'update source_ownership set source_id = $1 returning 1', [other.id]);
    const since = new Date(app.clock.now() - 1_000).toISOString();
    const { body } = await app.api().post('/v1/sources/other/replay', { since }).expect(202);
    expect(body).toEqual({ events: 2 });
    await other.settle();
    expect(await positionOf(app, sku, 'A')).toMatchObject({ onHand: 5 });
    await rowsOf(app.databaseUrl, 'update source_ownership set source_id = $1 returning 1', [wms.id]);
    await app.api().post('/v1/sources/nobody/replay', { since }).expect(404);
  });
});
