import { RouterError } from '#events/domain/router-error.js';
import { describeKafkaError } from './kafka-settings.js';

/** Kafka did not answer. The same call may succeed later; nothing was lost. */
export function kafkaUnavailable(operation: string, cause: unknown): RouterError {
  return new RouterError({
    code: 'store_unavailable',
    publicMessage: 'The event log is not reachable at the moment.',
    retryable: true,
    httpStatus: 503,
    retryAfterMs: 1000,
    detail: `kafka ${operation}: ${describeKafkaError(cause)}`,
    cause,
  });
}

/** Settles as `work` does, or rejects when `ms` are over or the signal aborts first; `work` itself goes on. */
export function within<T>(work: Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      end();
      reject(new Error('aborted'));
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error('timeout'));
    }, ms);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    work.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(error as Error);
      },
    );
  });
}
