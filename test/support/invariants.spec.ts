import { startApp, type TestApp } from './app.js';
import { expectInvariants } from './invariants.js';
import { rowsOf } from './rows.js';

/** A check that cannot fail proves nothing: each is shown a database that breaks it. */
describe('the invariants', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  const sql = (text: string) => rowsOf(test.databaseUrl, text);

  beforeEach(async () => {
    // Tests may rewrite the ledger of their own database: that is what they show to be noticed.
    await sql('alter table movement disable trigger all');
    for (const table of [
      'movement',
      'reservation_allocation',
      'reservation_line',
      'reservation_step',
      'reservation',
      'position',
    ]) {
      await sql(`delete from ${table}`);
    }
    const { sku } = await test.given.item();
    const channel = await test.given.channel();
    await test.given.stock(sku, channel.locations[0], 10);
    for (const commit of [false, true]) {
      await test
        .api()
        .post('/v1/reservations', { channel: channel.code, commit, lines: [{ sku, quantity: 2 }] })
        .expect(201);
    }
  });

  it('hold for what the service has written', async () => {
    await expectInvariants(test.databaseUrl);
  });

  it.each([
    ['on hand, reserved and unsellable are the sums', 'update position set on_hand = on_hand + 1'],
    ['on hand, reserved and unsellable are the sums', 'update position set damaged = 1'],
    ['reserved is the sum of the allocations', 'update reservation_allocation set quantity = quantity + 1'],
    ['reserved is the sum of the allocations', 'delete from position'],
    ['movement versions', 'update position set version = version + 1'],
    [
      'movement versions',
      'update movement set version = version + 1 where version = (select max(version) from movement)',
    ],
    ['an open line of a tracked item', 'update reservation_line set reserved = reserved - 1'],
    ['an open line of a tracked item', `update reservation set status = 'released' where status = 'held'`],
    ['an open line of a tracked item', 'update reservation_line set tracked = false'],
    ['an allocation has a line of its item', 'update reservation_line set item_id = item_id + 1'],
    ['nothing is reserved any more', `update reservation set status = 'cancelled' where status = 'committed'`],
    ['an allocation expires with its hold', 'update reservation_allocation set expires_at = null'],
    ['an allocation expires with its hold', 'update reservation_allocation set expires_at = now()'],
    ['a position looks for expired holds', 'update position set next_expiry = null'],
    ['a position looks for expired holds', `update position set next_expiry = next_expiry + interval '1 second'`],
    ['a reservation has its lines', 'delete from reservation_step'],
    ['a reservation has its lines', 'delete from reservation_line'],
  ])('notice when it no longer holds that %s …: %s', async (rule, damage) => {
    await sql(damage);
    await expect(expectInvariants(test.databaseUrl)).rejects.toThrow(rule);
  });
});
