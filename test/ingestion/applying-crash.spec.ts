import { setTimeout as delay } from 'node:timers/promises';
import { ServiceProcess } from '../engine/process.js';
import { startApp, type TestApp, TestClock } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { at } from './applying-world.js';
import { Sender } from './sender.js';

const SECRETS = { SECRET_ENCRYPTION_KEY: 'what-the-tests-encrypt-secrets-under' };
const SKUS = Array.from({ length: 12 }, (_, i) => `P-${i}`);
const CODES = ['A', 'B'];
const EVENTS = 900;
const OPENING = 10_000;

/** A generator of numbers from 0 to 1 that starts anew from the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Event = Record<string, unknown> & { id: string; data: Record<string, unknown> };

/** A working day of a warehouse, in its order: what it says is enough never to meet an empty shelf. */
function day(next: () => number): Event[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const upTo = (most: number) => 1 + Math.floor(next() * most);
  return Array.from({ length: EVENTS }, (_, i): Event => {
    const sku = pick(SKUS);
    const location = pick(CODES);
    const [from, to] = location === 'A' ? ['A', 'B'] : ['B', 'A'];
    const [type, data] = pick<() => [string, Record<string, unknown>]>([
      () => ['stock.received.v1', { sku, location, quantity: upTo(20), reference: `PO-${upTo(30)}` }],
      () => ['stock.adjusted.v1', { sku, location, quantity: -upTo(5), reason: 'loss' }],
      () => ['stock.counted.v1', { sku, location, quantity: OPENING + upTo(500) }],
      () => ['stock.transferred.v1', { sku, from, to, quantity: upTo(8) }],
      () => ['shipment.confirmed.v1', { shipmentRef: `DN-${i}`, location, lines: [{ sku, quantity: upTo(6) }] }],
      () => ['return.received.v1', { sku, location, quantity: upTo(3) }],
      () => ['supply.expected.v1', { sku, location, quantity: upTo(50), reference: `PO-${upTo(30)}` }],
    ])();
    return { specversion: '1.0', id: `e-${i}`, type, time: at(i), data };
  });
}

function shuffled<T>(list: readonly T[], next: () => number): T[] {
  return list
    .map((each) => [next(), each] as const)
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);
}

function inPieces<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

async function furnish(app: TestApp): Promise<Sender> {
  for (const code of CODES) await app.given.location({ code });
  await app.given.channel({ code: 'web', locations: CODES });
  for (const sku of SKUS) {
    await app.given.item({ sku });
    for (const code of CODES) await app.given.stock(sku, code, OPENING);
  }
  const source = {
    ...{ name: 'WMS', kind: 'wms', profile: 'canonical', signature: { scheme: 'standard_webhooks' } },
    ...{ quantityBasis: 'on_hand', owns: [{ location: '*', facts: ['on_hand', 'supply'] }] },
  };
  const { body } = await app.api().put('/v1/sources/wms', source).expect(201);
  return new Sender(app.url, 'wms', body.secret, app.clock.now);
}

const positions = (app: TestApp) =>
  rowsOf(
    app.databaseUrl,
    `select i.sku, l.code, p.on_hand, p.damaged, p.inspection, p.incoming
       from position p join item i on i.id = p.item_id join location l on l.id = p.location_id order by 1, 2`,
  );

async function waiting(app: TestApp): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(app.databaseUrl, `select count(*)::int as n from inbox_waiting`);
  return row?.n ?? 0;
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 2_400; i += 1, await delay(25)) if (await done()) return;
  throw new Error(`Not in time: ${what}`);
}

it.each([1, 2])(
  'events come to the same, shuffled, three times over, with garbage, over workers that are killed (seed %d)',
  async (seed) => {
    const next = numbers(seed);
    const events = day(next);
    const orderly = await startApp({ env: SECRETS });
    const clean = await furnish(orderly);
    for (const piece of inPieces(events, 300)) await clean.send(piece).expect(202);
    await until('the orderly run', async () => (await waiting(orderly)) === 0);
    const expected = await positions(orderly);
    await orderly.close();

    // Receives, and places holds; others apply.
    const front = await startApp({ env: { ...SECRETS, INGEST_POLL_MS: '0' }, clock: new TestClock() });
    const sender = await furnish(front);
    const env = { DATABASE_URL: front.databaseUrl, ...SECRETS, EXPIRY_SWEEP_MS: '0' };
    const workers = seed === 1 ? await Promise.all([ServiceProcess.start(env), ServiceProcess.start(env)]) : [];
    const garbage = events
      .filter((_, i) => i % 10 === 0)
      .map((event) => ({
        ...event,
        id: `broken-${event.id}`,
        data: { ...event.data, quantity: 'many', lines: 'many' },
      }));
    const deliveries = shuffled([...events, ...events, ...events, ...garbage], next);
    const pieces = inPieces(deliveries, 37);
    let sent = 0;
    const send = async (): Promise<void> => {
      for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
        await sender.send(piece).expect(202);
        sent += 1;
        const [first, second] = workers;
        if (sent === 20) await first?.kill();
        if (sent === 50) await second?.kill();
        const hold = { channel: 'web', lines: [{ sku: SKUS[sent % SKUS.length], quantity: 3 }] };
        const held = await front.api().post('/v1/reservations', hold).expect(201);
        if (sent % 2 === 0) await front.api().post(`/v1/reservations/${held.body.id}/release`).expect(200);
      }
    };
    await Promise.all([send(), send(), send(), send()]);
    const last = await startApp({ env: SECRETS, databaseUrl: front.databaseUrl, clock: front.clock });
    await until('the disorderly run', async () => (await waiting(front)) === 0);

    expect(await positions(front)).toEqual(expected);
    const states = await rowsOf<{ kind: string; n: number }>(
      front.databaseUrl,
      `select case when event_id like 'broken-%' then 'broken ' else '' end || status as kind, count(*)::int as n
         from event group by 1`,
    );
    const counts = Object.fromEntries(states.map(({ kind, n }) => [kind, n]));
    expect(counts['broken exception']).toBe(garbage.length);
    expect((counts.applied ?? 0) + (counts.stale ?? 0)).toBe(EVENTS);
    await expectInvariants(front.databaseUrl);
    await last.close();
    await front.close();
  },
  120_000,
);
