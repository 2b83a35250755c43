import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, World } from './world.js';

describe('more than can wait', () => {
  let at: TestApp;
  let world: World;
  beforeAll(async () => {
    at = await startApp({ env: { ENGINE_MAILBOXES: '1', ENGINE_QUEUE: '1' } });
    world = new World(at);
  });
  afterAll(() => at.close());

  it('is refused with 503 and Retry-After, without effect; what was taken is done', async () => {
    const shop = await world.shop([1_000]);
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => world.hold(shop.channel, [{ sku: shop.sku, quantity: 1 }])),
    );
    const made = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expectProblem(answer, 503, 'overloaded');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(await world.position(shop.sku, shop.locations[0])).toMatchObject({ reserved: made.length });
    await expectInvariants(at.databaseUrl);
  });
});
