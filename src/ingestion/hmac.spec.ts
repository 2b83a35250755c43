import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { hmac, hmacKey } from './hmac.js';

describe('the HMAC of a message', () => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((each) => Buffer.from(each));
  const encoding = fc.constantFrom('base64' as const, 'hex' as const);

  it("is that of Node's own, whatever the key, the prefix and the message", () => {
    fc.assert(
      fc.property(bytes(200), fc.string({ unit: 'grapheme' }), bytes(300), encoding, (key, prefix, message, as) => {
        const expected = createHmac('sha256', key).update(prefix).update(message).digest(as);
        expect(hmac(hmacKey(key), prefix, message, as)).toBe(expected);
      }),
    );
  });

  it.each([[16_384], [16_385], [100_000]])(
    'is that of Node of %i bytes, and leaves nothing behind for the next',
    (length) => {
      const key = hmacKey(Buffer.from('a secret'));
      for (const message of [Buffer.alloc(length, 0xff), Buffer.from('short')]) {
        expect(hmac(key, '', message, 'hex')).toBe(createHmac('sha256', 'a secret').update(message).digest('hex'));
      }
    },
  );
});
