import { describe, expect, it } from 'vitest';
import { isCommit, readStreamData } from './stream-reading.js';

const chunk = (delta: unknown, more: object = {}, finish: string | null = null): string =>
  JSON.stringify({
    id: 'c',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  });
const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };

describe('readStreamData', () => {
  it.each([
    ['content', { content: 'a' }],
    ['a tool call', { tool_calls: [{ index: 0, function: { arguments: '' } }] }],
    ['DeepSeek reasoning', { content: null, reasoning_content: 'so' }],
    ['OpenRouter reasoning', { content: '', reasoning: 'so' }],
    ['a refusal', { refusal: 'no' }],
    ['audio', { audio: { data: 'AA==' } }],
    ['a function call', { function_call: { name: 'f' } }],
  ])('sees %s as content that commits', (_what, delta) => {
    const reading = readStreamData(chunk(delta));

    expect(reading.kind).toBe('content');
    expect(isCommit(reading)).toBe(true);
  });

  it.each([
    ['a role frame', chunk({ role: 'assistant', content: '' })],
    ['an empty delta', chunk({})],
    ['empty lists', chunk({ tool_calls: [], content: null, reasoning: null })],
    ['no choices and no usage', '{"id":"c","choices":[]}'],
    ['a foreign object', '{"type":"ping"}'],
  ])('sees %s as lifecycle', (_what, data) => {
    const reading = readStreamData(data);

    expect(reading.kind).toBe('lifecycle');
    expect(isCommit(reading)).toBe(false);
  });

  it('sees the end of a choice, with content beside it or without', () => {
    expect(readStreamData(chunk({}, {}, 'stop'))).toMatchObject({ kind: 'finish', finishReason: 'stop' });
    expect(readStreamData(chunk({ content: 'x' }, {}, 'length'))).toMatchObject({
      kind: 'content',
      finishReason: 'length',
    });
  });

  it('finds usage alone, beside choices, and ignores a null one', () => {
    expect(readStreamData(JSON.stringify({ choices: [], usage }))).toMatchObject({ kind: 'usage', usage });
    expect(readStreamData(JSON.stringify({ usage }))).toMatchObject({ kind: 'usage', usage });
    expect(readStreamData(chunk({ content: 'x' }, { usage }))).toMatchObject({ kind: 'content', usage });
    expect(readStreamData(chunk({}, { usage }, 'stop'))).toMatchObject({ kind: 'finish', usage });
    expect(readStreamData(chunk({}, { usage: null }))).toMatchObject({ kind: 'lifecycle', usage: null });
  });

  it.each([
    ['an error frame', '{"error":{"message":"no","code":429}}', { message: 'no', code: 429 }],
    ['an error as text', '{"error":"no"}', 'no'],
    ['an error beside choices', chunk({ content: '' }, { error: { code: 502 } }, 'error'), { code: 502 }],
    ['a vLLM error', '{"object":"error","message":"no"}', { object: 'error', message: 'no' }],
  ])('finds %s', (_what, data, error) => {
    expect(readStreamData(data)).toMatchObject({ kind: 'error', error });
  });

  it('takes finish_reason error without an error object for an error', () => {
    expect(readStreamData(chunk({ content: '' }, {}, 'error')).kind).toBe('error');
    expect(readStreamData(chunk({ content: 'x' }, { error: null }, 'stop')).kind).toBe('content');
  });

  it('knows the end and what is no object', () => {
    expect(readStreamData('[DONE]').kind).toBe('done');
    expect(readStreamData(' [DONE] ').kind).toBe('done');
    for (const data of ['', '[]', 'null', '"x"', '{"choi', '<html>', '{} {}', '[done']) {
      expect(readStreamData(data).kind).toBe('malformed');
    }
  });

  it('looks at every choice', () => {
    const data = JSON.stringify({
      choices: [
        { index: 0, delta: {} },
        { index: 1, delta: { content: 'x' } },
        { index: 0, delta: {}, finish_reason: 'stop' },
      ],
    });

    expect(readStreamData(data)).toMatchObject({ kind: 'content', finishReason: 'stop' });
  });
});
