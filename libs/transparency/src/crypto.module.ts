import { verifyEd25519 } from './adapters/node-crypto/ed25519.js';
import { sha256 } from './adapters/node-crypto/sha256.js';
import type { Crypto } from './domain/check-inclusion.js';
import { createTreeHash, type TreeHash } from './domain/tree-hash.js';

/** SHA-256 and Ed25519 of `node:crypto`. In a file of its own: who only verifies must not wait for HTTP clients. */
export const NODE_CRYPTO: Crypto = { digest: sha256, verify: verifyEd25519 };

/** RFC 6962 hashes over `node:crypto`. */
export function createSha256TreeHash(): TreeHash {
  return createTreeHash(sha256);
}
