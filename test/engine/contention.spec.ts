import type { TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import {
  atOnce,
  expectNothingOversold,
  type Fleet,
  positionOf,
  randomFrom,
  startFleet,
  stocked,
  tally,
} from './fleet.js';
import { playAtRandom } from './random-play.js';

const SEED = Number(process.env.SEED ?? 20_261_123);

describe.each([1, 2])('stock that everybody wants, with %i applications on one database', (size) => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet(size);
  });
  afterEach(async () => {
    await expectInvariants(fleet.databaseUrl);
    await expectNothingOversold(fleet.databaseUrl);
  });
  afterAll(() => fleet?.close());

  promises(
    () => fleet,
    () => {},
  );
});

describeWithRedis(
  'stock that everybody wants, while Redis stops and comes back',
  () => {
    let redis: TestRedis;
    let fleet: Fleet;
    beforeAll(async () => {
      redis = await startRedis({ mayStop: true });
      fleet = await startFleet(2, { redisUrls: [redis.url, redis.url] });
    });
    afterEach(async () => {
      await redis.restart();
      await expectInvariants(fleet.databaseUrl);
      await expectNothingOversold(fleet.databaseUrl);
    });
    afterAll(async () => {
      await fleet?.close();
      await redis?.kill();
    });

    promises(
      () => fleet,
      () => void redis.kill(),
    );
  },
  { mayStop: true },
);

/** `midway` happens once the requests are under way. */
function promises(fleet: () => Fleet, midway: () => void): void {
  const hold = (app: TestApp, channel: string, lines: object[], more: object = {}) =>
    app.api().post('/v1/reservations', { channel, lines, ...more });

  it('lets one of 50 holds have the last unit and refuses 49', async () => {
    const { sku, channel } = await stocked(fleet().first, [1]);
    const answers = atOnce(50, () => hold(fleet().next(), channel, [{ sku, quantity: 1 }]));
    midway();
    expect(tally(await answers)).toEqual({ 201: 1, '409 insufficient_stock': 49 });
  });

  it('leaves reserved at exactly 20 when 20 hold 1 of 100 at once', async () => {
    const { sku, channel } = await stocked(fleet().first, [100]);
    const answers = atOnce(20, () => hold(fleet().next(), channel, [{ sku, quantity: 1 }]));
    midway();
    expect(tally(await answers)).toEqual({ 201: 20 });
    expect(await positionOf(fleet().first, sku)).toMatchObject({ onHand: 100, reserved: 20, available: 80 });
  });

  it('shows no deadlock when 500 take [a, b] and 500 take [b, a] at once', async () => {
    const a = await stocked(fleet().first, [10_000]);
    const { sku } = await fleet().first.given.item();
    await fleet().first.given.stock(sku, a.locations[0] as string, 10_000);
    const lines = [
      { sku: a.sku, quantity: 1 },
      { sku, quantity: 2 },
    ];
    const answers = atOnce(1_000, (i) => hold(fleet().next(), a.channel, i % 2 === 0 ? lines : lines.toReversed()));
    midway();
    expect(tally(await answers)).toEqual({ 201: 1_000 });
    expect(await positionOf(fleet().first, a.sku)).toMatchObject({ reserved: 1_000 });
    expect(await positionOf(fleet().first, sku)).toMatchObject({ reserved: 2_000 });
  });

  it(`keeps the books in order when everything happens at random (SEED=${SEED})`, async () => {
    const playing = playAtRandom(fleet(), { players: 12, moves: 15, skus: 3, random: randomFrom(SEED) });
    midway();
    const answers = await playing;
    expect(Object.keys(tally(answers)).filter((name) => name.startsWith('5'))).toEqual([]);
    const { body } = await fleet().first.api().get('/v1/stock/audit').expect(200);
    expect(body.findings).toEqual([]);
  });
}
