import { randomUUID } from 'node:crypto';
import { startApp, type TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

describe('a rotation', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await startApp();
  });
  afterAll(() => test.close());

  const rotate = (id: string, body: object = {}, key: string = randomUUID()) =>
    test.api().post(`/v1/keys/${id}/rotate`, body).set('Idempotency-Key', key);
  const use = (key: string) => test.api(key).get('/v1/items');
  const at = (milliseconds: number) => new Date(test.clock.now() + milliseconds).toISOString();

  it('gives a successor that may do the same, and lets both in until the overlap is over', async () => {
    const old = await test.given.key({ scopes: ['catalog:read', 'stock:read'], name: 'checkout' });
    const { body } = await rotate(old.id, { overlapSeconds: 3_600 }).expect(201).expect('Cache-Control', 'no-store');
    expect(body).toEqual({
      id: expect.stringMatching(/^key_/),
      ...{ client: old.client, name: 'checkout', scopes: ['catalog:read', 'stock:read'] },
      key: expect.stringMatching(/^hf_[0-9A-Za-z]{9}_[0-9A-Za-z]{39}$/),
      ...{ prefix: body.key.slice(0, 12), lastFour: body.key.slice(-4), createdAt: at(0), expiresAt: at(YEAR_MS) },
      ...{ lastUsedAt: null, successor: null, predecessor: old.id, predecessorExpiresAt: at(HOUR_MS) },
    });
    expect((await test.api().get(`/v1/keys/${old.id}`)).body).toMatchObject({
      successor: body.id,
      expiresAt: at(HOUR_MS),
    });
    test.clock.advance(HOUR_MS - 1);
    await use(old.key).expect(200);
    await use(body.key).expect(200);
    await test.api(body.key).get('/v1/clients').expect(403);
    test.clock.advance(1);
    await use(old.key).expect(401);
    await use(body.key).expect(200);
  });

  it('without an overlap ends the old key at once, also where it was just used', async () => {
    const old = await test.given.key();
    await use(old.key).expect(200);
    const { body } = await rotate(old.id, { overlapSeconds: 0 }).expect(201);
    await use(old.key).expect(401);
    await use(body.key).expect(200);
  });

  it('never prolongs the life of the old key', async () => {
    const old = await test.given.key({ expiresAt: at(HOUR_MS) });
    const { body } = await rotate(old.id, { overlapSeconds: 86_400, expiresAt: at(2 * HOUR_MS) }).expect(201);
    expect(body).toMatchObject({ predecessorExpiresAt: old.expiresAt, expiresAt: at(2 * HOUR_MS) });
  });

  it('that is repeated makes no second key, and does not show the first one again', async () => {
    const old = await test.given.key();
    const once = randomUUID();
    const answers = await Promise.all(Array.from({ length: 5 }, () => rotate(old.id, { overlapSeconds: 60 }, once)));
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(201));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const shown = answers.filter(({ body }) => body.key !== null);
    expect(shown).toHaveLength(1);
    const [{ body: first }] = shown as [(typeof answers)[0]];
    const { key, ...rest } = first;
    const repeated = await rotate(old.id, { overlapSeconds: 60 }, once).expect('Idempotent-Replayed', 'true');
    expect(repeated.body).toEqual({ ...rest, key: null });
    await rotate(old.id, { overlapSeconds: 61 }, once).expect(422);
    const remembered = await rowsOf<{ body: string }>(test.databaseUrl, 'select body from idempotency_key');
    expect(JSON.stringify(remembered)).not.toContain(key);
    expect((await test.api().get(`/v1/clients/${old.client}/keys`)).body.data).toHaveLength(2);
  });

  it('whose answer was lost is done again from the successor', async () => {
    const old = await test.given.key();
    const lost = await rotate(old.id, { overlapSeconds: 3_600 }).expect(201);
    const again = await rotate(lost.body.id, { overlapSeconds: 0 }).expect(201);
    await use(old.key).expect(200);
    await use(lost.body.key).expect(401);
    await use(again.body.key).expect(200);
  });

  it('is refused for a key that was revoked, that is nobody’s, or of another channel', async () => {
    const revoked = await test.given.key();
    await test.api().delete(`/v1/keys/${revoked.id}`).expect(204);
    await rotate(revoked.id).expect(404);
    await rotate('key_01jqb6sgw6f5ktk3h5n1v0h8yz').expect(404);
    const other = await test.given.key({ channel: (await test.given.channel()).code });
    const bound = await test.given.key({ channel: (await test.given.channel()).code });
    for (const path of [`/v1/keys/${other.id}`, `/v1/keys?prefix=${other.prefix}`]) {
      const { status, body } = await test.api(bound.key).get(path);
      expect([status, body.data ?? []]).toEqual([path.includes('?') ? 200 : 404, []]);
    }
    await test.api(bound.key).post(`/v1/keys/${other.id}/rotate`, {}).expect(404);
    await test.api(bound.key).post(`/v1/keys/${bound.id}/rotate`, {}).expect(201);
  });

  it.each([
    ['an overlap of more than 30 days', { overlapSeconds: 2_592_001 }, '/overlapSeconds'],
    ['an overlap before now', { overlapSeconds: -1 }, '/overlapSeconds'],
    ['an overlap of half a second', { overlapSeconds: 0.5 }, '/overlapSeconds'],
    ['an expiry in the past', { expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
  ])('is refused with %s', async (_, body, pointer) => {
    const { id } = await test.given.key();
    expect((await rotate(id, body).expect(400)).body.errors[0].pointer).toBe(pointer);
  });
});
