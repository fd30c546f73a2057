import { createMemoryIdempotencyStore, openRedisIdempotencyStore } from '#access/access.module.js';
import { IDEMPOTENCY_BOUNDS } from '#access/ports/idempotency-store.js';
import type { ContentCipher } from '#semantic-cache/ports/content-cipher.js';
import type { Logger } from '#telemetry/ports/logger.js';
import { IdempotencyDesk } from '../idempotency/idempotency-desk.js';

/** Names of requests: in Redis where there is one, else in this process. */
export async function openIdempotency(
  redisUrl: string | null,
  cipher: ContentCipher,
  logger: Logger,
): Promise<IdempotencyDesk> {
  const fallback = createMemoryIdempotencyStore();
  return new IdempotencyDesk({
    store: redisUrl === null ? fallback : await openRedisIdempotencyStore(redisUrl),
    fallback,
    cipher,
    leaseMs: IDEMPOTENCY_BOUNDS.leaseMs,
    onProblem: (error) => logger.warn({ err: error }, 'an idempotent answer could not be kept, found or dropped'),
  });
}
