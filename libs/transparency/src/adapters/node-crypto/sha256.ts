import { hash } from 'node:crypto';

/** One-shot SHA-256; cheaper than a hash object for small inputs. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}
