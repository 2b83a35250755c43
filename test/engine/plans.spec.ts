import type pg from 'pg';
import { AvailabilityRepository } from '../../src/availability/availability.repository.js';
import { DirectoryRepository } from '../../src/channels/directory.repository.js';
import { BacklogRepository } from '../../src/ingestion/backlog.repository.js';
import { createPool, EngineClient } from '../../src/postgres/connections.js';
import { ofFewRows } from '../../src/postgres/few.js';
import * as ofReservations from '../../src/reservations/posting.repository.js';
import { ReservationsRepository } from '../../src/reservations/reservations.repository.js';
import type { Send } from '../../src/stock/command.js';
import { Ledger } from '../../src/stock/ledger.js';
import * as ofStock from '../../src/stock/posting.repository.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';

/** What the engine would send to read and change what these calls are about. */
async function statementsOf(calls: (send: Send) => Promise<unknown>[]): Promise<{ name: string; text: string }[]> {
  const statements: { name: string; text: string }[] = [];
  const send: Send = async (statement) => {
    statements.push(statement);
    return [];
  };
  await Promise.all(calls(send));
  return statements;
}

describe('the plans of the engine and of what feeds it', () => {
  let database: TestDatabase;
  let client: EngineClient;
  beforeAll(async () => {
    database = await createDatabase();
    client = new EngineClient(database.url, 1_000);
    await client.connect();
  });
  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  it('look everything up by key although the tables are still empty, so that they stay good as these grow', async () => {
    const key = { itemId: 1, locationId: 1 };
    const intent = { clientId: 'client', key: 'key', fingerprint: Buffer.alloc(32) };
    const unsellable = { damaged: 0, quarantined: 0, recalled: 0, expired: 0, inspection: 0 };
    const figures = { onHand: 0, unsellable, reserved: 0, incoming: 0, safetyStock: 0 };
    const position = { ...key, ...figures, version: 0, nextExpiry: null, asOf: 0 };
    const settled = new Ledger(0, [position]);
    settled.settleExpiry(position, null);
    const moved = new Ledger(0, [{ ...position, unsellable: { ...unsellable } }]);
    moved.post(key, { kind: 'receipt', onHand: 1 }, 'client');
    const statements = await statementsOf((send) => [
      ofStock.lockPositions(send, [key]),
      ofStock.readIntents(send, [intent]),
      ofStock.writeLedger(send, settled, settled.told()),
      ofStock.writeLedger(send, moved, moved.told()),
      ofReservations.readReservations(send, ['res_1'], true),
      ofReservations.findExpired(send, [key], 0),
      ofReservations.nextExpiries(send, [key], 0),
      ofReservations.readUncovered(send, [key], ['res_1'], 0),
    ]);
    expect(statements).toHaveLength(10);
    const forms = new Set(statements.flatMap((statement) => [statement, ofFewRows(statement)]));
    for (const { name, text } of forms) {
      const values = new Set(text.match(/\$\d+/g)).size;
      await client.query(`prepare "${name}" as ${text}`);
      const { rows } = await client.query(`explain execute "${name}" (${Array(values).fill('null').join(', ')})`);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/Index/);
      expect(plan).not.toMatch(/Seq Scan|Hash|Merge/);
    }
  });

  it('look answers up by key even when there was one when the table was counted', async () => {
    await client.query('set role none');
    await client.query("insert into idempotency_key values ('client', 'key', '', 200, '', now())");
    await client.query('vacuum analyze idempotency_key');
    const [statement] = await statementsOf((send) => [
      ofStock.readIntents(send, [{ clientId: 'client', key: 'key', fingerprint: Buffer.alloc(32) }]),
    ]);
    await client.query(`prepare counted as ${statement?.text}`);
    const { rows } = await client.query("explain execute counted ('{client}', '{key}')");
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index Cond: \(\(client_id = .*\) AND \(key = .*\)\)/);
  });

  it('take the next events of a backlog along the index, and read no more of it', async () => {
    await client.query('set role none');
    await client.query("select make_inbox_day((now() at time zone 'utc')::date)");
    await client.query(`
      insert into inbox_waiting (source_id, turn, received_at, id)
      select 1, turn, now(), 'evt_' || turn from generate_series(1, 5000) as turn`);
    const plan = await planOf((pool) => new BacklogRepository(pool).window(1, 0, { events: 10, bytes: 1_000 }));
    const scan = plan.filter((line) => / on inbox_waiting /.test(line));
    expect(scan).toEqual([
      expect.stringMatching(/Index Scan using inbox_waiting_pkey on inbox_waiting \(actual rows=10/),
    ]);
  });

  it('read what is available of an item without its holds, as long as none has expired', async () => {
    await client.query('set role none');
    await client.query(`
      with made as (insert into item (sku, name, base_uom) values ('SKU-1', 'Item', 'EA') returning id),
           place as (insert into location (code, name, type) values ('HAM', 'Hamburg', 'warehouse') returning id)
      insert into position (item_id, location_id, on_hand, as_of, next_expiry)
      select made.id, place.id, 10, now(), now() + interval '1 hour' from made, place`);
    const { rows } = await client.query("select id from item where sku = 'SKU-1'");
    const plan = await planOf((pool) => new AvailabilityRepository(pool).read([rows[0].id], Date.now()));
    expect(plan.join('\n')).toMatch(/ on "?position"? \(actual rows=1/);
    const holds = plan.filter((line) => / on reservation_allocation /.test(line));
    expect(holds.length).toBeGreaterThan(0);
    for (const line of holds) expect(line).toMatch(/never executed/);
  });

  it('of what one reading asks for are made once, not at each reading', async () => {
    const pool = createPool(database.url, 1);
    try {
      const stock = new AvailabilityRepository(pool);
      const directory = new DirectoryRepository(pool);
      const reservations = new ReservationsRepository(pool);
      for (let reading = 1; reading <= 10; reading += 1) {
        await stock.read([reading], Date.now());
        await directory.itemsBySku([`SKU-${reading}`]);
        await directory.itemsById([reading]);
        await reservations.find(`res_${reading}`);
        await reservations.shipments(`res_${reading}`);
      }
      const { rows } = await pool.query(
        'select name from pg_prepared_statements where generic_plans = 5 and custom_plans = 5 order by name',
      );
      expect(rows.map(({ name }) => name)).toEqual([
        ...['item-stock', 'items-by-id', 'items-by-sku'],
        ...['read-reservation-allocations', 'read-reservation-lines', 'read-reservations', 'read-shipments'],
      ]);
    } finally {
      await pool.end();
    }
  });

  /** Of the statement that this asks the database with. */
  async function planOf(ask: (pool: pg.Pool) => Promise<unknown>): Promise<string[]> {
    const pool = createPool(database.url, 1);
    try {
      let plan: string[] = [];
      const explaining = {
        query: async ({ text, values }: { text: string; values: unknown[] }) => {
          const { rows } = await pool.query(`explain (analyze, costs off, timing off, buffers off) ${text}`, values);
          plan = rows.map((row) => row['QUERY PLAN']);
          return pool.query(text, values);
        },
      };
      await ask(explaining as unknown as pg.Pool);
      return plan;
    } finally {
      await pool.end();
    }
  }
});
