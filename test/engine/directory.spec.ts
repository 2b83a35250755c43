import { StockFinder } from '../../src/availability/stock.finder.js';
import { Directory, ITEMS_REMEMBERED } from '../../src/channels/directory.service.js';
import { parcels } from '../../src/ingestion/window.js';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

/** SKUs that one statement looks for. */
const AT_ONCE = 10_000;

describe('the items that a process remembers', () => {
  let at: TestApp;
  let skus: string[];
  let ids: Map<string, number>;
  beforeAll(async () => {
    at = await startApp();
    const rows = await rowsOf<{ id: number; sku: string }>(
      at.databaseUrl,
      `insert into item (sku, name, base_uom)
       select 'MANY-' || number, 'Item', 'EA' from generate_series(1, $1::int) as number
       returning id::int, sku`,
      [ITEMS_REMEMBERED + 10],
    );
    skus = rows.map(({ sku }) => sku);
    ids = new Map(rows.map(({ id, sku }) => [sku, id]));
  });
  afterAll(() => at.close());

  /** Remembers as many as it can, this one as the one that is forgotten next. */
  const rememberedLongestAgo = async (sku: string) => {
    const directory = at.app.get(Directory);
    const others = skus.slice(0, ITEMS_REMEMBERED).filter((other) => other !== sku);
    // Twice, because what a test before has left gives way during the first time.
    for (let time = 1; time <= 2; time += 1) {
      for (const some of [[sku], ...parcels(others, AT_ONCE, () => 1)]) {
        await directory.load(some);
        for (const one of some) directory.item(one);
      }
    }
    return directory;
  };

  it('are there for who found them, whatever is read meanwhile', async () => {
    const [oldest = ''] = skus;
    const unread = skus.at(-1) as string;
    const directory = await rememberedLongestAgo(oldest);
    await directory.load([oldest, unread]);
    expect([oldest, unread].map((sku) => directory.item(sku)?.sku)).toEqual([oldest, unread]);
  });

  it('are there for who asks what there is, too', async () => {
    const [, oldest = ''] = skus;
    const unread = skus.at(-2) as string;
    await rememberedLongestAgo(oldest);
    const { found } = await at.app.get(StockFinder).find([oldest, unread]);
    expect(found.map((each) => each?.item.sku)).toEqual([oldest, unread]);
  });

  it('are there by their ids', async () => {
    const [, , oldest = ''] = skus;
    const unread = skus.at(-3) as string;
    const directory = await rememberedLongestAgo(oldest);
    const wanted = [oldest, unread].map((sku) => ids.get(sku) as number);
    const found = await directory.itemsById(wanted);
    expect(wanted.map((id) => found.get(id)?.sku)).toEqual([oldest, unread]);
  });
});
