import type { CacheKey, CacheQuestion } from './cache-question.js';
import { semanticRefusal } from './cache-policy.js';
import { canonicalJson } from './canonical-json.js';
import { CACHE_EPOCH, scopeText, splitMessages } from './cache-scope.js';
import { normalForm } from './normal-form.js';
import { isNormalisable } from './text-eligibility.js';

/** sha256 of the UTF-8 bytes of a text as 64 lower-case hex digits. */
export type Sha256Hex = (text: string) => string;

export function cacheKeyOf(asked: CacheQuestion, sha256Hex: Sha256Hex): CacheKey {
  const { question, context } = splitMessages(asked.body.messages);
  const scope = sha256Hex(scopeText(asked, context));
  const exactHash = sha256Hex(canonicalJson(['exact', scope, question]));
  const refusal = semanticRefusal(asked, question);
  return {
    scope,
    id: entryIdOf(scope, question, exactHash, sha256Hex),
    exactHash,
    question,
    normalisable: isNormalisable(question),
    semantic: refusal === null,
    semanticRefusal: refusal,
    epoch: CACHE_EPOCH,
  };
}

/**
 * Id of a cached answer: the same for questions of one scope with one normal form, or for the exact request when the
 * text has none. A UUID (version 8) because vector stores want one.
 */
export function entryIdOf(scope: string, question: string, exactHash: string, sha256Hex: Sha256Hex): string {
  const hex = sha256Hex(
    canonicalJson(isNormalisable(question) ? ['normal', scope, normalForm(question)] : ['exact', scope, exactHash]),
  );
  const variant = '89ab'[Number.parseInt(hex[16] ?? '0', 16) & 3] ?? '8';
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
