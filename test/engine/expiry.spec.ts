import { ReservationsService, SWEEP } from '../../src/reservations/reservations.service.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import {
  atOnce,
  expectNothingOversold,
  type Fleet,
  positionOf,
  randomFrom,
  startFleet,
  stocked,
  tally,
} from './fleet.js';

describe('holds whose time comes', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet(2);
  });
  afterEach(async () => {
    await expectInvariants(fleet.databaseUrl);
    await expectNothingOversold(fleet.databaseUrl);
  });
  afterAll(() => fleet?.close());

  const hold = (channel: string, lines: object[], ttlSeconds = 60) =>
    fleet.next().api().post('/v1/reservations', { channel, lines, ttlSeconds });
  const step = (id: string, action: string, body: object = {}) =>
    fleet.next().api().post(`/v1/reservations/${id}/${action}`, body);
  const sweep = (index: number) => fleet.apps[index]?.app.get(ReservationsService).sweep() as Promise<number>;
  const states = (sku: string) =>
    rowsOf<{ id: string; status: string; actions: string[] }>(
      fleet.databaseUrl,
      `select r.id, r.status, array_agg(s.action order by s.step) as actions
         from reservation r join reservation_step s on s.reservation_id = r.id
        where exists (select from reservation_line l join item i on i.id = l.item_id
                       where l.reservation_id = r.id and i.sku = $1)
        group by r.id order by r.id`,
      [sku],
    );

  it('end as committed or as expired, never as both, when commits race with their expiry (semantics.md 16)', async () => {
    const random = randomFrom(16);
    const { sku, channel } = await stocked(fleet.first, [60, 60]);
    // Each hold over both locations for some, so that one position lets go while the other has not yet.
    const held = await atOnce(40, (i) => hold(channel, [{ sku, quantity: i % 5 === 0 ? 5 : 1 }], 10));
    const ids = held.filter(({ status }) => status === 201).map(({ body }) => body.id as string);
    expect(ids.length).toBeGreaterThan(30);
    fleet.clock.advance(9_999);
    const commit = (id: string) => step(id, 'commit').then((answer) => answer);
    const early = ids.slice(0, ids.length / 2).map(commit);
    await Promise.race(early);
    const late = ids.slice(ids.length / 2).map(commit);
    fleet.clock.advance(1);
    const admissions = atOnce(20, () => hold(channel, [{ sku, quantity: 1 + Math.floor(random() * 3) }]));
    const sweeps = [sweep(0), sweep(1), sweep(0)];
    const answers = await Promise.all([...early, ...late]);
    await Promise.all([admissions, ...sweeps]);
    await sweep(0);
    const byId = new Map((await states(sku)).map((each) => [each.id, each]));
    for (const [i, { status, body }] of answers.entries()) {
      const { status: state, actions } = byId.get(ids[i] as string) ?? {};
      if (status === 200) expect([state, actions]).toEqual(['committed', ['hold', 'commit']]);
      else {
        expect(body.code).toBe('hold_expired');
        expect(state).toBe('expired');
        expect(actions).not.toContain('commit');
      }
    }
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
  });

  it('are let go once, however often and by however many it is looked for them', async () => {
    const { sku, channel } = await stocked(fleet.first, [30, 30]);
    await atOnce(20, () => hold(channel, [{ sku, quantity: 2 }]));
    fleet.clock.advance(60_000);
    await Promise.all([sweep(0), sweep(1), sweep(0), sweep(1)]);
    expect(await sweep(0)).toBe(0);
    expect(await sweep(1)).toBe(0);
    const after = await states(sku);
    expect(after.map(({ status }) => status)).toEqual(Array(20).fill('expired'));
    expect(after.every(({ actions }) => actions.filter((action) => action === 'hold').length === 1)).toBe(true);
    const [released] = await rowsOf<{ sum: string }>(
      fleet.databaseUrl,
      `select sum(reserved_delta) from movement m join item i on i.id = m.item_id where sku = $1 and kind = 'expire'`,
      [sku],
    );
    expect(Number(released?.sum)).toBe(-40);
    const version = (await positionOf(fleet.first, sku)).version;
    await sweep(0);
    expect((await positionOf(fleet.first, sku)).version).toBe(version);
  });

  it('are let go of a few at a time, and the sweeper hears how late it is, and what each transaction took', async () => {
    const { sku, channel } = await stocked(fleet.first, [60]);
    await atOnce(60, () => hold(channel, [{ sku, quantity: 1 }]));
    fleet.clock.advance(60_000 + 1_500);
    const heard: number[][] = [];
    const held = async () => (await states(sku)).filter(({ status }) => status === 'held').length;
    const service = fleet.first.app.get(ReservationsService);
    for (let looked = 25; looked === 25; ) {
      looked = await service.sweep(25, async (late, took, holds) => {
        expect(took).toBeGreaterThan(0);
        heard.push([late, holds, await held()]);
      });
    }
    expect(heard).toEqual([
      [1_500, 25, 35],
      [1_500, 25, 10],
      [1_500, 10, 0],
    ]);
  });

  it('are let go of although one of them cannot be, and that one once it can', async () => {
    const shops: Awaited<ReturnType<typeof stocked>>[] = [];
    for (let i = 0; i < 6; i += 1) shops.push(await stocked(fleet.first, [10]));
    const held: string[] = [];
    for (const { sku, channel } of shops) held.push((await hold(channel, [{ sku, quantity: 1 }])).body.id);
    await rowsOf(
      fleet.databaseUrl,
      `create function refuse() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$;
       create trigger refuse before update on reservation for each row when (new.id = '${held[0]}') execute function refuse()`,
    );
    fleet.clock.advance(60_000);
    await expect(sweep(0)).rejects.toThrow('not this one');
    const left = async () => {
      const found = await Promise.all(shops.map(({ sku }) => states(sku)));
      return found.flat().filter(({ status }) => status === 'held');
    };
    expect((await left()).map(({ id }) => id)).toEqual([held[0]]);
    await rowsOf(fleet.databaseUrl, 'drop trigger refuse on reservation; drop function refuse');
    expect(await sweep(0)).toBe(1);
    expect(await left()).toEqual([]);
  });

  it('may be 2,000 on one item: the next admission takes what they held, and is right', async () => {
    const { sku, channel } = await stocked(fleet.first, [2_000]);
    for (let i = 0; i < 20; i += 1) {
      const reservations = Array.from({ length: 100 }, () => ({
        channel,
        ttlSeconds: 30,
        lines: [{ sku, quantity: 1 }],
      }));
      await fleet.next().api().post('/v1/reservations/batch', { reservations }).expect(207);
    }
    expect(tally([await hold(channel, [{ sku, quantity: 1 }])])).toEqual({ '409 insufficient_stock': 1 });
    fleet.clock.advance(30_000);
    expect(tally([await hold(channel, [{ sku, quantity: 2_000 }])])).toEqual({ 201: 1 });
    expect(await positionOf(fleet.first, sku)).toMatchObject({ reserved: 2_000, available: 0, version: 4_002 });
    expect(tally([await hold(channel, [{ sku, quantity: 1 }])])).toEqual({ '409 insufficient_stock': 1 });
  });

  it('may be 10,000 in one second: two processes let go of each once, in portions, beside an admission', async () => {
    const items: string[] = [];
    const hot = await stocked(fleet.first, [5_001]);
    for (let i = 0; i < 50; i += 1) items.push((await stocked(fleet.first, [100])).sku);
    const [location] = hot.locations;
    for (const sku of items) await fleet.first.given.stock(sku, location as string, 100);
    const { channel } = hot;
    const batch = (skuOf: (i: number) => string) => {
      const reservations = Array.from({ length: 100 }, (_, i) => ({
        channel,
        ttlSeconds: 30,
        lines: [{ sku: skuOf(i), quantity: 1 }],
      }));
      return fleet.next().api().post('/v1/reservations/batch', { reservations }).expect(207);
    };
    for (let i = 0; i < 10; i += 1) {
      await Promise.all(Array.from({ length: 5 }, () => batch(() => hot.sku)));
      await Promise.all(Array.from({ length: 5 }, (_, k) => batch(() => items[5 * i + k] as string)));
    }
    expect((await hold(channel, [{ sku: hot.sku, quantity: 1 }], 60)).status).toBe(201);
    fleet.clock.advance(30_000);
    const sweepAll = async (index: number) => {
      for (let looked = 1; looked > 0; ) looked = await sweep(index);
    };
    const all = () => hold(channel, [{ sku: hot.sku, quantity: 5_000 }]);
    // Of the item that was first: what this portion leaves there is still due, to whoever comes next.
    expect(await sweep(0)).toBe(SWEEP);
    const [admitted] = await Promise.all([all(), sweepAll(0), sweepAll(1)]);
    expect(admitted.status).toBe(201);
    const counted = await rowsOf(
      fleet.databaseUrl,
      `select r.status, count(distinct r.id)::int as reservations, count(*)::int as steps
         from reservation r join reservation_step s on s.reservation_id = r.id
        where s.action = 'expire' and r.channel_id = (select id from channel where code = $1) group by r.status`,
      [channel],
    );
    expect(counted).toEqual([{ status: 'expired', reservations: 10_000, steps: 10_000 }]);
    expect(await positionOf(fleet.first, hot.sku)).toMatchObject({
      reserved: 5_001,
      available: 0,
      version: 10_003,
    });
    // What was left at the position by the portions still expires in its time, with nobody who sweeps.
    fleet.clock.advance(30_000);
    expect(await positionOf(fleet.first, hot.sku)).toMatchObject({ available: 1 });
  });

  it('can neither be released, extended, edited nor committed afterwards', async () => {
    const { sku, channel } = await stocked(fleet.first, [10, 10]);
    const { id } = (await hold(channel, [{ sku, quantity: 15 }])).body;
    fleet.clock.advance(60_000);
    // Another admission lets go of what stands at its position only.
    expect((await hold(channel, [{ sku, quantity: 1 }])).status).toBe(201);
    const edit = fleet
      .next()
      .api()
      .put(`/v1/reservations/${id}/lines`, { lines: [{ sku, quantity: 1 }] });
    expect(
      tally([
        await step(id, 'commit'),
        await step(id, 'release'),
        await step(id, 'extend', { ttlSeconds: 60 }),
        await edit.set('If-Match', '*'),
      ]),
    ).toEqual({ '409 hold_expired': 4 });
  });

  it('are never committed in part by a process whose clock is behind that of the one that let go (semantics.md 16)', async () => {
    const { sku } = await fleet.first.given.item();
    const east = await fleet.first.given.location();
    const west = await fleet.first.given.location();
    for (const { code } of [east, west]) await fleet.first.given.stock(sku, code, 10);
    const both = await fleet.first.given.channel({ locations: [east.code, west.code] });
    const { id } = (await hold(both.code, [{ sku, quantity: 15 }], 10)).body;
    fleet.clock.advance(10_000);
    // At one of its two positions the hold is let go; the other has not been asked for.
    const adjustment = { sku, location: east.code, delta: 1, reason: 'found' };
    expect((await fleet.first.api().post('/v1/stock/adjustments', adjustment)).status).toBe(201);
    fleet.clock.advance(-5);
    const late = await step(id, 'commit');
    fleet.clock.advance(5);
    expect(tally([late])).toEqual({ '409 hold_expired': 1 });
  });
});
