import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/rows.js';
import { bring, CSV, lines, NDJSON, send } from './upload.js';

describe('imported levels', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(async () => {
    await expectInvariants(test.databaseUrl);
    await test.close();
  });

  const figure = async (sku: string, location: string) =>
    (await test.api().get(`/v1/stock?sku=${sku}&location=${location}`).expect(200)).body.data[0];
  const movements = async () => (await rowsOf(test.databaseUrl, 'select 1 from movement')).length;
  /** How many change notices were ever raised: the relay takes them away, their numbers stay used. */
  const notices = async () =>
    Number(
      (
        await rowsOf<{ n: string }>(
          test.databaseUrl,
          `select coalesce(pg_sequence_last_value('outbox_id_seq'), 0) as n`,
        )
      )[0]?.n,
    );
  const world = async () => {
    const { code: location } = await test.given.location();
    const { sku } = await test.given.item({ uoms: [{ code: 'XCS', factor: 4 }] });
    return { sku, location };
  };

  it('of 570 rows of which 3 changed are 3 movements and 3 change notices (semantics.md 29)', async () => {
    const { code: location } = await test.given.location();
    const items = Array.from({ length: 570 }, (_, i) => ({ sku: `BULK-${i}`, name: 'x', baseUom: 'EA' }));
    await bring(test, 'items', lines(...items), { type: NDJSON });
    const file = (change: (i: number) => number) =>
      `sku,location,onHand\n${items.map(({ sku }, i) => `${sku},${location},${i + change(i)}\n`).join('')}`;
    await bring(
      test,
      'levels',
      file(() => 0),
    );
    const [moved, noticed] = [await movements(), await notices()];
    const changed = [7, 333, 569];
    expect(
      await bring(
        test,
        'levels',
        file((i) => (changed.includes(i) ? 10 : 0)),
      ),
    ).toMatchObject({
      ...{ rows: 570, applied: 570, unchanged: 567, failed: 0 },
    });
    expect(await movements()).toBe(moved + 3);
    expect(await notices()).toBe(noticed + 3);
  });

  it('set what is on hand, and nothing where it is so already (semantics.md 6)', async () => {
    const { sku, location } = await world();
    const row = { sku, location, onHand: 3, uom: 'XCS', note: 'Regal 7' };
    const { id } = await bring(test, 'levels', lines(row), { type: NDJSON });
    const { body } = await test.api().get(`/v1/stock/movements?sku=${sku}`).expect(200);
    expect(body.data).toMatchObject([
      { kind: 'count', onHandDelta: 12, reason: 'count', note: 'Regal 7', reference: id },
    ]);
    const again = await bring(test, 'levels', `sku,location,onHand,reference\n${sku},${location},12,other\n`);
    expect(again).toMatchObject({ applied: 1, unchanged: 1 });
    expect(await figure(sku, location)).toMatchObject({ onHand: 12, version: 1 });
  });

  it('may name a reason, a reference and a condition, as an adjustment may', async () => {
    const { sku, location } = await world();
    await bring(
      test,
      'levels',
      `sku,location,onHand,condition,reason,reference\n${sku},${location},10,,receipt,PO-1\n${sku},${location},14,damaged,found,\n`,
    );
    expect(await figure(sku, location)).toMatchObject({ onHand: 14, unsellable: { damaged: 4 }, version: 2 });
    const { body } = await test.api().get(`/v1/stock/movements?sku=${sku}`);
    expect(body.data).toMatchObject([
      { kind: 'receipt', reference: 'PO-1' },
      { condition: 'damaged', reason: 'found' },
    ]);
  });

  it('of a position that comes twice count in their order', async () => {
    const { sku, location } = await world();
    const rows = [5, 5, 9, 2].map((onHand) => ({ sku, location, onHand }));
    expect(await bring(test, 'levels', lines(...rows), { type: NDJSON })).toMatchObject({ applied: 4, unchanged: 1 });
    expect(await figure(sku, location)).toMatchObject({ onHand: 2, version: 3 });
  });

  it('fail row by row, each with its reason, and leave the others alone (semantics.md 26, 31)', async () => {
    const { sku, location } = await world();
    await test.given.stock(sku, location, 5);
    const { sku: stays, location: there } = await world();
    const rows: [object, string | null, string?][] = [
      [{ sku: stays, location: there, onHand: 1 }, null],
      [{ sku: 'NOBODY', location, onHand: 1 }, 'unknown_sku', '/sku'],
      [{ sku, location: 'NOWHERE', onHand: 1 }, 'unknown_location', '/location'],
      [{ sku, location, onHand: 1, uom: 'XPX' }, 'unknown_uom', '/uom'],
      [{ sku, location, onHand: 1.5 }, 'validation_failed', '/onHand'],
      [{ sku, location, onHand: 0.5, uom: 'XCS' }, 'validation_failed', '/onHand'],
      [{ sku, location, onHand: '1' }, 'validation_failed', '/onHand'],
      [{ sku, location, onHand: -1 }, 'validation_failed', '/onHand'],
      [{ sku, location, onHand: 1e12 }, 'validation_failed', '/onHand'],
      [{ sku, location }, 'validation_failed', '/onHand'],
      [{ sku, location, onHand: 1, delta: 1 }, 'validation_failed', '/delta'],
      [{ sku, location, onHand: 1, note: 'a\u0000b' }, 'validation_failed', '/note'],
      [{ sku, location, onHand: 1, reason: 'whim' }, 'validation_failed', '/reason'],
      [{ sku, location, onHand: 2, condition: 'damaged' }, 'negative_on_hand'],
      [{ sku: stays, location: there, onHand: 2 }, null],
    ];
    const before = await movements();
    const { failures, ...counts } = await bring(test, 'levels', lines(...rows.map(([row]) => row)), { type: NDJSON });
    expect(counts).toMatchObject({ status: 'done', rows: 15, applied: 2, failed: 13 });
    expect(failures.data).toEqual(
      rows.flatMap(([, code, pointer], i) =>
        code ? [{ line: i + 1, code, detail: expect.any(String), ...(pointer ? { pointer } : {}) }] : [],
      ),
    );
    expect(await movements()).toBe(before + 2);
    expect(await figure(sku, location)).toMatchObject({ onHand: 5, version: 1 });
    expect(await figure(stays, there)).toMatchObject({ onHand: 2, version: 2 });
  });

  it('may leave less than is reserved: a count is a fact (semantics.md 7)', async () => {
    const { sku, location } = await world();
    await test.given.stock(sku, location, 5);
    const { code: channel } = await test.given.channel({ locations: [location] });
    await test
      .api()
      .post('/v1/reservations', { channel, lines: [{ sku, quantity: 4 }] })
      .expect(201);
    await bring(test, 'levels', lines({ sku, location, onHand: 1 }), { type: NDJSON });
    expect(await figure(sku, location)).toMatchObject({ onHand: 1, reserved: 4, available: 0, shortfall: 3 });
  });

  it('are only those of the channel for a key that is bound to one (semantics.md 12)', async () => {
    const { sku, location } = await world();
    const { code: other } = await test.given.location();
    const { code: channel } = await test.given.channel({ locations: [location] });
    const { key } = await test.given.key({ scopes: ['stock:write'], channel });
    const body = `sku,location,onHand\n${sku},${location},1\n${sku},${other},1\n`;
    expect(await bring(test, 'levels', body, { type: CSV, as: key })).toMatchObject({
      applied: 1,
      failures: { data: [{ line: 3, code: 'unknown_location' }] },
    });
  });

  it('find what was sent just before them, without waiting for it', async () => {
    await send(test, 'locations', 'code,name,type\nFRESH,Fresh,warehouse\n');
    await send(test, 'items', 'sku,name,baseUom\nFRESH,Fresh,EA\n');
    expect(await bring(test, 'levels', 'sku,location,onHand\nFRESH,FRESH,7\n')).toMatchObject({ applied: 1 });
  });
});

describe('an atomic import', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
    await test.given.location({ code: 'HAM' });
  });
  afterAll(async () => {
    await expectInvariants(test.databaseUrl);
    await test.close();
  });

  const figures = async () => (await test.api().get('/v1/stock').expect(200)).body.data;

  it('of levels sets all or none, and names every row that fails (semantics.md 26)', async () => {
    for (const sku of ['A', 'B', 'C']) await test.given.item({ sku });
    await test.given.stock('A', 'HAM', 3);
    const rows = [
      { sku: 'A', location: 'HAM', onHand: 7 },
      { sku: 'B', location: 'HAM', onHand: 7 },
      { sku: 'A', location: 'HAM', onHand: 5, condition: 'damaged' },
      { sku: 'Z', location: 'HAM', onHand: 7 },
      { sku: 'C', location: 'HAM', onHand: -7 },
    ];
    const before = await figures();
    const failed = await bring(test, 'levels', lines(...rows), { type: NDJSON, atomic: true });
    expect(failed).toMatchObject({
      ...{ status: 'failed', rows: 5, applied: 0, unchanged: 0, failed: 3 },
      problem: {
        code: 'validation_failed',
        detail: '3 of 5 rows cannot be applied, so none was. Correct them, and send all again.',
      },
    });
    expect(failed.failures.data.map(({ line, code }: { line: number; code: string }) => [line, code])).toEqual([
      [3, 'negative_on_hand'],
      [4, 'unknown_sku'],
      [5, 'validation_failed'],
    ]);
    expect(await figures()).toEqual(before);
    const done = await bring(test, 'levels', lines(...rows.slice(0, 2)), { type: NDJSON, atomic: true });
    expect(done).toMatchObject({ status: 'done', atomic: true, rows: 2, applied: 2, failed: 0, problem: null });
    expect(await figures()).toMatchObject([
      { sku: 'A', onHand: 7 },
      { sku: 'B', onHand: 7 },
    ]);
  });

  it('whose only fault shows under the lock makes no position either (semantics.md 31)', async () => {
    await test.given.item({ sku: 'D' });
    await test.given.stock('A', 'HAM', 3);
    const rows = [
      { sku: 'D', location: 'HAM', onHand: 1 },
      { sku: 'A', location: 'HAM', onHand: 1, condition: 'damaged' },
    ];
    const result = await bring(test, 'levels', lines(...rows), { type: NDJSON, atomic: true });
    expect(result).toMatchObject({ status: 'failed', failures: { data: [{ line: 2, code: 'negative_on_hand' }] } });
    expect((await figures()).map(({ sku }: { sku: string }) => sku)).toEqual(['A', 'B']);
  });

  it.each<[string, string, string]>([
    ['items', 'sku,name,baseUom\nNEW,New,EA\nBAD,Bad,pieces\n', '/v1/items/NEW'],
    ['locations', 'code,name,type\nNEW,New,store\nBAD,Bad,shed\n', '/v1/locations/NEW'],
  ])('of %s writes all or none', async (kind, body, path) => {
    expect(await bring(test, kind, body, { atomic: true })).toMatchObject({
      ...{ status: 'failed', rows: 2, applied: 0, failed: 1, failures: { data: [{ line: 3 }] } },
    });
    await test.api().get(path).expect(404);
    const good = body.split('\n').slice(0, 2).join('\n');
    expect(await bring(test, kind, good, { atomic: true })).toMatchObject({ status: 'done', applied: 1 });
    await test.api().get(path).expect(200);
  });

  it('of more than 10,000 rows is refused whole', async () => {
    const body = `sku,location,onHand\n${'A,HAM,9\n'.repeat(10_001)}`;
    expect(await bring(test, 'levels', body, { atomic: true })).toMatchObject({
      ...{ status: 'failed', rows: 0, applied: 0, failed: 0 },
      problem: { code: 'payload_too_large', detail: expect.stringContaining('at most 10000 rows') },
    });
    expect(await bring(test, 'levels', body.slice(0, -'A,HAM,9\n'.length), { atomic: true })).toMatchObject({
      ...{ status: 'done', rows: 10_000, applied: 10_000, unchanged: 9_999 },
    });
  });
});
