import { readFileSync } from 'node:fs';
import type { OpenApiDocument } from '../../src/openapi-document.js';
import { type Answered, Truth } from '../support/truth.js';

const document: OpenApiDocument = JSON.parse(readFileSync(new URL('../../openapi/v1.json', import.meta.url), 'utf8'));
const truth = new Truth(document);
const location = document.paths['/v1/locations/{code}']?.get?.responses[200]?.content?.['application/json']?.example;
const problem = {
  type: '/problems/not_found',
  title: 'T',
  status: 404,
  detail: 'D',
  instance: '/x',
  code: 'not_found',
};

/** An answer that the document has, but for what a test changes in it. */
function answer(changes: Partial<Answered> & { json?: unknown } = {}): Answered {
  const { json = location, headers, ...rest } = changes;
  return {
    method: 'GET',
    url: '/v1/locations/HAM',
    status: 200,
    body: Buffer.from(JSON.stringify(json)),
    headers: { 'content-type': 'application/json; charset=utf-8', 'x-request-id': 'r', etag: '"1"', ...headers },
    ...rest,
  };
}
const asProblem = { 'content-type': 'application/problem+json' };

describe('the check of every answer', () => {
  it('takes what the document has', () => {
    expect(truth.faultsOf(answer())).toEqual([]);
    expect(truth.faultsOf(answer({ method: 'HEAD', body: Buffer.alloc(0) }))).toEqual([]);
  });

  it.each<[string, Answered, RegExp]>([
    [
      'a status',
      answer({ status: 418 }),
      /GET \/v1\/locations\/\{code\} answered 418: the document has no such status/,
    ],
    ['a member', answer({ json: { ...(location as object), colour: 'red' } }), /additional properties.*"colour"/],
    ['a value of another type', answer({ json: { ...(location as object), version: '3' } }), /version must be integer/],
    ['a member that is missing', answer({ json: {} }), /must have required property/],
    ['a header', answer({ headers: { 'x-debug': '1' } }), /does not name its header x-debug/],
    [
      'a content type',
      answer({ headers: { 'content-type': 'text/html' } }),
      /does not have the content type "text\/html"/,
    ],
    ['a body that is missing', answer({ body: Buffer.alloc(0) }), /the body is missing/],
    ['a body that is not JSON', answer({ body: Buffer.from('{') }), /is not JSON/],
    ['a route', answer({ url: '/v1/secrets' }), /the document has no such route/],
    [
      'a problem of another operation',
      answer({ status: 404, headers: asProblem, json: { ...problem, code: 'unknown_sku', requestId: 'r' } }),
      /does not name the problem unknown_sku/,
    ],
    [
      'an error that is no problem document where there is no route',
      answer({ url: '/v1/secrets', status: 404, json: { message: 'gone' } }),
      /does not have the content type/,
    ],
  ])('finds %s that the document does not name', (_, answered, fault) => {
    expect(truth.faultsOf(answered)).toContainEqual(expect.stringMatching(fault));
  });

  it('finds a request id that is missing', () => {
    const { 'x-request-id': _, ...headers } = answer().headers;
    expect(truth.faultsOf({ ...answer(), headers })).toEqual([expect.stringMatching('x-request-id is missing')]);
  });

  it('prefers a route that is written out, as the router does', () => {
    expect(truth.faultsOf(answer({ method: 'POST', url: '/v1/availability/query', status: 418 }))[0]).toMatch(
      '/v1/availability/query answered',
    );
  });
});
