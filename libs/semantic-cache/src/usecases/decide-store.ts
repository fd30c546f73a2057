import { storeRefusal, ttlSecondsFor } from '../domain/cache-policy.js';
import type { CacheContent, CacheKey, CacheQuestion } from '../domain/cache-question.js';
import type { Sha256Hex } from '../domain/cache-key.js';
import type { SealedContent } from '../domain/sealed-content.js';
import type { ContentCipher } from '../ports/content-cipher.js';
import type { StoreDecision } from '../ports/semantic-cache.js';

/** Seals a whole answer as `content.stored`, or says why it must not be kept. */
export function decideStore(
  cipher: ContentCipher,
  sha256Hex: Sha256Hex,
  asked: CacheQuestion,
  key: CacheKey,
  receiptId: string,
  content: CacheContent,
): StoreDecision {
  const refusal = storeRefusal(asked, content.answer);
  if (refusal !== null) return { store: false, reason: refusal };
  const ttlSeconds = ttlSecondsFor(key.question, asked.policy.ttlSeconds);
  if (!(ttlSeconds > 0)) return { store: false, reason: 'ttl_zero' };
  const { user } = asked.body;
  const subject = contentSubject(cipher, sha256Hex, asked.tenantId, typeof user === 'string' ? user : '');
  const plain: SealedContent = { ...content, question: key.question, exactHash: key.exactHash, scope: key.scope };
  const { keyId, sealed } = cipher.seal(subject, JSON.stringify(plain));
  return {
    store: true,
    event: {
      receiptId,
      tenantId: asked.tenantId,
      subject,
      keyId,
      storedAt: new Date(asked.nowMs).toISOString(),
      expiresAt: new Date(asked.nowMs + ttlSeconds * 1_000).toISOString(),
      scope: key.scope,
      epoch: key.epoch,
      sealed,
    },
  };
}

/**
 * Whose content it is, as a pseudonym: the tenant, or `<tenant>:<32 hex digits>` for an end user whom the caller
 * named in `user`. The same name gives the same subject only under the same master key.
 */
export function contentSubject(cipher: ContentCipher, sha256Hex: Sha256Hex, tenantId: string, user: string): string {
  if (user === '') return tenantId;
  const pepper = [...cipher.salt(tenantId, 'subject')].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${tenantId}:${sha256Hex(JSON.stringify([pepper, tenantId, user])).slice(0, 32)}`;
}
