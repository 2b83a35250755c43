import { Problem } from '../problems/problem.js';
import { fingerprint, type Intent, parseIdempotencyKey, replay } from './idempotency.js';

const problemOf = (act: () => unknown): Problem => {
  try {
    act();
  } catch (thrown) {
    return thrown as Problem;
  }
  throw new Error('nothing was thrown');
};

describe('an intent (semantics.md 30)', () => {
  const base = fingerprint('POST', '/v1/x', { a: 1, b: [{ c: 'ü' }] });

  it('is the same in whatever order its members come', () => {
    expect(fingerprint('POST', '/v1/x', { b: [{ c: 'ü' }], a: 1 })).toEqual(base);
  });

  it.each<[string, Buffer]>([
    ['method', fingerprint('PUT', '/v1/x', { a: 1, b: [{ c: 'ü' }] })],
    ['path', fingerprint('POST', '/v1/y', { a: 1, b: [{ c: 'ü' }] })],
    ['value', fingerprint('POST', '/v1/x', { a: 2, b: [{ c: 'ü' }] })],
    ['type of a value', fingerprint('POST', '/v1/x', { a: '1', b: [{ c: 'ü' }] })],
    ['member', fingerprint('POST', '/v1/x', { a: 1, b: [{ c: 'ü' }], d: null })],
    ['body at all', fingerprint('POST', '/v1/x', undefined)],
  ])('is another with another %s', (_, other) => {
    expect(other).not.toEqual(base);
  });

  it.each([{ a: '\ud800' }, { '\udc00': 1 }, { a: JSON.parse('1e400') }])(
    'is refused where it has no canonical form: %j',
    (body) => {
      expect(problemOf(() => fingerprint('POST', '/v1/x', body))).toMatchObject({
        code: 'validation_failed',
        status: 400,
      });
    },
  );

  it.each([
    ['order-1', 'order-1'],
    ['"order-1"', 'order-1'],
    ['  x ', 'x'],
    ['a b', 'a b'],
    ['"', '"'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ])('has the key %j as %j', (header, key) => {
    expect(parseIdempotencyKey(header)).toBe(key);
  });

  it.each([
    [undefined, 'idempotency_key_missing'],
    ['  ', 'idempotency_key_missing'],
    ['""', 'validation_failed'],
    ['x'.repeat(256), 'validation_failed'],
    ['schlüssel', 'validation_failed'],
    ['a\tb', 'validation_failed'],
  ])('has no key such as %j', (header, code) => {
    expect(problemOf(() => parseIdempotencyKey(header)).code).toBe(code);
  });

  it('is answered as the first time, flagged, and only to the same request', () => {
    const intent: Intent = { clientId: 'cli_1', key: 'k', fingerprint: base };
    const first = { fingerprint: base, status: 201, body: '{"id":"res_1","version":3}' };
    expect(replay(intent, first)).toEqual({
      status: 201,
      body: { id: 'res_1', version: 3 },
      headers: { 'Idempotent-Replayed': 'true', ETag: '"3"' },
      text: first.body,
    });
    const other = { ...intent, fingerprint: fingerprint('POST', '/v1/x', {}) };
    expect(problemOf(() => replay(other, first))).toMatchObject({ code: 'idempotency_key_reused', status: 422 });
  });
});
