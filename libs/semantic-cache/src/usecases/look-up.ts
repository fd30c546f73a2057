import { oldestAllowed } from '../domain/cache-policy.js';
import type { CacheContent, CacheKey, CacheQuestion } from '../domain/cache-question.js';
import type { SealedContent } from '../domain/sealed-content.js';
import { normalForm } from '../domain/normal-form.js';
import type { ContentCipher } from '../ports/content-cipher.js';
import type { Embedder, EmbeddingWatch } from '../ports/embedder.js';
import type { PairVerifier } from '../ports/pair-verifier.js';
import type { CacheLookup } from '../ports/semantic-cache.js';
import type { CachePoint, Neighbour, VectorIndex } from '../ports/vector-index.js';
import { checkPoint } from './check-point.js';
import { packVector } from './embedded-vector.js';
import { createFaultGate, type FaultGate } from './fault-gate.js';
import { withinTime } from './within-time.js';

export interface LookUpParts {
  readonly index: VectorIndex;
  readonly embedder: () => Promise<Embedder> | Embedder;
  readonly verifier: () => Promise<PairVerifier> | PairVerifier;
  readonly cipher: ContentCipher;
  readonly monotonicMs: () => number;
  /** Longest look-up. Default 50 ms. */
  readonly timeBoxMs?: number;
}

export type LookUp = (asked: CacheQuestion, key: CacheKey, watch?: EmbeddingWatch) => Promise<CacheLookup>;

const TIME_BOX_MS = 50;
/** Nearest entries fetched: those behind the first count only when the first falls to a re-check or a veto. */
const NEIGHBOURS = 4;

const miss = (reason: string, similarity: number | null = null): CacheLookup => ({ kind: 'miss', reason, similarity });

interface Search {
  readonly indexGate: FaultGate;
  readonly embedderGate: FaultGate;
  /** What is being waited for. */
  stage: 'index' | 'embedder' | 'verifier';
}

/** Exact and normalised by id, then by meaning. Never rejects; any fault, doubt or delay is a miss with its reason. */
export function createLookUp(parts: LookUpParts): LookUp {
  const { timeBoxMs = TIME_BOX_MS, monotonicMs } = parts;
  const indexGate = createFaultGate(monotonicMs);
  const embedderGate = createFaultGate(monotonicMs);
  return async (asked, key, watch) => {
    if (asked.control.noCache) return miss('no_cache');
    if (!indexGate.open()) return miss('index_unavailable');
    const search: Search = { indexGate, embedderGate, stage: 'index' };
    const found = await withinTime(searchTiers(parts, search, asked, key, watch), timeBoxMs);
    if (found !== null) return found;
    blame(search);
    return miss(`${search.stage}_timeout`);
  };
}

/** The verifier is local: it may be loading, but it does not go away. */
function blame({ stage, indexGate, embedderGate }: Search): void {
  if (stage === 'index') indexGate.failed();
  else if (stage === 'embedder') embedderGate.failed();
}

async function searchTiers(
  parts: LookUpParts,
  search: Search,
  asked: CacheQuestion,
  key: CacheKey,
  watch: EmbeddingWatch | undefined,
): Promise<CacheLookup> {
  const { indexGate, embedderGate } = search;
  let embedded: Pick<Extract<CacheLookup, { kind: 'miss' }>, 'embedded'> = {};
  try {
    const maxAge = oldestAllowed(asked.control, key.question);
    let missed = 'not_found';
    if (asked.policy.exact) {
      const byId = await findById(parts, asked, key, maxAge);
      indexGate.worked();
      if (byId.kind === 'hit') return byId;
      missed = byId.reason;
    }
    if (!key.semantic)
      return miss(key.semanticRefusal === 'semantic_off' ? missed : `${missed}:${key.semanticRefusal}`);
    if (!embedderGate.open()) return miss('embedder_unavailable');
    search.stage = 'embedder';
    const embedder = await parts.embedder();
    const vector = await embedder.embed(key.question, watch);
    embedderGate.worked();
    if (vector === null) return miss('no_vector');
    if (embedder.remote === true) embedded = { embedded: packVector(embedder, vector) };
    search.stage = 'index';
    const neighbours = await parts.index.nearest(key.scope, vector, NEIGHBOURS, asked.nowMs);
    indexGate.worked();
    if (neighbours.length === 0) return { ...miss('not_found'), ...embedded };
    await fetchKeys(
      parts.cipher,
      neighbours.map(({ point }) => point),
    );
    search.stage = 'verifier';
    const found = judgeNeighbours(await parts.verifier(), parts.cipher, asked, key, maxAge, neighbours);
    return found.kind === 'hit' ? found : { ...found, ...embedded };
  } catch {
    blame(search);
    return { ...miss(`${search.stage}_error`), ...embedded };
  }
}

async function findById(
  { index, cipher }: LookUpParts,
  asked: CacheQuestion,
  key: CacheKey,
  maxAge: number | null,
): Promise<CacheLookup> {
  const point = await index.get(key.id, asked.nowMs);
  if (point === null) return miss('not_found');
  await fetchKeys(cipher, [point]);
  const checked = checkPoint(point, asked, key, maxAge, cipher);
  if (!checked.ok) return miss(checked.reason);
  const { content, ageSeconds } = checked;
  const exact = content.exactHash === key.exactHash;
  if (!exact && !(key.normalisable && normalForm(content.question) === normalForm(key.question))) {
    return miss('index_other_question');
  }
  return {
    kind: 'hit',
    tier: exact ? 'exact' : 'normalised',
    content: toContent(content),
    receiptId: point.receiptId,
    similarity: null,
    ageSeconds,
    reason: exact ? 'canonical' : 'normal_form',
  };
}

/** Keys that are in a remote store; what is at hand costs nothing. A store that is away makes it a miss. */
async function fetchKeys(cipher: ContentCipher, points: readonly CachePoint[]): Promise<void> {
  for (const { keyId, storedAtMs } of points) {
    const state = cipher.keyState(keyId, storedAtMs);
    if (typeof state !== 'string') await state;
  }
}

function judgeNeighbours(
  verifier: PairVerifier,
  cipher: ContentCipher,
  asked: CacheQuestion,
  key: CacheKey,
  maxAge: number | null,
  neighbours: readonly Neighbour[],
): CacheLookup {
  let first: CacheLookup | null = null;
  for (const { point, similarity } of neighbours) {
    if (!(similarity >= -1.001 && similarity <= 1.001)) return first ?? miss('index_bad_similarity');
    const checked = checkPoint(point, asked, key, maxAge, cipher);
    if (!checked.ok) {
      first ??= miss(checked.reason, similarity);
      continue;
    }
    const { content, ageSeconds } = checked;
    const verdict = verifier.judge(key.question, content.question, asked.policy.maxError);
    if (verdict.serve) {
      return {
        kind: 'hit',
        tier: 'semantic',
        content: toContent(content),
        receiptId: point.receiptId,
        similarity,
        ageSeconds,
        reason: verdict.reason,
      };
    }
    first ??= miss(verdict.reason, similarity);
    if (verdict.reason === 'score_below') break;
  }
  return first ?? miss('not_found');
}

function toContent({ scope: _scope, ...content }: SealedContent): CacheContent {
  return content;
}
