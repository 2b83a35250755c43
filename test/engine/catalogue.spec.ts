import type { Response } from 'supertest';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { lockStockOf, until, waitingForLocks } from './crowd.js';
import { atOnce, expectNothingOversold, type Fleet, positionOf, startFleet, stocked, tally } from './fleet.js';

/** What application A is answered, B obeys at its next decision, however it remembers the catalogue. */
describe('a catalogue that another process changes', () => {
  let fleet: Fleet;
  let sku: string;
  let channel: string;
  let locations: string[];

  beforeAll(async () => {
    fleet = await startFleet(2);
  });
  beforeEach(async () => {
    ({ sku, channel, locations } = await stocked(fleet.first, [10, 10]));
    expect(await holdInB([{ sku, quantity: 1 }])).toMatchObject({ status: 201 }); // B knows it all now
  });
  afterEach(() => expectInvariants(fleet.databaseUrl));
  afterAll(() => fleet?.close());

  const a = () => fleet.first.api();
  const b = () => fleet.apps[1]?.api() as ReturnType<typeof a>;
  const holdInB = (lines: object[], more: object = {}) => b().post('/v1/reservations', { channel, lines, ...more });
  const item = (body: object) => a().put(`/v1/items/${sku}`, { name: 'Changed', baseUom: 'EA', ...body });
  const channelOf = (body: object) =>
    a().put(`/v1/channels/${channel}`, { name: 'Changed', locations, sourcing: 'listed_order', ...body });

  it('holds cases of the size that they have since', async () => {
    await item({ uoms: [{ code: 'XCS', factor: 4 }] }).expect(200);
    const first = await holdInB([{ sku, quantity: 1, uom: 'XCS' }]);
    expect(first.body.lines[0].allocations).toEqual([{ location: locations[0], quantity: 1 }]);
    await item({ uoms: [{ code: 'XPX', factor: 3 }] });
    expect((await holdInB([{ sku, quantity: 1, uom: 'XPX' }])).status).toBe(201);
    expect(tally([await holdInB([{ sku, quantity: 1, uom: 'XCS' }])])).toEqual({ '422 unknown_uom': 1 });
  });

  it('reserves without effect from the moment an item is not tracked, and with it again (semantics.md 8)', async () => {
    await item({ tracked: false }).expect(200);
    const free = await holdInB([{ sku, quantity: 1_000 }]);
    expect(free.status).toBe(201);
    expect(free.body.lines[0].allocations).toEqual([]);
    await item({ tracked: true }).expect(200);
    expect(tally([await holdInB([{ sku, quantity: 1_000 }])])).toEqual({ '409 insufficient_stock': 1 });
    expect(await positionOf(fleet.first, sku, locations[0])).toMatchObject({ reserved: 1 });
  });

  it('sells nothing of an item taken off sale', async () => {
    await item({ active: false }).expect(200);
    expect(tally([await holdInB([{ sku, quantity: 1 }])])).toEqual({ '409 insufficient_stock': 1 });
  });

  it('sells nothing from a location that was disabled, and again when it is not (semantics.md 9)', async () => {
    const enabled = (is: boolean) =>
      a().put(`/v1/locations/${locations[1]}`, { name: 'Changed', type: 'warehouse', enabled: is });
    await enabled(false).expect(200);
    expect(tally([await holdInB([{ sku, quantity: 15 }])])).toEqual({ '409 insufficient_stock': 1 });
    await enabled(true).expect(200);
    expect(tally([await holdInB([{ sku, quantity: 15 }])])).toEqual({ 201: 1 });
  });

  it.each([
    ['fewer locations', { locations: 1 }, 15, '409 insufficient_stock'],
    ['a buffer', { buffer: 10 }, 15, '409 insufficient_stock'],
    ['a backorder limit', { backorderLimit: 30 }, 45, '201'],
    ['unlimited backorders', { backorderLimit: null }, 1_000, '201'],
    ['single_location', { sourcing: 'single_location' }, 15, '409 insufficient_stock'],
    ['a shorter hold', { maxHoldTtlSeconds: 30, holdTtlSeconds: 30 }, 1, '400 validation_failed'],
  ])('obeys a channel that was given %s', async (_, change, quantity, answer) => {
    const body = 'locations' in change ? { locations: locations.slice(0, change.locations) } : change;
    await channelOf(body).expect(200);
    expect(tally([await holdInB([{ sku, quantity }], { ttlSeconds: 60 })])).toEqual({ [answer]: 1 });
  });

  it('obeys a rule of the channel for one item', async () => {
    await a().put(`/v1/channels/${channel}/items/${sku}`, { buffer: 18 }).expect(201);
    expect(tally([await holdInB([{ sku, quantity: 2 }])])).toEqual({ '409 insufficient_stock': 1 });
    await a().put(`/v1/channels/${channel}/items/${sku}`, { backorderLimit: 5 }).expect(200);
    expect(tally([await holdInB([{ sku, quantity: 24 }])])).toEqual({ 201: 1 });
  });

  it('extends a hold as far as the channel allows now', async () => {
    const { body } = await holdInB([{ sku, quantity: 1 }], { ttlSeconds: 60 });
    await channelOf({ holdTtlSeconds: 60, maxHoldTtlSeconds: 100 }).expect(200);
    expect(tally([await b().post(`/v1/reservations/${body.id}/extend`, { ttlSeconds: 200 })])).toEqual({
      '409 hold_limit_reached': 1,
    });
    await channelOf({ maxHoldTtlSeconds: 1_000 }).expect(200);
    expect((await b().post(`/v1/reservations/${body.id}/extend`, { ttlSeconds: 200 })).status).toBe(200);
  });

  it('finds locations, channels and items that were made since', async () => {
    const { code } = await fleet.first.given.location();
    const made = await fleet.first.given.item();
    await fleet.first.given.stock(made.sku, code, 5);
    await channelOf({ locations: [...locations, code] }).expect(200);
    const held = await holdInB([{ sku: made.sku, quantity: 2, location: code }], { commit: true });
    expect(held.body.lines[0].allocations).toEqual([{ location: code, quantity: 2 }]);
    const other = await fleet.first.given.location();
    await fleet.first.given.stock(made.sku, other.code, 5);
    const lines = [{ line: 1, quantity: 2, location: other.code }];
    const shipped = await b().post(`/v1/reservations/${held.body.id}/ship`, { shipmentRef: 'S', lines });
    expect(shipped.status).toBe(200);
    const adjustment = {
      sku: made.sku,
      location: (await fleet.first.given.location()).code,
      onHand: 1,
      reason: 'count',
    };
    expect((await b().post('/v1/stock/adjustments', adjustment)).status).toBe(201);
  });

  it('shows a reservation at the places another process has made for it', async () => {
    const place = await stocked(fleet.first, [5]);
    const body = { channel: place.channel, lines: [{ sku: place.sku, quantity: 1 }] };
    const { id } = (await a().post('/v1/reservations', body)).body;
    const shown = await b().get(`/v1/reservations/${id}`);
    expect(shown.body.channel).toBe(place.channel);
    expect(shown.body.lines[0].allocations).toEqual([{ location: place.locations[0], quantity: 1 }]);
  });

  it('repeats an answer although the item, its unit and its location are gone by now (semantics.md 30)', async () => {
    const { code } = await fleet.first.given.location();
    const made = await fleet.first.given.item({ uoms: [{ code: 'XCS', factor: 2 }] });
    await channelOf({ locations: [...locations, code], backorderLimit: null }).expect(200);
    const send = () =>
      holdInB([{ sku: made.sku, quantity: 1, uom: 'XCS', location: code }]).set('Idempotency-Key', `once ${code}`);
    const { body } = await send().expect(409);
    expect(body.code).toBe('insufficient_stock');
    await fleet.first.given.stock(made.sku, code, 2);
    const first = await send().expect(201);
    await b().post(`/v1/reservations/${first.body.id}/release`).expect(200);
    await fleet.first.given.stock(made.sku, code, 0);
    await channelOf({}).expect(200);
    await a().put(`/v1/items/${made.sku}`, { name: 'No cases', baseUom: 'EA' }).expect(200);
    await a().delete(`/v1/items/${made.sku}`).expect(204);
    const again = await send();
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });

  it('decides by what is so when the lock is had, not when the request came', async () => {
    const lock = await lockStockOf(fleet.databaseUrl, sku);
    const waiting = holdInB([{ sku, quantity: 10 }]).then((answer) => answer);
    await until('B waits for the lock', async () => (await waitingForLocks(fleet.databaseUrl)) > 0);
    await channelOf({ buffer: 15 }).expect(200);
    await lock.release();
    expect(tally([await waiting])).toEqual({ '409 insufficient_stock': 1 });
  });

  it('lets an item be deleted or held, never both', async () => {
    for (let round = 0; round < 6; round += 1) {
      const made = await stocked(fleet.first, [0], { backorderLimit: 5 });
      await fleet.first.given.stock(made.sku, made.locations[0] as string, 1);
      await fleet.first.given.stock(made.sku, made.locations[0] as string, 0);
      const lines = [{ sku: made.sku, quantity: 1 }];
      const [deleted, ...held] = await atOnce(11, (i) =>
        i === 0 ? a().delete(`/v1/items/${made.sku}`) : b().post('/v1/reservations', { channel: made.channel, lines }),
      );
      expect(['201', '409 insufficient_stock', '422 unknown_sku']).toEqual(
        expect.arrayContaining(Object.keys(tally(held))),
      );
      const won = held.some(({ status }) => status === 201);
      expect(tally([deleted as Response])).toEqual(won ? { '409 in_use': 1 } : { 204: 1 });
    }
    const orphans = await rowsOf(
      fleet.databaseUrl,
      `select 1 from reservation_line l join item i on i.id = l.item_id join reservation r on r.id = l.reservation_id
        where i.deleted_at is not null and r.status = 'held'`,
    );
    expect(orphans).toEqual([]);
  });

  it('keeps counting one item while its catalogue entry changes all the time', async () => {
    const answers = await atOnce(60, (i) =>
      i % 3 === 0
        ? item({ name: `Name ${i}` })
        : i % 7 === 0
          ? channelOf({ priority: i })
          : fleet
              .next()
              .api()
              .post('/v1/reservations', { channel, lines: [{ sku, quantity: 1 }] }),
    );
    const names = Object.keys(tally(answers.filter((_, i) => i % 3 !== 0 && i % 7 !== 0)));
    expect(names.filter((name) => !['201', '409 insufficient_stock'].includes(name))).toEqual([]);
    await expectNothingOversold(fleet.databaseUrl, sku);
  });
});
