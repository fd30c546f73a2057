import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompletionAssembly } from './assemble-completion.js';
import { replayAsChunks, replayCompletion } from './replay-completion.js';
import { readStreamData, type StreamChunk } from './stream-reading.js';

const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const fold = (chunks: readonly unknown[]): Readonly<Record<string, unknown>> => {
  const assembly = new CompletionAssembly();
  for (const chunk of chunks) assembly.add(chunk as StreamChunk);
  return assembly.completion();
};
const chunk = (delta: object, finish: string | null = null, index = 0): object => ({
  id: 'c',
  object: 'chat.completion.chunk',
  created: 7,
  model: 'm',
  choices: [{ index, delta, finish_reason: finish }],
});

describe('CompletionAssembly', () => {
  it('folds text, reasoning, refusal and usage into one completion', () => {
    const completion = fold([
      { ...chunk({ role: 'assistant', content: '' }), nextmodel: { receipt_id: 'rcpt_x' } },
      chunk({ reasoning_content: 'so ' }),
      chunk({ reasoning_content: 'it is' }),
      chunk({ content: 'Hel' }),
      chunk({ content: 'lo' }),
      chunk({ refusal: 'no' }),
      { ...chunk({}, 'stop'), service_tier: 'default' },
      { id: 'c', choices: [], usage },
    ]);

    expect(completion).toEqual({
      id: 'c',
      object: 'chat.completion',
      created: 7,
      model: 'm',
      service_tier: 'default',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello', reasoning_content: 'so it is', refusal: 'no' },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage,
    });
  });

  it('folds parallel tool calls by index, with repeated names and empty ids', () => {
    const completion = fold([
      chunk({
        role: 'assistant',
        content: null,
        tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }],
      }),
      chunk({ tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }] }),
      chunk({ tool_calls: [{ index: 0, id: '', function: { name: 'f', arguments: '{"x"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      chunk({}, 'tool_calls'),
    ]);

    expect(completion['choices']).toMatchObject([
      {
        message: {
          content: null,
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
            { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
          ],
        },
        finish_reason: 'tool_calls',
      },
    ]);
  });

  it('keeps choices apart and in order', () => {
    const completion = fold([
      chunk({ content: 'b' }, null, 1),
      chunk({ content: 'a' }, 'stop', 0),
      chunk({ content: 'c' }, 'length', 1),
    ]);

    expect(completion['choices']).toMatchObject([
      { index: 0, message: { content: 'a' }, finish_reason: 'stop' },
      { index: 1, message: { content: 'bc' }, finish_reason: 'length' },
    ]);
  });

  it('takes a prototype name for nothing', () => {
    const chunk1: unknown = JSON.parse(
      '{"__proto__":{"bad":1},"choices":[{"delta":{"__proto__":{"bad":1},"content":"x","audio":{"__proto__":{"bad":1}}}}]}',
    );

    const completion = fold([chunk1]);

    const [choice] = completion['choices'] as { message: Record<string, unknown> }[];
    expect(completion['bad']).toBeUndefined();
    expect(choice?.message['bad']).toBeUndefined();
    expect(choice?.message['audio']).toEqual({});
    expect(({} as Record<string, unknown>)['bad']).toBeUndefined();
  });

  it('gives the delivered text for an estimate', () => {
    const assembly = new CompletionAssembly();
    assembly.add(chunk({ content: 'abc', reasoning: 'de' }) as StreamChunk);

    expect(assembly.text()).toBe('abcde');
  });
});

describe('replayCompletion', () => {
  it('gives the body of a non-stream as it was', () => {
    const completion = fold([chunk({ content: 'x' }, 'stop')]);

    expect(JSON.parse(replayCompletion(completion, { stream: false, includeUsage: true }))).toEqual(completion);
  });

  it('begins with a role frame, ends with finish and, when wanted, usage', () => {
    const completion = { ...fold([chunk({ content: 'one two' }, 'stop')]), usage };

    const kinds = (includeUsage: boolean): string[] =>
      replayAsChunks(completion, { includeUsage, pieceChars: 4 }).map((data) => readStreamData(data).kind);

    expect(kinds(true)).toEqual(['lifecycle', 'content', 'content', 'finish', 'usage']);
    expect(kinds(false)).toEqual(['lifecycle', 'content', 'content', 'finish']);
  });

  it('never cuts a character in two', () => {
    const completion = fold([chunk({ content: 'a🙂🙂🙂🙂b' }, 'stop')]);

    for (const pieceChars of [1, 2, 3, 4]) {
      const texts = replayAsChunks(completion, { includeUsage: false, pieceChars }).map(
        (data) => (JSON.parse(data) as { choices: [{ delta: { content?: string } }] }).choices[0].delta.content ?? '',
      );

      expect(texts.every((text) => text.isWellFormed())).toBe(true);
      expect(texts.join('')).toBe('a🙂🙂🙂🙂b');
    }
  });

  it('is undone by folding the chunks again', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((value) => value.toWellFormed());
    const call = fc.record({
      id: text,
      type: fc.constant('function'),
      function: fc.record({ name: text, arguments: fc.oneof(fc.constant(''), text) }),
    });
    const message = fc.record(
      {
        role: fc.constant('assistant'),
        content: fc.oneof(fc.constant(null), text),
        reasoning: text,
        reasoning_content: text,
        refusal: fc.oneof(fc.constant(null), text),
        tool_calls: fc.array(call, { minLength: 1, maxLength: 3 }),
        annotations: fc.array(fc.record({ type: text }), { minLength: 1, maxLength: 2 }),
      },
      { requiredKeys: ['role', 'content', 'refusal'] },
    );
    const completions = fc.array(message, { minLength: 1, maxLength: 3 }).map((all) => ({
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: all.map((one, index) => ({ index, message: one, logprobs: null, finish_reason: 'stop' })),
      usage,
    }));

    fc.assert(
      fc.property(completions, fc.integer({ min: 1, max: 9 }), (completion, pieceChars) => {
        const chunks = replayAsChunks(completion, { includeUsage: true, pieceChars });

        expect(fold(chunks.map((data): unknown => JSON.parse(data)))).toEqual(completion);
      }),
      { numRuns: 1000 },
    );
  });
});
