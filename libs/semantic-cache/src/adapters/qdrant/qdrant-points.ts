import type { CachePoint } from '../../ports/vector-index.js';

/** What stands beside a vector in Qdrant. Times are whole milliseconds. */
interface PointPayload {
  readonly scope: string;
  readonly tenant: string;
  readonly epoch: number;
  readonly stored_at: number;
  readonly expires_at: number;
  readonly receipt: string;
  readonly sealed: string;
  readonly key_id: string;
}

/** Entries without a vector stand in a scope of their own, so that no search by meaning meets their stand-in vector. */
const EXACT_ONLY = 'exact:';
export const exactOnlyScope = (scope: string): string => EXACT_ONLY + scope;

/** A fixed unit vector for entries that have none: the engine wants one. */
export function standInVector(dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  vector[0] = 1;
  return vector;
}

export function toQdrantPoint(point: CachePoint, dimensions: number) {
  const usable = point.vector !== null && point.vector.length === dimensions;
  const payload: PointPayload = {
    scope: usable ? point.scope : exactOnlyScope(point.scope),
    tenant: point.tenantId,
    epoch: point.epoch,
    stored_at: point.storedAtMs,
    expires_at: point.expiresAtMs,
    receipt: point.receiptId,
    sealed: point.sealed,
    key_id: point.keyId,
  };
  const vector = usable && point.vector !== null ? [...point.vector] : standInVector(dimensions);
  return { id: point.id, vector, payload: { ...payload } };
}

/** Reads a point of an answer; `null` when it is not one of ours in every field. The vector stays on the server. */
export function fromQdrantPoint(value: unknown): CachePoint | null {
  if (!isRecord(value) || typeof value['id'] !== 'string' || !isRecord(value['payload'])) return null;
  const { scope, tenant, epoch, stored_at, expires_at, receipt, sealed, key_id } = value['payload'] as {
    readonly [F in keyof PointPayload]?: unknown;
  };
  if (
    typeof scope !== 'string' ||
    typeof tenant !== 'string' ||
    typeof epoch !== 'number' ||
    typeof stored_at !== 'number' ||
    typeof expires_at !== 'number' ||
    typeof receipt !== 'string' ||
    typeof sealed !== 'string' ||
    typeof key_id !== 'string'
  ) {
    return null;
  }
  return {
    id: value['id'],
    scope: scope.startsWith(EXACT_ONLY) ? scope.slice(EXACT_ONLY.length) : scope,
    tenantId: tenant,
    epoch,
    storedAtMs: stored_at,
    expiresAtMs: expires_at,
    receiptId: receipt,
    vector: null,
    sealed,
    keyId: key_id,
  };
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
