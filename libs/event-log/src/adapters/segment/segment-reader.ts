import fs from 'node:fs';
import path from 'node:path';
import type { EventLogReader, ReadLimits, RecordBatch, TopicPosition } from '../../ports/event-log.js';
import { PartitionReader } from './partition-reader.js';
import type { BadFrame } from './quarantine.js';

export interface SegmentReaderOptions {
  /** The log's directory, with a directory for each partition; may appear later. */
  readonly directory: string;
  /** Told of damage in a sealed segment, once for each reader. The read that finds it first also rejects. */
  readonly onBadFrame?: ((bad: BadFrame) => void) | undefined;
}

/** Reads the segment files of all partitions, also while other processes write them. */
export class SegmentReader implements EventLogReader {
  readonly #directory: string;
  readonly #onBadFrame: ((bad: BadFrame) => void) | undefined;
  readonly #partitions = new Map<number, PartitionReader>();

  constructor({ directory, onBadFrame }: SegmentReaderOptions) {
    this.#directory = path.resolve(directory);
    this.#onBadFrame = onBadFrame;
  }

  /** Every partition carries all topics, so the answer is the same for each of them. */
  async partitions(_topic: string): Promise<readonly number[]> {
    try {
      const names = await fs.promises.readdir(this.#directory);
      return names
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
        .sort((a, b) => a - b);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  bounds(topic: string, partition: number): Promise<{ readonly first: bigint; readonly head: bigint }> {
    return this.#partition(partition).bounds(topic);
  }

  read(from: TopicPosition, limits: ReadLimits, signal?: AbortSignal): Promise<RecordBatch> {
    return this.#partition(from.partition).read(from, limits, signal);
  }

  async close(): Promise<void> {
    for (const partition of this.#partitions.values()) partition.close();
    this.#partitions.clear();
  }

  #partition(partition: number): PartitionReader {
    let reader = this.#partitions.get(partition);
    if (reader === undefined) {
      reader = new PartitionReader(path.join(this.#directory, String(partition)), partition, this.#onBadFrame);
      this.#partitions.set(partition, reader);
    }
    return reader;
  }
}
