import { randomUUID } from 'node:crypto';
import { operations } from '../../src/openapi-document.js';
import { Feed } from '../ingestion/applying-world.js';
import { startApp, TestApp, TestClock } from '../support/app.js';
import { contract, exampleOf as example, placeOf, sign, THE_DAY, targetOf } from './example-world.js';

/** What a step has beside the example, because it follows from an earlier step. */
interface Step {
  /** Made first, so that the example is possible; what it answers stands for `{id}` in the path. */
  readonly given?: (type: string) => Promise<string>;
  readonly headers?: (body: string) => Promise<Record<string, string>> | Record<string, string>;
  /** Where the example is answered otherwise than with a success. */
  readonly status?: number;
}

describe('the examples of the contract', () => {
  let app: TestApp;
  let feed: Feed;
  let secret: string;

  beforeAll(async () => {
    app = await startApp({ clock: new TestClock(THE_DAY) });
    await app.given.location({ code: 'MUC' });
  });
  afterAll(() => app.close());

  const hold = async () => (await app.api().post('/v1/reservations', example('createReservation')).expect(201)).body.id;
  const order = async () => {
    const id = await hold();
    await app.api().post(`/v1/reservations/${id}/commit`, example('commitReservation')).expect(200);
    return id;
  };
  const key = async () => (await app.given.key({ client: 'webshop', scopes: ['availability:read'] })).id;
  const event = async () => {
    feed ??= await Feed.of(app, 'wms-south', { owns: [{ location: 'MUC', facts: ['on_hand'] }] });
    const [id] = await feed.send({ type: 'stock.received.v1', data: { sku: 'NEW-1', location: 'MUC', quantity: 1 } });
    return id as string;
  };
  const exception = async () => {
    await event();
    const { body } = await app.api().get('/v1/exceptions?status=open&source=wms-south').expect(200);
    return body.data[0].id as string;
  };
  // A file of EDI is read by a source whose profile reads EDI.
  const profileFor = async (type: string) => {
    const profile = /^application\/edi-?(x12|fact)$/.exec(type)?.[1];
    const { secret: _, ...body } = example('putSource') as Record<string, unknown>;
    const read = { x12: 'x12', fact: 'edifact' }[profile as 'x12' | 'fact'];
    if (read)
      await app
        .api()
        .put('/v1/sources/wms-east', { ...body, profile: read })
        .expect(200);
    return '';
  };
  const listed = (path: string) => async () => (await app.api().get(path).expect(200)).body.data[0].id as string;
  const signed = (body: string) => sign(secret, body);

  /** Every operation, in an order in which each finds what it speaks of. */
  const STORY: Readonly<Record<string, Step>> = {
    putLocation: {},
    getLocation: {},
    listLocations: {},
    putItem: {},
    getItem: {},
    listItems: {},
    putChannel: {},
    getChannel: {},
    listChannels: {},
    putItemRules: {},
    getItemRules: {},
    createClient: {},
    getClient: {},
    putClient: {},
    listClients: {},
    createKey: {},
    listKeys: {},
    getKey: { given: key },
    rotateKey: { given: key },
    revokeKey: { given: key },
    findKeys: {},
    adjustStock: {
      given: async () => {
        await app.given.stock('CABLE/2M', 'HAM', 200);
        await app.given.stock('CABLE/2M', 'MUC', 50);
        return '';
      },
    },
    changeCondition: {},
    transferStock: {},
    setStockPolicy: {},
    listPositions: {},
    listMovements: {},
    auditStock: {},
    repairStock: {},
    getAvailability: {},
    queryAvailability: {},
    createReservation: {},
    createReservationBatch: {},
    getReservation: { given: hold },
    listReservations: {},
    replaceReservationLines: { given: hold, headers: () => ({ 'If-Match': '"1"' }) },
    extendReservation: { given: hold },
    commitReservation: { given: hold },
    releaseReservation: { given: hold },
    cancelReservation: { given: order },
    shipReservation: { given: order },
    unshipReservation: {
      given: async () => {
        const id = await order();
        await app.api().post(`/v1/reservations/${id}/ship`, example('shipReservation')).expect(200);
        return id;
      },
    },
    getReservationHistory: { given: order },
    listProfiles: {},
    getProfile: {},
    putProfile: {},
    tryProfile: {},
    putSource: {},
    getSource: {},
    listSources: {},
    receiveIngest: { headers: signed },
    readHealth: {},
    rotateSource: {},
    replaySource: {},
    listEvents: {},
    getEvent: { given: event },
    replayEvent: { given: event },
    createEventImport: { given: profileFor },
    listExceptions: {},
    getException: { given: exception },
    retryException: { given: exception },
    noteException: { given: exception },
    resolveException: { given: exception },
    discardException: { given: exception },
    createImport: {},
    listImports: {},
    getImport: { given: listed('/v1/imports') },
    listAuditEntries: {},
    readGovernance: {},
    // There is stock of it.
    removeItem: { status: 409 },
    readLiveness: {},
    // The clock of this test is another than the database's, which is what readiness is there to say.
    readReadiness: { status: 503 },
    readMetrics: {},
    readDocument: {},
    readAsyncDocument: {},
    readEventSchema: {},
    listProblems: {},
    explainProblem: {},
  };

  it('are of every operation that there is', () => {
    const all = operations(contract).map(({ operation }) => operation.operationId);
    expect(all.filter((id) => !Object.hasOwn(STORY, id))).toEqual([]);
    expect(Object.keys(STORY).filter((id) => !all.includes(id))).toEqual([]);
  });

  // In order, since each finds what the ones before it made. That the answers are as documented, the application of
  // every test looks at itself (test/support/truth.ts).
  it.each(Object.entries(STORY))('of %s is answered as it says', async (id, step) => {
    const { method, path, operation } = placeOf(id);
    const bodies = Object.entries(operation.requestBody?.content ?? { none: {} });
    for (const [type, { example: body }] of bodies) {
      const target = targetOf(path, operation, (await step.given?.(type)) ?? '');
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      const request = app.api()[method as 'get'](target);
      // A new key for each intent; the one of the example would make one request of them all.
      if (method === 'post') request.set('Idempotency-Key', randomUUID());
      request.set((await step.headers?.(text)) ?? {});
      if (text) request.set('Content-Type', type);
      const answer = await (text ? request.send(text) : request);
      const told = { id, type, status: answer.status, detail: answer.body.detail };
      if (step.status) expect(told).toMatchObject({ status: step.status });
      else expect({ ...told, succeeded: answer.ok }).toMatchObject({ ...told, succeeded: true });
      if (id === 'putSource') secret = answer.body.secret;
    }
  });
});
