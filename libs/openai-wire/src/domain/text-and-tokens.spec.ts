import { describe, expect, it } from 'vitest';
import { estimateInputTokens, estimateMeters, estimatePromptTokens, estimateTokens } from './estimate-tokens.js';
import { SSE_DONE_BYTES, sseComment, sseEvent, sseEventBytes } from './sse-writer.js';
import { SseParser } from './sse-parser.js';
import { lastUserText, textOfContent } from './text-of-content.js';

describe('textOfContent', () => {
  it('joins text parts and leaves pictures out', () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'image_url', image_url: { url: 'x' } },
      null,
      { type: 'text', text: 'b' },
    ];

    expect(textOfContent(parts)).toBe('a\nb');
    expect(textOfContent('plain')).toBe('plain');
    for (const content of [null, undefined, 1, {}]) expect(textOfContent(content)).toBe('');
  });

  it('finds the last user turn', () => {
    const messages = [
      { role: 'user', content: 'first' },
      { role: 'user', content: [{ type: 'text', text: 'second' }] },
      { role: 'assistant', content: 'x' },
    ];

    expect(lastUserText(messages)).toBe('second');
    expect(lastUserText([{ role: 'system', content: 'x' }])).toBe('');
  });
});

describe('estimateTokens', () => {
  it.each(['', 'abcd', 'Zürich', '東京都', '🙂🙂', 'a\ud83d\ude42b'])('counts the UTF-8 bytes of %j', (text) => {
    expect(estimateTokens(text)).toBe(Math.ceil(new TextEncoder().encode(text).length / 4));
  });

  it('counts messages, tools and inputs', () => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'x'.repeat(40) }] };

    expect(estimatePromptTokens(body)).toBe(17);
    expect(estimatePromptTokens({ ...body, tools: [{ type: 'function' }] })).toBeGreaterThan(17);
    expect(estimateMeters(body, 'abcdefgh')).toEqual({ input_uncached: 17, output_text: 2 });
    expect(estimateInputTokens(['abcd', 'abcd'])).toBe(2);
    expect(estimateInputTokens([1, 2, 3])).toBe(3);
    expect(estimateInputTokens([[1, 2], [3]])).toBe(3);
  });
});

describe('sseEvent', () => {
  it.each(['{"a":1}', '', ' x', 'a\nb', 'Zürich 🙂'])('is read back as %j', (data) => {
    const items = new SseParser().push(sseEventBytes(data));

    expect(items).toEqual([{ kind: 'data', data, event: '' }]);
  });

  it('writes the terminator and comments', () => {
    expect(new TextDecoder().decode(SSE_DONE_BYTES)).toBe('data: [DONE]\n\n');
    expect(sseEvent('x')).toBe('data: x\n\n');
    expect(sseComment('keep\nalive')).toBe(': keep alive\n\n');
  });
});
