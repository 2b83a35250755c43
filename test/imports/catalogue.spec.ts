import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';
import { bring, lines, NDJSON } from './upload.js';

describe('imported items', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  const read = async (sku: string) => (await test.api().get(`/v1/items/${encodeURIComponent(sku)}`)).body;
  const revisionOf = async (sku: string) =>
    (await rowsOf<{ revision: string }>(test.databaseUrl, 'select revision from item where sku = $1', [sku]))[0]
      ?.revision;
  const ndjson = (...rows: unknown[]) => bring(test, 'items', lines(...rows), { type: NDJSON });

  it('are as a PUT would have left them, from CSV and from NDJSON', async () => {
    const body = {
      name: 'Seil, "geflochten"',
      baseUom: 'MTR',
      fractionDigits: 2,
      tracked: false,
      active: false,
      uoms: [{ code: 'XRL', factor: 25.5 }],
      identifiers: [
        { type: 'gtin', value: '4006381333931' },
        { type: 'partner', value: 'R-1', party: 'ACME' },
      ],
      attributes: { colour: 'red' },
    };
    const { name: _, ...first } = (
      await test
        .api()
        .put('/v1/items/PUT', { ...body, identifiers: [] })
        .expect(201)
    ).body;
    const cells =
      'CSV,"Seil, ""geflochten""",MTR,2,false,FALSE,XRL:25.5,gtin:4006381333931;partner:R-1@ACME,"{""colour"":""red""}"';
    const columns = 'sku,name,baseUom,fractionDigits,tracked,active,uoms,identifiers,attributes';
    expect(await bring(test, 'items', `${columns}\r\n${cells}\r\n`)).toMatchObject({ applied: 1, unchanged: 0 });
    const identifiers = [{ type: 'gtin', value: '04006381333931' }, body.identifiers[1]];
    const times = { createdAt: expect.any(String), updatedAt: expect.any(String) };
    expect(await read('CSV')).toEqual({ ...first, ...body, sku: 'CSV', identifiers, ...times });

    expect(await ndjson({ sku: 'CSV', ...body }, { sku: 'ND', ...body, identifiers: [] })).toMatchObject({
      applied: 2,
      unchanged: 1,
    });
    expect(await read('ND')).toEqual({ ...first, ...body, sku: 'ND', identifiers: [], ...times });
    await bring(test, 'items', 'baseUom,sku,name\nEA,PLAIN,Plain\n');
    expect(await read('PLAIN')).toMatchObject({ fractionDigits: 0, tracked: true, active: true, attributes: {} });
  });

  it('raise version and revision only where they change', async () => {
    await ndjson({ sku: 'V1', name: 'a', baseUom: 'EA' }, { sku: 'V2', name: 'a', baseUom: 'EA' });
    const result = await ndjson(
      { sku: 'V1', name: 'b', baseUom: 'EA', uoms: [{ code: 'XCS', factor: 4 }] },
      { sku: 'V2', name: 'a', baseUom: 'EA' },
    );
    expect(result).toMatchObject({ rows: 2, applied: 2, unchanged: 1 });
    expect([await read('V1'), await read('V2')]).toMatchObject([
      { version: 2, name: 'b', uoms: [{ code: 'XCS', factor: 4 }] },
      { version: 1 },
    ]);
    expect([await revisionOf('V1'), await revisionOf('V2')]).toEqual(['2', '1']);
  });

  it('are known at once to what was sent before (the copies of this process are told)', async () => {
    const { code: location } = await test.given.location();
    await test.given.item({ sku: 'TOLD' });
    await test.given.stock('TOLD', location, 5);
    await ndjson({ sku: 'TOLD', name: 'x', baseUom: 'EA', uoms: [{ code: 'XCS', factor: 4 }] });
    const { position } = await test.given.stock('TOLD', location, 2, { uom: 'XCS' });
    expect(position.onHand).toBe(8);
  });

  it('fail row by row by the rules of PUT, each with its line, and leave the others alone (semantics.md 26)', async () => {
    await test.given.item({ sku: 'OWNER', identifiers: [{ type: 'mpn', value: 'M-1' }] });
    const { code: location } = await test.given.location();
    await test.given.item({ sku: 'USED' });
    await test.given.stock('USED', location, 5);
    const good = { name: 'x', baseUom: 'EA' };
    const rows: [object | string, string | null, string?][] = [
      [{ sku: 'OK-1', ...good }, null],
      [{ sku: 'BAD', baseUom: 'EA' }, 'validation_failed', '/name'],
      [{ sku: 'BAD', ...good, colour: 'red' }, 'validation_failed', '/colour'],
      [{ sku: ' BAD', ...good }, 'validation_failed', '/sku'],
      [{ sku: 'BAD', ...good, uoms: [{ code: 'XCS', factor: 'four' }] }, 'validation_failed', '/uoms/0/factor'],
      [{ sku: 'BAD', ...good, uoms: [{ code: 'EA', factor: 4 }] }, 'validation_failed', '/uoms/0/code'],
      [{ sku: 'BAD', ...good, attributes: { a: 'x\u0000' } }, 'validation_failed', '/attributes'],
      [{ sku: 'BAD', ...good, identifiers: [{ type: 'mpn', value: 'M-1' }] }, 'identifier_taken'],
      [{ sku: 'USED', ...good, baseUom: 'KGM' }, 'in_use'],
      [
        `{"sku":"BAD","name":"x","baseUom":"EA","attributes":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
        'validation_failed',
      ],
      [{ ...good }, 'validation_failed', '/sku'],
      [{ sku: 'OK-2', ...good }, null],
    ];
    const { failures, ...counts } = await ndjson(...rows.map(([row]) => row));
    expect(counts).toMatchObject({ status: 'done', rows: 12, applied: 2, unchanged: 0, failed: 10 });
    expect(failures.data).toEqual(
      rows.flatMap(([, code, pointer], i) =>
        code ? [{ line: i + 1, code, detail: expect.any(String), ...(pointer ? { pointer } : {}) }] : [],
      ),
    );
    expect((await test.api().get('/v1/items/BAD')).status).toBe(404);
    expect((await read('USED')).baseUom).toBe('EA');
    expect((await read('OK-2')).version).toBe(1);
  });

  it('of one file may hand numbers on, also between rows that come twice; the last one counts', async () => {
    const row = (sku: string, value?: string, name = 'x') => ({
      ...{ sku, name, baseUom: 'EA' },
      identifiers: value === undefined ? [] : [{ type: 'mpn', value }],
    });
    await ndjson(row('FROM', 'N-1'), row('TWICE', undefined, 'first'));
    const { applied, failed } = await ndjson(
      row('TO', 'N-1'),
      row('FROM', 'N-2'),
      row('NEW', 'N-3'),
      row('NEWER', 'N-3'),
      row('TWICE', 'N-4', 'second'),
      row('TWICE', 'N-5', 'third'),
    );
    expect([applied, failed]).toEqual([5, 1]);
    const values = async (sku: string) => (await read(sku)).identifiers?.map(({ value }: { value: string }) => value);
    expect(await values('TO')).toEqual(['N-1']);
    expect(await values('FROM')).toEqual(['N-2']);
    expect(await values('NEW')).toEqual(['N-3']);
    expect(await values('TWICE')).toEqual(['N-5']);
    expect((await test.api().get('/v1/items/NEWER')).status).toBe(404);
    expect(await read('TWICE')).toMatchObject({ name: 'third', version: 3 });
  });

  it('that were deleted come back', async () => {
    await test.given.item({ sku: 'BACK' });
    await test.api().delete('/v1/items/BACK').expect(204);
    expect(await ndjson({ sku: 'BACK', name: 'again', baseUom: 'EA' })).toMatchObject({ applied: 1, unchanged: 0 });
    expect((await read('BACK')).name).toBe('again');
  });

  it('can be written by two imports and by requests at once', async () => {
    const rows = (name: string) =>
      lines(
        ...Array.from({ length: 300 }, (_, i) => ({
          ...{ sku: `RACE-${i}`, name, baseUom: 'EA' },
          identifiers: [{ type: 'mpn', value: `RACE-${i}` }],
        })),
      );
    const { key } = await test.given.key({ scopes: ['catalog:write'] });
    const { key: other } = await test.given.key({ scopes: ['catalog:write'] });
    const second = await startApp({ databaseUrl: test.databaseUrl, clock: test.clock });
    const puts = Array.from({ length: 60 }, (_, i) =>
      test.api().put(`/v1/items/RACE-${i * 5}`, { name: 'put', baseUom: 'EA' }),
    );
    const [one, two, ...answers] = await Promise.all([
      bring(test, 'items', rows('one'), { type: NDJSON, as: key }),
      bring(second, 'items', rows('two'), { type: NDJSON, as: other }),
      ...puts,
    ]);
    await second.close();
    expect([one, two]).toMatchObject([
      { applied: 300, failed: 0 },
      { applied: 300, failed: 0 },
    ]);
    expect(answers.map(({ status }) => status).filter((status) => status > 201)).toEqual([]);
  });
});

describe('imported locations', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  const revision = async () =>
    Number((await rowsOf<{ revision: string }>(test.databaseUrl, 'select revision from configuration'))[0]?.revision);

  it('are created, replaced, and left as they are, with one change of the configuration at most', async () => {
    const before = await revision();
    const csv =
      'code,name,type,enabled,gln,timezone\nHAM,Hamburg,warehouse,,4012345000009,Europe/Berlin\nMUC,München,store,false,,\n';
    expect(await bring(test, 'locations', csv)).toMatchObject({ applied: 2, unchanged: 0 });
    expect(await revision()).toBe(before + 1);
    expect((await test.api().get('/v1/locations/HAM')).body).toMatchObject({
      ...{
        name: 'Hamburg',
        type: 'warehouse',
        enabled: true,
        gln: '4012345000009',
        timezone: 'Europe/Berlin',
        version: 1,
      },
    });
    expect(await bring(test, 'locations', csv)).toMatchObject({ applied: 2, unchanged: 2 });
    expect(await revision()).toBe(before + 1);
    const bad = lines({ code: 'HAM', name: 'HH', type: 'store' }, { code: 'HAM!', name: 'x', type: 'shed' });
    const result = await bring(test, 'locations', bad, { type: NDJSON });
    expect(result).toMatchObject({
      applied: 1,
      failed: 1,
      failures: { data: [{ line: 2, code: 'validation_failed' }] },
    });
    expect(result.failures.data[0].detail).toMatch(/^\/code: .*; \/type: /);
    expect((await test.api().get('/v1/locations/HAM')).body).toMatchObject({ name: 'HH', version: 2 });
  });

  it('are only those of the channel for a key that is bound to one (semantics.md 12)', async () => {
    const { code: mine } = await test.given.location();
    const { code: other } = await test.given.location();
    const { code: channel } = await test.given.channel({ locations: [mine] });
    const { key } = await test.given.key({ scopes: ['catalog:write'], channel });
    const rows = [mine, other, 'BRAND-NEW'].map((code) => ({ code, name: 'renamed', type: 'store' }));
    expect(await bring(test, 'locations', lines(...rows), { type: NDJSON, as: key })).toMatchObject({
      applied: 1,
      failures: {
        data: [
          { line: 2, code: 'unknown_location' },
          { line: 3, code: 'unknown_location' },
        ],
      },
    });
  });
});
