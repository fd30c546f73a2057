import type { ReceiptCache } from '#events/domain/receipt.js';
import type { ChatRequest } from '#openai-wire/domain/chat-request.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import { parseCacheControl } from '#semantic-cache/domain/cache-policy.js';
import type { CacheKey, CacheQuestion } from '#semantic-cache/ports/semantic-cache.js';
import type { CompletionParts } from './completion-parts.js';
import type { RequestContext } from './request-context.js';
import type { CacheHeader } from './response-headers.js';

/** What the cache may do for one request. */
export interface CacheStep {
  readonly key: CacheKey | null;
  readonly question: CacheQuestion | null;
  readonly lookUp: boolean;
  readonly onlyIfCached: boolean;
  readonly header: CacheHeader;
  readonly result: ReceiptCache['result'];
  readonly reason: string | null;
}

export function cacheStep(parts: CompletionParts, context: RequestContext, plan: RoutePlan): CacheStep {
  const policy = parts.cachePolicy;
  const control = parseCacheControl(context.headers('x-nextmodel-cache'));
  if (!policy.exact && !policy.semantic) {
    return { ...NONE, onlyIfCached: control.onlyIfCached, header: 'DISABLED', result: 'off', reason: 'policy' };
  }
  const question: CacheQuestion = {
    tenantId: context.key.tenantId,
    body: context.body as ChatRequest,
    resolvedModel: plan.resolvedModel,
    policyHash: plan.policyHash,
    control,
    policy,
    nowMs: context.acceptedMs,
  };
  const made = parts.cache.keyOf(question);
  if (made.key === null) {
    return { ...NONE, onlyIfCached: control.onlyIfCached, header: 'BYPASS', result: 'bypass', reason: made.reason };
  }
  if (control.noCache && control.onlyIfCached) {
    // Neither a stored answer nor a new one will do: nothing is left but to say so.
    return { ...NONE, onlyIfCached: true, header: 'BYPASS', result: 'bypass', reason: 'client' };
  }
  if (control.noCache) {
    const stores = !control.noStore;
    return {
      key: stores ? made.key : null,
      question,
      lookUp: false,
      onlyIfCached: false,
      header: stores ? 'REFRESH' : 'BYPASS',
      result: stores ? 'refresh' : 'bypass',
      reason: 'client',
    };
  }
  return {
    key: made.key,
    question,
    lookUp: true,
    onlyIfCached: control.onlyIfCached,
    header: 'MISS',
    result: 'miss',
    reason: null,
  };
}

const NONE = { key: null, question: null, lookUp: false } as const;
