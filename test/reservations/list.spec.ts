import { startApp, type TestApp } from '../support/app.js';
import { World } from './world.js';

type Listed = { id: string; orderRef: string };

describe('the list of reservations', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
  });
  afterAll(() => at.close());

  const list = async (query: string) => (await at.api().get(`/v1/reservations?${query}`).expect(200)).body;
  const refs = async (query: string) => (await list(query)).data.map(({ orderRef }: Listed) => orderRef);

  it('shows every one of 120 once, newest first, page by page', async () => {
    const shop = await world.shop([1_000]);
    const made: string[] = [];
    for (let i = 0; i < 2; i += 1) {
      const reservations = Array.from({ length: 60 }, () => ({
        channel: shop.channel,
        lines: [{ sku: shop.sku, quantity: 1 }],
      }));
      const { body } = await at.api().post('/v1/reservations/batch', { reservations });
      made.push(...body.results.map(({ reservation }: { reservation: Listed }) => reservation.id));
    }
    const seen: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { data: Listed[]; nextCursor: string | null } = await list(
        `channel=${shop.channel}&limit=50${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...page.data.map(({ id }) => id));
      sizes.push(page.data.length);
      cursor = page.nextCursor;
    }
    expect(sizes).toEqual([50, 50, 20]);
    expect(seen).toEqual([...made].sort().reverse());
    expect((await list(`channel=${shop.channel}&limit=120`)).nextCursor).toBeNull();
    expect((await list(`channel=${shop.channel}`)).data).toHaveLength(50);
    expect((await list(`channel=${shop.channel}&limit=200`)).data[99].id).toBe(seen[99]);
  });

  it('is filtered by order, status, channel and SKU, alone and together', async () => {
    const shop = await world.shop([100]);
    const other = await world.shop([100], { locations: shop.locations });
    await at.given.stock(other.sku, shop.locations[0] as string, 10);
    const line = { sku: shop.sku, quantity: 1 };
    await world.held(shop.channel, [line], { orderRef: 'L-1' });
    await world.committed(shop.channel, [line], { orderRef: 'L-2' });
    await world.held(other.channel, [line, { sku: other.sku, quantity: 1 }], { orderRef: 'L-3' });
    const released = await world.held(other.channel, [line], { orderRef: 'L-1' });
    await world.step(released.id, 'release').expect(200);
    expect(await refs('orderRef=L-1')).toEqual(['L-1', 'L-1']);
    expect(await refs(`sku=${shop.sku}&status=held`)).toEqual(['L-3', 'L-1']);
    expect(await refs(`sku=${shop.sku}&status=committed`)).toEqual(['L-2']);
    expect(await refs('orderRef=L-1&status=released')).toEqual(['L-1']);
    expect(await refs(`channel=${other.channel}`)).toEqual(['L-1', 'L-3']);
    expect(await refs(`sku=${other.sku}`)).toEqual(['L-3']);
    expect(await refs('sku=never-was')).toEqual([]);
    expect(await refs('orderRef=L-9')).toEqual([]);
  });

  it('shows each as reading it alone does', async () => {
    const shop = await world.shop([3], { backorderLimit: null });
    const held = await world.held(shop.channel, [{ sku: shop.sku, quantity: 5, lineRef: 'x' }]);
    const { data } = await list(`channel=${shop.channel}`);
    expect(data).toEqual([await world.reservation(held.id)]);
    expect(data[0].lines[0]).toMatchObject({ lineRef: 'x', backordered: 2 });
  });

  it('of a channel that there is not: unknown_channel', async () => {
    const { status, body } = await at.api().get('/v1/reservations?channel=nowhere');
    expect([status, body.code]).toEqual([404, 'unknown_channel']);
  });
});
