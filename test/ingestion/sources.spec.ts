import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

describe('sources', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
    for (const code of ['HAM', 'MUC', 'BER', 'KOL']) await test.given.location({ code });
  });
  afterAll(() => test.close());

  const signature = { scheme: 'standard_webhooks' };
  const minimal = { name: 'Warehouse', kind: 'wms', signature };

  it('are created with the defaults of the contract, and show their secret once', async () => {
    const created = await test.api().put('/v1/sources/first', minimal).expect(201).expect('ETag', '"1"');
    expect(created.body).toEqual({
      ...minimal,
      code: 'first',
      profile: 'canonical',
      owns: [],
      quantityBasis: 'on_hand',
      freshnessSeconds: null,
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      lastHeardAt: null,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const { secret, ...rest } = created.body;
    expect((await test.api().get('/v1/sources/first').expect(200).expect('ETag', '"1"')).body).toEqual(rest);
    expect((await test.api().put('/v1/sources/first', minimal).expect(200)).body).toEqual(rest);
    const kept = await rowsOf<{ text: string }>(
      test.databaseUrl,
      `select encode(ciphertext, 'escape') as text from source_secret`,
    );
    expect(JSON.stringify(kept)).not.toContain(secret.slice(6, 20));
  });

  it('keep everything they are told', async () => {
    const body = {
      name: 'ERP',
      kind: 'erp',
      profile: 'canonical',
      signature: { scheme: 'hmac_sha256', header: 'x-erp-hmac', encoding: 'hex' },
      owns: [{ location: 'KOL', facts: ['on_hand', 'supply'] }],
      quantityBasis: 'available',
      freshnessSeconds: 3_600,
      rateLimit: { requestsPerMinute: 600, burst: 10 },
      secret: 'chosen by the vendor',
    };
    const { secret, ...kept } = body;
    expect((await test.api().put('/v1/sources/erp', body).expect(201)).body).toMatchObject(body);
    const changed = { ...kept, freshnessSeconds: null, owns: [{ location: 'KOL', facts: ['on_hand'] }] };
    const { body: view } = await test.api().put('/v1/sources/erp', changed).set('If-Match', '"1"').expect(200);
    expect(view).toMatchObject({ ...changed, version: 2 });
    await test.api().put('/v1/sources/erp', changed).set('If-Match', '"1"').expect(412);
    await test
      .api()
      .put('/v1/sources/erp', { ...changed, secret })
      .expect(200)
      .expect('ETag', '"2"');
    const refused = await test.api().put('/v1/sources/erp', { ...changed, secret: 'another one' });
    expect(refused.body.errors).toMatchObject([{ pointer: '/secret', code: 'read_only' }]);
  });

  it('are listed by code, page by page', async () => {
    const { body: first } = await test.api().get('/v1/sources?limit=1').expect(200);
    const { body: rest } = await test.api().get(`/v1/sources?cursor=${first.nextCursor}`).expect(200);
    const codes = [...first.data, ...rest.data].map(({ code }: { code: string }) => code);
    expect(codes).toEqual([...codes].sort());
    expect(JSON.stringify([first, rest])).not.toContain('secret');
    await test.api().get('/v1/sources/nobody').expect(404);
  });

  it('never own the same fact of a location at one time', async () => {
    const put = (code: string, owns: unknown[]) => test.api().put(`/v1/sources/${code}`, { ...minimal, owns });
    const ham = { location: 'HAM', facts: ['on_hand'] };
    const { body: old } = await put('old', [ham, { location: 'MUC', facts: ['on_hand'] }]).expect(201);
    const refused = await put('new', [{ location: 'BER', facts: ['supply'] }, ham]).expect(409);
    expect(refused.body).toMatchObject({
      code: 'ownership_conflict',
      errors: [{ pointer: '/owns/1/facts/0', detail: expect.stringContaining('old') }],
    });
    await test.api().get('/v1/sources/new').expect(404); // nothing of it was kept
    await put('new', [{ location: '*', facts: ['on_hand'] }]).expect(409);
    const from = new Date(test.clock.now() + 3_600_000).toISOString();
    const { body: taken } = await put('new', [{ ...ham, from }]).expect(201);
    expect(taken.owns).toEqual([{ ...ham, from }]);
    const { body: giving } = await test.api().get('/v1/sources/old').expect(200);
    expect(giving.owns).toEqual([
      { ...ham, until: from },
      { location: 'MUC', facts: ['on_hand'] },
    ]);
    expect(giving.version).toBe(old.version + 1); // a PUT of what was read before the takeover is not to undo it
    await put('old', [ham, { location: 'MUC', facts: ['on_hand'] }]).expect(200); // as configuration tools repeat it
    test.clock.advance(3_600_000);
    expect((await test.api().get('/v1/sources/old')).body.owns).toEqual([{ location: 'MUC', facts: ['on_hand'] }]);
    await put('old', [ham]).expect(409);
  });

  it('of which two claim the same at once: one gets it', async () => {
    const owns = [{ location: 'BER', facts: ['orders'] }];
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((code) => test.api().put(`/v1/sources/race-${code}`, { ...minimal, owns })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });

  it('take over from one another at once without a deadlock', async () => {
    const owns = (location: string, from?: string) => [{ location, facts: ['supply'], from }];
    const put = (code: string, body: unknown[]) => test.api().put(`/v1/sources/${code}`, { ...minimal, owns: body });
    await put('left', owns('HAM')).expect(201);
    await put('right', owns('MUC')).expect(201);
    for (let hour = 1; hour <= 10; hour += 1) {
      const from = new Date(test.clock.now() + hour * 3_600_000).toISOString();
      const answers = await Promise.all([put('left', owns('MUC', from)), put('right', owns('HAM', from))]);
      for (const { status } of answers) expect([200, 409]).toContain(status);
    }
  });

  it('show a rotated secret to a repetition of the rotation, and keep two at a time', async () => {
    const { body: made } = await test.api().put('/v1/sources/rotating', minimal).expect(201);
    const rotate = (key: string, body = {}) =>
      test.api().post('/v1/sources/rotating/rotate-secret', body).set('Idempotency-Key', key);
    const first = await rotate('one', { overlapSeconds: 60 }).expect(201);
    expect(first.body.secret).not.toBe(made.secret);
    const again = await rotate('one', { overlapSeconds: 60 }).expect(201).expect('Idempotent-Replayed', 'true');
    expect(again.body).toEqual(first.body);
    await rotate('two').expect(201);
    const secrets = await rowsOf<{ current: boolean }>(
      test.databaseUrl,
      `select expires_at is null as current from source_secret s join source o on o.id = s.source_id
        where o.code = 'rotating' order by 1`,
    );
    expect(secrets).toEqual([{ current: false }, { current: true }]);
    const remembered = await rowsOf<{ body: string }>(test.databaseUrl, 'select body from idempotency_key');
    expect(JSON.stringify(remembered)).not.toContain('whsec_');
    await test.api().post('/v1/sources/nobody/rotate-secret', {}).expect(404);
    await test.api().post('/v1/sources/rotating/rotate-secret', { secret: 'too plain' }).expect(400);
  });

  it('change to a scheme only with secrets that fit it', async () => {
    const header = { scheme: 'static_header', header: 'x-token' };
    await test
      .api()
      .put('/v1/sources/plain', { ...minimal, signature: header, secret: 'open sesame' })
      .expect(201);
    const refused = await test.api().put('/v1/sources/plain', minimal).expect(400);
    expect(refused.body.errors).toMatchObject([{ pointer: '/signature/scheme', code: 'secret_unfit' }]);
    await test.api().post('/v1/sources/plain/rotate-secret', { overlapSeconds: 0 }).expect(201);
    await test.api().put('/v1/sources/plain', minimal).expect(200);
  });

  it.each([
    ['no name', { name: undefined }, '/name'],
    ['a kind nobody knows', { kind: 'pos' }, '/kind'],
    ['a profile that there is not', { profile: 'x-1' }, '/profile'],
    ['no signature', { signature: undefined }, '/signature'],
    ['a list as signature', { signature: [] }, '/signature'],
    ['a scheme nobody knows', { signature: { scheme: 'md5' } }, '/signature/scheme'],
    ['an HMAC without header', { signature: { scheme: 'hmac_sha256' } }, '/signature/header'],
    ['a header that is none', { signature: { scheme: 'static_header', header: 'a b' } }, '/signature/header'],
    ['a fact nobody knows', { owns: [{ location: 'HAM', facts: ['prices'] }] }, '/owns/0/facts'],
    ['no facts', { owns: [{ location: 'HAM', facts: [] }] }, '/owns/0/facts'],
    ['a fact twice', { owns: [1, 2].map(() => ({ location: 'HAM', facts: ['orders'] })) }, '/owns/1/facts/0'],
    [
      'a time without zone',
      { owns: [{ location: 'HAM', facts: ['orders'], from: '2026-01-01T00:00:00' }] },
      '/owns/0/from',
    ],
    ['a budget of no time', { freshnessSeconds: 0 }, '/freshnessSeconds'],
    ['a list as limit', { rateLimit: [] }, '/rateLimit'],
    ['a secret that no webhook has', { secret: 'whsec_short' }, '/secret'],
  ])('with %s are refused', async (_, change, pointer) => {
    const { body } = await test
      .api()
      .put('/v1/sources/bad', { ...minimal, ...change })
      .expect(400);
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
    await test.api().get('/v1/sources/bad').expect(404);
  });

  it.each(['2026-W10-7T00:00:00Z', '2026-060T00:00:00Z', '2026-03-01T08,5Z', '2026-02-30T00:00:00Z'])(
    'that own something from %s are refused',
    async (from) => {
      const owns = [{ location: 'HAM', facts: ['orders'], from }];
      const { body } = await test
        .api()
        .put('/v1/sources/bad', { ...minimal, owns })
        .expect(400);
      expect(body.errors).toMatchObject([{ pointer: '/owns/0/from' }]);
    },
  );

  it('name the location that does not exist', async () => {
    const owns = [{ location: 'X1', facts: ['on_hand'] }];
    const { body } = await test
      .api()
      .put('/v1/sources/bad', { ...minimal, owns })
      .expect(422);
    expect(body).toMatchObject({ code: 'unknown_location', errors: [{ pointer: '/owns/0/location' }] });
  });

  it('are for keys that manage events, and not for those of one channel', async () => {
    await test.given.channel({ code: 'web' });
    const reader = await test.given.key({ scopes: ['events:read'] });
    await test.api(reader.key).get('/v1/sources').expect(403);
    const bound = await test.given.key({ scopes: ['events:manage'], channel: 'web' });
    await test.api(bound.key).put('/v1/sources/bound', minimal).expect(403);
    await test.api(bound.key).get('/v1/sources').expect(403);
    await test.http.get('/v1/sources').expect(401);
  });
});
