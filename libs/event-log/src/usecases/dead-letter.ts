import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import { deadLetterTopic } from '#events/domain/topics.js';

const REASON_LENGTH_MAX = 300;

/**
 * The record for `<topic>.dlq` of a record that a consumer could not take: the original bytes, key and headers, with
 * `x-error` and `x-source` = `topic:partition:offset`.
 * @param reason what is wrong with it, without its content; cut after 300 characters.
 */
export function toDeadLetter(record: StoredRecord, reason: string): NewRecord {
  return {
    topic: deadLetterTopic(record.topic),
    key: record.key,
    value: record.value,
    headers: {
      ...record.headers,
      'x-error': reason.slice(0, REASON_LENGTH_MAX),
      'x-source': `${record.topic}:${record.partition}:${record.offset}`,
    },
  };
}
