import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NewRecord } from '#events/domain/event-record.js';
import { ALL_TOPICS, deadLetterTopic } from '#events/domain/topics.js';
import { EVENT_TOPIC } from '#events/domain/router-event.js';
import { frameEnd, frameState } from './frame.js';
import { frameBytesMax, frameHasMore, frameOffset, frameTopic, readFrame, writeFrame } from './record-codec.js';
import { headerValueDictionary, topicDictionary } from './dictionary.js';

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary-ascii' }), fc.constant(''));
const headerName = fc.oneof(
  fc.constantFrom('ce_id', 'ce_type', 'ce_source', 'ce_time', 'x-error', 'constructor', '__proto__', 'toString'),
  text,
);
const record: fc.Arbitrary<NewRecord> = fc.record({
  topic: fc.oneof(fc.constantFrom(...ALL_TOPICS), text),
  key: text,
  value: fc.oneof(text, fc.uint8Array({ maxLength: 300 })),
  headers: fc
    .array(fc.tuple(headerName, fc.oneof(text, fc.constantFrom('1', 'nextmodel/gateway'))), { maxLength: 8 })
    .map((entries) => Object.fromEntries(entries)),
});
const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

function encode(one: NewRecord, at: number, more: boolean): { bytes: Buffer; end: number } {
  const bytes = Buffer.alloc(frameBytesMax(one) + 7, 0xaa);
  return { bytes, end: writeFrame(bytes, 7, one, at, more) };
}

describe('frames', () => {
  it('give back any record exactly', () => {
    fc.assert(
      fc.property(record, offset, fc.boolean(), (one, at, more) => {
        const { bytes, end } = encode(one, at, more);

        expect(end).toBeLessThanOrEqual(bytes.length);
        expect(frameState(bytes, 7, end)).toBe('whole');
        expect(frameEnd(bytes, 7, end)).toBe(end);
        expect([frameTopic(bytes, 7), frameOffset(bytes, 7), frameHasMore(bytes, 7)]).toEqual([one.topic, at, more]);
        const stored = readFrame(bytes, 7, end, 3);
        expect(stored).toMatchObject({ topic: one.topic, partition: 3, offset: BigInt(at), key: one.key });
        expect(Object.entries(stored.headers)).toEqual(Object.entries(one.headers));
        expect(Buffer.from(stored.value)).toEqual(Buffer.from(one.value as Uint8Array));
      }),
      { numRuns: 500 },
    );
  });

  it('are cut, never whole, when the last bytes are missing, and bad when a bit of the payload is wrong', () => {
    fc.assert(
      fc.property(record, offset, fc.nat(), fc.nat({ max: 7 }), (one, at, place, bit) => {
        const { bytes, end } = encode(one, at, false);
        const payload = 7 + 8;

        expect(frameState(bytes, 7, 7 + (place % (end - 7)))).toBe('cut');
        const flipped = payload + (place % (end - payload));
        bytes[flipped] = (bytes[flipped] as number) ^ (1 << bit);
        expect(frameState(bytes, 7, end)).toBe('bad');
      }),
    );
  });

  it('keep a header whole that shares half a character with the key', () => {
    const one: NewRecord = {
      topic: 't',
      key: 'k\ud83d',
      value: '',
      headers: { ce_id: 'k\ud83d\ude00', other: 'k\ud83d/' },
    };
    const { bytes, end } = encode(one, 0, false);

    expect(readFrame(bytes, 7, end, 0).headers).toEqual({ ce_id: 'k😀', other: 'k\ufffd/' });
  });

  it('are never made of zeros', () => {
    expect(frameState(Buffer.alloc(64), 0, 64)).toBe('bad');
  });

  it('take one byte for every topic and event type of the catalogue', () => {
    for (const topic of ALL_TOPICS) {
      expect(topicDictionary.text(topicDictionary.code(topic))).toBe(topic);
      expect(topicDictionary.code(deadLetterTopic(topic))).toBeGreaterThan(0);
    }
    for (const type of Object.keys(EVENT_TOPIC)) expect(headerValueDictionary.code(type)).toBeGreaterThan(0);
  });

  it('refuse what they cannot hold', () => {
    const headers = Object.fromEntries(Array.from({ length: 256 }, (_, n) => [`h${n}`, '']));

    expect(() => frameBytesMax({ topic: 't', key: 'k', value: '', headers })).toThrow(RangeError);
  });
});
