import type { ReceiptCache, ReceiptRoute } from '#events/domain/receipt.js';
import type { RequestAccepted } from '#events/domain/router-event.js';
import type { RoutePlan } from '#routing/domain/route-plan.js';
import type { CommitmentSalts } from '#semantic-cache/ports/content-cipher.js';
import { commitment } from './commitment.js';
import type { LedgerParts } from './ledger-parts.js';
import { readRetryCount, readSessionId, type RequestContext } from './request-context.js';

const NO_ROUTE: ReceiptRoute = { policyHash: '', rule: null, reason: 'not_routed', task: null, baselineModel: null };

/** The first fact about a request: who asks what, under which policy, and where it is to go. */
export function acceptedRequest(
  parts: Pick<LedgerParts, 'environment' | 'pseudonym'>,
  context: RequestContext,
  salts: CommitmentSalts,
  cache: ReceiptCache,
  plan: RoutePlan | null,
): RequestAccepted {
  const { key, body } = context;
  const clientRetryCount = readRetryCount(context.headers('x-stainless-retry-count'));
  const sessionId = readSessionId(context.headers('x-nextmodel-session'));
  const user = userOf(body);
  return {
    receiptId: context.receiptId,
    tenantId: key.tenantId,
    projectId: key.projectId,
    apiKeyId: key.keyId,
    userId: user === '' ? '' : parts.pseudonym(key.tenantId, user),
    traceId: context.traceId,
    environment: parts.environment,
    tags: context.tags,
    acceptedAt: new Date(context.acceptedMs).toISOString(),
    api: context.api,
    streamed: body?.['stream'] === true,
    ...(clientRetryCount === null ? {} : { clientRetryCount }),
    ...(sessionId === null ? {} : { sessionId }),
    requestedModel: body?.model ?? '',
    saltKeyId: salts.keyId,
    requestCommitment: commitment(salts.request, context.rawBody),
    cache,
    route: plan === null ? NO_ROUTE : routeOf(plan),
    decision: plan,
  };
}

/** The person for whom the caller asks; empty when it names nobody. */
export function userOf(body: RequestContext['body']): string {
  const user = body?.['user'];
  return typeof user === 'string' ? user : '';
}

function routeOf({ policyHash, rule, reason, task, baseline }: RoutePlan): ReceiptRoute {
  return { policyHash, rule, reason, task, baselineModel: baseline?.model ?? null };
}
