import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkChatRequest } from './check-chat-request.js';
import { checkEmbeddingsRequest } from './check-embeddings-request.js';
import { toInvalidRequest } from './request-limits.js';

const messages = [{ role: 'user', content: 'hi' }];
const chat = (more: object): unknown => ({ model: 'm', messages, ...more });
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

describe('checkChatRequest', () => {
  it('gives the very object back, unknown fields and null fields included', () => {
    const body = chat({ reasoning_effort: 'low', stream: null, temperature: 0, tools: null, x_own: { a: [1] } });

    const checked = checkChatRequest(body);

    expect(checked).toEqual({ ok: true, request: body });
    expect(checked.ok && checked.request).toBe(body);
  });

  it.each([
    ['no body', undefined, null],
    ['null', null, null],
    ['a list', [], null],
    ['a text', 'x', null],
    ['no model', { messages }, 'model'],
    ['a blank model', { model: ' ', messages }, 'model'],
    ['a model that is a number', { model: 1, messages }, 'model'],
    ['a model with a line end', { model: 'a\r\nx: y', messages }, 'model'],
    ['a long model', { model: 'm'.repeat(257), messages }, 'model'],
    ['no messages', { model: 'm' }, 'messages'],
    ['messages as text', { model: 'm', messages: 'hi' }, 'messages'],
    ['messages as object', { model: 'm', messages: {} }, 'messages'],
    ['empty messages', { model: 'm', messages: [] }, 'messages'],
    ['too many messages', { model: 'm', messages: Array.from({ length: 2001 }, () => messages[0]) }, 'messages'],
    ['a message that is text', { model: 'm', messages: ['hi'] }, 'messages[0]'],
    ['a message without role', { model: 'm', messages: [...messages, {}] }, 'messages[1].role'],
    ['content as number', { model: 'm', messages: [{ role: 'user', content: 1 }] }, 'messages[0].content'],
    ['a part that is null', { model: 'm', messages: [{ role: 'user', content: [null] }] }, 'messages[0].content[0]'],
    ['too many tools', chat({ tools: Array.from({ length: 129 }, () => ({ type: 'function' })) }), 'tools'],
    ['a tool that is text', chat({ tools: ['f'] }), 'tools[0]'],
    ['stream as text', chat({ stream: 'true' }), 'stream'],
    ['stream_options as list', chat({ stream_options: [] }), 'stream_options'],
    ['include_usage as text', chat({ stream_options: { include_usage: 'yes' } }), 'stream_options.include_usage'],
    ['temperature as text', chat({ temperature: '1' }), 'temperature'],
    ['max_tokens as fraction', chat({ max_tokens: 1.5 }), 'max_tokens'],
    ['n too large', chat({ n: 9 }), 'n'],
    ['n zero', chat({ n: 0 }), 'n'],
    ['models as text', chat({ models: 'm' }), 'models'],
    ['deep nesting', chat({ x: nested(64) }), null],
  ])('refuses %s', (_what, body, param) => {
    const checked = checkChatRequest(body);

    expect(checked).toMatchObject({ ok: false, param, code: 'invalid_request' });
    expect(checked.ok || toInvalidRequest(checked)).toMatchObject({ httpStatus: 400, param });
  });

  it('takes what stands exactly at the limits', () => {
    const body = {
      model: 'm'.repeat(256),
      messages: Array.from({ length: 2000 }, () => messages[0]),
      tools: Array.from({ length: 128 }, () => ({ type: 'function' })),
      n: 8,
      x: nested(63),
    };

    expect(checkChatRequest(body).ok).toBe(true);
  });

  it('takes prototype names for plain data', () => {
    const body: unknown = JSON.parse(
      '{"model":"constructor","messages":[{"role":"user","content":"x","__proto__":{"a":1}}],"__proto__":{"stream":"no"}}',
    );

    expect(checkChatRequest(body).ok).toBe(true);
    expect(({} as Record<string, unknown>)['stream']).toBeUndefined();
  });

  it('never throws, whatever the JSON', () => {
    const anything = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(
        fc.oneof(anything, fc.record({ model: anything, messages: anything, tools: anything, n: anything })),
        (body) => {
          const checked = checkChatRequest(body);
          if (!checked.ok) expect(checked.message).not.toBe('');
          checkEmbeddingsRequest(body);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('checkEmbeddingsRequest', () => {
  it.each(['text', ['a', 'b'], [1, 2], [[1], [2, 3]]])('takes %j', (input) => {
    expect(checkEmbeddingsRequest({ model: 'm', input, dimensions: 8, encoding_format: 'base64' }).ok).toBe(true);
  });

  it.each([
    [undefined, 'input'],
    ['', 'input'],
    [[], 'input'],
    [{}, 'input'],
    [['a', 1], 'input[1]'],
    [['a', ''], 'input[1]'],
    [[1, 'a'], 'input'],
    [[[1], []], 'input[1]'],
  ])('refuses %j', (input, param) => {
    expect(checkEmbeddingsRequest({ model: 'm', input })).toMatchObject({ ok: false, param });
  });

  it('refuses wrong options', () => {
    expect(checkEmbeddingsRequest({ model: 'm', input: 'a', dimensions: 0 })).toMatchObject({ param: 'dimensions' });
    expect(checkEmbeddingsRequest({ model: 'm', input: 'a', encoding_format: 'x' })).toMatchObject({
      param: 'encoding_format',
    });
    expect(checkEmbeddingsRequest([])).toMatchObject({ param: null });
  });
});
