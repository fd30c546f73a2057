import { FileCheckpoints } from './adapters/file-checkpoint/file-checkpoints.js';
import { openMemoryRecords } from './adapters/memory/memory-log.js';
import { MemoryCheckpoints } from './adapters/memory/memory-checkpoints.js';
import { SegmentReader, type SegmentReaderOptions } from './adapters/segment/segment-reader.js';
import type { CheckpointStore } from './ports/checkpoint-store.js';
import type { EventLogReader, EventLogSubscriber, EventLogWriter } from './ports/event-log.js';
import { LogSubscriber } from './usecases/consume-log.js';
import type { ConsumeDependencies } from './usecases/consume-partition.js';

export { openSegmentWriter } from './adapters/segment/open-segment-writer.js';
export { retainSegments } from './adapters/segment/retain-segments.js';

/** Reads the segment log of a data directory, from any process. Close it when done. */
export function openSegmentReader(options: SegmentReaderOptions): EventLogReader {
  return new SegmentReader(options);
}

/** Checkpoints as files in a directory of their own, one for each group. Made when missing. */
export function openFileCheckpoints(directory: string): CheckpointStore {
  return new FileCheckpoints(directory);
}

/** The consumer side of a log: at least once, in order within a partition, each partition on its own. */
export function createLogSubscriber(dependencies: ConsumeDependencies): EventLogSubscriber {
  return new LogSubscriber(dependencies);
}

/** A whole log in memory, for tests and for trying things out. */
export function createMemoryLog(): {
  readonly writer: EventLogWriter;
  readonly reader: EventLogReader;
  readonly subscriber: EventLogSubscriber;
  readonly checkpoints: CheckpointStore;
} {
  const { writer, reader } = openMemoryRecords();
  const checkpoints = new MemoryCheckpoints();
  return { writer, reader, subscriber: new LogSubscriber({ reader, checkpoints }), checkpoints };
}
