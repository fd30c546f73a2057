import type { StoredRecord } from '#events/domain/event-record.js';
import { pause } from './backoff.js';
import type { EventLogReader, RecordBatch, TopicPosition } from '../ports/event-log.js';

/** A waiting read is renewed this often, so that an idle consumer costs nothing and still notices a stop. */
const IDLE_WAIT_MS = 5000;
const LINGER_SLICE_MS_MIN = 5;
/** What `bytesMax` is when nobody says. */
const BATCH_BYTES_MAX = 8_000_000;

export interface GatherLimits {
  readonly recordsMax: number;
  readonly lingerMs: number;
  readonly bytesMax?: number | undefined;
}

/**
 * Waits for a first record, then until the batch is full or `lingerMs` are over.
 * Empty when nothing came for a while or the signal aborted.
 */
export async function gatherBatch(
  reader: EventLogReader,
  from: TopicPosition,
  limits: GatherLimits,
  signal: AbortSignal,
): Promise<RecordBatch> {
  const { recordsMax, lingerMs, bytesMax = BATCH_BYTES_MAX } = limits;
  let batch = await reader.read(from, { recordsMax, bytesMax, waitMs: IDLE_WAIT_MS }, signal);
  if (batch.records.length === 0 || lingerMs <= 0) return batch;
  const until = performance.now() + lingerMs;
  const sliceMs = Math.max(LINGER_SLICE_MS_MIN, lingerMs / 4);
  let bytes = byteCount(batch.records);
  // With more at hand than was given, the next record is what did not fit. A backlog waits for no company.
  const full = (): boolean =>
    batch.records.length >= recordsMax ||
    bytes >= bytesMax ||
    (bytes > bytesMax / 2 && batch.nextOffset < batch.headOffset);
  while (!full() && !signal.aborted) {
    const leftMs = until - performance.now();
    if (leftMs <= 0) break;
    // Looked at a few times instead of at every append: many small reads cost more than they bring.
    await pause(Math.min(leftMs, sliceMs), signal);
    const rest = { recordsMax: recordsMax - batch.records.length, bytesMax: bytesMax - bytes, waitMs: 0 };
    const more = await reader.read({ ...from, offset: batch.nextOffset }, rest, signal);
    if (more.records.length === 0) continue;
    bytes += byteCount(more.records);
    batch = { ...more, records: [...batch.records, ...more.records] };
  }
  return batch;
}

function byteCount(records: readonly StoredRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += record.value.length;
  return bytes;
}
