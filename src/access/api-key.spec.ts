import fc from 'fast-check';
import { describeKey, isPlausible, mintKey } from './api-key.js';
import { hashKey, pepperOf } from './pepper.js';

const PEPPER = pepperOf('what-the-tests-hash-their-keys-under');

describe('an API key', () => {
  it('has the documented shape, and another one each time', () => {
    const keys = Array.from({ length: 200 }, () => mintKey(PEPPER));
    for (const { key, prefix, lastFour, hash } of keys) {
      expect(key).toMatch(/^hf_[0-9A-Za-z]{9}_[0-9A-Za-z]{39}$/);
      expect(isPlausible(key)).toBe(true);
      expect([prefix, lastFour]).toEqual([key.slice(0, 12), key.slice(-4)]);
      expect(hash.equals(hashKey(key, PEPPER))).toBe(true);
    }
    expect(new Set(keys.map(({ key }) => key)).size).toBe(200);
  });

  it('is refused with any one character wrong', () => {
    const { key } = mintKey(PEPPER);
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.stringMatching(/^[0-9A-Za-z]$/), (at, character) => {
        fc.pre(key[at] !== character);
        const typo = key.slice(0, at) + character + key.slice(at + 1);
        if (typo.startsWith('hf_')) expect(isPlausible(typo)).toBe(false);
      }),
    );
  });

  it('tells nothing but its end where it is not one of ours', () => {
    expect(describeKey('sixteen-letters!', PEPPER)).toMatchObject({ prefix: '', lastFour: 'ers!' });
  });

  it('is kept as a hash that the database alone does not verify, nor name its pepper', () => {
    const { key, hash, pepper } = mintKey(PEPPER);
    expect(hash.equals(hashKey(key, null))).toBe(false);
    expect(hash.equals(hashKey(key, pepperOf('another pepper of thirty-two characters')))).toBe(false);
    expect(pepper).toMatch(/^[\w-]{12}$/);
    expect(PEPPER.key.toString('base64url')).not.toContain(pepper);
  });
});
