import { readFile } from 'node:fs/promises';
import { ModulesContainer } from '@nestjs/core';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { RouteOptions } from 'fastify';
import { REQUIRED_SCOPE } from '../../src/access/endpoint.decorator.js';
import { operationId } from '../../src/access/operation.js';
import { createApp } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import { buildDocument, exampleOf } from '../../src/openapi.js';
import { OpenApiDocument, Operation, operations } from '../../src/openapi-document.js';
import { createDatabase } from '../support/postgres.js';

/** Pages and files for people; everything else is contract. */
const NOT_CONTRACT = ['GET /docs', 'GET /docs/reference', 'GET /docs/assets/{file}', 'GET /docs/{page}'];

describe('openapi/v1.json', () => {
  let document: OpenApiDocument;
  let all: { place: string; operation: Operation }[];
  beforeAll(async () => {
    document = await buildDocument();
    all = operations(document).map(({ method, path, operation }) => ({
      place: `${method.toUpperCase()} ${path}`,
      operation,
    }));
  });

  /** Places whose operation has something wrong with it. */
  const those = (wrong: (operation: Operation) => boolean) =>
    all.filter(({ operation }) => wrong(operation)).map(({ place }) => place);

  it('is what the controllers say (if not: npm run openapi:write)', async () => {
    const file = await readFile(new URL('../../openapi/v1.json', import.meta.url), 'utf8');
    expect(JSON.parse(file)).toEqual(document);
  });

  it('is the same at every writing', async () => {
    expect(JSON.stringify(await buildDocument())).toBe(JSON.stringify(document));
  });

  it('is valid OpenAPI 3.1', async () => {
    expect(document.openapi).toBe('3.1.0');
    const { valid, errors } = await new Validator().validate(
      structuredClone(document) as object as Record<string, unknown>,
    );
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    // The schema of OpenAPI 3.1 leaves schemas to JSON Schema, where both are numbers, and nullable is unknown.
    expect(JSON.stringify(document)).not.toMatch(/"exclusiveM(in|ax)imum":(true|false)|"nullable":/);
  });

  it('documents every route, and none that is not there', async () => {
    const database = await createDatabase();
    const app = await createApp(readConfig({ DATABASE_URL: database.url, LOG_LEVEL: 'silent', EXPIRY_SWEEP_MS: '0' }));
    const routes: string[] = [];
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRoute', ({ method, url }: RouteOptions) => {
        for (const one of [method].flat()) routes.push(`${one} ${url.replace(/:(\w+)/g, '{$1}')}`);
      });
    await app.init();
    await app.close();
    await database.drop();

    const served = routes.filter((route) => !route.startsWith('HEAD ') && !NOT_CONTRACT.includes(route));
    expect(served.length).toBeGreaterThan(0);
    expect(all.map(({ place }) => place).sort()).toEqual([...new Set(served)].sort());
  });

  it('names each operation once, readably and in one section', () => {
    const ids = all.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)+$/.test(id))).toEqual([]);
    const sections = document.tags?.map(({ name }) => name);
    expect(those(({ tags }) => tags?.length !== 1 || !sections?.includes(tags[0] as string))).toEqual([]);
    expect(those(({ summary }) => !summary || summary.endsWith('.'))).toEqual([]);
  });

  it('says of each operation how it succeeds, and how it fails in problem documents', () => {
    const statuses = ({ responses }: Operation) => Object.keys(responses);
    expect(those((operation) => !statuses(operation).some((status) => status.startsWith('2')))).toEqual([]);
    expect(those((operation) => !statuses(operation).includes('500'))).toEqual([]);
    const failsOtherwise = ({ responses }: Operation) =>
      Object.entries(responses).some(
        ([status, { content }]) => Number(status) >= 400 && !content?.['application/problem+json']?.examples,
      );
    // Readiness says which check failed, to whatever asks: that is no error of the request.
    expect(those(failsOtherwise)).toEqual(['GET /health/ready']);
  });

  it('asks for a key wherever a scope is needed', () => {
    const scoped = (operation: Operation) => 'x-required-scope' in operation;
    const secured = (operation: Operation) => operation.security?.length === 1 && '401' in operation.responses;
    expect(those((operation) => scoped(operation) !== secured(operation))).toEqual([]);
    // Events are proved by the signature of their source instead.
    const byKey = ({ place }: { place: string }) => / \/v1\/(?!ingest\/)/.test(place);
    expect(all.filter((each) => byKey(each) !== scoped(each.operation))).toEqual([]);
  });

  it('gives an example of each body and each path parameter', () => {
    const bodiesOf = ({ requestBody, responses }: Operation) =>
      [requestBody, ...Object.values(responses)].flatMap((body) => Object.entries(body?.content ?? {}));
    const lacking = (operation: Operation) =>
      bodiesOf(operation).some(
        ([type, media]) =>
          type === 'application/json' &&
          media.example === undefined &&
          media.examples === undefined &&
          !['readDocument', 'readAsyncDocument'].includes(operation.operationId),
      );
    expect(those(lacking)).toEqual([]);
    const unclear = ({ parameters = [] }: Operation) =>
      parameters.some((one) => one.in === 'path' && (one.example ?? one.schema?.example) === undefined);
    expect(those(unclear)).toEqual([]);
  });

  it('gives an example of each member that a body must have', () => {
    const lacking = Object.entries(document.components.schemas).flatMap(([name, { properties = {}, required = [] }]) =>
      required
        .filter((member) => properties[member] && exampleOf(document, properties[member]) === undefined)
        .map((member) => `${name}.${member}`),
    );
    expect(lacking).toEqual([]);
  });

  it('gives examples that fit their schemas', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    ajv.addSchema({ $id: 'document', components: document.components });
    const faults = all.flatMap(({ place, operation }) =>
      [operation.requestBody, ...Object.values(operation.responses)].flatMap((body) =>
        Object.values(body?.content ?? {}).flatMap(({ schema, example }) => {
          if (example === undefined || schema === undefined) return [];
          const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/'));
          return ajv.validate(local, example) ? [] : [`${place}: ${ajv.errorsText()}`];
        }),
      ),
    );
    expect(faults).toEqual([]);
    const problem = ajv.compile({ $ref: 'document#/components/schemas/Problem' });
    const examples = Object.values(document.components.examples ?? {}) as { value: unknown }[];
    expect(examples.filter(({ value }) => !problem(value))).toEqual([]);
  });
});

describe('a controller', () => {
  it('says of each of its routes who may call it, with @Endpoint', async () => {
    const app = await createApp(readConfig({}), { preview: true });
    const methods = [...app.get(ModulesContainer).values()]
      .flatMap(({ controllers }) => [...controllers.values()])
      .flatMap(({ metatype }) => methodsOf(metatype as new () => unknown));
    const routes = methods.filter(({ handler }) => Reflect.hasMetadata('path', handler));
    expect(routes.length).toBeGreaterThan(0);
    expect(routes.filter(({ handler }) => !Reflect.hasMetadata(REQUIRED_SCOPE, handler))).toEqual([]);
  });
});

describe('an operation id', () => {
  it.each([
    ['ItemsController', 'list', 'listItems'],
    ['ItemsController', 'put', 'putItem'],
    ['StockController', 'adjust', 'adjustStock'],
    ['HealthController', 'readLiveness', 'readLiveness'],
  ])('of %s.%s is %s', (controller, method, expected) => {
    expect(operationId(controller, method)).toBe(expected);
  });
});

function methodsOf({ name, prototype }: new () => unknown): { name: string; handler: object }[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([method, { value }]) =>
    typeof value === 'function' && method !== 'constructor' ? [{ name: `${name}.${method}`, handler: value }] : [],
  );
}
