import type { Response, Test } from 'supertest';
import { StockCopy } from '../../src/availability/stock.copy.js';
import { startApp, type TestApp, type TestAppOptions, TestClock } from '../support/app.js';
import { rowsOf } from '../support/rows.js';
import { until } from './crowd.js';

/** Applications that share one database and one clock, as processes behind a balancer do. */
export interface Fleet {
  readonly apps: readonly TestApp[];
  readonly first: TestApp;
  readonly databaseUrl: string;
  readonly clock: TestClock;
  /** The applications in turn, so that work spreads over them. */
  next(): TestApp;
  close(): Promise<void>;
}

export type FleetOptions = Pick<TestAppOptions, 'env' | 'clock'> & {
  /** Of each application: the Redis it uses, undefined for none. Their number is the size of the fleet. */
  readonly redisUrls?: readonly (string | undefined)[];
};

export async function startFleet(
  size: number,
  { env, redisUrls = [], clock = new TestClock() }: FleetOptions = {},
): Promise<Fleet> {
  const first = await startApp({ env, clock, redisUrl: redisUrls[0] });
  const apps = [first];
  try {
    for (let i = 1; i < size; i += 1) {
      apps.push(await startApp({ env, clock, redisUrl: redisUrls[i], databaseUrl: first.databaseUrl }));
    }
  } catch (error) {
    await closeAll(apps);
    throw error;
  }
  let turn = 0;
  return {
    apps,
    first,
    databaseUrl: first.databaseUrl,
    clock,
    next: () => apps[turn++ % apps.length] as TestApp,
    close: () => closeAll(apps),
  };
}

/** The first one last: the database is its. */
async function closeAll(apps: readonly TestApp[]): Promise<void> {
  for (const app of [...apps].reverse()) await app.close();
}

/** An item of which `onHand` stands at each of these many new locations, and a channel that sells from them. */
export async function stocked(
  { given }: Pick<TestApp, 'given'>,
  onHand: readonly number[],
  channelOverrides: object = {},
  itemOverrides: object = {},
): Promise<{ sku: string; channel: string; locations: string[] }> {
  const { sku } = await given.item(itemOverrides);
  const locations: string[] = [];
  for (const quantity of onHand) {
    const { code } = await given.location();
    if (quantity > 0) await given.stock(sku, code, quantity);
    locations.push(code);
  }
  const { code: channel } = await given.channel({ locations, ...channelOverrides });
  return { sku, channel, locations };
}

/** The database's own id of an item. */
export async function itemIdOf(databaseUrl: string, sku: string): Promise<number> {
  const [row] = await rowsOf<{ id: number }>(databaseUrl, 'select id::int from item where sku = $1', [sku]);
  return row?.id as number;
}

/** What the channel may promise of the SKU, by location. */
export async function askAvailability(app: TestApp, sku: string, channel: string) {
  const { status, body } = await app.api().get(`/v1/availability/${sku}?channel=${channel}&expand=locations`);
  expect(status).toBe(200);
  return body;
}

/** Holds so much of one SKU. */
export function hold(app: TestApp, channel: string, sku: string, quantity = 1, more: object = {}): Test {
  return app.api().post('/v1/reservations', { channel, lines: [{ sku, quantity }], ...more });
}

/** How often each answer was given: `{ '201': 1, '409 insufficient_stock': 49 }`. */
export function tally(answers: readonly Pick<Response, 'status' | 'body'>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const name = status < 400 ? String(status) : `${status} ${body?.code}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** `count` requests at once. */
export function atOnce(count: number, send: (index: number) => Test): Promise<Response[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => send(index).then((answer) => answer)));
}

/** What stands at the only location of this SKU, or at the one named. */
export async function positionOf(app: TestApp, sku: string, location?: string) {
  const { body } = await app.api().get(`/v1/stock?sku=${sku}${location ? `&location=${location}` : ''}`);
  return body.data[0];
}

/**
 * No admission left more reserved than was there (semantics.md, Invariants): replays the ledger of channels without
 * backorders (all, or of one `sku`), version by version. A count may uncover what was promised; a hold never.
 */
export async function expectNothingOversold(databaseUrl: string, sku: string | null = null): Promise<void> {
  const oversold = await rowsOf(
    databaseUrl,
    `select *
       from (select item_id, location_id, version, kind, reserved_delta,
                    sum(on_hand_delta - unsellable_delta) over figures as sellable,
                    sum(reserved_delta) over figures as reserved
               from movement
              where $1::text is null or item_id = (select id from item where sku = $1)
             window figures as (partition by item_id, location_id order by version)) as replayed
      where kind in ('hold', 'edit') and reserved_delta > 0 and reserved > sellable`,
    [sku],
  );
  expect(oversold).toEqual([]);
}

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Until all of them believe what they have kept. */
export const hearing = (...apps: TestApp[]) =>
  until('news are heard', () => apps.every(({ app }) => app.get(StockCopy).configuration !== undefined));

/** What the application has of the SKU in its copy. */
export async function keptOf({ databaseUrl, clock }: Fleet, { app }: TestApp, sku: string) {
  const id = await itemIdOf(databaseUrl, sku);
  return app.get(StockCopy).read([id], clock.now()).get(id);
}

/** Until its copy has this version. Everything that was published before has arrived then: one connection brings all. */
export const untilKept = (fleet: Fleet, app: TestApp, sku: string, version: number) =>
  until('the news have come', async () => (await keptOf(fleet, app, sku))?.positions[0]?.version === version);
