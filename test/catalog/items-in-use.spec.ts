import pg from 'pg';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

const HOUR_MS = 3_600_000;

/**
 * What stock and reservations leave behind is written by SQL here: the features that write it stand above the
 * catalogue, and their own tests go through the API.
 */
describe('an item in use', () => {
  let test: TestApp;
  let location: { code: string };
  let channel: { code: string };
  beforeAll(async () => {
    test = await startApp();
    location = await test.given.location();
    channel = await test.given.channel({ locations: [location.code] });
  });
  afterAll(() => test.close());

  const path = (sku: string) => `/v1/items/${sku}`;
  const sql = (text: string, values: unknown[] = []) => rowsOf<Record<string, unknown>>(test.databaseUrl, text, values);

  const position = (sku: string, figures: Record<string, number>) =>
    sql(
      `insert into position (item_id, location_id, ${Object.keys(figures).join(', ')})
       select i.id, l.id, ${Object.values(figures).join(', ')} from item i, location l where i.sku = $1 and l.code = $2
       on conflict (item_id, location_id) do update set ${Object.entries(figures)
         .map(([name, figure]) => `${name} = ${figure}`)
         .join(', ')}`,
      [sku, location.code],
    );
  const movement = (sku: string) =>
    sql(
      `insert into movement (item_id, location_id, version, kind, on_hand_delta, actor, at)
       select i.id, l.id, 1, 'adjusted', 1, 'test', now() from item i, location l where i.sku = $1 and l.code = $2`,
      [sku, location.code],
    );
  const reservation = async (sku: string, status: string, expiresAt: Date | null, reserved = 1) => {
    const id = `res_${sku}`;
    await sql(
      `insert into reservation (id, channel_id, client_id, status, expires_at, version, created_at, updated_at)
       select $1, c.id, 'cli', $2, $3, 1, now(), now() from channel c where c.code = $4`,
      [id, status, expiresAt, channel.code],
    );
    await sql(
      `insert into reservation_line (reservation_id, line, item_id, uom, factor, tracked, requested, reserved)
       select $1, 1, i.id, 'EA', 1, false, 1, $3 from item i where i.sku = $2`,
      [id, sku, reserved],
    );
    return id;
  };

  it.each([
    ['on_hand', 'onHand 5'],
    ['reserved', 'reserved 5'],
    ['incoming', 'incoming 5'],
    ['safety_stock', 'safetyStock 5'],
  ])('is not deleted while its %s is other than 0', async (figure, said) => {
    const { sku } = await test.given.item();
    await position(sku, { [figure]: 5 });
    const { body } = await test.api().delete(path(sku)).expect(409);
    expect(body.code).toBe('in_use');
    expect(body.detail).toContain(`${said} at ${location.code}`);
    await test.api().get(path(sku)).expect(200);

    await position(sku, { [figure]: 0 });
    await test.api().delete(path(sku)).expect(204);
  });

  it.each(['committed', 'partially_shipped'])('is not deleted while a reservation of it is %s', async (status) => {
    const { sku } = await test.given.item();
    const id = await reservation(sku, status, null);
    const { body } = await test.api().delete(path(sku)).expect(409);
    expect(body).toMatchObject({ code: 'in_use', detail: expect.stringContaining(id) });
  });

  it('is deleted while a reservation of it is committed of which nothing is open', async () => {
    const { sku } = await test.given.item();
    await reservation(sku, 'partially_shipped', null, 0);
    await test.api().delete(path(sku)).expect(204);
  });

  it.each(['shipped', 'released', 'expired', 'cancelled'])('is deleted once its reservation is %s', async (status) => {
    const { sku } = await test.given.item();
    await reservation(sku, status, null, 0);
    await test.api().delete(path(sku)).expect(204);
  });

  it('is not deleted while it is held, and is from the instant the hold expires (semantics.md 16)', async () => {
    const { sku } = await test.given.item();
    await reservation(sku, 'held', new Date(test.clock.now() + HOUR_MS));
    await test.api().delete(path(sku)).expect(409);
    test.clock.advance(HOUR_MS - 1);
    await test.api().delete(path(sku)).expect(409);
    test.clock.advance(1);
    await test.api().delete(path(sku)).expect(204);
  });

  it('takes its units, identifiers and channel rules with it, and leaves its positions', async () => {
    const { sku } = await test.given.item({
      uoms: [{ code: 'XCS', factor: 4 }],
      identifiers: [{ type: 'mpn', value: 'gone' }],
    });
    await test.api().put(`/v1/channels/${channel.code}/items/${sku}`, { buffer: 1 }).expect(201);
    await position(sku, { on_hand: 0 });
    await test.api().delete(path(sku)).expect(204);
    const [left] = await sql(
      `select (select count(*)::int from item_uom where item_id = i.id) as uoms,
              (select count(*)::int from item_identifier where item_id = i.id) as identifiers,
              (select count(*)::int from channel_item where item_id = i.id) as rules,
              (select count(*)::int from position where item_id = i.id) as positions, revision::int
         from item i where sku = $1`,
      [sku],
    );
    expect(left).toEqual({ uoms: 0, identifiers: 0, rules: 0, positions: 1, revision: 3 });
  });

  const change = { name: 'Changed', baseUom: 'KGM', fractionDigits: 1 };

  it.each<[string, (sku: string) => Promise<unknown>]>([
    ['movements', movement],
    ['safety stock', (sku) => position(sku, { safety_stock: 1 })],
    ['reservations that have ended', (sku) => reservation(sku, 'shipped', null, 0)],
    ['a channel rule', (sku) => test.api().put(`/v1/channels/${channel.code}/items/${sku}`, { backorderLimit: 1 })],
  ])('keeps its base unit and its fraction digits while it has %s', async (_, use) => {
    const { sku } = await test.given.item({ fractionDigits: 1 });
    await use(sku);
    for (const refused of [change, { ...change, baseUom: 'EA', fractionDigits: 0 }]) {
      const { body } = await test.api().put(path(sku), refused).expect(409);
      expect(body.code).toBe('in_use');
    }
    await test
      .api()
      .put(path(sku), { ...change, baseUom: 'EA', fractionDigits: 2 })
      .expect(200);
    await test
      .api()
      .put(path(sku), { ...change, baseUom: 'EA', fractionDigits: 2, uoms: [{ code: 'XCS', factor: 3 }] })
      .expect(200);
    await test
      .api()
      .put(path(sku), { ...change, baseUom: 'EA', fractionDigits: 2, uoms: [{ code: 'XCS', factor: 4 }] })
      .expect(200);
  });

  it('may change its base unit while there is nothing of it', async () => {
    const { sku } = await test.given.item();
    await position(sku, { on_hand: 0 });
    await test.api().put(path(sku), change).expect(200);
  });

  it('comes back only in the base unit its ledger is kept in', async () => {
    const { sku } = await test.given.item();
    await movement(sku);
    await test.api().delete(path(sku)).expect(204);
    await test.api().put(path(sku), change).expect(409);
    await test
      .api()
      .put(path(sku), { ...change, baseUom: 'EA' })
      .expect(201);
  });

  it.each([
    { what: 'a first receipt', before: [] },
    { what: 'a later one', before: [0] },
  ])('and $what, sent at once to two processes, end with the item there or the receipt refused', async ({ before }) => {
    const second = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
    try {
      for (let round = 0; round < 20; round++) {
        const { sku } = await test.given.item();
        for (const safetyStock of before)
          await second.api().put(`/v1/stock/${sku}/${location.code}/policy`, { safetyStock });
        const [deleted, received] = await Promise.all([
          test.api().delete(path(sku)),
          second.api().post('/v1/stock/adjustments', { sku, location: location.code, onHand: 5, reason: 'receipt' }),
        ]);
        expect([
          [204, 422],
          [409, 201],
        ]).toContainEqual([deleted.status, received.status]);
      }
    } finally {
      await second.close();
    }
  });

  describe('and a first receipt at the same moment', () => {
    let receipt: pg.Client;
    beforeEach(async () => {
      receipt = new pg.Client({ connectionString: test.databaseUrl });
      await receipt.connect();
      await receipt.query('begin');
    });
    afterEach(() => receipt.end());

    const receive = (sku: string) =>
      receipt.query(
        `insert into position (item_id, location_id, on_hand)
         select i.id, l.id, 5 from item i, location l where i.sku = $1 and l.code = $2`,
        [sku, location.code],
      );
    /** Resolves when some session of the service waits for a lock. */
    const untilOneWaits = async () => {
      for (;;) {
        const [{ waiting } = { waiting: 0 }] = await sql(
          `select count(*)::int as waiting from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`,
        );
        if (Number(waiting) > 0) return;
      }
    };

    it('is not deleted when the receipt was first', async () => {
      const { sku } = await test.given.item();
      await receive(sku);
      const deletion = test
        .api()
        .delete(path(sku))
        .then((answer) => answer.status);
      await untilOneWaits();
      await receipt.query('commit');
      expect(await deletion).toBe(409);
    });

    it('keeps its base unit when the receipt was first', async () => {
      const { sku } = await test.given.item();
      await receive(sku);
      await receipt.query(
        `insert into movement (item_id, location_id, version, kind, on_hand_delta, actor, at)
         select item_id, location_id, 1, 'adjusted', 5, 'test', now() from position p join item i on i.id = p.item_id
          where i.sku = $1`,
        [sku],
      );
      const put = test
        .api()
        .put(path(sku), change)
        .then((answer) => answer.status);
      await untilOneWaits();
      await receipt.query('commit');
      expect(await put).toBe(409);
    });

    it('is not deleted when the receipt holds the position already', async () => {
      const { sku } = await test.given.item();
      await position(sku, { on_hand: 0 });
      await receipt.query(
        'select 1 from position p join item i on i.id = p.item_id where i.sku = $1 for no key update of p',
        [sku],
      );
      const deletion = test
        .api()
        .delete(path(sku))
        .then((answer) => answer.status);
      await untilOneWaits();
      await receipt.query('update position p set on_hand = 5 from item i where i.id = p.item_id and i.sku = $1', [sku]);
      await receipt.query('commit');
      expect(await deletion).toBe(409);
    });
  });
});
