import { openMemoryRecords } from './adapters/memory/memory-log.js';
import { MemoryCheckpoints } from './adapters/memory/memory-checkpoints.js';
import type { CheckpointStore } from './ports/checkpoint-store.js';
import type { EventLogReader, EventLogSubscriber, EventLogWriter } from './ports/event-log.js';
import { LogSubscriber } from './usecases/consume-log.js';
import type { ConsumeDependencies } from './usecases/consume-partition.js';

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
