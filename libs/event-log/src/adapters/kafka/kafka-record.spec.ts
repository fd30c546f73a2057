import { describe, expect, it } from 'vitest';
import { fromKafkaMessage, kafkaBytes, toKafkaMessage } from './kafka-record.js';

const message = { offset: '9007199254740993', key: Buffer.from('k'), value: Buffer.from('v') };

describe('records in Kafka', () => {
  it('keeps offsets beyond the safe integers exact', () => {
    const stored = fromKafkaMessage('t', 3, { ...message, headers: {} });

    expect(stored).toMatchObject({ topic: 't', partition: 3, offset: 9007199254740993n, key: 'k' });
  });

  it('takes the last of a header that is given twice, and of one that kafkajs mixes with a member of Object', () => {
    const headers = { twice: [Buffer.from('a'), Buffer.from('b')], constructor: [Object as never, Buffer.from('c')] };

    const stored = fromKafkaMessage('t', 0, { ...message, headers });

    expect({ ...stored.headers }).toEqual({ twice: 'b', constructor: 'c' });
  });

  it('reads a tombstone as a record without bytes and without key as an empty key', () => {
    const stored = fromKafkaMessage('t', 0, { offset: '0', key: null, value: null });

    expect(stored).toMatchObject({ key: '', headers: {} });
    expect(stored.value).toHaveLength(0);
  });

  it('hands bytes over without copying them, and never counts a record too small', () => {
    const value = new Uint8Array(100).subarray(10, 60);
    const record = { key: 'ключ', value, headers: { 'x-name': 'größer' } };

    const made = toKafkaMessage(record);

    expect((made.value as Buffer).buffer).toBe(value.buffer);
    expect(made.value).toHaveLength(50);
    expect(kafkaBytes(record)).toBeGreaterThan(8 + 50 + 6 + 8);
  });
});
