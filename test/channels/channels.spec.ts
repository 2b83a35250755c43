import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

describe('channels', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
    for (const code of ['HAM', 'MUC', 'BER']) await test.given.location({ code });
  });
  afterAll(() => test.close());

  const minimal = { name: 'Web', locations: ['MUC', 'HAM'], sourcing: 'listed_order' };
  const revision = async () =>
    Number((await rowsOf<{ revision: string }>(test.databaseUrl, 'select revision from configuration'))[0]?.revision);

  it('are created with the defaults of the contract, and read back', async () => {
    const created = await test.api().put('/v1/channels/web', minimal).expect(201).expect('ETag', '"1"');
    expect(created.body).toEqual({
      ...minimal,
      code: 'web',
      priority: 0,
      buffer: 0,
      backorderLimit: 0,
      holdTtlSeconds: 900,
      maxHoldTtlSeconds: 86_400,
      stalePolicy: 'serve',
      staleBuffer: 0,
      maxOpenHolds: null,
      maxHeldQuantity: null,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect((await test.api().get('/v1/channels/web').expect(200).expect('ETag', '"1"')).body).toEqual(created.body);
  });

  it('keep everything they are told, exactly', async () => {
    const body = {
      name: 'EDI',
      locations: ['BER', 'HAM', 'MUC'],
      sourcing: 'fullest_first',
      priority: -5,
      buffer: 2.5,
      backorderLimit: null,
      holdTtlSeconds: 3_600,
      maxHoldTtlSeconds: 604_800,
      rateLimit: { requestsPerMinute: 6_000, burst: 100 },
      stalePolicy: 'buffer',
      staleBuffer: 0.0001,
      maxOpenHolds: 3,
      maxHeldQuantity: 12.5,
    };
    expect((await test.api().put('/v1/channels/edi', body).expect(201)).body).toMatchObject(body);
    const changed = { ...body, locations: ['MUC'], backorderLimit: 1e11, rateLimit: undefined };
    const { body: view } = await test.api().put('/v1/channels/edi', changed).expect(200);
    expect(view).toMatchObject({ locations: ['MUC'], backorderLimit: 1e11, version: 2 });
    expect(view).not.toHaveProperty('rateLimit');
  });

  it('raise version and revision only by a change', async () => {
    await test.api().put('/v1/channels/same', minimal).expect(201);
    const before = await revision();
    await test
      .api()
      .put('/v1/channels/same', { ...minimal, priority: 0, rateLimit: null })
      .expect(200)
      .expect('ETag', '"1"');
    expect(await revision()).toBe(before);
    await test
      .api()
      .put('/v1/channels/same', { ...minimal, locations: ['HAM', 'MUC'] })
      .expect(200)
      .expect('ETag', '"2"');
    expect(await revision()).toBe(before + 1);
  });

  it('honour If-Match where it is sent', async () => {
    await test.api().put('/v1/channels/ifm', minimal).set('If-Match', '"1"').expect(412);
    await test.api().put('/v1/channels/ifm', minimal).expect(201);
    await test
      .api()
      .put('/v1/channels/ifm', { ...minimal, priority: 1 })
      .set('If-Match', '"9"')
      .expect(412);
    await test
      .api()
      .put('/v1/channels/ifm', { ...minimal, priority: 1 })
      .set('If-Match', '"1"')
      .expect(200);
  });

  it('name the locations that do not exist, and are then not created', async () => {
    const body = { ...minimal, locations: ['HAM', 'X1', 'MUC', 'X2'] };
    const answer = await test.api().put('/v1/channels/lost', body).expect(422);
    expect(answer.body).toMatchObject({
      code: 'unknown_location',
      errors: [
        { pointer: '/locations/1', code: 'unknown_location' },
        { pointer: '/locations/3', code: 'unknown_location' },
      ],
    });
    await test.api().get('/v1/channels/lost').expect(404);
  });

  it.each([
    ['no name', { name: undefined }, '/name'],
    ['no locations', { locations: undefined }, '/locations'],
    ['text as locations', { locations: 'HAM' }, '/locations'],
    ['numbers as locations', { locations: [1] }, '/locations'],
    ['a location twice', { locations: ['HAM', 'MUC', 'HAM'] }, '/locations/2'],
    ['no sourcing', { sourcing: undefined }, '/sourcing'],
    ['a sourcing nobody knows', { sourcing: 'cheapest' }, '/sourcing'],
    ['half a priority', { priority: 0.5 }, '/priority'],
    ['a buffer below 0', { buffer: -1 }, '/buffer'],
    ['a buffer as text', { buffer: '1' }, '/buffer'],
    ['a buffer too precise', { buffer: 0.00001 }, '/buffer'],
    ['a backorder limit below 0', { backorderLimit: -1 }, '/backorderLimit'],
    ['a backorder limit as text', { backorderLimit: 'unlimited' }, '/backorderLimit'],
    ['a hold of no time', { holdTtlSeconds: 0 }, '/holdTtlSeconds'],
    ['a hold longer than its longest', { holdTtlSeconds: 100, maxHoldTtlSeconds: 99 }, '/holdTtlSeconds'],
    ['a longest hold below the default', { maxHoldTtlSeconds: 60 }, '/holdTtlSeconds'],
    ['a hold of more than a year', { maxHoldTtlSeconds: 31_536_001 }, '/maxHoldTtlSeconds'],
    ['a limit without burst', { rateLimit: { requestsPerMinute: 5 } }, '/rateLimit/burst'],
    ['a list as limit', { rateLimit: [] }, '/rateLimit'],
    ['a stale policy nobody knows', { stalePolicy: 'ignore' }, '/stalePolicy'],
    ['a field nobody knows', { colour: 'red' }, '/colour'],
  ])('are refused with %s, the field named', async (_, change, pointer) => {
    const { body } = await test
      .api()
      .put('/v1/channels/bad', { ...minimal, ...change })
      .expect(400);
    expect(body).toMatchObject({ code: 'validation_failed', errors: [{ pointer }] });
  });

  it('that do not exist are 404', async () => {
    expect((await test.api().get('/v1/channels/none').expect(404)).body.code).toBe('unknown_channel');
  });

  it('are for administrators only', async () => {
    const key = (
      await test.given.key({ scopes: ['catalog:write', 'catalog:read', 'stock:write', 'reservations:write'] })
    ).key;
    for (const request of [
      test.api(key).get('/v1/channels'),
      test.api(key).get('/v1/channels/web'),
      test.api(key).put('/v1/channels/web', minimal),
      test.api(key).get('/v1/channels/web/items/X'),
      test.api(key).put('/v1/channels/web/items/X', {}),
    ]) {
      expect((await request.expect(403)).body).toMatchObject({ code: 'scope_required', requiredScope: 'admin' });
    }
  });

  it('other than its own are not disclosed to an administrator bound to one (semantics.md 12)', async () => {
    const own = await test.given.channel();
    const bound = test.api((await test.given.key({ channel: own.code })).key);
    const { sku } = await test.given.item();

    expect((await bound.get('/v1/channels').expect(200)).body.data).toEqual([own]);
    await bound.get(`/v1/channels/${own.code}`).expect(200);
    await bound.put(`/v1/channels/${own.code}/items/${sku}`, { buffer: 1 }).expect(201);
    for (const request of [
      bound.get('/v1/channels/web'),
      bound.get('/v1/channels/none'),
      bound.put('/v1/channels/web', minimal),
      bound.put(`/v1/channels/${own.code}`, minimal),
      bound.get(`/v1/channels/web/items/${sku}`),
      bound.put(`/v1/channels/web/items/${sku}`, {}),
    ]) {
      expect((await request.expect(403)).body.code).toBe('channel_forbidden');
    }
  });
});

describe('the rules of a channel for one item', () => {
  let test: TestApp;
  let channel: { code: string };
  beforeAll(async () => {
    test = await startApp();
    channel = await test.given.channel({ buffer: 3, backorderLimit: 7 });
  });
  afterAll(() => test.close());

  const path = (sku: string) => `/v1/channels/${channel.code}/items/${encodeURIComponent(sku)}`;
  const revisionOf = async (sku: string) =>
    Number(
      (await rowsOf<{ revision: string }>(test.databaseUrl, 'select revision from item where sku = $1', [sku]))[0]
        ?.revision,
    );

  it('hold what was said, unlimited and nothing said being two things', async () => {
    const { sku } = await test.given.item({ sku: 'RULE/1' });
    await test.api().get(path(sku)).expect(404);
    const rule = (more: object, version: number) => ({ channel: channel.code, sku, version, ...more });

    const created = await test
      .api()
      .put(path(sku), { buffer: 0, backorderLimit: null })
      .expect(201)
      .expect('ETag', '"1"');
    expect(created.body).toEqual(rule({ buffer: 0, backorderLimit: null }, 1));
    const limited = await test.api().put(path(sku), { backorderLimit: 5 }).expect(200).expect('ETag', '"2"');
    expect(limited.body).toEqual(rule({ backorderLimit: 5 }, 2));
    await test.api().put(path(sku), { backorderLimit: 5 }).expect(200).expect('ETag', '"2"');
    const nothing = await test.api().put(path(sku), {}).expect(200);
    expect(nothing.body).toEqual(rule({}, 3));
    expect((await test.api().get(path(sku)).expect(200).expect('ETag', '"3"')).body).toEqual(nothing.body);
  });

  it('raise the revision of the item, not the version that its readers see, and only by a change', async () => {
    const { sku } = await test.given.item();
    await test.api().put(path(sku), { buffer: 1 }).expect(201);
    await test.api().put(path(sku), { buffer: 1 }).expect(200);
    expect(await revisionOf(sku)).toBe(2);
    await test.api().get(`/v1/items/${sku}`).expect('ETag', '"1"');
  });

  it('are in quantities of the item', async () => {
    const { sku } = await test.given.item();
    expect((await test.api().put(path(sku), { buffer: 0.5 }).expect(400)).body.errors).toEqual([
      { pointer: '/buffer', code: 'too_precise', detail: expect.any(String) },
    ]);
    const rope = await test.given.item({ baseUom: 'MTR', fractionDigits: 1 });
    await test.api().put(path(rope.sku), { buffer: 0.5 }).expect(201);
  });

  it.each([
    ['a buffer of null', { buffer: null }, '/buffer'],
    ['a buffer below 0', { buffer: -1 }, '/buffer'],
    ['a limit as text', { backorderLimit: '5' }, '/backorderLimit'],
    ['a field nobody knows', { priority: 1 }, '/priority'],
  ])('are refused with %s', async (_, body, pointer) => {
    const { sku } = await test.given.item();
    expect((await test.api().put(path(sku), body).expect(400)).body.errors[0].pointer).toBe(pointer);
  });

  it('need an item and a channel that exist, and honour If-Match', async () => {
    const { sku } = await test.given.item();
    expect((await test.api().put(path('NONE'), {}).expect(404)).body.code).toBe('unknown_sku');
    expect((await test.api().get(path('NONE')).expect(404)).body.code).toBe('unknown_sku');
    expect((await test.api().put(`/v1/channels/none/items/${sku}`, {}).expect(404)).body.code).toBe('unknown_channel');
    expect((await test.api().get(`/v1/channels/none/items/${sku}`).expect(404)).body.code).toBe('unknown_channel');
    await test.api().put(path(sku), {}).set('If-Match', '"1"').expect(412);
    await test.api().put(path(sku), {}).expect(201);
    await test.api().put(path(sku), { buffer: 1 }).set('If-Match', '"1"').expect(200);
    await test.api().put(path(sku), { buffer: 2 }).set('If-Match', '"1"').expect(412);
  });
});
