import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { type OpenApiDocument, type Operation, operations } from '../../src/openapi-document.js';
import { Feed } from '../ingestion/applying-world.js';
import { startApp, type TestApp, TestClock } from '../support/app.js';

export const contract: OpenApiDocument = JSON.parse(
  readFileSync(new URL('../../openapi/v1.json', import.meta.url), 'utf8'),
);
/** The day that the examples speak of. */
export const THE_DAY = Date.parse('2026-03-01T08:30:00Z');

/** An operation of the document and where it is. */
export type Place = ReturnType<typeof operations>[number];

export function placeOf(id: string): Place {
  const place = operations(contract).find(({ operation }) => operation.operationId === id);
  if (!place) throw new Error(`The document has no operation ${id}.`);
  return place;
}

export function exampleOf(id: string): object {
  return placeOf(id).operation.requestBody?.content['application/json']?.example as object;
}

/** The path with the examples of its parameters: those of the path, and of the query where there are any. */
export function targetOf(path: string, { parameters = [] }: Operation, id: string): string {
  const exampleFor = (name: string) => {
    const parameter = parameters.find((one) => one.name === name);
    return String(parameter?.example ?? parameter?.schema?.example);
  };
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(name === 'id' ? id : exampleFor(name)));
  const query = parameters
    .filter((one) => one.in === 'query' && (one.example ?? one.schema?.example) !== undefined)
    .map(({ name }) => `${name}=${encodeURIComponent(exampleFor(name))}`);
  return query.length > 0 ? `${filled}?${query.join('&')}` : filled;
}

/** How a source signs what it sends, on the day of the examples. */
export function sign(secret: string, body: string): Record<string, string> {
  const signature = new Webhook(secret).sign('msg_1', new Date(THE_DAY), body);
  return { 'webhook-id': 'msg_1', 'webhook-timestamp': String(THE_DAY / 1_000), 'webhook-signature': signature };
}

/** A service in which there is what the examples speak of. */
export interface ExampleWorld {
  readonly app: TestApp;
  /** What `{id}` may be, by what stands before it in the path: `reservations`, `keys`, `events` and so on. */
  readonly ids: Readonly<Record<string, readonly string[]>>;
  /** Of the source of the examples. */
  readonly secret: string;
  /** Makes what is sold, where and by whom as the examples say it again, with plenty of stock. */
  restore(): Promise<void>;
  /** Holds what the example does; answers the id. */
  hold(): Promise<string>;
  /** Holds and commits as the examples do; answers the id. */
  order(): Promise<string>;
}

export async function exampleWorld(): Promise<ExampleWorld> {
  const app = await startApp({ clock: new TestClock(THE_DAY) });
  const put = async (id: string, overrides: object = {}) => {
    const { path, operation } = placeOf(id);
    const { status, body } = await app.api().put(targetOf(path, operation, ''), { ...exampleOf(id), ...overrides });
    if (status >= 300) throw new Error(`${id} was answered ${status}: ${JSON.stringify(body)}`);
    return body;
  };
  const restore = async () => {
    await app.given.location({ code: 'MUC' });
    // Digits may be added but not taken away, and another item may have got the numbers.
    const { fractionDigits = 0 } = (await app.api().get('/v1/items/CABLE%2F2M')).body;
    await put('putItem', { fractionDigits, identifiers: [] });
    for (const id of ['putLocation', 'putChannel', 'putItemRules', 'setStockPolicy']) await put(id);
    for (const location of ['HAM', 'MUC']) await app.given.stock('CABLE/2M', location, 10_000);
  };
  await restore();
  await put('putProfile');
  const { secret } = await put('putSource');
  await app.api().post('/v1/clients', exampleOf('createClient')).expect(201);
  const keys = [await app.given.key({ client: 'webshop' }), await app.given.key({ client: 'webshop' })];
  const hold = async () => {
    const { body } = await app.api().post('/v1/reservations', exampleOf('createReservation')).expect(201);
    return body.id as string;
  };
  const order = async () => {
    const id = await hold();
    await app.api().post(`/v1/reservations/${id}/commit`, exampleOf('commitReservation')).expect(200);
    return id;
  };
  const feed = await Feed.of(app, 'wms-south', { owns: [{ location: 'MUC', facts: ['on_hand'] }] });
  const unknown = { type: 'stock.received.v1', data: { sku: 'NEW-1', location: 'MUC', quantity: 1 } };
  const events = await feed.send(...Array<typeof unknown>(4).fill(unknown));
  const exceptions = (await app.api().get('/v1/exceptions').expect(200)).body.data;
  const { operation } = placeOf('createImport');
  const csv = operation.requestBody?.content['text/csv']?.example as string;
  const imported = app
    .api()
    .post('/v1/imports?kind=levels')
    .set('Content-Type', 'text/csv')
    .send(csv as never);
  const idsOf = (made: readonly { id: string }[]) => made.map(({ id }) => id);
  return {
    app,
    secret,
    restore,
    hold,
    order,
    ids: {
      reservations: [await hold(), await order()],
      keys: idsOf(keys),
      events,
      exceptions: idsOf(exceptions),
      imports: [(await imported.expect(202)).body.id],
    },
  };
}
