import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** iv(12) ‖ tag(16) ‖ ciphertext of AES-256-GCM; `context` is authenticated and must be the same to open it. */
export function sealBytes(key: Uint8Array, context: string, plain: Uint8Array): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const body = cipher.update(plain);
  const end = cipher.final();
  return Buffer.concat([iv, cipher.getAuthTag(), body, end]);
}

/** `null` when the key is another one, or bytes or context were changed. */
export function openBytes(key: Uint8Array, context: string, sealed: Uint8Array): Buffer | null {
  if (sealed.length < IV_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES));
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  try {
    const start = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES));
    return Buffer.concat([start, decipher.final()]);
  } catch {
    return null;
  }
}
