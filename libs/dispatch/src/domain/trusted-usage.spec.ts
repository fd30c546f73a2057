import { describe, expect, it } from 'vitest';
import { fromOpenAiUsage } from '#openai-wire/domain/openai-usage.js';
import { trustUsage } from './trusted-usage.js';

const estimate = { input_uncached: 90, output_text: 40 };
const trust = (usage: unknown, over = estimate, whole = true) => trustUsage(fromOpenAiUsage(usage), over, whole);

describe('trustUsage', () => {
  it('believes a whole and consistent block, zeros of its details included', () => {
    const usage = trust({ prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 });

    expect(usage).toEqual({
      meters: { input_uncached: 100, output_text: 50 },
      usageSource: 'provider',
      usageFlags: [],
    });
  });

  it.each([
    ['nothing', {}],
    ['no output', { prompt_tokens: 100 }],
    ['no input', { completion_tokens: 50 }],
    ['only a total', { total_tokens: 150 }],
    ['a total that is another', { prompt_tokens: 100, completion_tokens: 50, total_tokens: 900 }],
    ['a negative count', { prompt_tokens: -5, completion_tokens: 50, total_tokens: 45 }],
    ['no whole number', { prompt_tokens: 1.5, completion_tokens: 50 }],
    ['zeros although something was delivered', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
  ])('calls a block with %s an estimate, and lets no side be free', (_what, raw) => {
    const usage = trust(raw);

    expect(usage.usageSource).toBe('estimated');
    expect(usage.usageFlags.length).toBeGreaterThan(0);
    expect((usage.meters.input_uncached ?? 0) > 0 && (usage.meters.output_text ?? 0) > 0).toBe(true);
  });

  it('calls the block of a broken stream an estimate', () => {
    const usage = trust({ prompt_tokens: 100, completion_tokens: 5, total_tokens: 105 }, estimate, false);

    expect(usage).toMatchObject({ usageSource: 'estimated', usageFlags: ['incomplete_answer'] });
  });

  it('prices a broken stream by what was delivered, not by the placeholder in its usage', () => {
    const usage = trust({ prompt_tokens: 100, completion_tokens: 1, total_tokens: 101 }, estimate, false);

    expect(usage.meters).toEqual({ input_uncached: 100, output_text: 40 });
  });

  it('asks no output of an API that has none', () => {
    const usage = trustUsage(fromOpenAiUsage({ prompt_tokens: 8, total_tokens: 8 }), { input_uncached: 9 }, true);

    expect(usage).toMatchObject({ meters: { input_uncached: 8 }, usageSource: 'provider' });
  });
});
