import { retainSegments } from '#event-log/event-log.module.js';
import type { CheckpointStore } from '#event-log/ports/checkpoint-store.js';
import type { EventLogReader, EventLogWriter } from '#event-log/ports/event-log.js';
import { oldestCheckpoints } from '#event-log/usecases/oldest-checkpoints.js';
import { SHIPPER_GROUP } from '#event-log/usecases/ship-records.js';
import type { NewRecord } from '#events/domain/event-record.js';
import { ALL_TOPICS, deadLetterTopic, TOPICS } from '#events/domain/topics.js';
import type { Logger } from '#telemetry/ports/logger.js';
import { RECOVERY_GROUP } from '../recovery-cursor.js';

const DAY_MS = 86_400_000;
/** Receipts must outlive the year they are audited in; a segment holds all topics, so this is every segment's age. */
const KEPT_DAYS = 400;
/** A shipped record is in Kafka; this long it stays here for recovery and for people who look. */
const SHIPPED_KEPT_MS = 3_600_000;
const CARRY_EVERY_DAYS = 90;
const CARRY_GROUP = 'control-carried';
const EVERY_MS = 10 * 60_000;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export interface RetentionParts {
  readonly directory: string;
  readonly partition: number;
  readonly reader: EventLogReader;
  readonly writer: EventLogWriter;
  readonly checkpoints: CheckpointStore;
  /** Is the log shipped to Kafka, which then keeps it? */
  readonly shipped: boolean;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/** Deletes segments that nobody needs any more, every ten minutes. @returns stops it. */
export function startLogRetention(parts: RetentionParts): () => void {
  const pass = (): void => {
    retain(parts).catch((error: unknown) => parts.logger.warn({ err: error }, 'old log segments were not deleted'));
  };
  const timer = setInterval(pass, EVERY_MS);
  timer.unref();
  pass();
  return () => clearInterval(timer);
}

async function retain(parts: RetentionParts): Promise<void> {
  const { checkpoints, directory, partition, shipped } = parts;
  const nowMs = parts.nowMs();
  if (!shipped) await carryControl(parts, nowMs);
  const topics = ALL_TOPICS.flatMap((topic) => [topic, deadLetterTopic(topic)]);
  const maxAgeMs = shipped ? SHIPPED_KEPT_MS : KEPT_DAYS * DAY_MS;
  const groups = new Map<string, readonly string[]>(shipped ? topics.map((topic) => [topic, [SHIPPER_GROUP]]) : []);
  for (const topic of [TOPICS.requests, TOPICS.responses, TOPICS.receipts]) {
    groups.set(topic, [...(groups.get(topic) ?? []), RECOVERY_GROUP]);
  }
  const { deleted } = await retainSegments({
    directory,
    partition,
    maxBytes: NO_LIMIT,
    minOffsets: await oldestCheckpoints(checkpoints, groups, partition),
    topicMaxAgeMs: new Map(topics.map((topic) => [topic, maxAgeMs])),
    nowMs,
  });
  if (deleted.length > 0) parts.logger.info({ deleted: deleted.length, partition }, 'old log segments were deleted');
}

/**
 * Keys, prices and policies are a replay of the control topic and have no age: what is about to fall out of the log is
 * appended again with the same event id, long before.
 */
async function carryControl(parts: RetentionParts, nowMs: number): Promise<void> {
  const { checkpoints, partition, reader } = parts;
  const carriedMs = await checkpoints.load(CARRY_GROUP, TOPICS.control, partition);
  if (carriedMs === null) {
    await checkpoints.save(CARRY_GROUP, TOPICS.control, partition, BigInt(nowMs));
    return;
  }
  if (nowMs - Number(carriedMs) < CARRY_EVERY_DAYS * DAY_MS) return;
  const records = new Map<string, NewRecord>();
  let offset = 0n;
  for (;;) {
    const batch = await reader.read(
      { topic: TOPICS.control, partition, offset },
      { recordsMax: 1_000, bytesMax: 8 * 1024 * 1024, waitMs: 0 },
    );
    for (const { topic, key, value, headers } of batch.records) {
      records.set(headers['ce_id'] ?? '', { topic, key, value, headers });
    }
    if (batch.records.length === 0 || batch.nextOffset >= batch.headOffset) break;
    offset = batch.nextOffset;
  }
  if (records.size > 0) await parts.writer.append([...records.values()]).durable;
  await checkpoints.save(CARRY_GROUP, TOPICS.control, partition, BigInt(nowMs));
}
