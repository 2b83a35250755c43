import fc from 'fast-check';
import { expectProblem, type Shop, World } from '../reservations/world.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';

/** `POST /v1/availability/query`. */
describe('a query of many lines', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterAll(async () => {
    await expectInvariants(at.databaseUrl);
    await at.close();
  });

  const query = (channel: string, lines: object[]) => at.api().post('/v1/availability/query', { channel, lines });
  const answered = async (channel: string, lines: object[]) => (await query(channel, lines).expect(200)).body;

  it('answers as the single call does, with what can be sourced from where', async () => {
    const shop = await world.shop([4, 3]);
    const body = await answered(shop.channel, [{ sku: shop.sku, quantity: 6 }]);
    expect(body).toEqual({
      fulfillable: true,
      lines: [
        {
          ...(await world.quote(shop.sku, shop.channel)),
          quantity: 6,
          fulfillable: true,
          plan: [
            { location: shop.locations[0], quantity: 4 },
            { location: shop.locations[1], quantity: 2 },
          ],
        },
      ],
    });
  });

  it('lets lines of one SKU share its stock, in their order, and reserves nothing (semantics.md 13)', async () => {
    const shop = await world.shop([4, 3]);
    const before = await world.everything(shop);
    const line = (quantity: number) => ({ sku: shop.sku, quantity });
    const body = await answered(shop.channel, [line(4), line(4), line(1)]);
    expect(body.fulfillable).toBe(false);
    expect(body.lines).toMatchObject([
      { available: 7, fulfillable: true, plan: [{ quantity: 4 }] },
      { available: 7, fulfillable: false, plan: [{ location: shop.locations[1], quantity: 3 }] },
      { available: 7, fulfillable: false, plan: [] },
    ]);
    expect(await world.everything(shop)).toEqual(before);
  });

  it('answers unknown SKUs a line each, and their neighbours', async () => {
    const shop = await world.shop([4], {}, { uoms: [{ code: 'XCS', factor: 4 }] });
    const body = await answered(shop.channel, [
      { sku: 'never-was', quantity: 1 },
      { sku: shop.sku, quantity: 1 },
      { sku: 'never-was' },
      { sku: shop.sku, quantity: 1, uom: 'KGM' },
      { sku: shop.sku, quantity: 0.5, uom: 'XCS' },
    ]);
    expect(body).toMatchObject({
      fulfillable: false,
      lines: [
        {
          sku: 'never-was',
          available: 0,
          status: 'not_carried',
          fulfillable: false,
          plan: [],
          problem: { code: 'unknown_sku' },
        },
        { sku: shop.sku, available: 4, fulfillable: true },
        { sku: 'never-was', problem: { code: 'unknown_sku' } },
        { sku: shop.sku, uom: 'KGM', fulfillable: false, problem: { code: 'unknown_uom' } },
        { sku: shop.sku, uom: 'XCS', fulfillable: false, problem: { code: 'not_whole' } },
      ],
    });
  });

  it('says of lines without a quantity only what there is', async () => {
    const shop = await world.shop([4]);
    const body = await answered(shop.channel, [{ sku: shop.sku }]);
    expect(body).toEqual({ fulfillable: true, lines: [await world.quote(shop.sku, shop.channel)] });
  });

  it('plans what is in stock of a line that is fulfilled by backorder', async () => {
    const shop = await world.shop([4], { backorderLimit: 10 });
    const body = await answered(shop.channel, [
      { sku: shop.sku, quantity: 6 },
      { sku: shop.sku, quantity: 9 },
    ]);
    expect(body.lines).toMatchObject([
      { fulfillable: true, backorderable: 10, plan: [{ quantity: 4 }] },
      { fulfillable: false, plan: [] },
    ]);
  });

  it('says that an untracked item can always be had (semantics.md 8)', async () => {
    const shop = await world.shop([null], {}, { tracked: false });
    const body = await answered(shop.channel, [{ sku: shop.sku, quantity: 1e9 }]);
    expect(body).toMatchObject({ fulfillable: true, lines: [{ status: 'untracked', fulfillable: true, plan: [] }] });
  });

  it('answers 2,000 lines in the order they were asked', async () => {
    const shop = await world.shop([1_000]);
    const { sku: second } = await at.given.item();
    const lines = Array.from({ length: 2_000 }, (_, i) => ({
      sku: i % 3 === 0 ? shop.sku : i % 3 === 1 ? second : `no-${i}`,
      quantity: 1,
    }));
    const body = await answered(shop.channel, lines);
    expect(body.lines.map(({ sku }: { sku: string }) => sku)).toEqual(lines.map(({ sku }) => sku));
    expect(body.lines.filter((line: { fulfillable: boolean }) => line.fulfillable)).toHaveLength(667);
    expectProblem(await query(shop.channel, [...lines, { sku: 'A', quantity: 1 }]), 400, 'validation_failed');
  });

  it('is refused for a channel that there is not', async () => {
    const answer = await query('nowhere', [{ sku: 'A' }]);
    expectProblem(answer, 422, 'unknown_channel');
    expect(answer.body.errors).toMatchObject([{ pointer: '/channel' }]);
    expectProblem(await at.api().post('/v1/availability/query', { lines: [{ sku: 'A' }] }), 400, 'validation_failed');
  });

  it('says of any lines exactly what a hold of them then gets, by the same function (architecture.md)', async () => {
    const uoms = [{ code: 'XCS', factor: 4 }];
    const shops: Shop[] = [
      await world.shop([7, 0, 9], { sourcing: 'listed_order', backorderLimit: 3, buffer: 2 }, { uoms }),
      await world.shop([7, 12, 9], { sourcing: 'fullest_first' }, { uoms }),
      await world.shop([7, 12, 9], { sourcing: 'single_location', buffer: 5 }, { uoms }),
      await world.shop([4, null], { sourcing: 'single_location', backorderLimit: null }, { uoms }),
    ];
    await at.api().put(`/v1/stock/${shops[1]?.sku}/${shops[1]?.locations[1]}/policy`, { safetyStock: 5 }).expect(200);
    const line = fc.record({ quantity: fc.integer({ min: 1, max: 8 }), uom: fc.constantFrom('EA', 'EA', 'XCS') });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...shops),
        fc.array(line, { minLength: 1, maxLength: 4 }),
        async ({ sku, channel }, asked) => {
          const lines = asked.map((each) => ({ sku, ...each }));
          const { lines: quoted, fulfillable } = await answered(channel, lines);
          const hold = await world.hold(channel, lines);
          expect(hold.status).toBe(fulfillable ? 201 : 409);
          const partial = hold.status === 201 ? hold : await world.hold(channel, lines, { mode: 'partial' });
          for (const [i, { requested, reserved, allocations }] of (partial.body.lines ?? []).entries()) {
            expect(reserved === requested).toBe(quoted[i].fulfillable);
            const planned = quoted[i].plan.reduce((sum: number, each: { quantity: number }) => sum + each.quantity, 0);
            // A plan is in the order of taking, a reservation in that of the channel.
            if (reserved === planned) expect(quoted[i].plan).toEqual(expect.arrayContaining(allocations));
          }
          if (partial.body.id) await world.step(partial.body.id, 'release').expect(200);
        },
      ),
      { numRuns: 60 },
    );
  });
});
