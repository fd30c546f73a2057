import { RouterError } from '#events/domain/router-error.js';

/** Without address, key and body: what the server said stays out, because it may quote the request. */
export function qdrantFault(what: string, status: number | string): RouterError {
  return new RouterError({
    code: 'store_unavailable',
    publicMessage: 'The vector store does not answer.',
    detail: `qdrant: ${what}: ${status}`,
    retryable: true,
    httpStatus: 503,
  });
}

/** HTTP status of an error of the JavaScript client: its classes have no names, its messages say little. */
export function statusOf(error: unknown): number | null {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? status : null;
}

/** Runs a call of the client and turns what it throws into our error. */
export async function guarded<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RouterError) throw error;
    throw qdrantFault(what, statusOf(error) ?? (error instanceof Error ? error.name : 'failed'));
  }
}
