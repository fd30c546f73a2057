import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { NewRecord } from '#events/domain/event-record.js';
import { TOPICS } from '#events/domain/topics.js';
import type { Subscription } from '#event-log/ports/event-log.js';
import {
  createContentCipher,
  createContentIndexer,
  createSemanticCache,
  openInProcessIndex,
  openQdrantIndex,
} from '#semantic-cache/semantic-cache.module.js';
import type { ErasableContentCipher } from '#semantic-cache/ports/content-cipher.js';
import type { Embedder } from '#semantic-cache/ports/embedder.js';
import type { SemanticCache } from '#semantic-cache/ports/semantic-cache.js';
import type { VectorIndex } from '#semantic-cache/ports/vector-index.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { OnReplayProgress, ReplayOutcome } from '../http/gateway-parts.js';
import { replayCache } from '../replay/replay-cache.js';
import { SwappableIndex } from '../replay/swappable-index.js';
import { asBatch, RecentlyIndexed } from './recently-indexed.js';
import type { BootOrder } from './boot-order.js';
import type { GatewayLog } from './open-log.js';
import { openSubjectKeys } from './subject-keys.js';

export interface GatewayCache {
  readonly cache: SemanticCache;
  readonly cipher: ErasableContentCipher;
  readonly index: VectorIndex;
  /** Starts to follow the content topic, unless an indexer process does so for a shared index. */
  follow(): Promise<void>;
  /** Indexes an answer of this very process at once, so that its next request can hit it; the log has it too. */
  indexNow(record: NewRecord): void;
  /** Content events that this process has not indexed yet. */
  lag(): Promise<bigint>;
  /** Rebuilds the index from the log while the present one serves; following waits meanwhile. */
  rebuild(onProgress: OnReplayProgress): Promise<ReplayOutcome>;
  close(): Promise<void>;
}

/** Longest look-up without a call to a remote embedder. */
const LOOK_UP_MS = 50;

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

export async function openGatewayCache(
  order: BootOrder,
  log: GatewayLog,
  logger: Logger,
  embedder: Embedder,
): Promise<GatewayCache> {
  const { environment } = order.settings;
  const keys = await openSubjectKeys(environment, order.secretsDirectory);
  if (keys === null) logger.warn({}, 'no Redis for subject keys: an erasure is a refusal to read, no key is destroyed');
  const cipher = createContentCipher(order.masterKey, keys);
  const { qdrantUrl, qdrantApiKey } = environment;
  const open = (): Promise<VectorIndex> =>
    qdrantUrl === null
      ? openInProcessIndex({
          directory: join(order.vectorsDirectory, String(order.partition)),
          embedderId: embedder.id,
        })
      : openQdrantIndex({
          url: qdrantUrl,
          apiKey: qdrantApiKey,
          embedderId: embedder.id,
          dimensions: embedder.dimensions,
        });
  const index = new SwappableIndex(await open());
  const cache = createSemanticCache({
    index,
    embedder: () => embedder,
    cipher,
    sha256Hex,
    timeBoxMs: LOOK_UP_MS + (embedder.remote === true ? (order.settings.cache.semantic.embedder?.timeoutMs ?? 0) : 0),
  });
  await cache.warmUp();
  // With Kafka and Qdrant both shared, `cache-indexer` processes do this work once for all gateways.
  const indexedElsewhere = qdrantUrl !== null && environment.kafkaBrokers.length > 0;
  const indexer = createContentIndexer({
    index,
    embedder: () => embedder,
    cipher,
    onDead: (dead) => logger.warn({ ...dead }, 'a content event could not be indexed'),
  });
  const indexedHere = new RecentlyIndexed();
  const group = `cache-index-${order.instance}`;
  let subscription: Subscription | null = null;
  const follow = async (): Promise<void> => {
    if (indexedElsewhere) return;
    subscription = await log.sharedSubscriber.subscribe(
      {
        group,
        topics: [TOPICS.content],
        startAt: 'first',
        recordsMax: 500,
        lingerMs: 20,
      },
      (batch) => indexer.handle(indexedHere.without(batch)),
    );
  };
  return {
    cache,
    cipher,
    index,
    follow,
    indexNow: (record) => {
      if (indexedElsewhere || subscription === null) return;
      indexedHere.add(record);
      void indexer.handle(asBatch(record));
    },
    lag: () => (subscription === null ? Promise.resolve(0n) : log.sharedSubscriber.lag(group, [TOPICS.content])),
    rebuild: async (onProgress) => {
      await subscription?.stop();
      subscription = null;
      try {
        const result = await replayCache({
          settings: order.settings,
          reader: log.sharedReader,
          vectorsDirectory: order.vectorsDirectory,
          partition: order.partition,
          cipher,
          embedder,
          onProgress: ({ read, total }) => onProgress(read, total),
        });
        await index.swap(await open());
        const entries = String(result.entries);
        return { matches: true, fromLog: { entries }, rebuilt: { entries } };
      } finally {
        await follow();
      }
    },
    close: async () => {
      await subscription?.stop();
      await index.flush();
      await index.close();
      await cipher.close();
    },
  };
}
