import { Applying } from '../../src/ingestion/applying.service.js';
import { BacklogRepository } from '../../src/ingestion/backlog.repository.js';
import { EventReader } from '../../src/ingestion/event-reader.service.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { Feed, positionOf } from './applying-world.js';

/** Neither looks for events by itself: the test hands them out. */
const OFF = { INGEST_POLL_MS: '0' };

let first: TestApp;
beforeAll(async () => {
  first = await startApp({ env: OFF });
});
afterAll(() => first.close());

it('two workers that both have the same events apply each once', async () => {
  const second = await startApp({ env: OFF, databaseUrl: first.databaseUrl, clock: first.clock });
  const feed = await Feed.of(first);
  await first.given.location({ code: 'A' });
  for (let i = 0; i < 20; i += 1) await first.given.item({ sku: `T-${i}` });
  await feed.receive(
    Array.from({ length: 400 }, (_, i) => ({
      type: 'stock.received.v1',
      data: { sku: i % 21 === 20 ? 'T-later' : `T-${i % 21}`, location: 'A', quantity: 1 },
    })),
  );
  const windowOf = async ({ app }: TestApp) => {
    const backlog = app.get(BacklogRepository, { strict: false });
    const source = await backlog.source(feed.id);
    if (!source) throw new Error('There is no source.');
    const reader = app.get(EventReader, { strict: false });
    const { events } = await backlog.window(feed.id, 0, { events: 1_000, bytes: 1_000_000 });
    return reader.readAll(source, events);
  };
  // Both have read before either writes, as when the connection that held the lock was lost.
  const [mine, theirs] = await Promise.all([windowOf(first), windowOf(second)]);
  await Promise.all([
    first.app.get(Applying, { strict: false }).apply(mine),
    second.app.get(Applying, { strict: false }).apply(theirs),
  ]);
  await first.app.get(Applying, { strict: false }).apply(mine); // and once more, as behind a COMMIT without an answer

  for (let i = 0; i < 20; i += 1) {
    const onHand = i < 400 % 21 ? 20 : 19;
    expect(await positionOf(first, `T-${i}`, 'A')).toMatchObject({ onHand, version: onHand });
  }
  expect(await feed.exceptions()).toEqual(Array(19).fill('unknown_item T-later A'));
  await expectInvariants(first.databaseUrl);
  await second.close();
});

it('what is taken up at once is bounded in bytes, too, and parts no batch that is applied whole', async () => {
  const feed = await Feed.of(first, 'large', { owns: [] });
  const backlog = first.app.get(BacklogRepository, { strict: false });
  const large = JSON.stringify({ type: 'source.heartbeat.v1', id: 'large', note: 'x'.repeat(940) });
  await feed.receive(Array(6).fill(large));
  const some = await backlog.window(feed.id, 0, { events: 10, bytes: 2_500 });
  expect([some.events.length, some.isFull]).toEqual([3, true]);
  const behind = some.events[2]?.turn ?? 0;
  const rest = await backlog.window(feed.id, behind, { events: 10, bytes: 100_000 });
  expect([rest.events.length, rest.isFull]).toEqual([3, false]);
  await feed.receive([large, large, large], { atomic: true });
  const whole = await backlog.window(feed.id, rest.events[2]?.turn ?? 0, { events: 10, bytes: 1 });
  expect([whole.events.length, whole.isFull]).toEqual([3, true]);
});
