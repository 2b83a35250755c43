import type { Response } from 'supertest';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

describe('items', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  const path = (sku: string) => `/v1/items/${encodeURIComponent(sku)}`;
  const revisionOf = async (sku: string) =>
    (await rowsOf<{ revision: string }>(test.databaseUrl, 'select revision from item where sku = $1', [sku]))[0]
      ?.revision;

  it('are created with defaults, read back, and answered with their version as ETag', async () => {
    const body = { name: 'Patch cable', baseUom: 'EA' };
    const created = await test.api().put(path('CABLE'), body).expect(201).expect('ETag', '"1"');
    expect(created.body).toMatchObject({
      ...body,
      sku: 'CABLE',
      fractionDigits: 0,
      tracked: true,
      active: true,
      uoms: [],
      identifiers: [],
      attributes: {},
      version: 1,
    });
    const read = await test.api().get(path('CABLE')).expect(200).expect('ETag', '"1"');
    expect(read.body).toEqual(created.body);
  });

  it('keep their units, identifiers and attributes, in one order', async () => {
    const body = {
      name: 'Rope',
      baseUom: 'MTR',
      fractionDigits: 2,
      tracked: false,
      active: false,
      uoms: [
        { code: 'XRL', factor: 25.5 },
        { code: 'XPX', factor: 1_000_000_000 },
      ],
      identifiers: [
        { type: 'partner', value: 'R-1', party: 'ACME' },
        { type: 'gtin', value: '4006381333931' },
        { type: 'mpn', value: 'R 1' },
      ],
      attributes: { colour: 'red', sizes: [1, 2.5, null], nested: { 'a/b': 'ü' } },
    };
    const { body: item } = await test.api().put(path('ROPE'), body).expect(201);
    expect(item).toMatchObject({
      ...body,
      uoms: [
        { code: 'XPX', factor: 1_000_000_000 },
        { code: 'XRL', factor: 25.5 },
      ],
      identifiers: [
        { type: 'gtin', value: '04006381333931' },
        { type: 'mpn', value: 'R 1' },
        { type: 'partner', value: 'R-1', party: 'ACME' },
      ],
    });
  });

  it('are replaced whole, and raise version and revision only by a change', async () => {
    const full = { name: 'Bolt', baseUom: 'EA', uoms: [{ code: 'XBX', factor: 100 }], attributes: { a: 1, b: 2 } };
    await test.api().put(path('BOLT'), full).expect(201);
    await test
      .api()
      .put(path('BOLT'), { ...full, attributes: { b: 2, a: 1 } })
      .expect(200)
      .expect('ETag', '"1"');
    expect(await revisionOf('BOLT')).toBe('1');

    const { body } = await test
      .api()
      .put(path('BOLT'), { name: 'Bolt', baseUom: 'EA' })
      .expect(200)
      .expect('ETag', '"2"');
    expect(body).toMatchObject({ uoms: [], attributes: {}, version: 2 });
    expect(await revisionOf('BOLT')).toBe('2');
  });

  it.each([
    ['a slash', 'CABLE/2M'],
    ['a slash in front and behind', '/x/'],
    ['a percent sign and a code', '50%2F off'],
    ['a question mark and a hash', 'what?#1'],
    ['umlauts', 'Größe-Ü'],
    ['Japanese', '部品 №42'],
    ['an emoji', '🔩-M8'],
    ['dots', '..'],
    ['64 letters of another script', 'ж'.repeat(64)],
    ['what a program would stumble over', '__proto__'],
  ])('may have a SKU with %s', async (_, sku) => {
    await test.api().put(path(sku), { name: 'x', baseUom: 'EA' }).expect(201);
    const { body } = await test.api().get(path(sku)).expect(200);
    expect(body.sku).toBe(sku);
    await test.api().delete(path(sku)).expect(204);
    await test.api().get(path(sku)).expect(404);
  });

  it.each([
    ['65 letters', 'x'.repeat(65)],
    ['a space at its end', 'x '],
    ['a line break', 'x\ny'],
    ['a NUL', 'x\0y'],
  ])('have no SKU with %s', async (_, sku) => {
    const { body } = await test.api().put(path(sku), { name: 'x', baseUom: 'EA' }).expect(400);
    expect(body).toMatchObject({ code: 'validation_failed', errors: [{ parameter: 'sku' }] });
  });

  it('are not found by a SKU that is not percent-encoded UTF-8', async () => {
    const { body } = await test.api().get('/v1/items/%E0%A4%A').expect(400);
    expect(body).toMatchObject({ status: 400, instance: '/v1/items/%E0%A4%A' });
  });

  it.each([
    ['no name', { name: undefined }, '/name', 'is_text'],
    ['an empty name', { name: ' ' }, '/name', 'is_text'],
    ['a NUL in the name', { name: 'a\0' }, '/name', 'is_text'],
    ['half a character in the name', { name: '\ud83d' }, '/name', 'is_text'],
    ['a number as name', { name: 5 }, '/name', 'is_text'],
    ['no base unit', { baseUom: undefined }, '/baseUom', 'matches'],
    ['a base unit in small letters', { baseUom: 'ea' }, '/baseUom', 'matches'],
    ['a list as base unit', { baseUom: ['EA'] }, '/baseUom', 'matches'],
    ['five fraction digits', { fractionDigits: 5 }, '/fractionDigits', 'max'],
    ['fraction digits as text', { fractionDigits: '2' }, '/fractionDigits', 'max'],
    ['text for tracked', { tracked: 'yes' }, '/tracked', 'is_boolean'],
    ['null for active', { active: null }, '/active', 'is_boolean'],
    ['a unit without factor', { uoms: [{ code: 'XCS' }] }, '/uoms/0/factor', 'is_quantity'],
    ['a factor of 0', { uoms: [{ code: 'XCS', factor: 0 }] }, '/uoms/0/factor', 'is_quantity'],
    ['half a piece as unit', { uoms: [{ code: 'XCS', factor: 0.5 }] }, '/uoms/0/factor', 'too_precise'],
    ['text as units', { uoms: 'XCS' }, '/uoms', undefined],
    ['a number among the units', { uoms: [5] }, '/uoms', 'is_object'],
    ['a list among the units', { uoms: [[]] }, '/uoms', 'is_object'],
    ['an object as units', { uoms: { length: 0 } }, '/uoms', undefined],
    [
      'a GTIN with a typo',
      { identifiers: [{ type: 'gtin', value: '4006381333930' }] },
      '/identifiers/0/value',
      'invalid_gtin',
    ],
    ['an identifier of no type', { identifiers: [{ type: 'ean', value: '1' }] }, '/identifiers/0/type', 'is_in'],
    ['a field nobody knows', { colour: 'red' }, '/colour', 'unknown_field'],
    [
      'a field nobody knows in a unit',
      { uoms: [{ code: 'XCS', factor: 1, size: 3 }] },
      '/uoms/0/size',
      'unknown_field',
    ],
    ['a list as attributes', { attributes: [1] }, '/attributes', 'is_object'],
    ['a NUL in its attributes', { attributes: { a: '\0' } }, '/attributes', 'invalid_value'],
  ])('are refused with %s, the field named', async (_, change, pointer, code) => {
    const { body } = await test
      .api()
      .put(path('BAD'), { name: 'x', baseUom: 'EA', ...change })
      .expect(400);
    expect(body.code).toBe('validation_failed');
    expect(body.errors[0]).toMatchObject({ pointer, ...(code ? { code } : {}) });
    await test.api().get(path('BAD')).expect(404);
  });

  it.each([
    ['a list', []],
    ['a number', 5],
    ['text', '"x"'],
    ['null', 'null'],
    ['nothing', ''],
  ])('are refused with %s as body', async (_, body) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await test.api().put(path('BAD')).set('Content-Type', 'application/json').send(text);
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json; charset=utf-8']);
  });

  it('may have nested attributes, but not so deep that walking them would end us', async () => {
    const nested = (depth: number) =>
      `{"name":"x","baseUom":"EA","attributes":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
    const put = (body: string) => test.api().put(path('DEEP')).set('Content-Type', 'application/json').send(body);
    await put(nested(30)).expect(201);
    for (const depth of [31, 5_000, 500_000]) {
      expect((await put(nested(depth)).expect(400)).body).toMatchObject({
        code: 'validation_failed',
        errors: [{ code: 'too_deep' }],
      });
    }
  });

  it('are listed by SKU, page by page, and found by an identifier', async () => {
    for (const n of [3, 1, 2])
      await test.given.item({ sku: `~list-${n}`, identifiers: [{ type: 'mpn', value: `find-${n}` }] });
    await test.given.item({ sku: '~list-9', identifiers: [{ type: 'gtin', value: '96385074' }] });

    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body }: Response = await test
        .api()
        .get('/v1/items')
        .query({ limit: 3, ...(cursor ? { cursor } : {}) })
        .expect(200);
      expect(body.data.length).toBeLessThanOrEqual(3);
      seen.push(...body.data.map((item: { sku: string }) => item.sku));
      cursor = body.nextCursor;
    } while (cursor);
    expect(seen.filter((sku) => sku.startsWith('~list'))).toEqual(['~list-1', '~list-2', '~list-3', '~list-9']);
    expect(seen).toEqual(seen.toSorted());

    const find = async (identifier: string) =>
      (await test.api().get('/v1/items').query({ identifier }).expect(200)).body.data.map(
        (item: { sku: string }) => item.sku,
      );
    expect(await find('find-2')).toEqual(['~list-2']);
    expect(await find('96385074')).toEqual(['~list-9']);
    expect(await find('nothing')).toEqual([]);
  });

  it.each([
    ['limit', '0'],
    ['limit', '201'],
    ['limit', 'many'],
    ['cursor', 'made-up'],
    ['sort', 'name'],
  ])('are not listed with %s=%s', async (parameter, value) => {
    const { body } = await test
      .api()
      .get('/v1/items')
      .query({ [parameter]: value })
      .expect(400);
    expect(body.errors[0].parameter).toBe(parameter);
  });

  it('honour If-Match where it is sent', async () => {
    const body = { name: 'Nut', baseUom: 'EA' };
    await test.api().put(path('NUT'), body).set('If-Match', '"1"').expect(412);
    await test.api().put(path('NUT'), body).set('If-Match', '*').expect(412);
    await test.api().put(path('NUT'), body).expect(201);
    await test
      .api()
      .put(path('NUT'), { ...body, name: 'Nut M8' })
      .set('If-Match', '"1"')
      .expect(200);
    const conflict = await test
      .api()
      .put(path('NUT'), { ...body, name: 'Nut M9' })
      .set('If-Match', '"1"')
      .expect(412);
    expect(conflict.body).toMatchObject({ code: 'version_conflict' });
    await test
      .api()
      .put(path('NUT'), { ...body, name: 'Nut M9' })
      .set('If-Match', '*')
      .expect(200);
    await test.api().put(path('NUT'), body).set('If-Match', 'three').expect(400);
    await test.api().delete(path('NUT')).set('If-Match', '"1"').expect(412);
    await test.api().delete(path('NUT')).set('If-Match', '"3"').expect(204);
  });

  it('share no identifier', async () => {
    const gtin = [{ type: 'gtin', value: '036000291452' }];
    const first = await test.given.item({ identifiers: gtin });
    const other = { name: 'x', baseUom: 'EA', identifiers: [{ type: 'gtin', value: '00036000291452' }] };
    const { body } = await test.api().put(path('OTHER'), other).expect(409);
    expect(body).toMatchObject({ code: 'identifier_taken' });
    expect(body.detail).toContain(first.sku);
    await test.api().get(path('OTHER')).expect(404);

    await test.api().delete(path(first.sku)).expect(204);
    await test.api().put(path('OTHER'), other).expect(201);
  });

  it('come back when they are put again after they were deleted', async () => {
    await test.given.item({ sku: 'BACK', uoms: [{ code: 'XCS', factor: 4 }] });
    await test.api().delete(path('BACK')).expect(204);
    await test.api().delete(path('BACK')).expect(404);
    await test.api().get(path('BACK')).expect(404);
    expect((await test.api().get('/v1/items').query({ limit: 200 })).body.data).not.toContainEqual(
      expect.objectContaining({ sku: 'BACK' }),
    );
    const { body } = await test.api().put(path('BACK'), { name: 'Back', baseUom: 'EA' }).expect(201);
    expect(body).toMatchObject({ name: 'Back', uoms: [], version: 3 });
    expect(await revisionOf('BACK')).toBe('3');
  });

  it('need the scope catalog:write to change and catalog:read to read', async () => {
    const { sku } = await test.given.item();
    const reader = test.api((await test.given.key({ scopes: ['catalog:read'] })).key);
    const writer = test.api((await test.given.key({ scopes: ['catalog:write'] })).key);
    await reader.get(path(sku)).expect(200);
    await reader.get('/v1/items').expect(200);
    expect((await reader.put(path(sku), { name: 'x', baseUom: 'EA' }).expect(403)).body).toMatchObject({
      code: 'scope_required',
      requiredScope: 'catalog:write',
    });
    await reader.delete(path(sku)).expect(403);
    await writer.get(path(sku)).expect(403);
    await writer.put(path(sku), { name: 'y', baseUom: 'EA' }).expect(200);
    await test.http.get(path(sku)).expect(401);
  });
});
