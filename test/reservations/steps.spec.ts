import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { expectProblem, type Shop, World } from './world.js';

/** Commit, release, cancel, extend (semantics.md 14 and 18); what leaves is in shipping.spec.ts. */
describe('a step of a reservation', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterEach(() => expectInvariants(at.databaseUrl));
  afterAll(() => at.close());

  const held = (shop: Shop, quantity: number, more = {}) =>
    world.held(shop.channel, [{ sku: shop.sku, quantity }], more);

  describe('commit', () => {
    it('of all that is held changes no figure and posts no movement (semantics.md 14)', async () => {
      const shop = await world.shop([10]);
      const { id } = await held(shop, 6);
      const before = await world.position(shop.sku, shop.locations[0]);
      const { body, headers } = await world.step(id, 'commit', { orderRef: 'SO-7' }).expect(200);
      expect(body).toMatchObject({ status: 'committed', expiresAt: null, orderRef: 'SO-7', version: 2 });
      expect(body.lines[0]).toMatchObject({ reserved: 6, committed: 6, shipped: 0 });
      expect(headers.etag).toBe('"2"');
      expect(await world.position(shop.sku, shop.locations[0])).toEqual(before);
      at.clock.advance(365 * 86_400_000);
      expect(await world.available(shop.sku, shop.channel)).toBe(4);
    });

    it('of less frees the rest in the same step, lines that are not named wholly (semantics.md 18)', async () => {
      const shop = await world.shop([10, 10]);
      const { sku: other } = await at.given.item();
      await at.given.stock(other, shop.locations[0] as string, 5);
      const { id } = await world.held(shop.channel, [
        { sku: shop.sku, quantity: 12 },
        { sku: other, quantity: 5 },
      ]);
      const { body } = await world.step(id, 'commit', { lines: [{ line: 1, quantity: 11 }] }).expect(200);
      expect(body.lines).toMatchObject([
        { requested: 12, committed: 11, reserved: 11 },
        { requested: 5, committed: 0, reserved: 0, allocations: [] },
      ]);
      expect(await world.available(shop.sku, shop.channel)).toBe(9);
      expect(await world.available(other, shop.channel)).toBe(5);
      const kinds = (await world.movements(other, shop.locations[0])).map(({ kind, reservedDelta }) => [
        kind,
        reservedDelta,
      ]);
      expect(kinds.at(-1)).toEqual(['commit', -5]);
    });

    it('of more than is held is refused and changes nothing (semantics.md 18 and 31)', async () => {
      const shop = await world.shop([10]);
      const { id } = await held(shop, 6);
      const before = await world.everything(shop);
      for (const lines of [
        [{ line: 1, quantity: 7 }],
        [
          { line: 1, quantity: 4 },
          { line: 1, quantity: 3 },
        ],
      ]) {
        expectProblem(await world.step(id, 'commit', { lines }), 409, 'exceeds_hold');
      }
      const unknown = await world.step(id, 'commit', { lines: [{ line: 2, quantity: 1 }] });
      expectProblem(unknown, 400, 'validation_failed');
      expect(unknown.body.errors).toMatchObject([{ pointer: '/lines/0/line' }]);
      expect(await world.everything(shop)).toEqual(before);
    });
  });

  describe('extend', () => {
    it('counts from now, and may shorten', async () => {
      const shop = await world.shop([10]);
      const { id } = await held(shop, 6, { ttlSeconds: 60 });
      at.clock.advance(50_000);
      const { body } = await world.step(id, 'extend', { ttlSeconds: 60 }).expect(200);
      expect(body).toMatchObject({ version: 2, expiresAt: new Date(at.clock.now() + 60_000).toISOString() });
      at.clock.advance(59_999);
      expect(await world.available(shop.sku, shop.channel)).toBe(4);
      await world.step(id, 'extend', { ttlSeconds: 1 }).expect(200);
      at.clock.advance(1_000);
      expect(await world.available(shop.sku, shop.channel)).toBe(10);
      expectProblem(await world.step(id, 'extend', { ttlSeconds: 60 }), 409, 'hold_expired');
    });

    it('ends where the channel allows no older hold (api.md)', async () => {
      const shop = await world.shop([10], { maxHoldTtlSeconds: 900 });
      const { id } = await held(shop, 6, { ttlSeconds: 600 });
      at.clock.advance(400_000);
      const answer = await world.step(id, 'extend', { ttlSeconds: 501 });
      expectProblem(answer, 409, 'hold_limit_reached');
      await world.step(id, 'extend', { ttlSeconds: 500 }).expect(200);
      await at.given.channel({ code: shop.channel, locations: shop.locations, maxHoldTtlSeconds: 2_000 });
      await world.step(id, 'extend', { ttlSeconds: 1_600 }).expect(200);
    });
  });

  describe('release', () => {
    it('frees what was held, and a second time changes nothing (semantics.md 14)', async () => {
      const shop = await world.shop([10]);
      const { id } = await held(shop, 6);
      const first = await world.step(id, 'release').expect(200);
      expect(first.body).toMatchObject({ status: 'released', version: 2, lines: [{ reserved: 0, allocations: [] }] });
      expect(await world.available(shop.sku, shop.channel)).toBe(10);
      const before = await world.everything(shop);
      const second = await world.step(id, 'release').expect(200);
      expect(second.body).toEqual(first.body);
      expect(await world.everything(shop)).toEqual(before);
    });
  });

  describe('cancel', () => {
    it('takes back a part, then the rest, and after that changes nothing (semantics.md 14 and 18)', async () => {
      const shop = await world.shop([10]);
      const { id } = await held(shop, 6, { commit: true });
      const part = await world.step(id, 'cancel', { lines: [{ line: 1, quantity: 2 }] }).expect(200);
      expect(part.body).toMatchObject({ status: 'committed', lines: [{ committed: 4, reserved: 4 }] });
      expect(await world.available(shop.sku, shop.channel)).toBe(6);
      expectProblem(await world.step(id, 'cancel', { lines: [{ line: 1, quantity: 5 }] }), 409, 'exceeds_commitment');
      const rest = await world.step(id, 'cancel').expect(200);
      expect(rest.body).toMatchObject({ status: 'cancelled', lines: [{ committed: 0, reserved: 0 }] });
      const again = await world.step(id, 'cancel').expect(200);
      expect(again.body).toEqual(rest.body);
      expect(await world.available(shop.sku, shop.channel)).toBe(10);
    });

    it('of what a shipment left ends as shipped, and a second time changes nothing (semantics.md 14)', async () => {
      const shop = await world.shop([10]);
      const { id } = await held(shop, 6, { commit: true });
      await world.step(id, 'ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 2 }] }).expect(200);
      const { body } = await world.step(id, 'cancel').expect(200);
      expect(body).toMatchObject({ status: 'shipped', lines: [{ committed: 2, shipped: 2, reserved: 0 }] });
      expect((await world.step(id, 'cancel').expect(200)).body).toEqual(body);
      expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ onHand: 8, reserved: 0 });
    });
  });

  describe('a second time', () => {
    /** Brings a hold of 2 into the state. */
    const into: Record<string, (id: string) => Promise<unknown>> = {
      held: async () => undefined,
      expired: async () => at.clock.advance(900_000),
      'expired and let go': async (id) => {
        at.clock.advance(900_000);
        const { lines } = await world.reservation(id);
        // Whatever touches the position lets go of what has expired there.
        const { body } = await at.api().get(`/v1/stock?sku=${lines[0].sku}`);
        await world.adjust(lines[0].sku, body.data[0].location, { delta: 1 }).expect(201);
      },
      released: (id) => world.step(id, 'release').expect(200),
      committed: (id) => world.step(id, 'commit').expect(200),
      'partially shipped': async (id) => {
        await world.step(id, 'commit').expect(200);
        await world.step(id, 'ship', { shipmentRef: 'S1', lines: [{ line: 1, quantity: 1 }] }).expect(200);
      },
      shipped: async (id) => {
        await world.step(id, 'commit').expect(200);
        await world.step(id, 'ship', { shipmentRef: 'S1' }).expect(200);
      },
      cancelled: async (id) => {
        await world.step(id, 'commit').expect(200);
        await world.step(id, 'cancel').expect(200);
      },
    };
    const attempt: Record<string, (id: string, sku: string) => ReturnType<World['step']>> = {
      commit: (id) => world.step(id, 'commit'),
      extend: (id) => world.step(id, 'extend', { ttlSeconds: 10 }),
      edit: (id, sku) => world.edit(id, '*', [{ sku, quantity: 1 }]),
      release: (id) => world.step(id, 'release'),
      cancel: (id) => world.step(id, 'cancel'),
      ship: (id) => world.step(id, 'ship', { shipmentRef: 'S2' }),
      unship: (id) => world.step(id, 'unship', { shipmentRef: 'S9' }),
    };
    const ofHold = (code: string) => ({ commit: code, extend: code, edit: code });
    const expired = {
      ...ofHold('hold_expired'),
      release: 'hold_expired',
      cancel: 'hold_expired',
      ship: 'hold_expired',
    };
    const answers: Record<string, Record<string, string | undefined>> = {
      held: { cancel: 'not_committed', ship: 'not_committed', unship: 'unknown_shipment' },
      expired: { ...expired, unship: 'unknown_shipment' },
      'expired and let go': expired,
      released: {
        ...ofHold('already_released'),
        release: undefined,
        cancel: 'already_released',
        ship: 'already_released',
      },
      committed: { ...ofHold('already_committed'), release: 'already_committed', unship: 'unknown_shipment' },
      'partially shipped': { ...ofHold('already_shipped'), release: 'already_shipped', unship: 'unknown_shipment' },
      shipped: {
        ...ofHold('already_shipped'),
        release: 'already_shipped',
        cancel: 'already_shipped',
        ship: 'already_shipped',
        unship: 'unknown_shipment',
      },
      cancelled: {
        ...ofHold('already_cancelled'),
        release: 'already_cancelled',
        cancel: undefined,
        ship: 'already_cancelled',
      },
    };

    it.each(Object.keys(answers))(
      'has its own answer when the reservation is %s, and changes nothing (semantics.md 14)',
      async (state) => {
        const shop = await world.shop([10]);
        const { id } = await held(shop, 2);
        await into[state]?.(id);
        // What has expired may be let go of at any time: that is no step, and changes only what is not there any more.
        const everything = async () =>
          state === 'expired' ? world.available(shop.sku, shop.channel) : world.everything(shop);
        const before = await everything();
        for (const [step, code] of Object.entries(answers[state] ?? {})) {
          const answer = await (attempt[step] as NonNullable<(typeof attempt)[string]>)(id, shop.sku);
          if (code === undefined) expect([step, answer.status]).toEqual([step, 200]);
          else expect([step, answer.status, answer.body.code]).toEqual([step, 409, code]);
        }
        expect(await everything()).toEqual(before);
      },
    );
  });

  it('is taken once, however many come at once: a hold is resolved once (semantics.md 14)', async () => {
    const shop = await world.shop([10]);
    const { id } = await held(shop, 6);
    const steps = ['commit', 'release', 'commit', 'release', 'commit', 'release'];
    const answers = await Promise.all(steps.map((step) => world.step(id, step).then((answer) => answer)));
    const { status, version } = await world.reservation(id);
    expect(version).toBe(2);
    for (const [i, answer] of answers.entries()) {
      if (status === 'released') expect([200, 'already_released']).toContain(answer.body.code ?? answer.status);
      else expect([200, 'already_committed']).toContain(answer.body.code ?? answer.status);
      if (answer.status === 200) expect(steps[i]).toBe(status === 'released' ? 'release' : 'commit');
    }
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(status === 'released' ? 3 : 1);
    expect(await world.available(shop.sku, shop.channel)).toBe(status === 'released' ? 10 : 4);
  });

  it('leaves no lock and no transaction behind while the customer pays (semantics.md 21)', async () => {
    const shop = await world.shop([10]);
    const { id } = await held(shop, 6);
    // Whoever still held a row of it would make this wait, and so fail at once.
    await rowsOf(
      at.databaseUrl,
      `select 1 from position p, reservation r, reservation_line l, reservation_allocation a
        where r.id = $1 and l.reservation_id = r.id and a.reservation_id = r.id and p.item_id = l.item_id
          for update nowait`,
      [id],
    );
    const open = await rowsOf(
      at.databaseUrl,
      `select query from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
    );
    expect(open).toEqual([]);
    await world.step(id, 'commit').expect(200);
  });

  it('of no reservation that there is: not_found', async () => {
    for (const [step, body] of Object.entries({
      commit: undefined,
      release: undefined,
      cancel: undefined,
      extend: { ttlSeconds: 5 },
      ship: { shipmentRef: 'S' },
      unship: { shipmentRef: 'S' },
    })) {
      expectProblem(await world.step('res_none', step, body), 404, 'not_found');
    }
    expectProblem(await at.api().get('/v1/reservations/res_none'), 404, 'not_found');
    expectProblem(await at.api().get('/v1/reservations/res_none/history'), 404, 'not_found');
  });

  it('is in the history with its actor, its time and its quantities (semantics.md 14)', async () => {
    const shop = await world.shop([10], {}, { uoms: [{ code: 'XCS', factor: 2 }] });
    const key = await at.given.key({ scopes: ['reservations:write'] });
    const lines = [{ sku: shop.sku, quantity: 4, uom: 'XCS' }];
    const { body: hold } = await at.api(key.key).post('/v1/reservations', { channel: shop.channel, lines }).expect(201);
    const times: number[] = [at.clock.now()];
    const then = async (step: string, body?: object) => {
      at.clock.advance(1_000);
      times.push(at.clock.now());
      await world.step(hold.id, step, body).expect(200);
    };
    await then('extend', { ttlSeconds: 60 });
    at.clock.advance(1_000);
    times.push(at.clock.now());
    await world.edit(hold.id, '*', [{ sku: shop.sku, quantity: 3, uom: 'XCS' }]).expect(200);
    await then('commit', { lines: [{ line: 1, quantity: 2 }] });
    await then('ship', { shipmentRef: 'DN-1', lines: [{ line: 1, quantity: 1 }] });
    await then('unship', { shipmentRef: 'DN-1' });
    await then('cancel');
    const { body } = await at.api().get(`/v1/reservations/${hold.id}/history`).expect(200);
    const [location] = shop.locations;
    expect(body.nextCursor).toBeNull();
    expect(body.data.map(({ actor: _, ...step }: { actor: string }) => step)).toEqual(
      [
        { action: 'hold', reference: null, lines: [{ line: 1, quantity: 4 }] },
        { action: 'extend', reference: null, lines: [] },
        { action: 'edit', reference: null, lines: [{ line: 1, quantity: 3 }] },
        { action: 'commit', reference: null, lines: [{ line: 1, quantity: 2 }] },
        { action: 'ship', reference: 'DN-1', lines: [{ line: 1, quantity: 1, location }] },
        { action: 'unship', reference: 'DN-1', lines: [{ line: 1, quantity: 1, location }] },
        { action: 'cancel', reference: null, lines: [{ line: 1, quantity: 2 }] },
      ].map((step, i) => ({ step: i + 1, at: new Date(times[i] as number).toISOString(), ...step })),
    );
    expect(body.data[0].actor).toBe(key.id);
  });
});
