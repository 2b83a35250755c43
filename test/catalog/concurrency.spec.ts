import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

const WRITERS = 20;

describe('many who write the same catalogue at once', () => {
  let test: TestApp;
  let second: TestApp;
  beforeAll(async () => {
    test = await startApp();
    second = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
  });
  afterAll(async () => {
    await second.close();
    await test.close();
  });

  /** Sends all of them at once, in turn to two processes, and answers their statuses. */
  const together = (requests: { path: string; body: unknown }[]) =>
    Promise.all(
      requests.map(async ({ path, body }, i) => (await (i % 2 ? test : second).api().put(path, body)).status),
    );
  const count = (statuses: number[], status: number) => statuses.filter((each) => each === status).length;

  it.each([
    { what: 'an item', path: '/v1/items/NEW', body: { baseUom: 'EA' } },
    { what: 'a location', path: '/v1/locations/NEW', body: { type: 'store' } },
    { what: 'a channel', path: '/v1/channels/new', body: { locations: [], sourcing: 'listed_order' } },
  ])('create $what once, and lose no version', async ({ path, body }) => {
    const puts = Array.from({ length: WRITERS }, (_, n) => ({ path, body: { ...body, name: `Writer ${n}` } }));
    const statuses = await together(puts);
    expect([count(statuses, 201), count(statuses, 200)]).toEqual([1, WRITERS - 1]);
    expect((await test.api().get(path).expect(200)).body.version).toBe(WRITERS);
  });

  it('raise the revision of the configuration once a change, and no less', async () => {
    const revision = async () =>
      Number((await rowsOf<{ revision: string }>(test.databaseUrl, 'select revision from configuration'))[0]?.revision);
    const { code } = await test.given.location();
    const before = await revision();
    const statuses = await together(
      Array.from({ length: WRITERS }, (_, n) =>
        n % 2
          ? { path: `/v1/locations/PARALLEL-${n}`, body: { name: 'x', type: 'store' } }
          : { path: `/v1/channels/PARALLEL-${n}`, body: { name: 'x', locations: [code], sourcing: 'listed_order' } },
      ),
    );
    expect(count(statuses, 201)).toBe(WRITERS);
    expect(await revision()).toBe(before + WRITERS);
  });

  it('swap identifiers between two items without a deadlock', async () => {
    const of = (value: string) => ({ name: 'x', baseUom: 'EA', identifiers: [{ type: 'mpn', value }] });
    const [one, other] = [await test.given.item(of('A')), await test.given.item(of('B'))];
    for (let round = 0; round < 10; round++) {
      const statuses = await together(
        Array.from({ length: WRITERS }, (_, n) => ({
          path: `/v1/items/${n % 2 ? one.sku : other.sku}`,
          body: of(n % 4 < 2 ? 'A' : 'B'),
        })),
      );
      expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
    }
    const kept = await rowsOf(test.databaseUrl, `select value from item_identifier where value in ('A', 'B')`);
    expect(kept.length).toBeGreaterThan(0);
  });

  it('set the rules of one item for several channels, each raising the revision of the item', async () => {
    const { sku } = await test.given.item();
    const channels = await Promise.all(Array.from({ length: WRITERS }, () => test.given.channel({ locations: [] })));
    const statuses = await together(
      channels.map(({ code }, n) => ({ path: `/v1/channels/${code}/items/${sku}`, body: { buffer: n } })),
    );
    expect(count(statuses, 201)).toBe(WRITERS);
    const [row] = await rowsOf<{ revision: string }>(test.databaseUrl, 'select revision from item where sku = $1', [
      sku,
    ]);
    expect(Number(row?.revision)).toBe(1 + WRITERS);
  });

  it('delete and recreate one item without an error of ours', async () => {
    const { sku } = await test.given.item();
    const api = [test.api(), second.api()];
    const statuses = await Promise.all(
      Array.from({ length: WRITERS * 2 }, async (_, n) => {
        const to = api[n % 2]!;
        const answer =
          n % 4 < 2 ? to.delete(`/v1/items/${sku}`) : to.put(`/v1/items/${sku}`, { name: `${n}`, baseUom: 'EA' });
        return (await answer).status;
      }),
    );
    expect(statuses.filter((status) => ![200, 201, 204, 404].includes(status))).toEqual([]);
  });
});
