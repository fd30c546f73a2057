import { describe, expect, it } from 'vitest';
import { StreamRelay } from '#dispatch/usecases/relay-stream.js';
import {
  chunkJson,
  errorJson,
  sse,
  streamEvents,
  USAGE,
} from '../../../../libs/dispatch/src/__fixtures__/wire-samples.js';
import { seededRandom } from '../../../../tools/reliability/seeded-random.js';

const CUTS = process.env['RELIABILITY'] === 'long' ? 100_000 : 5_000;

const whole = streamEvents();
const lines = (events: readonly string[]): string =>
  events
    .map(
      (event) =>
        `${event === '[DONE]' ? event : JSON.stringify(JSON.parse(event), null, 1)}`
          .split('\n')
          .map((line) => `data: ${line}\n`)
          .join('') + '\n',
    )
    .join('');
/** Streams of all kinds, whole ones and broken ones: a cut between packets must change nothing about any of them. */
const FIXTURES: readonly string[] = [
  sse(whole),
  sse(whole, '\r\n\r\n'),
  sse(whole, '\r\r'),
  sse(whole, '\n\n', 'data:'),
  sse(whole, '\n\n: ping\n\n'),
  sse(whole, '\r\n\r\n', 'event: message\r\nid: 7\r\nretry: 3000\r\ndata: '),
  `\uFEFF${sse(whole)}`,
  `: PROCESSING\n\n\n\n${sse(whole)}`,
  lines(whole),
  lines(whole).replaceAll('\n', '\r\n'),
  sse(whole).trimEnd(),
  sse(whole, '\r\n\r\n').trimEnd(),
  sse(streamEvents({ done: false })),
  sse(streamEvents({ usage: false })),
  sse([...streamEvents({ usage: false, done: false }), chunkJson({}, 'stop', { usage: USAGE }), '[DONE]']),
  sse([...whole, chunkJson({ content: 'LATE' })]),
  sse([chunkJson({ content: '👩‍👩‍👧‍👦\u2028\u2029\u0085 — “quoted” \\n \\u0000' }), ...whole.slice(1)]),
  sse([
    chunkJson({
      tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"ü":"🌍"}' } }],
    }),
    chunkJson({}, 'tool_calls'),
    '[DONE]',
  ]),
  sse(whole.slice(0, 5)),
  sse(whole.slice(0, 1)),
  `${sse(whole.slice(0, 4))}data: {"id":"x","choices":[{"ind\n\n${sse(whole.slice(4))}`,
  `${sse(whole.slice(0, 4))}data: {"id":"x","cho`,
  sse([errorJson('first')]),
  sse([...whole.slice(0, 4), errorJson('mid')]),
  sse([...whole.slice(0, 4), chunkJson({ content: '' }, 'error', { error: { code: 502 } })]),
  '<html>no stream</html>',
  'data: [DONE]\n\n',
  '',
];

/** All that a relay says about a stream: what it gave on, and how it ended. */
function relay(pieces: readonly Uint8Array[]): string {
  const seen: string[] = [];
  const sink = {
    json: () => seen.push('json'),
    streamStarted: () => undefined,
    event: (data: string, isUsage: boolean) => {
      seen.push(`${isUsage ? 'usage' : 'event'} ${data}`);
      return true;
    },
    onDrain: () => undefined,
  };
  const listener = {
    committed: () => seen.push('committed'),
    progressed: () => undefined,
    stalled: () => undefined,
    completed: () => seen.push('completed'),
    broken: (fault: unknown) => seen.push(`broken ${JSON.stringify(fault)}`),
  };
  const reader = new StreamRelay(sink as never, listener as never, () => undefined);
  for (const piece of pieces) reader.data(piece);
  reader.end();
  return JSON.stringify([seen, reader.facts]);
}

function cutAtRandom(bytes: Uint8Array, random: () => number): Uint8Array[] {
  const cuts = Array.from({ length: 1 + Math.floor(random() * 12) }, () =>
    Math.floor(random() * (bytes.length + 1)),
  ).sort((a, b) => a - b);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    pieces.push(bytes.subarray(from, cut));
    from = cut;
  }
  return pieces;
}

describe('a stream cut anywhere between packets', () => {
  it(`is relayed as if it had come at once, ${CUTS} times over ${FIXTURES.length} streams`, () => {
    const random = seededRandom(11);
    const fixtures = FIXTURES.map((text) => {
      const bytes = Buffer.from(text, 'utf8');
      return { bytes, expected: relay([bytes]) };
    });
    const different: number[] = [];

    for (let at = 0; at < CUTS; at += 1) {
      const { bytes, expected } = fixtures[at % fixtures.length] as (typeof fixtures)[number];
      if (relay(cutAtRandom(bytes, random)) !== expected) different.push(at % fixtures.length);
    }

    expect(different).toEqual([]);
    expect(fixtures.filter(({ expected }) => expected.includes('completed')).length).toBeGreaterThan(12);
    expect(fixtures.filter(({ expected }) => expected.includes('broken')).length).toBeGreaterThan(6);
  });

  it('is relayed byte by byte as if it had come at once', () => {
    for (const text of FIXTURES) {
      const bytes = Buffer.from(text, 'utf8');

      expect(relay([...bytes].map((byte) => Uint8Array.of(byte)))).toBe(relay([bytes]));
    }
  });
});
