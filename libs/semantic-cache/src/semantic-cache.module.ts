import { hash as hashOnce } from 'node:crypto';
import { RouterError } from '#events/domain/router-error.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import { AesCipher } from './adapters/aes/aes-cipher.js';
import { loadWordTable } from './adapters/builtin/load-assets.js';
import { loadPairVerifier } from './adapters/builtin/load-pair-verifier.js';
import { StaticEmbedder } from './adapters/builtin/static-embedder.js';
import { InProcessIndex } from './adapters/in-process/in-process-index.js';
import { IndexDirectory } from './adapters/in-process/index-directory.js';
import { MemoryIndex } from './adapters/memory/memory-index.js';
import { openFreshQdrantIndex } from './adapters/qdrant/fresh-qdrant-index.js';
import { QdrantIndex } from './adapters/qdrant/qdrant-index.js';
import { RedisKeyStore } from './adapters/redis/redis-key-store.js';
import { RemoteEmbedder, type RemoteEmbedderOptions } from './adapters/remote/remote-embedder.js';
import { SqliteKeyStore } from './adapters/sqlite/sqlite-key-store.js';
import { cacheKeyOf, type Sha256Hex } from './domain/cache-key.js';
import type { ContentCipher, ErasableContentCipher } from './ports/content-cipher.js';
import type { Embedder } from './ports/embedder.js';
import type { PairVerifier } from './ports/pair-verifier.js';
import type { SemanticCache } from './ports/semantic-cache.js';
import type { SubjectKeyStore } from './ports/subject-key-store.js';
import type { VectorIndex } from './ports/vector-index.js';
import { contentSubject, decideStore } from './usecases/decide-store.js';
import {
  createContentIndexer as createIndexer,
  type ContentIndexer,
  type ContentIndexerParts,
} from './usecases/index-content.js';
import { createLookUp } from './usecases/look-up.js';
import { rebuildIndex, type FreshIndex, type RebuildProgress, type RebuildResult } from './usecases/rebuild-index.js';

export { createSingleFlight } from './usecases/single-flight.js';
export { STATIC_EMBEDDER_ID } from './adapters/builtin/static-embedder.js';

/** The builtin embedder, read from the package's assets: tens of milliseconds, about 30 MB, once in a process. */
export async function loadStaticEmbedder(): Promise<Embedder> {
  return new StaticEmbedder(await loadWordTable());
}

/** Under which name vectors of a provider's model are kept. */
export const remoteEmbedderId = (provider: string, model: string, dimensions: number): string =>
  `remote:${provider}:${model}:${dimensions}`;

/** An embedder behind any `/v1/embeddings`, for look-ups. */
export function createRemoteEmbedder(options: RemoteEmbedderOptions): Embedder {
  return new RemoteEmbedder(options);
}

/**
 * For whoever makes entries of stored answers. A remote embedder is not asked: each answer that it was paid for brings
 * its vector along.
 * @param remote `null` = the builtin one.
 */
export async function openStoredEmbedder(
  remote: { readonly provider: string; readonly model: string; readonly dimensions: number } | null,
): Promise<Embedder> {
  if (remote === null) return loadStaticEmbedder();
  const { provider, model, dimensions } = remote;
  return { id: remoteEmbedderId(provider, model, dimensions), dimensions, remote: true, embed: () => null };
}

export interface InProcessIndexPlace {
  /** For instance `<data directory>/vectors/0`. One process owns it at a time. */
  readonly directory: string;
  readonly embedderId: string;
  /** Default 100,000; the oldest goes first. */
  readonly entriesMax?: number;
}

/**
 * Opens the index kept in a directory, or an empty one. A directory filled under another embedder counts as empty.
 * @throws RouterError `store_unavailable` when the directory cannot be used.
 */
export async function openInProcessIndex(place: InProcessIndexPlace): Promise<VectorIndex> {
  try {
    const path = await new IndexDirectory(place.directory, place.embedderId).current();
    return await InProcessIndex.open({ path, ...entriesMaxOf(place) });
  } catch (error) {
    throw new RouterError({
      code: 'store_unavailable',
      publicMessage: 'The vector index cannot be opened; is its directory writable?',
      httpStatus: 503,
      cause: error,
    });
  }
}

export interface QdrantPlace {
  /** `http://host:6333`, with a path when it stands behind one. */
  readonly url: string;
  /** `null` = the server has none. */
  readonly apiKey: string | null;
  readonly embedderId: string;
  /** Length of the embedder's vectors; default 256, the builtin's. */
  readonly dimensions?: number;
}

const BUILTIN_DIMENSIONS = 256;

/**
 * The index in Qdrant, shared by all gateways. Does not fail when the server is away: collection and alias are made
 * at the first write, and look-ups fail fast until then. `ping` tells whether it is sound.
 */
export function openQdrantIndex(place: QdrantPlace): Promise<VectorIndex> {
  const index = new QdrantIndex({ ...place, dimensions: place.dimensions ?? BUILTIN_DIMENSIONS });
  index.ensureReady().catch(() => {
    // Tried again at the next write and ping; until then the caller's look-ups are misses.
  });
  return Promise.resolve(index);
}

const entriesMaxOf = ({ entriesMax }: InProcessIndexPlace): { entriesMax?: number } =>
  entriesMax === undefined ? {} : { entriesMax };

/** An index that is gone with the process. */
export function createMemoryIndex(entriesMax?: number): VectorIndex {
  return new MemoryIndex(entriesMax);
}

/**
 * @param masterKey 64 hex digits, or any other text of at least 32 characters.
 * @param store where data keys are kept; `null` (default) = keys are derived from the master key, and an erasure is
 *   only a refusal to read.
 * @throws RouterError `configuration` when the master key is shorter.
 */
export function createContentCipher(masterKey: string, store: SubjectKeyStore | null = null): ErasableContentCipher {
  return new AesCipher(masterKey, store);
}

/** Data keys in a file that all processes of one machine share. @throws RouterError `store_unavailable`. */
export function openKeyFile(path: string): SubjectKeyStore {
  return new SqliteKeyStore(path);
}

/** Data keys in Redis or Valkey, for processes on several machines. Opens also while the server is away. */
export async function openRedisKeys(url: string): Promise<SubjectKeyStore> {
  const store = new RedisKeyStore(url);
  await store.connect();
  return store;
}

/** Whose content a caller's `user` is, as `content.stored` and `subject.erased` name it. */
export function contentSubjectOf(cipher: ContentCipher, tenantId: string, user: string): string {
  return contentSubject(cipher, sha256Hex, tenantId, user);
}

export interface SemanticCacheParts {
  readonly index: VectorIndex;
  /** A function is called at the first look-up by meaning, not before. */
  readonly embedder: EmbedderSource;
  readonly cipher: ContentCipher;
  readonly sha256Hex: Sha256Hex;
  /** Longest look-up, default 50 ms; longer is a miss. */
  readonly timeBoxMs?: number;
  /** Default: the builtin verifier, loaded at the first look-up by meaning. */
  readonly verifier?: () => Promise<PairVerifier> | PairVerifier;
}

/** What a gateway needs; `warmUp` loads embedder and verifier so that no request waits for them. */
export function createSemanticCache(parts: SemanticCacheParts): SemanticCache & { warmUp(): Promise<void> } {
  const { cipher, sha256Hex: hash } = parts;
  const embedder = sourceOf(parts.embedder);
  const verifier = once(parts.verifier ?? loadPairVerifier);
  const lookUp = createLookUp({
    index: parts.index,
    cipher,
    embedder,
    verifier,
    monotonicMs: () => performance.now(),
    ...(parts.timeBoxMs === undefined ? {} : { timeBoxMs: parts.timeBoxMs }),
  });
  return {
    keyOf(asked) {
      if (!asked.policy.exact && !asked.policy.semantic) return { key: null, reason: 'cache_off' };
      if (asked.control.noCache && asked.control.noStore) return { key: null, reason: 'bypassed_by_caller' };
      try {
        return { key: cacheKeyOf(asked, hash) };
      } catch {
        return { key: null, reason: 'no_canonical_form' };
      }
    },
    lookUp,
    decideStore: (asked, key, receiptId, content) => decideStore(cipher, hash, asked, key, receiptId, content),
    async warmUp() {
      await Promise.all([embedder(), verifier()]);
    },
  };
}

type EmbedderSource = Embedder | (() => Promise<Embedder> | Embedder);

export interface ContentIndexerInit extends Omit<ContentIndexerParts, 'embedder' | 'sha256Hex' | 'nowMs'> {
  /** `null` = entries get no vector. A function is called at the first text to embed. */
  readonly embedder: EmbedderSource | null;
  readonly sha256Hex?: Sha256Hex;
  readonly nowMs?: () => number;
}

/** The consumer of `nextmodel.content`: give its `handle` to a subscription. */
export function createContentIndexer(init: ContentIndexerInit): ContentIndexer {
  return createIndexer({ ...init, ...indexing(init) });
}

export interface RebuildInit {
  readonly reader: EventLogReader;
  readonly embedder: EmbedderSource | null;
  readonly cipher: ContentCipher;
  readonly nowMs?: () => number;
  readonly onProgress?: (progress: RebuildProgress) => void;
}

/**
 * Rebuilds the index of a directory from the content topic: a new generation beside the one in use, counts compared,
 * then the pointer renamed. An index opened before goes on with the old generation until it is opened again.
 * @throws RouterError when log, embedder or disk fail or the counts differ; the old generation stays in use.
 */
export async function rebuildInProcessIndex(init: RebuildInit & InProcessIndexPlace): Promise<RebuildResult> {
  const directory = new IndexDirectory(init.directory, init.embedderId);
  const name = await directory.prepare();
  const index = await InProcessIndex.open({ path: directory.logOf(name), ...entriesMaxOf(init) });
  const fresh: FreshIndex = {
    index,
    entriesMax: init.entriesMax ?? 100_000,
    async switchTo() {
      await index.close();
      await directory.switchTo(name);
    },
    async discard() {
      await index.close();
      await directory.discard(name);
    },
  };
  return rebuildIndex({ ...rebuilding(init), fresh });
}

/**
 * Rebuilds the index in Qdrant from the content topic: a new collection, counts compared, then the alias moved in one
 * action and the old collection deleted. Gateways go on without a restart.
 * @throws RouterError when log, embedder or server fail or the counts differ; the old collection stays in use.
 */
export async function rebuildQdrantIndex(init: RebuildInit & QdrantPlace): Promise<RebuildResult> {
  const { url, apiKey, embedderId, dimensions = BUILTIN_DIMENSIONS } = init;
  const fresh = await openFreshQdrantIndex({ url, apiKey, embedderId, dimensions });
  return rebuildIndex({ ...rebuilding(init), fresh });
}

const rebuilding = (init: RebuildInit) => ({
  reader: init.reader,
  cipher: init.cipher,
  ...indexing(init),
  ...(init.onProgress === undefined ? {} : { onProgress: init.onProgress }),
});

const indexing = (init: { embedder: EmbedderSource | null; sha256Hex?: Sha256Hex; nowMs?: () => number }) => ({
  embedder: init.embedder === null ? null : sourceOf(init.embedder),
  sha256Hex: init.sha256Hex ?? sha256Hex,
  nowMs: init.nowMs ?? Date.now,
});

const sha256Hex: Sha256Hex = (text) => hashOnce('sha256', text);

const sourceOf = (source: EmbedderSource): (() => Promise<Embedder> | Embedder) =>
  typeof source === 'function' ? once(source) : (): Embedder => source;

/** Remembers the first success; a failure is tried again at the next call. */
function once<T>(load: () => Promise<T> | T): () => Promise<T> | T {
  let value: { readonly of: Promise<T> | T } | null = null;
  return () => {
    if (value !== null) return value.of;
    const loaded = load();
    value = { of: loaded };
    if (loaded instanceof Promise) {
      loaded.then(
        (ready) => {
          value = { of: ready };
        },
        () => {
          value = null;
        },
      );
    }
    return loaded;
  };
}
