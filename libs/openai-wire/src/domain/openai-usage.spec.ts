import { inputTokens, outputTokens } from '#events/domain/meters.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numberToPico } from './decimal-number.js';
import { fromOpenAiUsage } from './openai-usage.js';
import { toOpenAiUsage } from './usage-view.js';

const whole = (value: unknown): number => Math.max(0, Math.ceil(Number(value)) || 0);

describe('fromOpenAiUsage', () => {
  it('takes cached out of prompt and reasoning out of completion', () => {
    const raw = {
      prompt_tokens: 1000,
      completion_tokens: 100,
      total_tokens: 1100,
      prompt_tokens_details: { cached_tokens: 200, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 40, accepted_prediction_tokens: 0 },
    };

    const reading = fromOpenAiUsage(raw);

    expect(reading.meters).toEqual({
      input_uncached: 800,
      input_cache_read: 200,
      output_text: 60,
      output_reasoning: 40,
    });
    expect(reading).toMatchObject({ flags: [], raw, providerCostPicoUsd: null });
  });

  it('keeps an explicit zero apart from a missing block', () => {
    expect(fromOpenAiUsage({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 })).toMatchObject({
      meters: { input_uncached: 0, output_text: 0 },
      flags: [],
    });
    for (const raw of [null, undefined, 'x', [], {}]) {
      expect(fromOpenAiUsage(raw)).toMatchObject({ meters: {}, flags: ['missing'] });
    }
  });

  it('reads an embeddings block without completion tokens', () => {
    expect(fromOpenAiUsage({ prompt_tokens: 8, total_tokens: 8 })).toMatchObject({
      meters: { input_uncached: 8 },
      flags: [],
    });
  });

  it('splits audio, cached audio, cache writes, pictures and searches', () => {
    const reading = fromOpenAiUsage({
      prompt_tokens: 1000,
      completion_tokens: 200,
      total_tokens: 1200,
      prompt_tokens_details: {
        cached_tokens: 300,
        cached_tokens_details: { audio_tokens: 50 },
        audio_tokens: 150,
        cache_write_tokens: 100,
        image_tokens: 40,
      },
      completion_tokens_details: { audio_tokens: 120, reasoning_tokens: 30 },
      server_tool_use: { web_search_requests: 2 },
    });

    expect(reading.meters).toEqual({
      input_uncached: 460,
      input_cache_read: 250,
      input_audio_cache_read: 50,
      input_cache_write_5m: 100,
      input_audio: 100,
      input_image: 40,
      output_text: 50,
      output_reasoning: 30,
      output_audio: 120,
      web_search: 2,
    });
    expect(reading.flags).toEqual([]);
  });

  it.each([
    [
      'DeepSeek',
      {
        prompt_tokens: 10,
        prompt_cache_hit_tokens: 4,
        prompt_cache_miss_tokens: 6,
        completion_tokens: 1,
        total_tokens: 11,
      },
    ],
    ['Moonshot', { prompt_tokens: 10, cached_tokens: 4, completion_tokens: 1, total_tokens: 11 }],
  ])('finds cache reads where %s puts them', (_who, raw) => {
    expect(fromOpenAiUsage(raw)).toMatchObject({ meters: { input_uncached: 6, input_cache_read: 4 }, flags: [] });
  });

  it('sees by the total that a host counts reasoning or cache reads outside', () => {
    const xai = fromOpenAiUsage({
      prompt_tokens: 10,
      completion_tokens: 2,
      total_tokens: 112,
      completion_tokens_details: { reasoning_tokens: 100 },
    });
    const cache = fromOpenAiUsage({
      prompt_tokens: 10,
      completion_tokens: 2,
      total_tokens: 42,
      prompt_tokens_details: { cached_tokens: 30 },
    });

    expect(xai).toMatchObject({
      meters: { output_text: 2, output_reasoning: 100 },
      flags: ['reasoning_outside_completion'],
    });
    expect(cache).toMatchObject({
      meters: { input_uncached: 10, input_cache_read: 30 },
      flags: ['cached_outside_prompt'],
    });
  });

  it.each([
    ['negative_clamped', { prompt_tokens: -5, completion_tokens: 2 }],
    ['total_mismatch', { prompt_tokens: 5, completion_tokens: 2, total_tokens: 99 }],
    ['details_exceed_total', { prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 9 } }],
    ['not_integer', { prompt_tokens: 5.5, completion_tokens: 2 }],
    ['not_integer', { prompt_tokens: 'many', completion_tokens: 2 }],
    ['prompt_missing', { completion_tokens: 2, total_tokens: 9 }],
    ['cost_unreadable', { prompt_tokens: 5, completion_tokens: 2, cost: 'free' }],
    ['cost_unreadable', { prompt_tokens: 5, completion_tokens: 2, cost: -1 }],
  ])('flags %s', (flag, raw) => {
    const reading = fromOpenAiUsage(raw);

    expect(reading.flags).toContain(flag);
    for (const quantity of Object.values(reading.meters)) expect(quantity).toBeGreaterThanOrEqual(0);
  });

  it.each([
    [0.00014, '140000000'],
    [1e-7, '100000'],
    [0, '0'],
    ['0.0025', '2500000000'],
    [0.1, '100000000000'],
  ])('takes the cost %s exactly', (cost, pico) => {
    const reading = fromOpenAiUsage({ prompt_tokens: 1, completion_tokens: 1, cost });

    expect(reading).toMatchObject({ providerCostPicoUsd: pico, flags: [] });
  });

  it('rounds what is finer than a picodollar and says so', () => {
    expect(fromOpenAiUsage({ prompt_tokens: 1, cost: 0.0000000000015 })).toMatchObject({
      providerCostPicoUsd: '2',
      flags: ['cost_rounded'],
    });
  });

  it('keeps the sums of consistent blocks, and gives the same block back', () => {
    const tokens = fc.nat({ max: 100_000 });

    fc.assert(
      fc.property(tokens, tokens, tokens, tokens, tokens, tokens, (text, read, write, audio, out, reasoning) => {
        const raw = {
          prompt_tokens: text + read + write + audio,
          completion_tokens: out + reasoning,
          total_tokens: text + read + write + audio + out + reasoning,
          prompt_tokens_details: { cached_tokens: read, cache_write_tokens: write, audio_tokens: audio },
          completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 },
        };

        const { meters, flags } = fromOpenAiUsage(raw);

        expect(flags).toEqual([]);
        expect(inputTokens(meters)).toBe(raw.prompt_tokens);
        expect(outputTokens(meters)).toBe(raw.completion_tokens);
        expect(toOpenAiUsage(meters)).toEqual(raw);
      }),
      { numRuns: 2000 },
    );
  });

  it('never makes a negative meter or more than the totals of any block', () => {
    const anything = fc.oneof(fc.integer({ min: -50, max: 200 }), fc.double(), fc.constantFrom(null, 'x', '7', {}, []));
    const details = fc.dictionary(
      fc.constantFrom('cached_tokens', 'audio_tokens', 'cache_write_tokens', 'image_tokens', 'reasoning_tokens'),
      anything,
    );
    const block = fc.record({
      prompt_tokens: anything,
      completion_tokens: anything,
      prompt_tokens_details: fc.oneof(details, anything),
      completion_tokens_details: fc.oneof(details, anything),
      cost: anything,
    });

    fc.assert(
      fc.property(block, (raw) => {
        const { meters } = fromOpenAiUsage(raw);

        for (const quantity of Object.values(meters))
          expect(Number.isSafeInteger(quantity) && quantity >= 0).toBe(true);
        expect(inputTokens(meters)).toBeLessThanOrEqual(whole(raw.prompt_tokens));
        expect(outputTokens(meters)).toBeLessThanOrEqual(whole(raw.completion_tokens));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('numberToPico', () => {
  it('reads the text of any double and refuses the rest', () => {
    expect(numberToPico('1e21')?.pico).toBe(10n ** 33n);
    expect(numberToPico('-0.5')).toEqual({ pico: -500_000_000_000n, exact: true });
    expect(numberToPico('5e-324')).toEqual({ pico: 0n, exact: false });
    for (const text of ['', 'NaN', 'Infinity', '0x10', '1_000', '.5']) expect(numberToPico(text)).toBeNull();
  });
});
