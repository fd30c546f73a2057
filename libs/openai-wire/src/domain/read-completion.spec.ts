import { describe, expect, it } from 'vitest';
import { readCompletion, readEmbeddings } from './read-completion.js';

const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const whole = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'm-2026',
  service_tier: 'flex',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  usage,
};

describe('readCompletion', () => {
  it('takes what the receipt needs from a whole answer', () => {
    expect(readCompletion(JSON.stringify(whole))).toEqual({
      ok: true,
      body: whole,
      id: 'chatcmpl-1',
      model: 'm-2026',
      finishReason: 'stop',
      usage,
      serviceTier: 'flex',
    });
  });

  it('says null for what is not there', () => {
    const text = JSON.stringify({ choices: [{ message: { content: null } }], usage: null });

    expect(readCompletion(text)).toMatchObject({ ok: true, id: null, model: null, finishReason: null, usage: null });
  });

  it.each([
    ['empty', ''],
    ['empty', ' \n'],
    ['html', '<!doctype html><h1>502</h1>'],
    ['not_json', '{"choices":[{"mess'],
    ['not_json', 'upstream connect error'],
    ['wrong_shape', '[]'],
    ['wrong_shape', 'null'],
    ['wrong_shape', '{"ok":true}'],
    ['wrong_shape', '{"choices":[null]}'],
    ['wrong_shape', '{"choices":[{"message":"hi"}]}'],
    ['no_choices', '{"choices":[]}'],
    ['error', '{"error":{"message":"x"}}'],
    ['error', '{"error":{"message":"x"},"choices":[]}'],
    ['error', '{"object":"error","message":"x"}'],
    ['error', '{"choices":[{"finish_reason":"error","message":{}}]}'],
  ])('sees %s in %s', (reason, text) => {
    expect(readCompletion(text)).toMatchObject({ ok: false, reason });
  });
});

describe('readEmbeddings', () => {
  it('takes arrays and base64', () => {
    const text = JSON.stringify({ data: [{ embedding: [0.1] }, { embedding: 'AAAA' }], usage });

    expect(readEmbeddings(text)).toMatchObject({ ok: true, usage, finishReason: null });
  });

  it.each([
    ['no_choices', '{"data":[]}'],
    ['wrong_shape', '{"data":[{"embedding":[]}]}'],
    ['wrong_shape', '{"data":[{}]}'],
    ['wrong_shape', '{"choices":[]}'],
    ['error', '{"error":"x"}'],
  ])('sees %s in %s', (reason, text) => {
    expect(readEmbeddings(text)).toMatchObject({ ok: false, reason });
  });
});
