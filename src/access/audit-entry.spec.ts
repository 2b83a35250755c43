import fc from 'fast-check';
import { differences, entryOf, refusalOf, resourceOf } from './audit-entry.js';
import type { Principal } from './principal.js';

const CALLER: Principal = {
  ...{ clientId: 'cli_1', clientCode: 'back-office', keyId: 'key_1', scopes: new Set(['admin' as const]) },
  ...{ channel: { id: 7, code: 'web' }, limits: { client: null, channel: null, locations: 0 } },
};

describe('a line of the audit trail', () => {
  it('knows who, what, from where and in which request', () => {
    const caller = { ...CALLER, origin: { operation: 'putItem', requestId: 'r-1', address: '203.0.113.7' } };
    const change = { resource: resourceOf('items', 'CABLE/2M'), before: { name: 'a', version: 1 }, after: null };
    expect(entryOf(caller, change, 5)).toEqual({
      ...{ id: expect.stringMatching(/^aud_/), at: new Date(5), clientId: 'cli_1', clientCode: 'back-office' },
      ...{
        channelId: 7,
        keyId: 'key_1',
        action: 'putItem',
        resource: 'items/CABLE%2F2M',
        outcome: 'done',
        reason: null,
      },
      ...{ times: 1, before: { name: 'a', version: 1 }, after: null, requestId: 'r-1', address: '203.0.113.7' },
    });
    expect(() => entryOf(CALLER, change, 5)).toThrow('not marked as audited');
  });

  it('of a refusal names what the path names', () => {
    const refused = { action: 'putItem', path: '/v1/items/A', reason: 'scope_required', requestId: 'r', address: 'a' };
    expect(refusalOf(CALLER, refused, 5)).toMatchObject({ resource: 'items/A', outcome: 'refused', after: null });
  });

  it('shows the members that changed, and all of what came or went', () => {
    expect(differences({ a: 1, b: [1, 2], c: null }, { a: 1, b: [2, 1], d: 'x' })).toEqual({
      before: { b: [1, 2], c: null },
      after: { b: [2, 1], d: 'x' },
    });
    expect(differences(null, { a: 1, b: undefined })).toEqual({ before: null, after: { a: 1 } });
    expect(differences({ a: 1 }, { a: 1 })).toEqual({ before: {}, after: {} });
  });

  it('says of what is too long only how long it was', () => {
    const { after } = differences(null, { attributes: { text: 'x'.repeat(5_000) }, name: 'n' });
    expect(after).toEqual({ attributes: { omittedCharacters: 5_011 }, name: 'n' });
  });

  it('never has a secret in it, however deep it lies', () => {
    const secret = fc.constantFrom('secret', 'Key', 'password', 'token', 'hash', 'pepper', 'authorization');
    const wrap = fc.constantFrom(
      (inner: object) => ({ inner }),
      (inner: object) => ({ list: [1, inner] }),
      (inner: object) => ({ ...inner, other: 1 }),
    );
    fc.assert(
      fc.property(secret, fc.array(wrap, { maxLength: 4 }), (name, wraps) => {
        const resource = wraps.reduce((inner, next) => next(inner), { [name]: 'open sesame' } as object);
        expect(JSON.stringify(differences(null, resource))).not.toContain('sesame');
        expect(JSON.stringify(differences(resource, { other: 2 }))).not.toContain('sesame');
      }),
    );
  });
});
