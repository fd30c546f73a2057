/** One cached answer. Vectors of two embedders never meet: the embedder id is part of the index's name. */
export interface CachePoint {
  /** UUID made from scope and key text: the same question again replaces the entry. */
  readonly id: string;
  /** Hash of tenant, key scope, model, parameters and all turns before the last: matches exactly or not at all. */
  readonly scope: string;
  readonly tenantId: string;
  readonly epoch: number;
  readonly storedAtMs: number;
  readonly expiresAtMs: number;
  readonly receiptId: string;
  /** `null` = only for exact and normalised look-ups. Unit length. */
  readonly vector: Float32Array | null;
  /** base64 of the encrypted `CacheContent`. */
  readonly sealed: string;
  readonly keyId: string;
}

export interface Neighbour {
  readonly point: CachePoint;
  /** Cosine, -1 to 1. */
  readonly similarity: number;
}

/**
 * Holds the cache's entries. The caller checks scope, tenant and expiry of what comes back again:
 * an index that answers wrongly must not become a wrong answer.
 */
export interface VectorIndex {
  /** Idempotent by id; the later `storedAtMs` wins. */
  upsert(points: readonly CachePoint[]): Promise<void>;
  get(id: string, nowMs: number): Promise<CachePoint | null>;
  /** Nearest within the scope, best first; expired ones left out. */
  nearest(scope: string, vector: Float32Array, limit: number, nowMs: number): Promise<readonly Neighbour[]>;
  /** By receipt, scope or tenant. @returns how many went, or -1 when the engine does not say. */
  remove(filter: { readonly receiptId?: string; readonly scope?: string; readonly tenantId?: string }): Promise<number>;
  removeExpired(nowMs: number): Promise<number>;
  count(): Promise<number>;
  /** Leaves no bytes of removed entries in files of ours; a no-op where an engine reclaims them by itself. */
  scrub(): Promise<void>;
  /** Persists what is in memory; a no-op for servers. */
  flush(): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
