import type { Message } from 'kafkajs';
import type { NewRecord, StoredRecord } from '#events/domain/event-record.js';
import type { RawMessage } from './kafkajs-cluster.js';

/** kafkajs wants Buffers; the bytes are not copied. */
export function toKafkaMessage(record: Pick<NewRecord, 'key' | 'value' | 'headers'>): Message {
  const { key, value, headers } = record;
  return {
    key,
    value: typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    headers,
  };
}

/** Upper bound of what a record takes inside a Kafka batch. */
export function kafkaBytes(record: Pick<NewRecord, 'key' | 'value' | 'headers'>): number {
  let bytes =
    textBytes(record.key) + (typeof record.value === 'string' ? textBytes(record.value) : record.value.length);
  for (const [name, value] of Object.entries(record.headers)) bytes += textBytes(name) + textBytes(value) + 10;
  return bytes + 32;
}

const textBytes = (text: string): number => Buffer.byteLength(text);

export function fromKafkaMessage(topic: string, partition: number, message: RawMessage): StoredRecord {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    // A header given twice comes as an array, and one named like a member of Object with that member before it.
    const last = Array.isArray(value) ? (value.at(-1) as Buffer | string) : (value as Buffer | string | undefined);
    headers[name] = last === undefined || last === null ? '' : last.toString();
  }
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    key: message.key === null ? '' : message.key.toString(),
    // A tombstone has no value: no event of ours, so an empty one that no decoder takes for an event.
    value: message.value ?? EMPTY,
    headers,
  };
}

const EMPTY = new Uint8Array(0);
