import { readdir, readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';
import { asyncApiDocument } from '../../src/ingestion/asyncapi-document.js';
import { EVENT_TYPES } from '../../src/ingestion/canonical-event.js';
import { parseCanonical } from '../../src/ingestion/canonical-reader.js';
import { EVENT_SCHEMAS } from '../../src/ingestion/event-schemas.js';
import { SCHEMES } from '../../src/ingestion/source.js';
import { startApp, TestApp } from '../support/app.js';

const ROOT = new URL('../../', import.meta.url);

describe('openapi/asyncapi.json', () => {
  const parse = async (text: string) => new Parser().parse(text);

  it('is AsyncAPI 3 in which the parser finds no fault, with a message and an example for each type', async () => {
    const { document, diagnostics } = await parse(await readFile(new URL('openapi/asyncapi.json', ROOT), 'utf8'));
    expect(diagnostics).toEqual([]);
    const [operation, ...others] = document?.operations().all() ?? [];
    expect(others).toEqual([]);
    expect(operation?.action()).toBe('receive');
    expect(operation?.channels().all()[0]?.address()).toBe('/v1/ingest/{source}');
    const messages = operation?.messages().all() ?? [];
    expect(messages.map((message) => message.name())).toEqual([...EVENT_TYPES]);
    for (const message of messages) {
      const [example] = message.examples().all();
      expect(parseCanonical(example?.payload()).type).toBe(message.name());
    }
  });

  it('names every way a source can sign', () => {
    const { components } = asyncApiDocument('1.0.0') as { components: { securitySchemes: object } };
    expect(Object.keys(components.securitySchemes)).toEqual([...SCHEMES]);
  });

  it('is seen to be wrong by the parser where it is', async () => {
    const spoilt = JSON.stringify(asyncApiDocument('1.0.0')).replace('"action":"receive"', '"action":"take"');
    const { diagnostics } = await parse(spoilt);
    expect(diagnostics.filter(({ severity }) => severity === 0).length).toBeGreaterThan(0);
  });
});

describe('what sources send', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it('is given to anyone, as it was reviewed', async () => {
    const { text } = await app.http
      .get('/asyncapi/v1.json')
      .expect(200)
      .expect('Content-Type', /^application\/json/);
    expect(text).toBe(await readFile(new URL('openapi/asyncapi.json', ROOT), 'utf8'));
  });

  it.each(EVENT_TYPES)('has a schema of %s where its $id says', async (type) => {
    const { $id, ...schema } = EVENT_SCHEMAS[type];
    const { body, headers } = await app.http
      .get($id as string)
      .buffer(true)
      .parse((answer, done) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => done(null, JSON.parse(Buffer.concat(parts).toString())));
      })
      .expect(200);
    expect(body).toEqual({ $id, ...schema });
    expect(headers).toMatchObject({
      'content-type': 'application/schema+json; charset=utf-8',
      'cache-control': 'public, max-age=86400',
      'access-control-allow-origin': '*',
    });
  });

  it.each(['stock.lost.v1.json', 'stock.received.v1', 'toString', '..%2Fv1.json'])('has no schema %s', async (file) => {
    const { body } = await app.http
      .get(`/schemas/${file}`)
      .expect(404)
      .expect('Content-Type', /^application\/problem\+json/)
      .expect('Cache-Control', 'no-store');
    expect(body).toMatchObject({ code: 'not_found' });
  });

  it('has one file of a schema for each type', async () => {
    const files = await readdir(new URL('openapi/events', ROOT));
    expect(files.sort()).toEqual(EVENT_TYPES.map((type) => `${type}.json`).sort());
  });
});
