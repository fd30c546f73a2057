import type { CachePoint, Neighbour, VectorIndex } from '../../ports/vector-index.js';

/** Everything in a map, nearest by looking at all: for tests and for small deployments that may forget. */
export class MemoryIndex implements VectorIndex {
  readonly #points = new Map<string, CachePoint>();

  /** @param entriesMax the oldest written entry goes when there are more. */
  constructor(private readonly entriesMax = 10_000) {}

  upsert(points: readonly CachePoint[]): Promise<void> {
    for (const point of points) {
      const known = this.#points.get(point.id);
      if (known !== undefined && known.storedAtMs > point.storedAtMs) continue;
      this.#points.delete(point.id);
      this.#points.set(point.id, point);
    }
    for (const id of this.#points.keys()) {
      if (this.#points.size <= this.entriesMax) break;
      this.#points.delete(id);
    }
    return Promise.resolve();
  }

  get(id: string, nowMs: number): Promise<CachePoint | null> {
    const point = this.#points.get(id);
    return Promise.resolve(point !== undefined && point.expiresAtMs > nowMs ? point : null);
  }

  nearest(scope: string, vector: Float32Array, limit: number, nowMs: number): Promise<readonly Neighbour[]> {
    const found: Neighbour[] = [];
    for (const point of this.#points.values()) {
      if (point.scope !== scope || point.vector === null || point.expiresAtMs <= nowMs) continue;
      if (point.vector.length !== vector.length) continue;
      let similarity = 0;
      for (let k = 0; k < vector.length; k++) similarity += (vector[k] as number) * (point.vector[k] as number);
      found.push({ point, similarity });
    }
    return Promise.resolve(found.toSorted((a, b) => b.similarity - a.similarity).slice(0, limit));
  }

  remove(filter: { receiptId?: string; scope?: string; tenantId?: string }): Promise<number> {
    if (filter.receiptId === undefined && filter.scope === undefined && filter.tenantId === undefined) {
      return Promise.resolve(0);
    }
    return Promise.resolve(
      this.#removeWhere(
        (point) =>
          (filter.receiptId === undefined || point.receiptId === filter.receiptId) &&
          (filter.scope === undefined || point.scope === filter.scope) &&
          (filter.tenantId === undefined || point.tenantId === filter.tenantId),
      ),
    );
  }

  removeExpired(nowMs: number): Promise<number> {
    return Promise.resolve(this.#removeWhere((point) => point.expiresAtMs <= nowMs));
  }

  count(): Promise<number> {
    return Promise.resolve(this.#points.size);
  }

  scrub(): Promise<void> {
    return Promise.resolve();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #removeWhere(matches: (point: CachePoint) => boolean): number {
    let removed = 0;
    for (const [id, point] of this.#points) if (matches(point) && this.#points.delete(id)) removed++;
    return removed;
  }
}
