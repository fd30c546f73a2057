import { describe, expect, it } from 'vitest';
import { injectReceiptId, injectUsageCost } from '#openai-wire/domain/answer-injection.js';
import type { UsageCost } from '#openai-wire/domain/usage-view.js';
import { committedTexts } from './answer-texts.js';

const COST: UsageCost = {
  costPicoUsd: '45000000',
  costStatus: 'exact',
  currency: 'USD',
  costNativePico: '45000000',
  avoidedPicoUsd: null,
};
const ID = 'rcpt_019b76da-a800-7c3e-9f10-3b2a1c4d5e6f';

const stream = (frames: readonly string[]): string => [...frames, '[DONE]'].map((data) => `data: ${data}\n\n`).join('');

describe('the text that an answer was committed by', () => {
  it.each([
    ['plain usage', '{"choices":[],"usage":{"prompt_tokens":1}}'],
    ['an empty usage', '{"usage":{}}'],
    ['spaces', '{ "usage" : { "prompt_tokens" : 1 } , "id": "x" }'],
    [
      "a provider's own cost",
      '{"usage":{"prompt_tokens":1,"cost":0.00005,"cost_details":{"upstream_inference_cost":null}}}',
    ],
    ["a provider's cost as Python writes it", '{"usage":{"cost":5e-07,"prompt_tokens":1}}'],
    ['no usage', '{"id":"x"}'],
    ['words that look like it', '{"choices":[{"message":{"content":"\\"usage\\":{\\"cost\\":1}"}}],"usage":{"n":1}}'],
  ])('is found behind the additions: %s', (_name, original) => {
    const usage = (JSON.parse(original) as { usage?: unknown }).usage;

    expect(committedTexts(injectUsageCost(original, COST), [usage])).toContain(original);
  });

  const frames = ['{"choices":[{"delta":{"role":"assistant"}}]}', '{"choices":[{"delta":{"content":"4"}}]}'];
  const usage = '{"choices":[],"usage":{"prompt_tokens":1}}';
  const shown = [injectReceiptId(frames[0]!, ID), frames[1]!];

  it('is found behind a stream with usage, without it, with one of our own, and in one broken frame', () => {
    expect(committedTexts(stream([...shown, injectUsageCost(usage, COST)]), [])).toContain(frames.join('') + usage);
    expect(committedTexts(stream(shown), [])).toContain(frames.join(''));
    expect(committedTexts(stream([...shown, usage]), [])).toContain(frames.join(''));
    expect(committedTexts(`: keep\n\n${stream([...shown, '{"error":{}}'])}`, [])).toContain(frames.join(''));
  });

  it('keeps the line breaks of data', () => {
    expect(committedTexts('data: {"a":\ndata: 1}\n\n', [])).toContain('{"a":\n1}');
  });
});
