import { QdrantClient } from '@qdrant/js-client-rest';
import { Pool } from 'undici';
import type { CachePoint, Neighbour, VectorIndex } from '../../ports/vector-index.js';
import { guarded, qdrantFault } from './qdrant-faults.js';
import { exactOnlyScope, fromQdrantPoint, isRecord, standInVector, toQdrantPoint } from './qdrant-points.js';
import { aliasOf, CANARY, ensureSchema } from './qdrant-schema.js';

export interface QdrantIndexOptions {
  readonly url: string;
  readonly apiKey: string | null;
  readonly embedderId: string;
  readonly dimensions: number;
  /** A collection instead of the alias: an index under construction. */
  readonly collection?: string;
  /** Deadline of a look-up, default 50 ms. */
  readonly lookUpTimeoutMs?: number;
  /** Deadline of everything else, default 10 s. */
  readonly writeTimeoutMs?: number;
}

const BATCH_POINTS_MAX = 500;
/** The server's limit is 32 MB. */
const BATCH_BYTES_MAX = 8 * 1_024 * 1_024;
/** The server closes idle connections after 5 s without saying so. */
const KEEP_ALIVE_MS = 4_000;
const CONNECTIONS = 32;

interface Filter {
  readonly must: readonly object[];
}

/** Entries in Qdrant. Look-ups through a pool of our own with a deadline; management and writes through its client. */
export class QdrantIndex implements VectorIndex {
  readonly client: QdrantClient;
  readonly #name: string;
  readonly #options: QdrantIndexOptions;
  readonly #pool: Pool;
  readonly #prefix: string;
  readonly #lookUpTimeoutMs: number;
  readonly #writeTimeoutMs: number;
  #ready: Promise<void> | null = null;

  constructor(options: QdrantIndexOptions) {
    const { url, apiKey, embedderId, collection, lookUpTimeoutMs = 50, writeTimeoutMs = 10_000 } = options;
    const { origin, pathname } = new URL(url);
    this.#options = options;
    this.#name = collection ?? aliasOf(embedderId);
    this.#prefix = pathname.replace(/\/+$/, '');
    this.#lookUpTimeoutMs = lookUpTimeoutMs;
    this.#writeTimeoutMs = writeTimeoutMs;
    this.#pool = new Pool(origin, { connections: CONNECTIONS, keepAliveTimeout: KEEP_ALIVE_MS });
    this.client = new QdrantClient({
      url,
      timeout: writeTimeoutMs,
      checkCompatibility: false,
      ...(apiKey === null ? {} : { apiKey }),
    });
  }

  /** Collection, indexes and alias exist from here on. Tried again at the next call when it fails. */
  ensureReady(): Promise<void> {
    if (this.#options.collection !== undefined) return Promise.resolve();
    this.#ready ??= ensureSchema(this.client, this.#name, this.#options.dimensions).catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
    return this.#ready;
  }

  async upsert(points: readonly CachePoint[]): Promise<void> {
    await this.ensureReady();
    const latest = new Map<string, CachePoint>();
    for (const point of points) {
      const known = latest.get(point.id);
      if (known === undefined || known.storedAtMs <= point.storedAtMs) latest.set(point.id, point);
    }
    for (const batch of batchesOf([...latest.values()])) await this.#upsertBatch(batch);
  }

  async get(id: string, nowMs: number): Promise<CachePoint | null> {
    const body = await this.#ask(
      '/points',
      { ids: [id], with_payload: true, with_vector: false },
      this.#lookUpTimeoutMs,
    );
    const [first] = Array.isArray(body) ? (body as readonly unknown[]) : [];
    const point = fromQdrantPoint(first);
    return point !== null && point.id === id && point.expiresAtMs > nowMs ? point : null;
  }

  async nearest(scope: string, vector: Float32Array, limit: number, nowMs: number): Promise<readonly Neighbour[]> {
    const body = await this.#ask(
      '/points/query',
      {
        query: [...vector],
        filter: { must: [matches('scope', scope), { key: 'expires_at', range: { gt: nowMs } }] },
        limit,
        with_payload: true,
      },
      this.#lookUpTimeoutMs,
    );
    const found: Neighbour[] = [];
    for (const value of isRecord(body) && Array.isArray(body['points']) ? (body['points'] as readonly unknown[]) : []) {
      const point = fromQdrantPoint(value);
      const similarity = isRecord(value) ? value['score'] : null;
      if (point === null || typeof similarity !== 'number' || !Number.isFinite(similarity)) continue;
      if (point.scope === scope && point.expiresAtMs > nowMs) found.push({ point, similarity });
    }
    return found;
  }

  async remove(filter: { receiptId?: string; scope?: string; tenantId?: string }): Promise<number> {
    const must: object[] = [];
    if (filter.receiptId !== undefined) must.push(matches('receipt', filter.receiptId));
    if (filter.tenantId !== undefined) must.push(matches('tenant', filter.tenantId));
    if (filter.scope !== undefined) {
      must.push({ key: 'scope', match: { any: [filter.scope, exactOnlyScope(filter.scope)] } });
    }
    // An empty `must` matches everything.
    if (must.length === 0) return 0;
    return this.#delete({ must });
  }

  removeExpired(nowMs: number): Promise<number> {
    return this.#delete({ must: [{ key: 'expires_at', range: { lte: nowMs } }] });
  }

  async count(): Promise<number> {
    await this.ensureReady();
    const body = await this.#ask(
      '/points/count',
      { exact: true, filter: { must_not: [matches('scope', CANARY.scope)] } },
      this.#writeTimeoutMs,
    );
    if (isRecord(body) && typeof body['count'] === 'number') return body['count'];
    throw qdrantFault('count', 'no number');
  }

  scrub(): Promise<void> {
    return Promise.resolve();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  /** Sound when a known vector comes back through the same search that requests use. */
  async ping(): Promise<void> {
    await this.ensureReady();
    const vector = Float32Array.from(standInVector(this.#options.dimensions));
    const [canary] = await this.nearest(CANARY.scope, vector, 1, Date.now());
    if (canary?.point.id !== CANARY.id || canary.similarity < 0.99) throw qdrantFault('canary', 'not found');
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #upsertBatch(batch: readonly CachePoint[]): Promise<void> {
    const stored = await this.#ask(
      '/points',
      { ids: batch.map(({ id }) => id), with_payload: ['stored_at'], with_vector: false },
      this.#writeTimeoutMs,
    );
    const storedAt = new Map<unknown, unknown>();
    for (const value of Array.isArray(stored) ? (stored as readonly unknown[]) : []) {
      if (isRecord(value) && isRecord(value['payload'])) storedAt.set(value['id'], value['payload']['stored_at']);
    }
    const taken = batch.filter(({ id, storedAtMs }) => !(Number(storedAt.get(id) ?? 0) > storedAtMs));
    if (taken.length === 0) return;
    await guarded('upsert', () =>
      this.client.upsert(this.#name, {
        wait: true,
        points: taken.map((point) => toQdrantPoint(point, this.#options.dimensions)),
      }),
    );
  }

  /** The client sends no `wait` here by itself, and the answer would come before the points are gone. */
  async #delete(filter: Filter): Promise<number> {
    await this.ensureReady();
    await guarded('delete', () =>
      this.client.delete(this.#name, { wait: true, filter: filter as unknown as Record<string, unknown> }),
    );
    return -1;
  }

  async #ask(path: string, question: object, timeoutMs: number): Promise<unknown> {
    const { apiKey } = this.#options;
    let status: number;
    let body: unknown;
    try {
      const response = await this.#pool.request({
        method: 'POST',
        path: `${this.#prefix}/collections/${this.#name}${path}`,
        headers: { 'content-type': 'application/json', ...(apiKey === null ? {} : { 'api-key': apiKey }) },
        body: JSON.stringify(question),
        signal: AbortSignal.timeout(timeoutMs),
      });
      status = response.statusCode;
      const text = await response.body.text();
      body = status === 200 ? JSON.parse(text) : null;
    } catch (error) {
      throw qdrantFault(path, (error as { code?: string }).code ?? (error instanceof Error ? error.name : 'failed'));
    }
    if (status !== 200 || !isRecord(body)) throw qdrantFault(path, status);
    return body['result'];
  }
}

const matches = (key: string, value: string): object => ({ key, match: { value } });

function* batchesOf(points: readonly CachePoint[]): Generator<CachePoint[]> {
  let batch: CachePoint[] = [];
  let bytes = 0;
  for (const point of points) {
    if (batch.length >= BATCH_POINTS_MAX || (bytes > 0 && bytes + point.sealed.length > BATCH_BYTES_MAX)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(point);
    bytes += point.sealed.length;
  }
  if (batch.length > 0) yield batch;
}
