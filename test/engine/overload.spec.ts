import { PostingEngine } from '../../src/stock/posting.engine.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { lockStockOf, until, waitingForLocks } from './crowd.js';
import { atOnce, expectNothingOversold, positionOf, stocked, tally } from './fleet.js';

const QUEUE = 10;

describe('a service that is asked for more than it can do', () => {
  let at: TestApp;
  let lock: { release(): Promise<void> } | undefined;
  let sku: string;
  let channel: string;

  const start = async (deadline: number, mailboxes = 1) => {
    at = await startApp({
      env: { ENGINE_MAILBOXES: String(mailboxes), ENGINE_QUEUE: String(QUEUE), ENGINE_DEADLINE_MS: String(deadline) },
    });
    ({ sku, channel } = await stocked(at, [100]));
  };
  afterEach(async () => {
    await lock?.release();
    await expectInvariants(at.databaseUrl);
    await expectNothingOversold(at.databaseUrl);
    await at?.close();
  });

  const hold = (key?: string) => {
    const test = at.api().post('/v1/reservations', { channel, lines: [{ sku, quantity: 1 }] });
    return key ? test.set('Idempotency-Key', key) : test;
  };
  /** One is at work and held up at the lock; nobody waits behind it yet. */
  const holdUp = async () => {
    lock = await lockStockOf(at.databaseUrl, sku);
    const first = hold().then((answer) => answer);
    await until('the first waits for the lock', async () => (await waitingForLocks(at.databaseUrl)) > 0);
    return { answer: first };
  };
  const reservations = async () =>
    (await rowsOf<{ n: number }>(at.databaseUrl, 'select count(*)::int as n from reservation'))[0]?.n;

  it('refuses at once what its queue cannot take, and answers the rest when it can', async () => {
    await start(20_000);
    const first = await holdUp();
    const crowd = Array.from({ length: QUEUE + 15 }, () => hold().then((answer) => answer));
    const settled: number[] = [];
    for (const each of crowd) void each.then(({ status }) => settled.push(status));
    await until('fifteen are refused, while the lock is still held', () => settled.length === 15);
    expect(new Set(settled)).toEqual(new Set([503]));
    expect(at.app.get(PostingEngine).waiting).toBe(QUEUE);
    await lock?.release();
    const answers = await Promise.all(crowd);
    expect(tally([...answers, await first.answer])).toEqual({ 201: QUEUE + 1, '503 overloaded': 15 });
    for (const { headers, status } of answers) if (status === 503) expect(headers['retry-after']).toBe('1');
    expect(await reservations()).toBe(QUEUE + 1);
    expect(tally(await atOnce(QUEUE, () => hold()))).toEqual({ 201: QUEUE });
  });

  it('refuses whoever waits past the deadline, writes nothing for them, and is normal afterwards', async () => {
    await start(300);
    const first = await holdUp();
    const late = await atOnce(5, (i) => hold(`late-${i}`));
    expect(tally([...late, await first.answer])).toEqual({ '503 overloaded': 6 });
    for (const { headers } of late) expect(headers['retry-after']).toBe('1');
    await lock?.release();
    expect(await reservations()).toBe(0);
    expect(await positionOf(at, sku)).toMatchObject({ reserved: 0, version: 1 });
    const again = await atOnce(5, (i) => hold(`late-${i}`));
    expect(tally(again)).toEqual({ 201: 5 });
    expect(again.every(({ headers }) => headers['idempotent-replayed'] === undefined)).toBe(true);
  });

  it('does not let one locked item hold up the rest for longer than the deadline', async () => {
    await start(400);
    const other = await stocked(at, [10]);
    const first = await holdUp();
    expect(tally([await first.answer])).toEqual({ '503 overloaded': 1 });
    const body = { channel: other.channel, lines: [{ sku: other.sku, quantity: 1 }] };
    expect((await at.api().post('/v1/reservations', body)).status).toBe(201); // with the lock still held
    await lock?.release();
    expect((await hold()).status).toBe(201);
  });

  it('does not let one locked item hold up those of the other mailbox, nor who is tried again there', async () => {
    await start(20_000, 2);
    const engine = at.app.get(PostingEngine);
    const elsewhere = async (): Promise<string> => {
      const { sku: other } = await at.given.item();
      return engine.mailboxOf(other) === engine.mailboxOf(sku) ? elsewhere() : other;
    };
    const [other, another] = [await elsewhere(), await elsewhere()];
    const { code: location } = await at.given.location();
    await at.given.stock(other, location, 1);
    const first = await holdUp();
    await at.given.stock(other, location, 10);
    await at.given.stock(another, location, 5); // what nobody stocked before is tried twice
    expect(await waitingForLocks(at.databaseUrl)).toBe(1);
    await lock?.release();
    expect(tally([await first.answer])).toEqual({ 201: 1 });
  });
});
