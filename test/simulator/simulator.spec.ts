import { Client } from '../../demo/client.js';
import { readDataset } from '../../demo/dataset.js';
import { worldOf } from '../../demo/world.js';
import { Chance } from '../../simulator/chance.js';
import { Disturbance } from '../../simulator/disturbance.js';
import { readOptions } from '../../simulator/options.js';
import { simulate } from '../../simulator/simulate.js';
import { Warehouse } from '../../simulator/warehouse.js';
import { startApp, TestClock } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';

/** The simulator is a client: it asks whether the service is ready, which one whose clock stands still is not for long. */
class RunningClock extends TestClock {
  override readonly now = (): number => Date.now();
}

describe('the simulator', () => {
  it('reports over a bad line, and finds every event in one final state and every position right', async () => {
    const app = await startApp({ clock: new RunningClock() });
    const client = new Client(app.url, app.adminKey, 'run', new AbortController().signal);
    const said: string[] = [];
    const options = {
      ...{ source: 'wms', rate: 800, seconds: 60, all: false, first: 400, seed: 7 },
      shares: { duplicates: 0.1, disorder: 0.2, garbage: 0.03 },
    };
    const holds = await simulate(client, await readDataset(), options, (text) => said.push(text));
    const text = said.join('\n');
    expect(text).not.toContain('DOES NOT HOLD');
    expect(holds).toBe(true);
    expect(text).toMatch(/The line made \d+ copies, held back \d+, added \d+ of garbage/);
    const kinds = await rowsOf<{ kind: string }>(
      app.databaseUrl,
      `select distinct kind from exception where kind not in ('condition_shortage', 'shortfall') order by kind`,
    );
    expect(kinds.map(({ kind }) => kind)).toEqual(['conflicting_duplicate', 'mapping_failed', 'unknown_item']);
    const [{ moved = 0 } = {}] = await rowsOf<{ moved: number }>(
      app.databaseUrl,
      `select count(distinct kind)::int as moved from movement where source = 'wms'`,
    );
    expect(moved).toBeGreaterThanOrEqual(5); // receipt, ship, return, count, condition_change or adjustment
    const [{ sold = 0, left = 0 } = {}] = await rowsOf<{ sold: number; left: number }>(
      app.databaseUrl,
      `select count(*)::int as sold, count(*) filter (where status = 'shipped')::int as left from reservation`,
    );
    expect(sold).toBeGreaterThan(50);
    expect(left).toBe(sold);
    await expectInvariants(app.databaseUrl);
    await app.close();
  });

  it.each([
    [['--rate', '0'], '--rate takes a whole number from 1 to 5,000, not 0.'],
    [['--rate', '9999'], '--rate takes a whole number from 1 to 5,000, not 9999.'],
    [['--duplicates', '5'], '--duplicates takes a share such as 5%, at most 50%, not 5.'],
    [['--disorder', '51%'], '--disorder takes a share such as 5%, at most 50%, not 51%.'],
    [['--garbage=-1%'], '--garbage takes a share such as 5%, at most 50%, not -1%.'],
    [['--source', 'a b'], '--source takes a code of letters, digits, dots, dashes and underscores, not a b.'],
    [['--seconds', 'long'], '--seconds takes a whole number from 1 to 86,400, not long.'],
    [['--url', 'http://localhost:3000'], 'With --url goes --key'],
  ])('says what is wrong with %j', (args, sentence) => {
    expect(() => readOptions(args, {})).toThrow(sentence);
  });

  it('reads its shares as percentages', () => {
    const args = ['--source', 'wms', '--rate', '200', '--duplicates', '5%', '--disorder', '10%', '--garbage', '0.5%'];
    expect(readOptions(args, {})).toMatchObject({
      source: 'wms',
      rate: 200,
      shares: { duplicates: 0.05, disorder: 0.1, garbage: 0.005 },
    });
  });
});

describe('a bad line', () => {
  const events = Array.from({ length: 2_000 }, (_, i) => `{"specversion":"1.0","id":"${i}"}`);
  const disturbed = (seed: number) => {
    const line = new Disturbance({ duplicates: 0.05, disorder: 0.1, garbage: 0.01 }, new Chance(seed), 'run');
    return { line, out: [...events.flatMap((event) => line.pass(event)), ...line.flush()] };
  };

  it('loses nothing, repeats and overtakes, and does the same for the same seed', () => {
    const { line, out } = disturbed(1);
    expect(events.filter((event) => !out.includes(event))).toEqual([]);
    expect(out.length).toBe(events.length + line.duplicates + line.garbage);
    expect(line.duplicates).toBeGreaterThan(50);
    expect(line.disordered).toBeGreaterThan(100);
    expect(line.garbage).toBeGreaterThan(5);
    expect(disturbed(1).out).toEqual(out);
    expect(disturbed(2).out).not.toEqual(out);
  });

  it('that is good changes nothing', () => {
    const line = new Disturbance({ duplicates: 0, disorder: 0, garbage: 0 }, new Chance(1), 'run');
    expect([...events.flatMap((event) => line.pass(event)), ...line.flush()]).toEqual(events);
  });
});

describe('the warehouses', () => {
  it('do all that warehouses do, day after day, and never have less than nothing', async () => {
    const { orders, products } = await readDataset();
    const warehouse = new Warehouse(orders, worldOf(products, orders).deliveries, new Chance(3), 'run');
    const doings = new Map<string, number>();
    let last = '';
    for (const happenings of warehouse.work()) {
      for (const { day, doing } of happenings) {
        expect(day >= last).toBe(true);
        last = day;
        doings.set(doing, (doings.get(doing) ?? 0) + 1);
      }
    }
    expect(doings.get('shipment')).toBe(orders.length);
    expect([...doings.keys()].sort()).toEqual(['asn', 'count', 'damage', 'pick', 'receipt', 'return', 'shipment']);
    expect(warehouse.levels.filter(({ onHand }) => onHand < 0)).toEqual([]);
    expect(warehouse.levels.filter(({ incoming }) => incoming !== 0)).toEqual([]);
  });
});
