import type { CacheKey, CacheQuestion } from '../domain/cache-question.js';
import { parseSealedContent, type SealedContent } from '../domain/sealed-content.js';
import type { ContentCipher } from '../ports/content-cipher.js';
import type { CachePoint } from '../ports/vector-index.js';

export type CheckedPoint =
  | { readonly ok: true; readonly content: SealedContent; readonly ageSeconds: number }
  | { readonly ok: false; readonly reason: string };

/** Clocks of gateways may differ by this much; an entry further in the future is not believed. */
const CLOCK_SKEW_MS = 60_000;

/**
 * Checks again all that the index was asked for: it may be stale, restored from elsewhere or lying. What stands in the
 * sealed text is authenticated, so its scope (which contains the tenant) decides.
 */
export function checkPoint(
  point: CachePoint,
  asked: CacheQuestion,
  key: CacheKey,
  maxAgeSeconds: number | null,
  cipher: ContentCipher,
): CheckedPoint {
  if (point.tenantId !== asked.tenantId) return { ok: false, reason: 'index_other_tenant' };
  if (point.scope !== key.scope) return { ok: false, reason: 'index_other_scope' };
  if (point.epoch !== key.epoch) return { ok: false, reason: 'epoch' };
  const ageMs = asked.nowMs - point.storedAtMs;
  if (!(point.expiresAtMs > asked.nowMs) || !(ageMs >= -CLOCK_SKEW_MS)) return { ok: false, reason: 'expired' };
  const ageSeconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (maxAgeSeconds !== null && ageMs > maxAgeSeconds * 1_000) return { ok: false, reason: 'too_old' };
  const plain = cipher.open(point.keyId, point.sealed);
  if (plain === null) return { ok: false, reason: 'unreadable' };
  const content = parseSealedContent(plain);
  if (content === null || content.scope !== key.scope) return { ok: false, reason: 'unreadable' };
  return { ok: true, content, ageSeconds };
}
