import { randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { SCOPES } from '../../src/access/principal.js';
import { operations } from '../../src/openapi-document.js';
import { contract, type ExampleWorld, exampleWorld, type Place, sign, targetOf } from './example-world.js';

/** What a key of another channel is answered with the examples, which are of the channel `web`. */
type Elsewhere =
  /** 403 `channel_forbidden`. */
  | 'forbidden'
  /** 404, or 422 where it stands in the body: as if it were not there. */
  | 'absent'
  /** 409: that somebody has some of the item is said, who and where is not. */
  | 'in_use'
  /** A success with what is its own, or belongs to no channel. */
  | 'own';

/** Every route that needs a key: the scopes, each of which lets in, and what a key of another channel is answered. */
const ROUTES: Readonly<Record<string, readonly [scopes: string, elsewhere: Elsewhere]>> = {
  listAuditEntries: ['admin', 'own'],
  queryAvailability: ['availability:read', 'forbidden'],
  getAvailability: ['availability:read', 'forbidden'],
  listChannels: ['admin', 'own'],
  getChannel: ['admin', 'forbidden'],
  putChannel: ['admin', 'forbidden'],
  getItemRules: ['admin', 'forbidden'],
  putItemRules: ['admin', 'forbidden'],
  listClients: ['admin', 'own'],
  createClient: ['admin', 'forbidden'],
  getClient: ['admin', 'absent'],
  putClient: ['admin', 'absent'],
  listKeys: ['admin', 'absent'],
  createKey: ['admin', 'absent'],
  listEvents: ['events:read or events:manage', 'forbidden'],
  createEventImport: ['events:manage', 'forbidden'],
  getEvent: ['events:read or events:manage', 'forbidden'],
  replayEvent: ['events:manage', 'forbidden'],
  listExceptions: ['events:manage', 'forbidden'],
  getException: ['events:manage', 'forbidden'],
  discardException: ['events:manage', 'forbidden'],
  noteException: ['events:manage', 'forbidden'],
  resolveException: ['events:manage', 'forbidden'],
  retryException: ['events:manage', 'forbidden'],
  readGovernance: ['events:read', 'forbidden'],
  listImports: ['catalog:write or stock:write', 'own'],
  createImport: ['catalog:write or stock:write', 'own'],
  getImport: ['catalog:write or stock:write', 'absent'],
  listItems: ['catalog:read', 'own'],
  getItem: ['catalog:read', 'own'],
  putItem: ['catalog:write', 'own'],
  removeItem: ['catalog:write', 'in_use'],
  findKeys: ['admin', 'own'],
  getKey: ['admin', 'absent'],
  revokeKey: ['admin', 'absent'],
  rotateKey: ['admin', 'absent'],
  listLocations: ['catalog:read', 'own'],
  getLocation: ['catalog:read', 'absent'],
  putLocation: ['catalog:write', 'absent'],
  listProfiles: ['events:read or events:manage', 'own'],
  getProfile: ['events:read or events:manage', 'own'],
  putProfile: ['admin', 'forbidden'],
  tryProfile: ['events:manage', 'own'],
  listReservations: ['reservations:read', 'forbidden'],
  createReservation: ['reservations:write', 'forbidden'],
  createReservationBatch: ['reservations:write', 'own'],
  getReservation: ['reservations:read', 'absent'],
  cancelReservation: ['reservations:write', 'absent'],
  commitReservation: ['reservations:write', 'absent'],
  extendReservation: ['reservations:write', 'absent'],
  getReservationHistory: ['reservations:read', 'absent'],
  replaceReservationLines: ['reservations:write', 'absent'],
  releaseReservation: ['reservations:write', 'absent'],
  shipReservation: ['reservations:write', 'absent'],
  unshipReservation: ['reservations:write', 'absent'],
  listSources: ['events:manage', 'forbidden'],
  getSource: ['events:manage', 'forbidden'],
  putSource: ['events:manage', 'forbidden'],
  readHealth: ['events:read or events:manage', 'forbidden'],
  replaySource: ['events:manage', 'forbidden'],
  rotateSource: ['events:manage', 'forbidden'],
  listPositions: ['stock:read', 'own'],
  adjustStock: ['stock:write', 'absent'],
  auditStock: ['admin', 'forbidden'],
  repairStock: ['admin', 'forbidden'],
  changeCondition: ['stock:write', 'absent'],
  listMovements: ['stock:read', 'own'],
  transferStock: ['stock:write', 'absent'],
  setStockPolicy: ['stock:write', 'absent'],
};

/** Every route that anyone may call. */
const ANYONE: readonly string[] = [
  'readLiveness',
  'readReadiness',
  'readMetrics',
  'readDocument',
  'readAsyncDocument',
  'readEventSchema',
  'listProblems',
  'explainProblem',
];

/** Proved by the signature of a source, not by a key. */
const SIGNED: readonly string[] = ['receiveIngest'];

describe('access to every route of the contract', () => {
  let world: ExampleWorld;
  let elsewhere: string;
  let revoked: string;
  const keys = new Map<string, string>();
  const keyWith = async (scopes: readonly string[]) => {
    const name = scopes.join(' ');
    if (!keys.has(name)) keys.set(name, (await world.app.given.key({ scopes })).key);
    return keys.get(name) as string;
  };

  beforeAll(async () => {
    world = await exampleWorld();
    const { code: channel } = await world.app.given.channel();
    elsewhere = (await world.app.given.key({ channel, scopes: ['admin'] })).key;
    const withdrawn = await world.app.given.key();
    await world.app.api().delete(`/v1/keys/${withdrawn.id}`).expect(204);
    revoked = withdrawn.key;
  });
  afterAll(() => world.app.close());

  /** Asks as the examples say. */
  async function ask(
    { method, path, operation }: Place,
    headers: Record<string, string>,
    { filtered = true } = {},
  ): Promise<Response> {
    const [, , collection] = path.split('/');
    const target = targetOf(path, operation, world.ids[collection as string]?.[0] ?? '');
    const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
    const request = world.app.http[method as 'get'](filtered ? target : target.replace(/\?.*/, '')).set(headers);
    for (const { in: where, required, name, schema } of operation.parameters ?? []) {
      if (where === 'header' && required) request.set(name, String(schema?.example));
    }
    if (method === 'post') request.set('Idempotency-Key', randomUUID());
    if (!type) return request;
    const text = typeof media?.example === 'string' ? media.example : JSON.stringify(media?.example);
    return request.set('Content-Type', type).send(text);
  }
  const bearing = (key: string) => ({ Authorization: `Bearer ${key}` });
  const told = ({ status, body }: Response) => ({ status, code: body.code });

  it('is stated here, and nothing is that there is not', () => {
    const stated = [...Object.keys(ROUTES), ...ANYONE, ...SIGNED];
    expect(stated.sort()).toEqual(
      operations(contract)
        .map(({ operation }) => operation.operationId)
        .sort(),
    );
  });

  const places = operations(contract).map((place) => [place.operation.operationId, place] as const);
  const guarded = places.filter(([id]) => !ANYONE.includes(id) && !SIGNED.includes(id));

  it.each(guarded)('%s needs a key that is good', async (_, place) => {
    const answers = [
      await ask(place, {}),
      await ask(place, { Authorization: 'Basic YWRtaW46YWRtaW4=' }),
      await ask(place, bearing('not-a-key')),
      await ask(place, bearing(revoked)),
    ];
    for (const answer of answers) {
      expect(told(answer)).toEqual({ status: 401, code: 'unauthenticated' });
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
  });

  it.each(guarded)('%s needs its scope, and says which', async (id, place) => {
    const scopes = ROUTES[id]?.[0].split(' or ') ?? [];
    const others = SCOPES.filter((scope) => scope !== 'admin' && !scopes.includes(scope));
    const refused = await ask(place, bearing(await keyWith(others)));
    expect({ ...told(refused), requiredScope: refused.body.requiredScope }).toEqual({
      status: 403,
      code: 'scope_required',
      requiredScope: scopes.join(' or '),
    });
  });

  const outcomeOf = ({ ok, status, body }: Response) => {
    if (ok) return 'own';
    if (status === 404 || /^unknown_/.test(body.code)) return 'absent';
    return body.code === 'channel_forbidden' ? 'forbidden' : body.code;
  };
  /** What an answer says of the channel of the examples. What the caller has named itself tells nothing. */
  const disclosedBy = ({ text, request }: Response) => {
    const traces = [
      ...Object.values(world.ids).flat(),
      'SO-2026-000481',
      'PO-4711-1',
      'webshop',
      '"web"',
      'channel web',
      'HAM',
      'MUC',
    ];
    const asked = decodeURIComponent(request.url) + ((request as { _data?: string })._data ?? '');
    const says = (words: string, trace: string) => new RegExp(`(?<![\\w-])${trace}(?![\\w-])`).test(words);
    return traces.filter((trace) => says(text, trace) && !says(asked, trace));
  };

  it.each(guarded)('%s discloses nothing to a key of another channel', async (id, place) => {
    const answer = await ask(place, bearing(elsewhere));
    expect({ outcome: outcomeOf(answer), disclosed: disclosedBy(answer) }).toEqual({
      outcome: ROUTES[id]?.[1],
      disclosed: [],
    });
    const unfiltered = await ask(place, bearing(elsewhere), { filtered: false });
    expect(disclosedBy(unfiltered)).toEqual([]);
  });

  it.each(guarded)('%s lets in a key with no more than its scope', async (id, place) => {
    const scopes = ROUTES[id]?.[0].split(' or ') ?? [];
    const { status, code } = told(await ask(place, bearing(await keyWith(scopes))));
    expect({ id, status, code, refused: [401, 403].includes(status) }).toEqual({ id, status, code, refused: false });
  });

  it.each(ANYONE)('%s needs no key, and minds none', async (id) => {
    const place = places.find(([one]) => one === id)?.[1] as Place;
    for (const headers of [{}, bearing('not-a-key'), bearing(revoked), bearing(elsewhere)]) {
      expect([401, 403]).not.toContain((await ask(place, headers as Record<string, string>)).status);
    }
  });

  it.each(SIGNED)('%s needs the signature of the source, and no key is one', async (id) => {
    const place = places.find(([one]) => one === id)?.[1] as Place;
    const body = place.operation.requestBody?.content['application/cloudevents+json']?.example as string;
    for (const headers of [{}, bearing(world.app.adminKey), sign('whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0', body)]) {
      expect(await ask(place, headers as Record<string, string>)).toMatchObject({ status: 401 });
    }
    expect(await ask(place, sign(world.secret, body))).toMatchObject({ status: 202 });
  });
});
