import { Redis } from 'ioredis';
import { RouterError } from '#events/domain/router-error.js';

const CONNECT_TIMEOUT_MS = 3_000;

/**
 * A client that queues nothing while the server is away and reconnects by itself. Call `connectRedis` before use.
 * @param commandTimeoutMs a server that takes longer for a command counts as away.
 */
export function createRedis(url: string, commandTimeoutMs: number): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: commandTimeoutMs,
    retryStrategy: (round) => Math.min(100 * 2 ** Math.min(round, 5), 3_000),
  });
  redis.on('error', () => {});
  return redis;
}

/** Waits for the first connection. A server that is away is no error here: calls reject until it is back. */
export async function connectRedis(redis: Redis): Promise<void> {
  await redis.connect().catch(() => {});
}

export async function closeRedis(redis: Redis): Promise<void> {
  await redis.quit().catch(() => redis.disconnect());
}

/** @throws RouterError `store_unavailable`, retryable, with this public text, when the server does not answer. */
export async function answered<T>(call: Promise<T>, publicMessage: string): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw new RouterError({
      code: 'store_unavailable',
      publicMessage,
      detail: error instanceof Error ? error.message : 'redis',
      httpStatus: 503,
      retryable: true,
      cause: error,
    });
  }
}
