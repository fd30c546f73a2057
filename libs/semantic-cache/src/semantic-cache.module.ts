import { AesCipher } from './adapters/aes/aes-cipher.js';
import { loadWordTable } from './adapters/builtin/load-assets.js';
import { loadPairVerifier } from './adapters/builtin/load-pair-verifier.js';
import { StaticEmbedder } from './adapters/builtin/static-embedder.js';
import { MemoryIndex } from './adapters/memory/memory-index.js';
import { cacheKeyOf, type Sha256Hex } from './domain/cache-key.js';
import type { ContentCipher, ErasableContentCipher } from './ports/content-cipher.js';
import type { Embedder } from './ports/embedder.js';
import type { PairVerifier } from './ports/pair-verifier.js';
import type { SemanticCache } from './ports/semantic-cache.js';
import type { VectorIndex } from './ports/vector-index.js';
import { decideStore } from './usecases/decide-store.js';
import { createLookUp } from './usecases/look-up.js';

export { createSingleFlight } from './usecases/single-flight.js';
export { STATIC_EMBEDDER_ID } from './adapters/builtin/static-embedder.js';

/** The builtin embedder, read from the package's assets: tens of milliseconds, about 30 MB, once in a process. */
export async function loadStaticEmbedder(): Promise<Embedder> {
  return new StaticEmbedder(await loadWordTable());
}

/** An index that is gone with the process. */
export function createMemoryIndex(entriesMax?: number): VectorIndex {
  return new MemoryIndex(entriesMax);
}

/**
 * @param masterKeyHex 32 bytes as 64 hex digits.
 * @throws RouterError `configuration` when it is something else.
 */
export function createContentCipher(masterKeyHex: string): ErasableContentCipher {
  return new AesCipher(masterKeyHex);
}

export interface SemanticCacheParts {
  readonly index: VectorIndex;
  /** A function is called at the first look-up by meaning, not before. */
  readonly embedder: Embedder | (() => Promise<Embedder> | Embedder);
  readonly cipher: ContentCipher;
  readonly sha256Hex: Sha256Hex;
  /** Longest look-up, default 50 ms; longer is a miss. */
  readonly timeBoxMs?: number;
  /** Default: the builtin verifier, loaded at the first look-up by meaning. */
  readonly verifier?: () => Promise<PairVerifier> | PairVerifier;
}

/** What a gateway needs; `warmUp` loads embedder and verifier so that no request waits for them. */
export function createSemanticCache(parts: SemanticCacheParts): SemanticCache & { warmUp(): Promise<void> } {
  const { cipher, sha256Hex } = parts;
  const given = parts.embedder;
  const embedder = typeof given === 'function' ? once(given) : (): Embedder => given;
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
        return { key: cacheKeyOf(asked, sha256Hex) };
      } catch {
        return { key: null, reason: 'no_canonical_form' };
      }
    },
    lookUp,
    decideStore: (asked, key, receiptId, content) => decideStore(cipher, sha256Hex, asked, key, receiptId, content),
    async warmUp() {
      await Promise.all([embedder(), verifier()]);
    },
  };
}

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
