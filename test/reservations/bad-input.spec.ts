import fc from 'fast-check';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectProblem, type Shop, World } from './world.js';

/** What is sent and not as documented: a problem document each, and never a 5xx (api.md, Conventions). */
describe('bad input', () => {
  let at: TestApp;
  let world: World;
  let shop: Shop;
  let id: string;
  beforeAll(async () => {
    at = await startApp();
    world = new World(at);
    shop = await world.shop([1_000_000, 10]);
    ({ id } = await world.held(shop.channel, [{ sku: shop.sku, quantity: 1 }], { ttlSeconds: 86_000 }));
  });
  afterAll(async () => {
    await expectInvariants(at.databaseUrl);
    await at.close();
  });

  const holding = (line: object) => ({ channel: shop.channel, lines: [{ sku: shop.sku, quantity: 1, ...line }] });
  const adjusting = (change: object) => ({ sku: shop.sku, location: shop.locations[0], reason: 'count', ...change });

  describe('quantities (semantics.md 3)', () => {
    const quantities: [unknown, string][] = [
      ['3', 'a string'],
      [0, 'zero'],
      [-1, 'below zero'],
      [0.00001, 'five fraction digits'],
      [1.5, 'half a piece'],
      [1e12, 'over 10^11'],
      [1e300, 'astronomic'],
      [null, 'null'],
      [true, 'true'],
      [[1], 'a list'],
      [{ valueOf: 1 }, 'an object'],
    ];

    it.each(quantities)('refuses to hold %j: %s', async (quantity) => {
      const answer = await at.api().post('/v1/reservations', holding({ quantity }));
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toMatchObject([{ pointer: '/lines/0/quantity' }]);
    });

    it.each(quantities)('refuses to transfer %j: %s', async (quantity) => {
      const [from, to] = shop.locations;
      const answer = await at.api().post('/v1/stock/transfers', { sku: shop.sku, from, to, quantity });
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toMatchObject([{ pointer: '/quantity' }]);
    });

    it.each(quantities.filter(([quantity]) => quantity !== 0 && quantity !== null))(
      'refuses to bring on hand to %j: %s',
      async (onHand) => {
        const answer = await at.api().post('/v1/stock/adjustments', adjusting({ onHand }));
        expectProblem(answer, 400, 'validation_failed');
        expect(answer.body.errors).toMatchObject([{ pointer: '/onHand' }]);
      },
    );

    it.each([
      ['1e400, which JSON has no number for', '1e400'],
      ['NaN, which is not JSON', 'NaN'],
      ['Infinity, which is not JSON', '-Infinity'],
      ['01, which is not JSON', '01'],
    ])('refuses %s', async (_, quantity) => {
      const text = JSON.stringify(holding({})).replace('"quantity":1', `"quantity":${quantity}`);
      const answer = await at.api().post('/v1/reservations').set('Content-Type', 'application/json').send(text);
      expect(answer.status).toBe(400);
      expectProblem(answer, 400, quantity === '1e400' ? 'validation_failed' : 'malformed_json');
    });
  });

  describe('bodies', () => {
    const calls = () =>
      [
        '/v1/reservations',
        '/v1/reservations/batch',
        `/v1/reservations/${id}/extend`,
        `/v1/reservations/${id}/ship`,
        `/v1/reservations/${id}/unship`,
        '/v1/availability/query',
        '/v1/stock/adjustments',
        '/v1/stock/condition-changes',
        '/v1/stock/transfers',
      ] as const;

    it.each(['', '[]', '[{}]', '[[]]', '{}', 'null', '0', '"text"', 'true', '{"lines":[[]]}', '{"reservations":[[]]}'])(
      'refuses the body %j on every POST that needs one',
      async (text) => {
        for (const path of calls()) {
          const answer = await at.api().post(path).set('Content-Type', 'application/json').send(text);
          expect([path, answer.status]).toEqual([path, 400]);
          expect(['validation_failed', 'malformed_json']).toContain(answer.body.code);
          expectProblem(answer, 400, answer.body.code);
        }
      },
    );

    it.each([
      '[]',
      '[{}]',
      '0',
      '"text"',
      'true',
      '{"lines":[]}',
      '{"lines":[[]]}',
      '{"lines":{}}',
      '{"lines":[null]}',
    ])('refuses the body %j where one may be left out', async (text) => {
      for (const step of ['commit', 'cancel']) {
        const answer = await at
          .api()
          .post(`/v1/reservations/${id}/${step}`)
          .set('Content-Type', 'application/json')
          .send(text);
        expect([step, text, answer.status]).toEqual([step, text, 400]);
        expect(['validation_failed', 'malformed_json']).toContain(answer.body.code);
        expectProblem(answer, 400, answer.body.code);
      }
      expect(await world.reservation(id)).toMatchObject({ status: 'held' });
    });

    it('refuses broken JSON', async () => {
      for (const path of calls()) {
        const answer = await at.api().post(path).set('Content-Type', 'application/json').send('{"lines": [');
        expectProblem(answer, 400, 'malformed_json');
      }
    });

    it('refuses another media type', async () => {
      const answer = await at.api().post('/v1/reservations').set('Content-Type', 'application/xml').send('<hold/>');
      expectProblem(answer, 415, 'unsupported_media_type');
    });

    it('refuses more than 1 MiB', async () => {
      const answer = await at.api().post('/v1/reservations', holding({ lineRef: 'x'.repeat(1024 * 1024) }));
      expectProblem(answer, 413, 'payload_too_large');
    });

    it('names each field it does not know', async () => {
      const answer = await at.api().post('/v1/reservations', { ...holding({ colour: 'red' }), hurry: true });
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toEqual([
        expect.objectContaining({ pointer: '/hurry', code: 'unknown_field' }),
        expect.objectContaining({ pointer: '/lines/0/colour', code: 'unknown_field' }),
      ]);
    });

    it.each([
      ['/v1/reservations', 'lines', 501],
      ['/v1/reservations', 'lines', 10_001],
      ['/v1/availability/query', 'lines', 2_001],
      ['/v1/reservations/batch', 'reservations', 101],
    ])('refuses to take on %s so many %s: %d', async (path, field, count) => {
      const entry = field === 'lines' ? { sku: 'A', quantity: 1 } : holding({});
      const answer = await at.api().post(path, { channel: shop.channel, [field]: Array(count).fill(entry) });
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors[0].pointer).toMatch(/^\/(lines|reservations|channel)$/);
    });
  });

  describe('text', () => {
    it.each([
      ['NUL', 'a\0b'],
      ['half a surrogate pair', 'a\ud800b'],
      ['an object', { a: 1 }],
      ['a number', 7],
      ['nothing at all', ''],
      ['129 characters', 'x'.repeat(129)],
    ])('refuses %s wherever it takes text', async (_, text) => {
      const [from, to] = shop.locations;
      const bodies: [string, object, string][] = [
        ['/v1/reservations', { ...holding({}), orderRef: text }, '/orderRef'],
        ['/v1/reservations', holding({ lineRef: text }), '/lines/0/lineRef'],
        ['/v1/reservations', holding({ sku: text }), '/lines/0/sku'],
        ['/v1/reservations', { ...holding({}), channel: text }, '/channel'],
        [`/v1/reservations/${id}/commit`, { orderRef: text }, '/orderRef'],
        [`/v1/reservations/${id}/ship`, { shipmentRef: text }, '/shipmentRef'],
        [`/v1/reservations/${id}/unship`, { shipmentRef: text }, '/shipmentRef'],
        ['/v1/stock/adjustments', adjusting({ delta: 1, reference: text }), '/reference'],
        ['/v1/stock/adjustments', adjusting({ delta: 1, location: text }), '/location'],
        ['/v1/stock/transfers', { sku: shop.sku, from, to, quantity: 1, reference: text }, '/reference'],
        [
          '/v1/stock/condition-changes',
          { sku: shop.sku, location: from, quantity: 1, from: 'sellable', to: 'damaged', reason: text },
          '/reason',
        ],
      ];
      for (const [path, body, pointer] of bodies) {
        const answer = await at.api().post(path, body);
        expect([path, pointer, answer.status]).toEqual([path, pointer, 400]);
        expectProblem(answer, 400, 'validation_failed');
        // Half a pair has no canonical form, so it is refused before its field is looked at.
        if (text !== 'a\ud800b') expect(answer.body.errors[0].pointer).toBe(pointer);
      }
    });

    it('takes null as not said', async () => {
      const nothing = { orderRef: null, ttlSeconds: null };
      const line = { uom: null, location: null, lineRef: null };
      const answer = await at.api().post('/v1/reservations', { ...holding(line), ...nothing });
      expect(answer.status).toBe(201);
      expect(answer.body).toMatchObject({ orderRef: null, lines: [{ uom: 'EA', lineRef: null }] });
      const adjusted = await at.api().post('/v1/stock/adjustments', adjusting({ delta: 1, onHand: null, uom: null }));
      expect(adjusted.status).toBe(201);
      const asked = await at.api().post('/v1/availability/query', {
        channel: shop.channel,
        lines: [{ sku: shop.sku, quantity: null, uom: null }],
      });
      expect(asked.body.lines[0]).toMatchObject({ uom: 'EA', status: 'in_stock' });
    });
  });

  it.each(['Ünïcödé-Ω-漢字-🧰', 'CABLE/2M', '100% "A&B" #1?', "Bobby'; drop table item; --", 'a b', '..', 'é'])(
    'knows the SKU %j everywhere a SKU is taken',
    async (sku) => {
      const here = await world.shop([5], {}, { sku });
      expect(await world.available(sku, here.channel)).toBe(5);
      const held = await world.held(here.channel, [{ sku, quantity: 2 }]);
      expect(held.lines[0].sku).toBe(sku);
      expect(await world.position(sku, here.locations[0])).toMatchObject({ sku, available: 3 });
      expect(await world.movements(sku, here.locations[0])).toHaveLength(2);
      const listed = await at.api().get(`/v1/reservations?sku=${encodeURIComponent(sku)}`);
      expect(listed.body.data).toHaveLength(1);
      const path = `/v1/stock/${encodeURIComponent(sku)}/${here.locations[0]}/policy`;
      expect((await at.api().put(path, { safetyStock: 1 })).body).toMatchObject({ sku, safetyStock: 1, available: 2 });
    },
  );

  it.each([
    ['/v1/reservations?limit=0', 'limit'],
    ['/v1/reservations?limit=201', 'limit'],
    ['/v1/reservations?limit=ten', 'limit'],
    ['/v1/reservations?cursor=nonsense', 'cursor'],
    ['/v1/reservations?status=lost', 'status'],
    ['/v1/reservations?orderRef=%00', 'orderRef'],
    ['/v1/reservations?orderRef=a&orderRef=b', 'orderRef'],
    ['/v1/reservations?colour=red', 'colour'],
    ['/v1/reservations?sku=%00', 'sku'],
    ['/v1/stock?location=a%20b', 'location'],
    ['/v1/stock/movements?since=-1', 'since'],
    ['/v1/stock/movements?since=1.5', 'since'],
    ['/v1/stock/movements?since=1e300', 'since'],
    ['/v1/stock/movements?since=9223372036854775808', 'since'],
    ['/v1/stock/movements?cursor=WzEsMl0', 'cursor'],
    ['/v1/availability/A?channel=web&expand=everything', 'expand'],
    ['/v1/availability/A?channel=%F0%9F%A7%B0', 'channel'],
    ['/v1/availability/%00?channel=web', 'sku'],
    ['/v1/reservations/%00', 'id'],
  ])('refuses GET %s and names the parameter', async (path, parameter) => {
    const answer = await at.api().get(path);
    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body.errors).toMatchObject([{ parameter }]);
  });

  it('refuses an ETag it cannot have given', async () => {
    const edit = at.api().put(`/v1/reservations/${id}/lines`, { lines: [{ sku: shop.sku, quantity: 1 }] });
    expectProblem(await edit.set('If-Match', 'latest'), 400, 'validation_failed');
  });

  describe('whatever is sent', () => {
    const scalar = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        '',
        'EA',
        'XCS',
        'web',
        0,
        1,
        -1,
        1.5,
        1e-7,
        1e15,
        1e300,
        '1',
        '\0',
        '\ud800',
        '__proto__',
      ),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'grapheme', maxLength: 12 }),
    );
    const known = fc.constantFrom('SKU', 'LOC', 'CHANNEL', 'EA', 1, 2);
    const value: fc.Arbitrary<unknown> = fc.letrec<{ any: unknown; list: unknown; object: unknown }>((tie) => ({
      any: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        { arbitrary: scalar, weight: 4 },
        { arbitrary: known, weight: 4 },
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('any'), { maxLength: 3 }),
      object: fc.dictionary(
        fc.constantFrom(
          'sku',
          'quantity',
          'uom',
          'location',
          'lines',
          'line',
          'lineRef',
          'channel',
          'mode',
          'commit',
          'ttlSeconds',
          'orderRef',
          'shipmentRef',
          'delta',
          'onHand',
          'reason',
          'from',
          'to',
          'condition',
          'reservations',
          'note',
          '__proto__',
          'toString',
        ),
        tie('any'),
        { maxKeys: 6 },
      ),
    })).any;
    /** Sound bodies with one part of them replaced: these get further than mere noise. */
    const templates = (): Record<string, object> => {
      const [from, to] = shop.locations;
      const { sku } = shop;
      const hold = {
        channel: shop.channel,
        orderRef: 'SO',
        ttlSeconds: 60,
        mode: 'partial',
        commit: false,
        lines: [{ sku, quantity: 1, uom: 'EA', location: from, lineRef: 'a' }],
      };
      return {
        '/v1/reservations': hold,
        '/v1/reservations/batch': { reservations: [hold] },
        [`/v1/reservations/${id}/extend`]: { ttlSeconds: 86_000 },
        [`/v1/reservations/${id}/ship`]: { shipmentRef: 'S1', lines: [{ line: 1, quantity: 1, location: from }] },
        [`/v1/reservations/${id}/unship`]: { shipmentRef: 'S1' },
        [`/v1/reservations/${id}/cancel`]: { lines: [{ line: 1, quantity: 1 }] },
        '/v1/availability/query': { channel: shop.channel, lines: [{ sku, quantity: 1, uom: 'EA' }] },
        '/v1/stock/adjustments': {
          sku,
          location: from,
          onHand: 1_000_000,
          uom: 'EA',
          condition: 'sellable',
          reason: 'count',
          note: 'n',
          reference: 'r',
        },
        '/v1/stock/condition-changes': {
          sku,
          location: from,
          quantity: 1,
          uom: 'EA',
          from: 'sellable',
          to: 'damaged',
          reason: 'r',
          reference: 'r',
        },
        '/v1/stock/transfers': { sku, from, to, quantity: 1, uom: 'EA', reference: 'r' },
      };
    };
    const paths = (body: unknown, path: string[] = []): string[][] =>
      typeof body === 'object' && body !== null
        ? [path, ...Object.entries(body).flatMap(([key, part]) => paths(part, [...path, key]))]
        : [path];
    const replaced = (body: unknown, [key, ...rest]: string[], by: unknown): unknown => {
      if (key === undefined) return by;
      const copy = structuredClone(body) as Record<string, unknown>;
      copy[key] = replaced(copy[key], rest, by);
      return copy;
    };

    it('answers no POST with a 5xx, and every refusal is a problem document', async () => {
      const named: Record<string, string | undefined> = {
        SKU: shop.sku,
        LOC: shop.locations[0],
        CHANNEL: shop.channel,
      };
      const spoken = (any: unknown): unknown =>
        JSON.parse(
          JSON.stringify(any, (_, each) =>
            typeof each === 'string' && Object.hasOwn(named, each) ? named[each] : each,
          ),
        );
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...Object.keys(templates())), fc.nat(), value, async (path, where, by) => {
          const template = templates()[path];
          const places = paths(template);
          const body = replaced(template, places[where % places.length] as string[], spoken(by));
          const answer = await at.api().post(path).set('Content-Type', 'application/json').send(JSON.stringify(body));
          if (answer.status < 300) return;
          expect(answer.status).toBeLessThan(500);
          expect(answer.headers['content-type']).toMatch('application/problem+json');
          expect(answer.body.status).toBe(answer.status);
        }),
        { numRuns: 400 },
      );
    });
  });
});
