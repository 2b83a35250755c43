import { readFile } from 'node:fs/promises';
import { OBJECTIVES } from '../../src/governance/objective.js';
import { startApp, TestApp } from '../support/app.js';
import { rowsOf } from '../support/rows.js';

describe('GET /v1/governance', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  async function source(code: string, body: object) {
    const scheme = { scheme: 'standard_webhooks' };
    await app
      .api()
      .put(`/v1/sources/${code}`, { name: code, kind: 'wms', signature: scheme, ...body })
      .expect(201);
  }

  it('shows who owns which fact of which location, now and from when another takes over', async () => {
    await app.given.location({ code: 'HAM' });
    await source('wms', { owns: [{ location: 'HAM', facts: ['on_hand'] }] });
    await source('old-erp', { owns: [{ location: '*', facts: ['supply'] }] });
    const from = new Date(app.clock.now() + 86_400_000).toISOString();
    await source('new-erp', { owns: [{ location: '*', facts: ['supply'], from }] });

    const { body } = await app.api().get('/v1/governance').expect(200);
    expect(body.systemOfRecord).toEqual([
      { location: '*', fact: 'supply', source: 'old-erp', until: from },
      { location: '*', fact: 'supply', source: 'new-erp', from },
      { location: 'HAM', fact: 'on_hand', source: 'wms' },
    ]);

    app.clock.advance(86_400_000);
    const { body: after } = await app.api().get('/v1/governance').expect(200);
    expect(after.systemOfRecord.map((one: { source: string }) => one.source)).toEqual(['new-erp', 'wms']);
  });

  it('shows how each objective is doing, and by how much it was measured', async () => {
    await app.api().get('/v1/availability/NOBODY?channel=nobody').expect(404);
    await source('talkative', { freshnessSeconds: 60 });
    const heard = `update source set last_heard_at = to_timestamp($1::float8 / 1000) where code = 'talkative'`;
    await rowsOf(app.databaseUrl, heard, [app.clock.now()]);
    const standing = async () => {
      const { body } = await app.api().get('/v1/governance').expect(200);
      return new Map<string, Record<string, unknown>>(body.objectives.map((one: { id: string }) => [one.id, one]));
    };
    const before = await standing();
    expect([...before.keys()]).toEqual(OBJECTIVES.map(({ id }) => id));
    expect(before.get('errors')).toMatchObject({ met: true, measured: 1, window: 'process', unit: 'share' });
    expect(before.get('availability_latency')?.sample).toBeGreaterThan(0);
    expect(before.get('sources_heard')).toMatchObject({ met: true, measured: 0, sample: 1, window: 'now' });

    app.clock.advance(61_000);
    expect((await standing()).get('sources_heard')).toMatchObject({ met: false, measured: 1 });
  });

  it('breaks the objectives about events when they wait, and about exceptions when they stay open', async () => {
    await source('edi', {});
    const day = 86_400_000;
    await rowsOf(
      app.databaseUrl,
      `insert into exception (id, kind, source_id, detail, created_at)
       select 'exc_old', 'unknown_item', id, 'Who is this?', to_timestamp($1::float8 / 1000) from source where code = 'edi'`,
      [app.clock.now() - day - 1_000],
    );
    const { body } = await app.api().get('/v1/governance').expect(200);
    const open = body.objectives.find(({ id }: { id: string }) => id === 'exceptions_open');
    expect(open).toMatchObject({ met: false, sample: 1, measured: day / 1_000 + 1, target: day / 1_000 });
  });

  it('lists no deprecation while none is under way', async () => {
    const { body } = await app.api().get('/v1/governance').expect(200);
    expect(body.deprecations).toEqual([]);
  });

  it('is for keys that may look at events and belong to no channel', async () => {
    const { key: plain } = await app.given.key({ scopes: ['stock:read'] });
    await app.api(plain).get('/v1/governance').expect(403);
    const { code } = await app.given.channel();
    const { key: bound } = await app.given.key({ scopes: ['events:read'], channel: code });
    const { body } = await app.api(bound).get('/v1/governance').expect(403);
    expect(body.code).toBe('channel_forbidden');
    const { key } = await app.given.key({ scopes: ['events:read'] });
    await app.api(key).get('/v1/governance').expect(200);
  });

  it('is described by a page of the guide, with every objective as it is measured', async () => {
    const text = await readFile(new URL('../../docs/guide/governance.md', import.meta.url), 'utf8');
    expect(OBJECTIVES.filter(({ id, promise }) => !text.includes(`| \`${id}\` | ${promise} |`))).toEqual([]);
  });
});
