import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CollectingSink } from '../__fixtures__/dispatch-probe.js';
import { chunkJson, errorJson, sse, streamEvents, usageChunkJson } from '../__fixtures__/wire-samples.js';
import type { AnswerListener } from './answer-reader.js';
import { StreamRelay } from './relay-stream.js';

const SHAPES: readonly string[] = [
  sse(streamEvents()),
  sse(streamEvents(), '\r\n\r\n'),
  sse(streamEvents(), '\r\r'),
  `\uFEFF: ping\n\n${sse(streamEvents({ usage: false }), '\n\n: ping\n\n')}`,
  sse(streamEvents({ done: false })).trimEnd(),
  sse(streamEvents().slice(0, 5)),
  sse([...streamEvents().slice(0, 4), errorJson('mid')]),
  sse([errorJson('first')]),
  sse([...streamEvents().slice(0, 4), '{"cut":']),
  sse(streamEvents().slice(0, 1)),
  sse([chunkJson({ role: 'assistant' }), usageChunkJson(), ...streamEvents()]),
];

/** Relays bytes in the given pieces and tells everything that came of it. */
function relay(pieces: readonly Uint8Array[]) {
  const sink = new CollectingSink();
  const log: string[] = [];
  const listener: AnswerListener = {
    committed: () => {
      log.push('committed');
      sink.streamStarted({ provider: 'p', model: 'm', attempts: 1 });
    },
    progressed: () => {},
    stalled: () => {},
    completed: () => void log.push('completed'),
    broken: (fault) => void log.push(`broken ${fault.own ?? 'refused'}`),
  };
  const reader = new StreamRelay(sink, listener, () => {});
  for (const piece of pieces) reader.data(piece);
  reader.end();
  return { log, events: sink.events, usageEvents: sink.usageEvents, facts: reader.facts };
}

describe('StreamRelay', () => {
  it('gives the same, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SHAPES), fc.array(fc.nat(), { maxLength: 24 }), (text, numbers) => {
        const bytes = new TextEncoder().encode(text);
        const cuts = [...new Set(numbers.map((number) => number % bytes.length))].sort((a, b) => a - b);
        const pieces = [...cuts, bytes.length].map((cut, at) => bytes.slice(at === 0 ? 0 : cuts[at - 1], cut));

        expect(relay(pieces)).toEqual(relay([bytes]));
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends exactly once, and never with both an end and a break', () => {
    for (const text of SHAPES) {
      const ends = relay([new TextEncoder().encode(text)]).log.filter((line) => line !== 'committed');

      expect(ends.length).toBe(1);
    }
  });

  it('gives every single byte its own turn', () => {
    for (const text of SHAPES) {
      const bytes = new TextEncoder().encode(text);

      expect(relay(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(relay([bytes]));
    }
  });
});
