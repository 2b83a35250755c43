import { randomUUID } from 'node:crypto';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { Feed, type Sent } from './applying-world.js';
import { event, Sender } from './sender.js';

type Note = { action: string; actor: string; note: string | null; payload?: string };

const stepOf = ({ action, actor, payload }: Note): string =>
  `${action} by ${actor}${payload === undefined ? '' : ` with ${payload}`}`;

describe('the trace of an event', () => {
  let app: TestApp;
  let wms: Feed;
  beforeAll(async () => {
    app = await startApp();
    wms = await Feed.of(app);
    await app.given.location({ code: 'A' });
  });
  afterAll(async () => {
    await expectInvariants(app.databaseUrl);
    await app.close();
  });

  const newItem = async (): Promise<string> => (await app.given.item()).sku;
  const received = (sku: string, quantity: unknown, more = {}): Sent => ({
    type: 'stock.received.v1',
    id: `${sku}-${randomUUID()}`,
    data: { sku, location: 'A', quantity, ...more },
  });
  const traced = async (id: string) => (await app.api().get(`/v1/events/${id}`).expect(200)).body;
  const movementsOf = async (sku: string) =>
    (await app.api().get(`/v1/stock/movements?sku=${sku}`).expect(200)).body.data;
  const exceptionsOf = async (id: string) =>
    (await app.api().get(`/v1/exceptions?status=open&eventId=${id}`).expect(200)).body.data;
  const senderOf = async (): Promise<Sender> => {
    const { secret } = (await app.api().post('/v1/sources/wms/rotate-secret', {}).expect(201)).body;
    return new Sender(app.url, 'wms', secret, app.clock.now);
  };
  const retry = (id: string, body: object = {}) => app.api().post(`/v1/exceptions/${id}/retry`, body).expect(202);

  it('leads to its movements, and each movement leads back to it', async () => {
    const sku = await newItem();
    const [first, second] = await wms.send(received(sku, 2), received(sku, 3));
    await app.given.stock(sku, 'A', 9);
    expect((await traced(second as string)).movements).toMatchObject([
      { sku, location: 'A', version: 2, onHandDelta: 3 },
    ]);
    const movements = await movementsOf(sku);
    expect(movements.map((movement: { event: string | null }) => movement.event)).toEqual([first, second, null]);
    const { eventId, source } = movements[1];
    const { data } = (await app.api().get(`/v1/events?eventId=${eventId}&source=${source}`).expect(200)).body;
    expect(data.map(({ id }: { id: string }) => id)).toEqual([second]);
  });

  it('is found by the id of its sender where a movement cannot name it, as two bodies came under that', async () => {
    const sku = await newItem();
    const sender = await senderOf();
    for (const quantity of [1, 2]) {
      await sender.send(event(`${sku}-1`, { data: { sku, location: 'A', quantity } })).expect(202);
    }
    await wms.settle();
    expect(await movementsOf(sku)).toMatchObject([{ eventId: `${sku}-1`, event: null, onHandDelta: 1 }]);
    const { data } = (await app.api().get(`/v1/events?eventId=${sku}-1`).expect(200)).body;
    expect(data.map(({ status }: { status: string }) => status).sort()).toEqual(['applied', 'exception']);
  });

  it('has an attempt also where the first applied it', async () => {
    const [id] = await wms.send(received(await newItem(), 2));
    const { tries, finishedAt } = await traced(id as string);
    expect(tries).toEqual([{ attempt: 1, at: finishedAt, outcome: 'applied', detail: null }]);
    const [waiting] = await wms.receive([received(await newItem(), 2)]);
    expect((await traced(waiting as string)).tries).toEqual([]);
    await wms.settle();
  });

  it('has the refusal of what could not be read when it came, also once it is corrected', async () => {
    const sku = await newItem();
    const answer = await (await senderOf()).send('[17]').expect(202);
    const [{ id }] = answer.body.events;
    const refused = { attempt: 1, outcome: 'exception', detail: 'mapping_failed: An event is an object, not 17.' };
    expect((await traced(id)).tries).toMatchObject([refused]);
    const [exception] = await exceptionsOf(id);
    await retry(exception.id, { payload: { specversion: '1.0', ...received(sku, 4) } });
    await wms.settle();
    expect((await traced(id)).tries).toMatchObject([refused, { attempt: 2, outcome: 'applied' }]);
  });

  it('shows what a person put in the place of what was sent, each time', async () => {
    const sku = await newItem();
    const sent = received(sku, 4, { uom: 'XPX' });
    const [id] = await wms.send(sent);
    const [exception] = await exceptionsOf(id as string);
    const wrong = { ...sent, specversion: '1.0', data: { ...sent.data, uom: 'XBX' } };
    await retry(exception.id, { payload: wrong });
    await wms.settle();
    const right = { ...wrong, data: { sku, location: 'A', quantity: 4 } };
    await retry(exception.id, { payload: right, note: 'They count pieces.' });
    await wms.settle();
    const { exceptions, payload, canonical } = await traced(id as string);
    expect(exceptions).toMatchObject([{ id: exception.id, status: 'resolved', sku }]);
    const [{ actor }] = exceptions[0].notes;
    expect(exceptions[0].notes.map(stepOf)).toEqual([
      `retry by ${actor} with ${JSON.stringify(wrong)}`,
      'retry by holdfast',
      `retry by ${actor} with ${JSON.stringify(right)}`,
      'applied by holdfast',
    ]);
    expect(JSON.parse(payload).data.uom).toBe('XPX');
    expect(canonical).toMatchObject([{ data: { sku, quantity: 4 } }]);
    const shown = (await app.api().get(`/v1/exceptions/${exception.id}`).expect(200)).body;
    expect(shown.notes).toEqual(exceptions[0].notes);
  });

  it('keeps what was wrong before a retry that failed otherwise, or as before', async () => {
    const sku = `later-${randomUUID()}`;
    const [id] = await wms.send(received(sku, 2, { uom: 'XPX' }));
    const [{ id: exception, detail }] = await exceptionsOf(id as string);
    await retry(exception);
    await wms.settle();
    await app.given.item({ sku }); // which has it tried again
    for (let tries = 0; tries < 200 && (await traced(id as string)).problem.code === 'unknown_item'; tries += 1);
    await wms.settle();
    const { exceptions, tries } = await traced(id as string);
    const [{ kind, detail: now, notes }] = exceptions;
    expect(kind).toBe('unknown_uom');
    expect(notes.flatMap(({ actor, note }: Note) => (actor === 'holdfast' ? [note] : []))).toEqual([
      `Not applied: unknown_item: ${detail}`,
      `Not applied: unknown_uom: ${now} Before: unknown_item: ${detail}`,
    ]);
    expect(tries.map(({ detail }: { detail: string }) => detail.split(':')[0])).toEqual(
      expect.arrayContaining(['unknown_item', 'unknown_uom']),
    );
  });

  it('has the retries of a row whose event was applied without it', async () => {
    const sku = await newItem();
    const rows = [
      { sku, location: 'A', quantity: 5 },
      { sku: 'typo', location: 'A', quantity: 6 },
    ];
    const [id] = await wms.send({ type: 'stock.snapshot.v1', data: { rows } });
    const [{ id: exception, row }] = await exceptionsOf(id as string);
    await retry(exception);
    await wms.settle();
    const payload = { ...row, data: { ...row.data, sku: await newItem() } };
    await retry(exception, { payload });
    await wms.settle();
    const { status, exceptions, tries } = await traced(id as string);
    expect(status).toBe('applied');
    expect(tries).toMatchObject([{ attempt: 1, outcome: 'applied' }]);
    expect(exceptions).toMatchObject([{ id: exception, sku: 'typo', location: 'A', status: 'resolved' }]);
    const [{ actor }] = exceptions[0].notes;
    expect(exceptions[0].notes.map(stepOf)).toEqual([
      `retry by ${actor}`,
      'retry by holdfast',
      `retry by ${actor} with ${JSON.stringify(payload)}`,
      'applied by holdfast',
    ]);
  });
});

it('a note is written beside an exception, which stays open', async () => {
  const app = await startApp();
  const wms = await Feed.of(app);
  const [id] = await wms.send({ type: 'stock.received.v1', data: { sku: 'none', location: 'none', quantity: 1 } });
  const [{ id: exception }] = (await app.api().get(`/v1/exceptions?eventId=${id}`).expect(200)).body.data;
  await app.api().post(`/v1/exceptions/${exception}/note`, {}).expect(400);
  const note = { note: 'The warehouse was asked.' };
  const noted = await app.api().post(`/v1/exceptions/${exception}/note`, note).expect(200);
  expect(noted.body).toMatchObject({ status: 'open', retrying: false, notes: [], ...note });
  const other = { note: 'It means another item.' };
  expect((await app.api().post(`/v1/exceptions/${exception}/note`, other).expect(200)).body).toMatchObject(other);
  const { data } = (await app.api().get(`/v1/audit?resource=/v1/exceptions/${exception}`).expect(200)).body;
  expect(data[0]).toMatchObject({ before: note, after: other });
  await app.api().post(`/v1/exceptions/${exception}/discard`, note).expect(200);
  expect((await app.api().post(`/v1/exceptions/${exception}/note`, note).expect(409)).body.code).toBe(
    'exception_closed',
  );
  await app.close();
});
