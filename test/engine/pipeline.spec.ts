import fc from 'fast-check';
import { EngineClient } from '../../src/postgres/connections.js';
import { Pipeline } from '../../src/postgres/pipeline.js';
import { createDatabase, type TestDatabase } from '../support/postgres.js';
import { rowsOf } from '../support/rows.js';

describe('a pipelined transaction', () => {
  let database: TestDatabase;
  let client: EngineClient;
  let pipeline: Pipeline;

  beforeAll(async () => {
    database = await createDatabase();
    await rowsOf(database.url, 'create table note (n int unique); grant all on note to holdfast_app');
    client = new EngineClient(database.url, 1_000);
    await client.connect();
  });
  beforeEach(async () => {
    await rowsOf(database.url, 'delete from note');
    pipeline = new Pipeline(client);
    pipeline.begin();
  });
  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  const insert = (n: number) => pipeline.send({ name: 'insert-note', text: 'insert into note values ($1)' }, [n]);
  const divide = (by: number) =>
    pipeline.send<{ q: number }>({ name: 'divide', text: 'select 6 / $1::int as q' }, [by]);
  const notes = async () =>
    (await rowsOf<{ n: number }>(database.url, 'select n from note order by n')).map(({ n }) => n);

  it('is done when COMMIT says so', async () => {
    pipeline.track(insert(1));
    const [[row]] = await pipeline.all([divide(2)]);
    expect(row?.q).toBe(3);
    expect(pipeline.mayBeCommitted).toBe(false);
    pipeline.track(insert(2));
    await pipeline.commit();
    expect(pipeline.mayBeCommitted).toBe(true);
    expect(await notes()).toEqual([1, 2]);
  });

  it('carries whole columns as they were given', async () => {
    const text = fc.string({ unit: 'grapheme' }).filter((each) => !each.includes('\0'));
    const column = <T>(of: fc.Arbitrary<T>) => fc.array(fc.option(of), { maxLength: 6 });
    const columns = fc.tuple(column(text), column(fc.maxSafeInteger()), column(fc.boolean()), column(fc.uint8Array()));
    const echo = {
      name: 'echo',
      text: 'select $1::text[] as texts, $2::bigint[] as numbers, $3::bool[] as truths, $4::bytea[] as bytes',
    };
    await fc.assert(
      fc.asyncProperty(columns, async (sent) => {
        type Row = { texts: string[]; numbers: string[]; truths: boolean[]; bytes: (Buffer | null)[] };
        const [[row]] = await pipeline.all([pipeline.send<Row>(echo, sent)]);
        const [texts, numbers, truths, bytes] = sent;
        expect(row?.texts).toEqual(texts);
        expect(row?.numbers.map((each) => (each === null ? null : Number(each)))).toEqual(numbers);
        expect(row?.truths).toEqual(truths);
        expect(row?.bytes.map((each) => each && [...each])).toEqual(bytes.map((each) => each && [...each]));
      }),
      { numRuns: 200 },
    );
  });

  it('carries single values of every kind beside columns that outgrow the room there is', async () => {
    const sent = [null, ['ä'.repeat(200_000), null], true, '語"\\{', [2 ** 52], -0.25];
    const text = 'select $1::text a, $2::text[] b, $3::bool c, $4::text d, $5::bigint[]::text[] e, $6::float8 f';
    const [[row]] = await pipeline.all([pipeline.send<Record<string, unknown>>({ name: 'kinds', text }, sent)]);
    expect(Object.values(row ?? {})).toEqual([null, sent[1], true, sent[3], [`${2 ** 52}`], -0.25]);
  });

  it('makes the same rows of few values and of many', async () => {
    const rows = {
      name: 'rows',
      text: 'select n, t, b from unnest($1::bigint[], $2::text[], $3::bool[]) as r(n, t, b) order by n',
    };
    const numbers = Array.from({ length: 65 }, (_, index) => index);
    const texts = numbers.map((n) => (n % 3 ? `text ${n}` : null));
    const truths = numbers.map(() => null);
    const few = await pipeline.all([
      pipeline.send(
        rows,
        [numbers, texts, truths].map((all) => all.slice(0, 64)),
      ),
    ]);
    const [many] = await pipeline.all([pipeline.send(rows, [numbers, texts, truths])]);
    expect(many).toEqual(numbers.map((n) => ({ n, t: texts[n], b: null })));
    expect(few[0]).toEqual(many.slice(0, 64));
    const [none] = await pipeline.all([pipeline.send(rows, [[], [], []])]);
    expect(none).toEqual([]);
  });

  it('throws what failed first, not what failed because of it, in whatever order it is looked at', async () => {
    const failing = divide(0);
    const behind = divide(1);
    await expect(pipeline.all([behind, failing])).rejects.toThrow('division by zero');
    await pipeline.abandon();
    expect(await notes()).toEqual([]);
  });

  it('throws at COMMIT what failed in a write that nobody has waited for', async () => {
    pipeline.track(insert(1));
    pipeline.track(insert(1));
    pipeline.track(insert(2));
    await expect(pipeline.commit()).rejects.toMatchObject({ code: '23505' });
    await pipeline.abandon();
    expect(await notes()).toEqual([]);
  });

  it('does not commit when something failed on our side that the server never heard of', async () => {
    pipeline.track(insert(1));
    pipeline.track((async () => Promise.reject(new Error('a fault of ours')))());
    await expect(pipeline.commit()).rejects.toThrow('a fault of ours');
    await pipeline.abandon();
    expect(await notes()).toEqual([]);
  });

  it('does not commit when a value is none that can be sent', async () => {
    pipeline.track(insert(1));
    pipeline.track(pipeline.send({ name: 'insert-note', text: 'insert into note values ($1)' }, [{ n: 2 }]));
    await expect(pipeline.commit()).rejects.toThrow('No parameter');
    await pipeline.abandon();
    expect(await notes()).toEqual([]);
  });

  it('knows a fault of ours also where no turn lies between it and COMMIT', async () => {
    await new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        pipeline.track(insert(1));
        pipeline.track((async () => Promise.reject(new Error('a fault of ours')))());
        expect(pipeline.commit()).rejects.toThrow('a fault of ours').then(resolve, reject);
      });
    });
    await pipeline.abandon();
    expect(await notes()).toEqual([]);
  });

  it('does nothing of what would be sent behind COMMIT', async () => {
    const committed = pipeline.commit();
    await null; // COMMIT is on board
    const late = Promise.resolve().then(() => insert(1));
    await expect(late).rejects.toThrow('insert-note is sent behind COMMIT');
    await expect(committed).rejects.toThrow('insert-note is sent behind COMMIT');
    await pipeline.abandon();
    expect(await notes()).toEqual([]);
  });

  it('keeps what has not left yet from leaving when it is given up', async () => {
    await pipeline.all([insert(1)]);
    const left = insert(2);
    await Promise.all([pipeline.abandon(), expect(left).rejects.toThrow('abandoned')]);
    expect(await notes()).toEqual([]);
  });

  it('does not take one statement for another of the same name', async () => {
    const named = (text: string) => pipeline.send({ name: 'same-name', text }, []);
    await pipeline.all([named('select 1')]);
    await expect(pipeline.all([named('select 2')])).rejects.toThrow('Two statements are named same-name');
    await pipeline.abandon();
  });

  it('closes the connection where it cannot know that a failure was rolled back', async () => {
    const short = new EngineClient(database.url, 1_000);
    await short.connect();
    const ended = new Promise((resolve) => short.once('end', resolve));
    pipeline = new Pipeline(short);
    pipeline.begin();
    const full = { name: 'full', text: `do $$ begin raise sqlstate '53100'; end $$` };
    await expect(pipeline.all([pipeline.send(full, [])])).rejects.toMatchObject({ code: '53100' });
    await pipeline.abandon();
    await ended;
  });

  it('takes the tag of COMMIT for the truth, and not the lack of an error', async () => {
    await pipeline.all([insert(1)]);
    await client.query('select 1 / 0').catch(() => {}); // past the pipeline: it sees no failure
    await expect(pipeline.commit()).rejects.toThrow('COMMIT answered ROLLBACK');
    await pipeline.abandon();
    expect(await notes()).toEqual([]);
  });

  it('leaves a connection that the next transaction can use, with the statements that were never prepared', async () => {
    const failing = divide(0);
    const never = pipeline.send({ name: 'insert-two', text: 'insert into note values ($1), ($1 + 1)' }, [5]);
    await expect(pipeline.all([failing, never])).rejects.toThrow('division by zero');
    await pipeline.abandon();
    pipeline = new Pipeline(client);
    pipeline.begin();
    pipeline.track(pipeline.send({ name: 'insert-two', text: 'insert into note values ($1), ($1 + 1)' }, [7]));
    await pipeline.commit();
    expect(await notes()).toEqual([7, 8]);
  });
});
