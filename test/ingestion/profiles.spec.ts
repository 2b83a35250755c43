import type { Response } from 'supertest';
import { until } from '../engine/crowd.js';
import { startApp, type TestApp } from '../support/app.js';

let service: TestApp;
beforeAll(async () => {
  service = await startApp();
});
afterAll(() => service.close());

const COUNT =
  '{ "type": "stock.counted.v1", "data": { "sku": sku, "location": $location(site), "quantity": $decimal(n) } }';
const own = { title: 'Our shop', format: 'json', identify: [{ pointer: '/id' }], expression: COUNT };
const level = {
  inventory_item_id: 39072856,
  location_id: 487838322,
  available: 27,
  updated_at: '2026-03-01T08:30:00Z',
};

describe('GET /v1/profiles', () => {
  test('lists what is shipped and what was added, by name and page by page', async () => {
    await service.api().put('/v1/profiles/a-first', own).expect(201);
    const names: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body }: Response = await service
        .api()
        .get(`/v1/profiles?limit=3${cursor && `&cursor=${cursor}`}`)
        .expect(200);
      names.push(...body.data.map(({ name }: { name: string }) => name));
      cursor = body.nextCursor;
    }
    expect(names).toEqual(names.toSorted());
    expect(names).toEqual(
      expect.arrayContaining(['a-first', 'canonical', 'dynamics365', 'edifact', 'epcis', 'shiphero', 'shopify', 'x12']),
    );
  });

  test('needs a scope of events', async () => {
    const { key } = await service.given.key({ scopes: ['stock:read'] });
    await service.api(key).get('/v1/profiles').expect(403);
    await service.http.get('/v1/profiles').expect(401);
  });
});

describe('GET /v1/profiles/{name}', () => {
  test('shows a shipped one whole', async () => {
    const { body, headers } = await service.api().get('/v1/profiles/shopify').expect(200);
    expect(body).toMatchObject({
      ...{ name: 'shopify', version: 1, shipped: true, base: null, format: 'json', quantityBasis: 'available' },
      ...{ identify: [{ header: 'x-shopify-webhook-id' }], constants: {} },
    });
    expect(body.expression).toContain('stock.counted.v1');
    expect(headers.etag).toBe('"1"');
  });

  test('answers 404 for a name or a version that there is not', async () => {
    await service.api().get('/v1/profiles/nobody').expect(404);
    await service.api().get('/v1/profiles/shopify?version=2').expect(404);
    await service.api().get('/v1/profiles/shopify?version=zero').expect(400);
  });
});

describe('PUT /v1/profiles/{name}', () => {
  test('keeps every version, and makes none of the same content', async () => {
    const path = '/v1/profiles/versions';
    await service.api().put(path, own).expect(201).expect('ETag', '"1"');
    await service.api().put(path, own).expect(200).expect('ETag', '"1"');
    await service
      .api()
      .put(path, { ...own, title: 'Another' })
      .set('If-Match', '"1"')
      .expect(200)
      .expect('ETag', '"2"');
    await service
      .api()
      .put(path, { ...own, title: 'A third' })
      .set('If-Match', '"1"')
      .expect(412);
    expect((await service.api().get(path)).body).toMatchObject({ version: 2, title: 'Another' });
    expect((await service.api().get(`${path}?version=1`)).body).toMatchObject({ version: 1, title: 'Our shop' });
  });

  test('gives eight administrators at once a version each', async () => {
    const titles = Array.from({ length: 8 }, (_, i) => `Title ${i}`);
    const answers = await Promise.all(titles.map((title) => service.api().put('/v1/profiles/busy', { ...own, title })));
    expect(answers.map(({ body }) => body.version).toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  });

  test('stands on a shipped one, with constants of its own over those beneath', async () => {
    const body = { title: 'Our supplier', base: 'x12', constants: { location: 'east', onHandCodes: ['34'] } };
    const answer = await service.api().put('/v1/profiles/our-supplier', body).expect(201);
    expect(answer.body).toMatchObject({
      ...{ base: 'x12', format: 'x12', quantityBasis: 'on_hand' },
      constants: { location: 'east', onHandCodes: ['34'], availableCodes: ['33'], direction: 'inbound' },
    });
  });

  test.each([
    ['a name that is shipped', 'shopify', own, 409, 'already_exists', undefined],
    ['no expression', 'bad', { title: 'T', format: 'json' }, 400, 'validation_failed', '/expression'],
    ['no format', 'bad', { title: 'T', expression: '1' }, 400, 'validation_failed', '/format'],
    [
      'an expression that is none',
      'bad',
      { ...own, expression: '{ "type": ' },
      400,
      'validation_failed',
      '/expression',
    ],
    ['a base that is not shipped', 'bad', { title: 'T', base: 'a-first' }, 400, 'validation_failed', '/base'],
    ['a base without an expression', 'bad', { title: 'T', base: 'canonical' }, 400, 'validation_failed', '/expression'],
    ['a rule of nothing', 'bad', { ...own, identify: [{}] }, 400, 'validation_failed', '/identify/0'],
    [
      'a header that is not kept',
      'bad',
      { ...own, identify: [{ header: 'cookie' }] },
      400,
      'validation_failed',
      '/identify/0/header',
    ],
    ['a list as constants', 'bad', { ...own, constants: [1] }, 400, 'validation_failed', '/constants'],
    ['a field that there is not', 'bad', { ...own, constant: {} }, 400, 'validation_failed', '/constant'],
  ])('refuses %s', async (_, name, body, status, code, pointer) => {
    const answer = await service.api().put(`/v1/profiles/${name}`, body).expect(status);
    expect(answer.body.code).toBe(code);
    expect(answer.body.errors?.[0]?.pointer).toBe(pointer);
  });

  test('is for administrators', async () => {
    const { key } = await service.given.key({ scopes: ['events:manage'] });
    await service.api(key).put('/v1/profiles/mine', own).expect(403);
  });
});

describe('A source with a shipped profile', () => {
  test('takes a document as the events in it, and each of them once', async () => {
    const signature = { scheme: 'static_header', header: 'x-feed' };
    const body = { name: 'EPCIS', kind: 'wms', profile: 'epcis', signature, owns: [], quantityBasis: 'on_hand' };
    const { secret } = (await service.api().put('/v1/sources/epcis', body).expect(201)).body;
    const event = (n: number) => ({
      type: 'ObjectEvent',
      eventID: `urn:uuid:${n}`,
      eventTime: '2026-03-01T08:30:00Z',
      bizStep: 'storing',
    });
    const send = async (eventList: unknown[]) => {
      const answer = await service.http
        .post('/v1/ingest/epcis')
        .set('x-feed', secret)
        .send({ epcisBody: { eventList } });
      expect(answer.status).toBe(202);
      return answer.body.events.map(({ eventId, status }: Record<string, string>) => [eventId, status]);
    };
    expect(await send([event(1), event(2)])).toEqual([
      ['urn:uuid:1', 'received'],
      ['urn:uuid:2', 'received'],
    ]);
    expect(await send([event(2), event(3)])).toEqual([
      ['urn:uuid:2', 'duplicate'],
      ['urn:uuid:3', 'received'],
    ]);
  });
});

describe('An event', () => {
  test('says which version of its profile mapped it, also once it is mapped anew', async () => {
    const signature = { scheme: 'static_header', header: 'x-feed' };
    await service.api().put('/v1/profiles/growing', own).expect(201);
    const source = { name: 'Growing', kind: 'wms', profile: 'growing', signature };
    const { secret } = (await service.api().put('/v1/sources/growing', source).expect(201)).body;
    const send = async (payload: object): Promise<string> => {
      const answer = await service.http.post('/v1/ingest/growing').set('x-feed', secret).send(payload).expect(202);
      return answer.body.events[0].id;
    };
    const ended = async (id: string, version: number) => {
      const event = () => service.api().get(`/v1/events/${id}`).expect(200);
      await until(
        `${id} is mapped by version ${version}`,
        async () => (await event()).body.profile?.version === version,
      );
      return (await event()).body;
    };
    const mapped = await send({ id: 'A', sku: 'NOBODY', site: 'nowhere', n: '1' });
    const broken = await send({ id: 'B', sku: 'NOBODY', site: 'nowhere', n: 'one' });
    expect(await ended(mapped, 1)).toMatchObject({ status: 'parked', profile: { name: 'growing', version: 1 } });
    const { status, exceptions } = await ended(broken, 1);
    expect(status).toBe('exception');
    await service
      .api()
      .put('/v1/profiles/growing', { ...own, expression: COUNT.replace('$decimal(n)', '1') })
      .expect(200);
    await service.api().post(`/v1/exceptions/${exceptions[0].id}/retry`, {}).expect(202);
    expect(await ended(broken, 2)).toMatchObject({ status: 'parked', profile: { name: 'growing', version: 2 } });
    expect(await ended(mapped, 1)).toMatchObject({ status: 'parked', attempts: 1 });
  });
});

describe('A source whose payloads have no id', () => {
  let sources = 0;
  const sourceOf = async (profile: string) => {
    const code = `unnamed-${++sources}`;
    const body = { name: profile, kind: 'wms', profile, signature: { scheme: 'static_header', header: 'x-feed' } };
    const { secret } = (await service.api().put(`/v1/sources/${code}`, body).expect(201)).body;
    return async (payload: unknown, headers: Record<string, string> = {}): Promise<string[]> => {
      service.clock.advance(1_000);
      const request = service.http.post(`/v1/ingest/${code}`).set('x-feed', secret).set(headers);
      const answer = await request.send(payload as object).expect(202);
      return answer.body.events.map(({ status }: Record<string, string>) => status);
    };
  };
  const update = (onHand: number) => ({
    ...{ account_id: 1, webhook_type: 'Inventory Update' },
    inventory: [{ sku: 'LAMP', on_hand: String(onHand), updated_warehouse: { warehouse_id: 7, on_hand: onHand } }],
  });
  const full = (amount: number) => ({
    inventory: {
      isFullUpdate: true,
      items: [{ vendorProductIdentifier: 'LAMP', availableQuantity: { amount, unitOfMeasure: 'Each' } }],
    },
  });

  test.each([
    ['shiphero', update],
    ['amazon-vendor', full],
  ])('of %s is heard when a level is what it was before', async (profile, level: (quantity: number) => unknown) => {
    const send = await sourceOf(profile);
    const answers = [];
    for (const quantity of [50, 49, 50]) answers.push(...(await send(level(quantity))));
    expect(answers).toEqual(['received', 'received', 'received']);
    expect(await send([level(50), level(49), level(50)])).toEqual(['received', 'received', 'received']);
    const named = { 'webhook-id': 'msg-1' };
    expect([...(await send(level(48), named)), ...(await send(level(48), named))]).toEqual(['received', 'duplicate']);
  });

  test('counts a difference once, however often it is sent', async () => {
    const send = await sourceOf('shiphero');
    const change = { webhook_type: 'Inventory Change', sku: 'LAMP', quantity: 2, timestamp: '2026-03-01 08:30:00' };
    const shipment = { fulfillment: { shipment_id: 9, warehouse_id: 7, order_number: 'SO-1', line_items: [] } };
    for (const payload of [change, { ...change, inventory: [{ ...change, previous_on_hand: 3 }] }, shipment]) {
      expect([...(await send(payload)), ...(await send(payload))]).toEqual(['received', 'duplicate']);
    }
  });

  test('of a profile of its own goes by the rule that it gives', async () => {
    const profile = { ...own, identify: [{ pointer: '/id' }, { received: '/n' }] };
    const { body } = await service.api().put('/v1/profiles/levels', profile).expect(201);
    expect(body.identify).toEqual(profile.identify);
    const send = await sourceOf('levels');
    expect([...(await send({ n: 1 })), ...(await send({ n: 1 }))]).toEqual(['received', 'received']);
    expect([...(await send({ id: 'A', n: 1 })), ...(await send({ id: 'A', n: 1 }))]).toEqual(['received', 'duplicate']);
  });
});

describe('POST /v1/profiles/{name}/try', () => {
  const attempt = (name: string, body: unknown) => service.api().post(`/v1/profiles/${name}/try`, body);

  test('answers the canonical events of a payload, and what it is known by', async () => {
    const headers = { 'X-Shopify-Webhook-Id': 'b54557e4' };
    const { body } = await attempt('shopify', { payload: level, headers, source: 'shop' }).expect(200);
    expect(body).toEqual({
      ...{ profile: 'shopify', version: 1, eventId: 'b54557e4' },
      events: [
        {
          ...{ specversion: '1.0', id: '1', type: 'stock.counted.v1', time: '2026-03-01T08:30:00.000Z' },
          data: {
            identifier: { type: 'partner', value: '39072856', party: 'shop' },
            ...{ location: '487838322', quantity: 27, basis: 'available' },
          },
        },
      ],
    });
  });

  test('takes text as it would be sent, with ids beyond 2^53', async () => {
    const payload = JSON.stringify(level).replace('39072856', '271878346596884015');
    const { body } = await attempt('shopify', { payload }).expect(200);
    expect(body.events[0].data.identifier.value).toBe('271878346596884015');
  });

  test('goes by a new version at once', async () => {
    const constants = { locations: { '487838322': 'east' }, items: { '39072856': 'CABLE/2M' } };
    await service.api().put('/v1/profiles/our-shop', { title: 'T', base: 'shopify' }).expect(201);
    await attempt('our-shop', { payload: level }).expect(200);
    await service.api().put('/v1/profiles/our-shop', { title: 'T', base: 'shopify', constants }).expect(200);
    const { body } = await attempt('our-shop', { payload: level }).expect(200);
    expect(body).toMatchObject({ version: 2, events: [{ data: { sku: 'CABLE/2M', location: 'east', quantity: 27 } }] });
  });

  test('says what is wrong, with a pointer into the event', async () => {
    await service.api().put('/v1/profiles/counts', own).expect(201);
    const { body } = await attempt('counts', { payload: { sku: 'A', site: 'east', n: '-1' } }).expect(422);
    expect(body).toMatchObject({
      code: 'mapping_failed',
      detail: '/data/quantity: takes a quantity not below 0',
      errors: [{ pointer: '/data/quantity', code: 'negative' }],
    });
    const broken = await attempt('x12', { payload: 'ISA*00*' }).expect(422);
    expect(broken.body.detail).toBe(
      'The interchange is broken: it does not begin with an ISA of 106 characters. Nothing of it was taken.',
    );
    await attempt('counts', {}).expect(400);
    await attempt('nobody', { payload: {} }).expect(404);
  });

  test('survives an expression that does not end', async () => {
    await service
      .api()
      .put('/v1/profiles/endless', { ...own, expression: '($f := function($x) { $f($x + 1) }; $f(1))' });
    const { body } = await attempt('endless', { payload: {} }).expect(422);
    expect(body.detail).toMatch(/timeout/);
    await service.http.get('/health/live').expect(200);
  });
});
