import { lockStockOf, until } from '../engine/crowd.js';
import { randomFrom } from '../engine/fleet.js';
import { ServiceProcess } from '../engine/process.js';
import { startApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import {
  countOf,
  figuresOf,
  furnish,
  NEWCOMER,
  SKUS,
  settled,
  shuffled,
  stockUp,
  type Told,
  warehouse,
  warehouseDay,
} from './warehouse-day.js';

const SECRETS = { SECRET_ENCRYPTION_KEY: 'what-the-tests-encrypt-secrets-under' };
const FORGED = `whsec_${Buffer.alloc(32, 'nobody').toString('base64')}`;
const PATIENCE_MS = 60_000;
const DELIVERIES = 3;
const SENDERS = 4;
const PIECE = 37;
/** One event in so many is corrupted in a delivery, another one in each. */
const CORRUPTED_EVERY = 10;
/** Nobody holds these: whoever waits for one of them is the worker. */
const [FIRST_STOP, SECOND_STOP, ...HELD] = SKUS as [string, string, ...string[]];

/** A body as it is sent; `forged`: by somebody else. */
interface Piece {
  readonly body: string;
  readonly forged: boolean;
}

function inPieces<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

/** An event cut off, or of wrong types without its id or with another: under its own it would be in conflict with itself. */
function garbageOf({ id, ...event }: Told, kind: number): string {
  if (kind === 0) return JSON.stringify({ ...event, id }).slice(0, -20);
  const nonsense = { ...event, data: { ...event.data, quantity: 'many', lines: 'many', rows: 'many' } };
  return JSON.stringify(kind === 1 ? nonsense : { ...nonsense, id: `broken-${id}` });
}

/** The day three times over, each time shuffled anew and with other events corrupted. */
function deliveries(events: readonly Told[], next: () => number) {
  const pieces: Piece[] = [];
  const garbage: string[] = [];
  for (let delivery = 0; delivery < DELIVERIES; delivery += 1) {
    const lines: string[] = [];
    for (const [i, event] of shuffled([...events.entries()], next)) {
      const kind = Math.floor(i / CORRUPTED_EVERY) % 4;
      if (i % CORRUPTED_EVERY !== delivery) lines.push(JSON.stringify(event));
      else if (kind === 3) pieces.push({ body: JSON.stringify(event), forged: true });
      else lines.push(garbage[garbage.push(garbageOf(event, kind)) - 1] as string);
    }
    for (const piece of inPieces(lines, PIECE)) pieces.push({ body: piece.join('\n'), forged: false });
  }
  return { pieces: shuffled(pieces, next), garbage: garbage.length };
}

/** What a clean, ordered run of the day comes to. */
async function orderlyRun(events: readonly Told[]): Promise<unknown[]> {
  const app = await startApp({ env: SECRETS });
  await furnish(app);
  await app.given.item({ sku: NEWCOMER });
  await stockUp(app);
  const sender = await warehouse(app);
  for (const piece of inPieces(events, 300)) await sender.send(piece).expect(202);
  await settled(app);
  expect(await countOf(app, 'exception')).toBe(0);
  const found = await figuresOf(app);
  await app.close();
  return found;
}

it.each([1, 2])(
  'events come to the same, shuffled, three times over, with garbage, over a worker that is killed twice (seed %d)',
  async (seed) => {
    const next = randomFrom(seed);
    const events = warehouseDay(seed);
    // Receives, and places holds; another process applies.
    const front = await startApp({ env: { ...SECRETS, INGEST_POLL_MS: '0' } });
    const work = () => ServiceProcess.start({ ...SECRETS, DATABASE_URL: front.databaseUrl, EXPIRY_SWEEP_MS: '0' });
    const [first, expected] = await Promise.all([work(), orderlyRun(events)]);
    let worker = first;
    await furnish(front);
    await stockUp(front);
    const sender = await warehouse(front);
    const { pieces, garbage } = deliveries(events, next);
    const all = pieces.length;
    const forged = pieces.filter((piece) => piece.forged).length;
    const answers: Record<number, number> = {};
    const held: string[] = [];

    const hold = async (sku: string): Promise<void> => {
      const order = { channel: 'web', lines: [{ sku, quantity: 3 }] };
      const { body } = await front.api().post('/v1/reservations', order).expect(201);
      held.push(body.id);
    };
    const release = (id: string | undefined) => front.api().post(`/v1/reservations/${id}/release`).expect(200);
    const send = async (some: Piece[]): Promise<void> => {
      for (let piece = some.shift(); piece; piece = some.shift()) {
        const { status } = await sender.send(piece.body, piece.forged ? { secret: FORGED } : {});
        answers[status] = (answers[status] ?? 0) + 1;
        await hold(HELD[some.length % HELD.length] as string);
        if (some.length % 2 === 0) await release(held.pop());
      }
    };
    const sendAll = (some: Piece[]) => Promise.all(Array.from({ length: SENDERS }, () => send(some)));
    const outcomes = () => countOf(front, `event_outcome where status in ('applied', 'stale')`);
    /** Sends more while the worker is stopped in the middle of a transaction and killed there. */
    const killAmid = async (some: Piece[], stop: string, before: number): Promise<void> => {
      await until('the worker has applied something', async () => (await outcomes()) > before, PATIENCE_MS);
      const lock = await lockStockOf(front.databaseUrl, stop);
      const sent = sendAll(some);
      await until('the worker is in the middle of something', () => lock.isAwaited(), PATIENCE_MS);
      await worker.kill();
      expect(await countOf(front, 'inbox_waiting')).toBeGreaterThan(0);
      await lock.release();
      await sent;
    };

    const [one, two, three] = inPieces(pieces, Math.ceil(pieces.length / 3)) as [Piece[], Piece[], Piece[]];
    await sendAll(one);
    await killAmid(two, FIRST_STOP, 0);
    const appliedByFirst = await outcomes();
    worker = await work();
    await killAmid(three, SECOND_STOP, appliedByFirst);
    await front.given.item({ sku: NEWCOMER });
    worker = await work();
    await settled(front);
    await worker.stop();

    for (const id of held) await release(id);
    expect(await figuresOf(front)).toEqual(expected);
    expect(answers).toEqual({ 202: all - forged, 401: forged });
    const states = await rowsOf<{ kind: string; states: string[]; n: number; moves: boolean }>(
      front.databaseUrl,
      `select case when event_id like 'e-%' then 'event' else 'garbage' end as kind, count(*)::int as n,
              array_agg(distinct status order by status) as states,
              bool_or(exists (select from movement m where m.turn = e.turn)) as moves
         from event e group by 1 order by 1`,
    );
    expect(states).toEqual([
      { kind: 'event', n: events.length, states: ['applied', 'stale'], moves: true },
      { kind: 'garbage', n: garbage, states: ['exception'], moves: false },
    ]);
    const known = `inbox_key where event_id like 'e-%' and deliveries < ${DELIVERIES}`;
    expect(await countOf(front, known)).toBe(garbage + forged);
    await expectInvariants(front.databaseUrl);
    await front.close();
  },
  240_000,
);
