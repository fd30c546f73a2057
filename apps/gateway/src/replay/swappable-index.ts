import type { CachePoint, Neighbour, VectorIndex } from '#semantic-cache/ports/vector-index.js';

/** An index that can be replaced by a rebuilt one under running requests. The replaced one is closed. */
export class SwappableIndex implements VectorIndex {
  constructor(private current: VectorIndex) {}

  async swap(next: VectorIndex): Promise<void> {
    const former = this.current;
    this.current = next;
    await former.close();
  }

  upsert(points: readonly CachePoint[]): Promise<void> {
    return this.current.upsert(points);
  }

  get(id: string, nowMs: number): Promise<CachePoint | null> {
    return this.current.get(id, nowMs);
  }

  nearest(scope: string, vector: Float32Array, limit: number, nowMs: number): Promise<readonly Neighbour[]> {
    return this.current.nearest(scope, vector, limit, nowMs);
  }

  remove(filter: Parameters<VectorIndex['remove']>[0]): Promise<number> {
    return this.current.remove(filter);
  }

  removeExpired(nowMs: number): Promise<number> {
    return this.current.removeExpired(nowMs);
  }

  count(): Promise<number> {
    return this.current.count();
  }

  scrub(): Promise<void> {
    return this.current.scrub();
  }

  flush(): Promise<void> {
    return this.current.flush();
  }

  ping(): Promise<void> {
    return this.current.ping();
  }

  close(): Promise<void> {
    return this.current.close();
  }
}
