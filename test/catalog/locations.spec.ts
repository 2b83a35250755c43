import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

describe('locations', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  const revision = async () =>
    Number((await rowsOf<{ revision: string }>(test.databaseUrl, 'select revision from configuration'))[0]?.revision);

  it('are created with defaults, replaced whole, and read back', async () => {
    const body = { name: 'Hamburg', type: 'warehouse', gln: '4012345000009', timezone: 'Europe/Berlin' };
    const before = await revision();
    const created = await test.api().put('/v1/locations/HAM', body).expect(201).expect('ETag', '"1"');
    expect(created.body).toMatchObject({ ...body, code: 'HAM', enabled: true, version: 1 });
    expect((await test.api().get('/v1/locations/HAM').expect(200).expect('ETag', '"1"')).body).toEqual(created.body);

    await test.api().put('/v1/locations/HAM', body).expect(200).expect('ETag', '"1"');
    expect(await revision()).toBe(before + 1);

    const changed = await test.api().put('/v1/locations/HAM', { name: 'Hamburg', type: 'store', enabled: false });
    expect([changed.status, changed.body.version, changed.body.enabled]).toEqual([200, 2, false]);
    expect(changed.body).not.toHaveProperty('gln');
    expect(changed.body).not.toHaveProperty('timezone');
    expect(await revision()).toBe(before + 2);
  });

  it('honour If-Match where it is sent', async () => {
    const body = { name: 'x', type: 'store' };
    await test.api().put('/v1/locations/IFM', body).set('If-Match', '"1"').expect(412);
    await test.api().put('/v1/locations/IFM', body).expect(201);
    await test
      .api()
      .put('/v1/locations/IFM', { ...body, name: 'y' })
      .set('If-Match', '"2"')
      .expect(412);
    await test
      .api()
      .put('/v1/locations/IFM', { ...body, name: 'y' })
      .set('If-Match', '"1"')
      .expect(200);
  });

  it.each([
    ['no name', { name: undefined }, '/name'],
    ['no type', { type: undefined }, '/type'],
    ['a type nobody knows', { type: 'shed' }, '/type'],
    ['a GLN with a typo', { gln: '4012345000008' }, '/gln'],
    ['a time zone nobody knows', { timezone: 'Europe/Atlantis' }, '/timezone'],
    ['an offset as time zone', { timezone: '+01:00' }, '/timezone'],
    ['text for enabled', { enabled: 'true' }, '/enabled'],
    ['a field nobody knows', { stock: 5 }, '/stock'],
  ])('are refused with %s, the field named', async (_, change, pointer) => {
    const { body } = await test
      .api()
      .put('/v1/locations/BAD', { name: 'x', type: 'store', ...change })
      .expect(400);
    expect(body).toMatchObject({ code: 'validation_failed', errors: [{ pointer }] });
  });

  it.each(['-x', 'a b', 'ü', 'x'.repeat(65), 'a/b'])('have no code such as %j', async (code) => {
    const { body } = await test
      .api()
      .put(`/v1/locations/${encodeURIComponent(code)}`, { name: 'x', type: 'store' })
      .expect(400);
    expect(body).toMatchObject({ code: 'validation_failed', errors: [{ parameter: 'code' }] });
  });

  it('that do not exist are 404', async () => {
    expect((await test.api().get('/v1/locations/NOWHERE').expect(404)).body).toMatchObject({
      code: 'unknown_location',
      instance: '/v1/locations/NOWHERE',
    });
  });

  it('are listed by code, page by page', async () => {
    for (const code of ['z3', 'z1', 'z2']) await test.given.location({ code });
    const first = (await test.api().get('/v1/locations').query({ limit: 200 }).expect(200)).body;
    const codes = first.data.map((location: { code: string }) => location.code);
    expect(codes).toEqual(codes.toSorted());
    const from = await test
      .api()
      .get('/v1/locations')
      .query({ limit: codes.length - 1 });
    const rest = await test.api().get('/v1/locations').query({ cursor: from.body.nextCursor });
    expect([rest.body.data.length, rest.body.data[0].code, rest.body.nextCursor]).toEqual([1, 'z3', null]);
  });

  it('of another channel are not disclosed to a key bound to one (semantics.md 12)', async () => {
    const [own, shared, foreign] = await Promise.all([
      test.given.location(),
      test.given.location(),
      test.given.location(),
    ]);
    const channel = await test.given.channel({ locations: [shared.code, own.code] });
    await test.given.channel({ locations: [foreign.code, shared.code] });
    const bound = test.api(
      (await test.given.key({ channel: channel.code, scopes: ['catalog:read', 'catalog:write'] })).key,
    );

    const { data } = (await bound.get('/v1/locations').query({ limit: 200 }).expect(200)).body;
    expect(data.map((location: { code: string }) => location.code).toSorted()).toEqual(
      [own.code, shared.code].toSorted(),
    );
    await bound.get(`/v1/locations/${own.code}`).expect(200);

    // A location of others and one that does not exist are answered alike.
    const body = { name: 'Mine now', type: 'store' };
    for (const code of [foreign.code, 'NOWHERE']) {
      for (const request of [bound.get(`/v1/locations/${code}`), bound.put(`/v1/locations/${code}`, body)]) {
        const answer = await request.expect(404);
        expect({ ...answer.body, detail: answer.body.detail.replace(code, '…'), requestId: '', instance: '' }).toEqual({
          type: '/problems/unknown_location',
          title: 'No such location',
          status: 404,
          detail: 'There is no location … that this key may see.',
          code: 'unknown_location',
          instance: '',
          requestId: '',
        });
      }
    }
    await bound.put(`/v1/locations/${own.code}`, body).expect(200);
    expect((await test.api().get(`/v1/locations/${foreign.code}`)).body.name).not.toBe('Mine now');
  });
});
