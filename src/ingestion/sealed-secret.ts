import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The key that secrets are sealed under, from the text of SECRET_ENCRYPTION_KEY. It is random, so nothing slow is needed. */
export function sealingKey(text: string): Buffer {
  return Buffer.from(hkdfSync('sha256', text, '', 'holdfast source secrets', 32));
}

/** AES-256-GCM: nonce, tag, text. Bound to `id`, so that it opens in no other row than its own. */
export function seal(key: Buffer, id: string, secret: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(id));
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** Throws an Error if it was sealed under another key or for another id. */
export function unseal(key: Buffer, id: string, ciphertext: Buffer): string {
  const nonce = ciphertext.subarray(0, NONCE_BYTES);
  const tag = ciphertext.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(id))
    .setAuthTag(tag);
  const sealed = ciphertext.subarray(NONCE_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
}

/** As Standard Webhooks writes them; every scheme takes one. */
export function makeSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}
