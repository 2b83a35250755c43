import type { Response } from 'supertest';
import { Answer } from '../../src/access/answer.js';
import type { Command } from '../../src/stock/command.js';
import { PostingEngine } from '../../src/stock/posting.engine.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { inOneBatch } from './crowd.js';
import { expectNothingOversold, positionOf, stocked, tally } from './fleet.js';

describe('a batch of which something cannot be written', () => {
  let at: TestApp;
  let sku: string;
  let channel: string;

  beforeAll(async () => {
    at = await startApp({ env: { ENGINE_MAILBOXES: '1' } });
    await rowsOf(
      at.databaseUrl,
      `create function refuse() returns trigger language plpgsql as
         $$ begin raise exception 'refused by a trigger' using errcode = '22000'; end $$;
       create trigger refuse_when_written before insert on reservation
         for each row when (new.order_ref = 'refused when written') execute function refuse();
       create constraint trigger refuse_when_committed after insert on reservation deferrable initially deferred
         for each row when (new.order_ref = 'refused when committed') execute function refuse();`,
    );
  });
  beforeEach(async () => {
    ({ sku, channel } = await stocked(at, [100]));
  });
  afterEach(async () => {
    await expectInvariants(at.databaseUrl);
    await expectNothingOversold(at.databaseUrl);
  });
  afterAll(() => at?.close());

  const hold = (orderRef: string) =>
    at.api().post('/v1/reservations', { channel, orderRef, lines: [{ sku, quantity: 1 }] });
  const withNeighbours = (bad: string): Promise<Response[]> =>
    inOneBatch(
      at,
      sku,
      () => hold('first'),
      ['a', 'b', 'c', bad, 'd', 'e', 'f', 'g'].map((ref) => () => hold(ref)),
    );
  const found = async (orderRef: string) => (await at.api().get(`/v1/reservations?orderRef=${orderRef}`)).body.data;

  it.each(['refused when written', 'refused when committed'])(
    'fails alone and leaves its neighbours their success: %s',
    async (bad) => {
      const answers = await withNeighbours(bad);
      expect(tally(answers)).toEqual({ 201: 7, '500 internal_error': 1 });
      expect(answers[3]?.status).toBe(500);
      expect(answers[3]?.text).not.toContain('trigger');
      expect(await found(bad)).toEqual([]);
      expect(await positionOf(at, sku)).toMatchObject({ reserved: 8 });
    },
  );

  it('never answers a success that COMMIT did not confirm, also when it stands alone', async () => {
    expect((await hold('refused when committed')).status).toBe(500);
    expect((await hold('refused when written')).status).toBe(500);
    expect(await found('refused when committed')).toEqual([]);
    expect(await positionOf(at, sku)).toMatchObject({ reserved: 0, version: 1 });
    expect((await hold('the next one')).status).toBe(201);
  });

  it('lets the same key succeed once the reason is gone: a failure is not remembered', async () => {
    const again = () => hold('refused when written').set('Idempotency-Key', 'after-the-failure');
    expect((await again()).status).toBe(500);
    await rowsOf(at.databaseUrl, 'alter table reservation disable trigger refuse_when_written');
    const second = await again();
    await rowsOf(at.databaseUrl, 'alter table reservation enable trigger refuse_when_written');
    expect(second.status).toBe(201);
    expect(second.headers['idempotent-replayed']).toBeUndefined();
  });

  it('takes several that fail apart from those that do not', async () => {
    const bad = ['refused when committed', 'refused when written'];
    const refs = Array.from({ length: 24 }, (_, i) => (i % 5 === 0 ? (bad[i % 2] as string) : `good ${i}`));
    const answers = await inOneBatch(
      at,
      sku,
      () => hold('first'),
      refs.map((ref) => () => hold(ref)),
    );
    expect(answers.map(({ status }) => status)).toEqual(refs.map((ref) => (bad.includes(ref) ? 500 : 201)));
    expect(await positionOf(at, sku)).toMatchObject({ reserved: 20 });
  });

  it('ends only the command whose decision fails, wherever in the batch it is', async () => {
    const engine = at.app.get(PostingEngine);
    const broken: Command = {
      intent: null,
      skus: [sku],
      weight: 1,
      prepare: (catalogue) => {
        const itemId = catalogue.item(sku)?.id as number;
        return catalogue.configuration.channel(channel)?.locations.map(({ id }) => ({ itemId, locationId: id })) ?? [];
      },
      decide: (desk) => {
        // Half of its work is posted when it fails.
        for (const { itemId, locationId } of desk.ledger.locked()) {
          desk.ledger.post({ itemId, locationId }, { kind: 'receipt', onHand: 10_000 }, 'a broken command');
        }
        throw new Error('a fault of ours');
      },
    };
    let fault: Promise<unknown> | undefined;
    const answers = await inOneBatch(at, sku, () => hold('first'), [
      () => hold('before'),
      () => {
        fault = engine.post(broken).catch((error: Error) => error.message);
        return hold('between');
      },
      () => hold('after'),
    ]);
    expect(await fault).toBe('a fault of ours');
    expect(tally(answers)).toEqual({ 201: 3 });
    expect(await positionOf(at, sku)).toMatchObject({ onHand: 100, reserved: 4 });
  });

  it('answers what cannot be prepared alone, and its neighbours as ever', async () => {
    const engine = at.app.get(PostingEngine);
    const unpreparable: Command = {
      intent: null,
      skus: [sku],
      weight: 1,
      prepare: () => {
        throw new Error('a fault of ours');
      },
      decide: () => () => new Answer(200, {}),
    };
    const [refused, ...held] = await Promise.allSettled([engine.post(unpreparable), hold('a'), hold('b')]);
    expect(refused?.status).toBe('rejected');
    expect(held.map((each) => each.status === 'fulfilled' && each.value.status)).toEqual([201, 201]);
  });
});

describe('a feature that keeps rows in step with the ledger', () => {
  let at: TestApp;
  let behave: 'well' | 'fail' | 'swallow' = 'well';

  beforeAll(async () => {
    at = await startApp({ env: { ENGINE_MAILBOXES: '1' } });
    await rowsOf(at.databaseUrl, 'create table witness (n int); grant insert on witness to holdfast_app');
    at.app.get(PostingEngine).join({
      open: () => ({
        load: async () => {},
        settle: async () => {},
        write: async (send) => {
          const statement = { name: 'witness', text: 'insert into witness values ($1)' };
          if (behave === 'well') await send(statement, [1]);
          if (behave === 'fail') throw new Error('a fault in a writer');
        },
        finish: (send) => {
          if (behave !== 'swallow') return undefined;
          // The transaction is lost by this, and nobody hears of it but COMMIT.
          return send({ name: 'divide', text: 'select 1 / $1::int' }, [0]).then(
            () => {},
            () => {},
          );
        },
      }),
    });
  });
  afterEach(async () => {
    behave = 'well';
    await expectInvariants(at.databaseUrl);
  });
  afterAll(() => at?.close());

  it.each(['fail', 'swallow'] as const)('undoes the whole transaction when it fails: %s', async (how) => {
    const { sku, channel } = await stocked(at, [10]);
    const witnesses = await rowsOf(at.databaseUrl, 'select * from witness');
    const body = { channel, lines: [{ sku, quantity: 1 }] };
    behave = how;
    expect((await at.api().post('/v1/reservations', body)).status).toBe(500);
    const safety = await at
      .api()
      .put(`/v1/stock/${sku}/${(await positionOf(at, sku)).location}/policy`, { safetyStock: 3 });
    expect(safety.status).toBe(500);
    behave = 'well';
    expect(await positionOf(at, sku)).toMatchObject({ onHand: 10, reserved: 0, safetyStock: 0, version: 1 });
    expect(await rowsOf(at.databaseUrl, 'select * from witness')).toEqual(witnesses);
    expect((await at.api().post('/v1/reservations', body)).status).toBe(201);
  });
});
