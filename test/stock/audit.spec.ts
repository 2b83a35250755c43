import { randomUUID } from 'node:crypto';
import { expectProblem, type Shop, World } from '../reservations/world.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';

/** Drift is planted by a role that may do what the service may not. */
describe('the audit', () => {
  let at: TestApp;
  let world: World;
  let shop: Shop;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  beforeEach(async () => {
    shop = await world.shop([10, 20]);
    await world.committed(shop.channel, [{ sku: shop.sku, quantity: 12 }]);
  });
  afterAll(() => at.close());

  /** What it finds of this test's item. */
  const ofShop = (findings: readonly { rule: string; sku: string }[]) => findings.filter(({ sku }) => sku === shop.sku);
  const audit = async () => ofShop((await at.api().get('/v1/stock/audit').expect(200)).body.findings);
  const repair = (key: string = randomUUID()) => at.api().post('/v1/stock/audit/repair').set('Idempotency-Key', key);
  const plant = (sql: string) => rowsOf(at.databaseUrl, sql);
  const item = () => `item_id = (select id from item where sku = '${shop.sku}')`;
  const first = () => `${item()} and location_id = (select id from location where code = '${shop.locations[0]}')`;

  it('finds nothing in what the service wrote', async () => {
    const { body: audited } = await at.api().get('/v1/stock/audit').expect(200);
    expect(audited).toEqual({ checked: 2, findings: [] });
    const { body } = await repair().expect(200);
    expect(body).toEqual({ checked: 2, repaired: 0, findings: [] });
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ version: 2 });
  });

  it.each([
    ['on_hand = on_hand + 5', 'on hand is the sum of its movements', 10, 15],
    ['reserved = reserved - 3', 'reserved is the sum of its movements', 10, 7],
    ['on_hand = on_hand + 1, damaged = 1', 'damaged is the sum of its movements', 0, 1],
    ['on_hand = on_hand + 1, inspection = 1', 'inspection is the sum of its movements', 0, 1],
    ['version = version + 1', 'versions count the movements', 2, 3],
  ])('finds the planted drift %s, and repair mends it', async (drift, rule, expected, actual) => {
    const before = await world.position(shop.sku, shop.locations[0]);
    await plant(`update position set ${drift} where ${first()}`);
    const findings = await audit();
    expect(findings).toContainEqual({ rule, sku: shop.sku, location: shop.locations[0], expected, actual });
    const key = randomUUID();
    const { body } = await repair(key).expect(200);
    expect(body).toMatchObject({ repaired: 1, findings: [] });
    expect(await audit()).toEqual([]);
    const { version: _, asOf: __, ...figures } = before;
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject(figures);
    await expectInvariants(at.databaseUrl);
    const again = await repair(key).expect(200);
    expect([again.headers['idempotent-replayed'], again.body]).toEqual(['true', body]);
    await world.held(shop.channel, [{ sku: shop.sku, quantity: 18 }]);
    await expectInvariants(at.databaseUrl);
  });

  it('makes the ledger follow from what is open of reservations, by a movement that says so', async () => {
    await plant(`update reservation_allocation set quantity = 8 where ${first()}`);
    await plant(`update reservation_line set reserved = 10 where ${item()}`);
    const findings = await audit();
    expect(findings).toMatchObject([{ rule: 'reserved is what is open of reservations', expected: 8, actual: 10 }]);
    expect((await repair().expect(200)).body).toMatchObject({ repaired: 1, findings: [] });
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: 8 });
    const last = (await world.movements(shop.sku, shop.locations[0])).at(-1);
    expect(last).toMatchObject({ kind: 'repair', reservedDelta: -2 });
    await expectInvariants(at.databaseUrl);
  });

  it('raises the version of what it mends, so that no copy of the figures before outlives it', async () => {
    await plant(`update position set on_hand = 99 where ${first()}`);
    const { version } = await world.position(shop.sku, shop.locations[0]);
    await repair().expect(200);
    expect((await world.position(shop.sku, shop.locations[0])).version).toBeGreaterThan(version);
  });

  it('is for administrators', async () => {
    const { key } = await at.given.key({ scopes: ['stock:read', 'stock:write'] });
    expectProblem(await at.api(key).get('/v1/stock/audit'), 403, 'scope_required');
    expectProblem(await at.api(key).post('/v1/stock/audit/repair'), 403, 'scope_required');
  });

  it('finds lines and allocations that do not add up, which is not for it to mend', async () => {
    await plant(`update reservation_line set reserved = reserved - 1 where ${item()}`);
    const findings = await audit();
    expect(findings).toEqual([
      {
        rule: 'a line is reserved as its allocations add up to',
        sku: shop.sku,
        location: '',
        expected: 12,
        actual: 11,
      },
    ]);
    expect((await repair().expect(200)).body).toMatchObject({ repaired: 0, findings });
    await plant(`update reservation_line set reserved = 12 where ${item()}`);
    await plant(
      `update reservation set status = 'cancelled' where id in (select reservation_id from reservation_line where ${item()})`,
    );
    expect(await audit()).toMatchObject([
      { rule: 'what is over has nothing reserved', location: shop.locations[0], actual: 10 },
      { rule: 'what is over has nothing reserved', location: shop.locations[1], actual: 2 },
    ]);
  });

  it('leaves a position usable of whose ledger a movement is missing', async () => {
    await world.adjust(shop.sku, shop.locations[0], { delta: 1 }).expect(201);
    await plant(
      `alter table movement disable trigger all; delete from movement where version = 1 and ${first()}; alter table movement enable trigger all`,
    );
    const { body } = await repair().expect(200);
    // What is lost cannot be made up: it stays a finding.
    expect(ofShop(body.findings).map(({ rule }) => rule)).toContain('versions have no gap');
    await world.adjust(shop.sku, shop.locations[0], { delta: 1 }).expect(201);
  });
});
