import { join } from 'node:path';
import { remoteEmbedder } from '#config/domain/remote-embedder.js';
import type { Settings } from '#config/domain/settings.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import type { Embedder } from '#semantic-cache/ports/embedder.js';
import type { ErasableContentCipher } from '#semantic-cache/ports/content-cipher.js';
import {
  openStoredEmbedder,
  rebuildInProcessIndex,
  rebuildQdrantIndex,
} from '#semantic-cache/semantic-cache.module.js';
import { erasedSubjects } from './erased-subjects.js';
import type { RebuildProgress, RebuildResult } from '#semantic-cache/usecases/rebuild-index.js';

export interface ReplayCacheOrder {
  readonly settings: Settings;
  readonly reader: EventLogReader;
  readonly vectorsDirectory: string;
  /** Of the gateway process whose index is rebuilt; a shared index has none. */
  readonly partition: number;
  /** Told of every erasure already, or told here. */
  readonly cipher: ErasableContentCipher;
  readonly embedder?: Embedder;
  readonly onProgress: (progress: RebuildProgress) => void;
}

/** Rebuilds the cache index from the content topic beside the one in use, compares the counts, and switches. */
export async function replayCache(order: ReplayCacheOrder): Promise<RebuildResult> {
  const { reader, onProgress } = order;
  const { qdrantUrl, qdrantApiKey } = order.settings.environment;
  const embedder = order.embedder ?? (await openStoredEmbedder(remoteEmbedder(order.settings)));
  const { cipher } = order;
  for (const [subject, erasedAtMs] of await erasedSubjects(reader)) await cipher.erase(subject, erasedAtMs);
  const parts = { reader, embedder, cipher, onProgress };
  if (qdrantUrl !== null) {
    return rebuildQdrantIndex({
      ...parts,
      url: qdrantUrl,
      apiKey: qdrantApiKey,
      embedderId: embedder.id,
      dimensions: embedder.dimensions,
    });
  }
  const directory = join(order.vectorsDirectory, String(order.partition));
  return rebuildInProcessIndex({ ...parts, directory, embedderId: embedder.id });
}
